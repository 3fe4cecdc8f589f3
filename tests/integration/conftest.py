"""What tests of desks share: a site that serves them, a file with the password, terminals that end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.desk_site import PASSWORD, DeskSite, desk_site
from tests.fakes.pty_child import PtyChild


@pytest.fixture
async def site() -> AsyncIterator[DeskSite]:
    """Nobody is logged in yet."""
    async with desk_site() as running:
        yield running


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file with everybody's password."""
    file = tmp_path / "secret"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    return file


@pytest.fixture
async def children() -> AsyncIterator[list[PtyChild]]:
    """Whoever starts a child puts it in."""
    started: list[PtyChild] = []
    yield started
    for child in started:
        child.close()
