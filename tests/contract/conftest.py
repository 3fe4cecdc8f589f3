"""What the contract suites share: two PBXes with a trunk between them, one pair an adapter."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.asterisk_site import AsteriskSite, wire_trunks
from tests.fakes.loopback import loopback
from tests.fakes.telephony_rig import AGENT, HOME, OTHER_AGENT, PEER, PEER_AGENT, SimulatedSite, Site
from tests.fakes.telephony_steps import Sites


@pytest.fixture
async def sites(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sites]:
    """Two running PBXes with a trunk between them, of the kind that --pbx names."""
    if request.config.getoption("--pbx") == "asterisk":
        ours = AsteriskSite(HOME, loopback(11), (AGENT, OTHER_AGENT))
        theirs = AsteriskSite(PEER, loopback(12), (PEER_AGENT,))
        wire_trunks(ours, theirs)
        try:
            await asyncio.gather(ours.open(), theirs.open())
            yield ours, theirs
        finally:
            await ours.close()
            await theirs.close()
        return
    home = SimulatedSite(tmp_path / HOME, HOME, (AGENT, OTHER_AGENT))
    peer = SimulatedSite(tmp_path / PEER, PEER, (PEER_AGENT,))
    home.trunks[PEER] = peer.pbx.trunk_address
    peer.trunks[HOME] = home.pbx.trunk_address
    try:
        await asyncio.gather(home.start(), peer.start())
        yield home, peer
    finally:
        await home.close()
        await peer.close()


@pytest.fixture
def home(sites: Sites) -> Site:
    return sites[0]


@pytest.fixture
def peer(sites: Sites) -> Site:
    return sites[1]
