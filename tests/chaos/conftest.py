"""What the tests that break things share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.overflow_pair import Pair


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Made and not started."""
    async with AsyncExitStack() as stack:
        yield Pair(tmp_path, stack)
