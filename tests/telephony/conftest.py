"""What the tests with a real Asterisk share: one search for it a run, and one without Trunkline."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.asterisk.bundle import AsteriskBinaries, default_cache, find_asterisk
from router.ids import AgentId, SiteId
from tests.fakes.asterisk_site import AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.telephony_rig import AGENT, HOME, OTHER_AGENT
from tests.telephony.asterisk_cluster import AsteriskCluster
from tests.telephony.bare_asterisk import BareAsterisk
from tests.telephony.wired_link import WiredLink

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


@asynccontextmanager
async def _opened(site: AsteriskSite) -> AsyncIterator[AsteriskSite]:
    try:
        await site.open()
        yield site
    finally:
        await site.close()


@pytest.fixture
async def home() -> AsyncIterator[AsteriskSite]:
    """Beijing's Asterisk and two phones, without a branch."""
    async with _opened(AsteriskSite(HOME, loopback(11), (AGENT, OTHER_AGENT))) as made:
        yield made


@pytest.fixture
async def peer() -> AsyncIterator[AsteriskSite]:
    """Urumqi's, alike."""
    async with _opened(AsteriskSite(SiteId("urumqi"), loopback(12), (AgentId("urumqi/1001"),))) as made:
        yield made


@pytest.fixture
async def link(home: AsteriskSite) -> AsyncIterator[WiredLink]:
    """In the place of beijing's branch."""
    made = await WiredLink.open(home)
    yield made
    await made.close()
