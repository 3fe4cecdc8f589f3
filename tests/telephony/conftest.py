"""What the tests with a real Asterisk share: one search for it a run, and one without Trunkline."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.asterisk.bundle import AsteriskBinaries, default_cache, find_asterisk
from tests.telephony.asterisk_cluster import AsteriskCluster
from tests.telephony.bare_asterisk import BareAsterisk

BARE_PHONES = 20


@pytest.fixture(scope="session")
def asterisk_binaries() -> AsteriskBinaries:
    """An Asterisk to run; the first time on a machine it is fetched."""
    return find_asterisk(default_cache())


@pytest.fixture(scope="module")
def bare_asterisk(
    asterisk_binaries: AsteriskBinaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BareAsterisk]:
    """One that knows `BARE_PHONES` phones, agent1 and on."""
    process = BareAsterisk(asterisk_binaries, tmp_path_factory.mktemp("bare") / "etc", BARE_PHONES)
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def cluster(asterisk_binaries: AsteriskBinaries, tmp_path: Path) -> AsyncIterator[AsteriskCluster]:
    """Sites of real branches and real Asterisks, to be added and started by the test."""
    async with AsteriskCluster(tmp_path, asterisk_binaries) as made:
        yield made
