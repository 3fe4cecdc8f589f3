"""The helper's PBX is killed at every step of a hand-off, and started again.

Who was not bridged yet hears music in its place at home, and is served once there is a PBX to
ring an agent; who talked is released. Each is one caller, with one ending, and every law holds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from branch.telephony.driver.vocabulary import BridgeKind, Do, Kind
from router.call import Disposition
from router.ledger import CallArrived, CallConnected, CallEnded, HandoffRefused
from tests.chaos.overflow_pair import HELPER, HOME, Pair
from tests.fakes.ledger_reading import broken_laws, entries
from tests.fakes.tcp_link import TcpLink

SOON_S = 4.0
"""Before the two PBXes would take a silent trunk for a dead one."""

TALK_S = 60.0
"""Longer than anything here may take: only the PBX's death ends such a talk."""

BEFORE_THE_TALK = {
    "reserved": (HELPER, "written AGENT_STATE+HANDOFF_RESERVED"),
    "dialled": (HOME, "left DialSite"),
    "trunk leg heard": (HELPER, "left RingAgent"),
    "phone rings": (HELPER, "decided AGENT_RANG+HANDOFF_RANG"),
    "ringing heard at home": (HOME, "written HANDOFF_RANG"),
    "answered": (HELPER, "decided AGENT_STATE+HANDOFF_CONNECTED"),
}
WHILE_THEY_TALK = {
    "answer heard at home": (HOME, "decided HANDOFF_CONNECTED+CALL_CONNECTED"),
    "connected": (HOME, "left BridgeTrunk"),
    "confirmed": (HELPER, "written HANDOFF_CONFIRMED"),
}
TOLD = (Disposition.FAILED, "PBX_DOWN")
ASKED = (Disposition.ANSWERED, "OVER_AT_HELPER")
SEEN = (Disposition.ANSWERED, "TRUNK_HUNG_UP")
"""What a talk ends as, whichever the origin hears first: the helper's branch telling it, the same
branch's answer to the Confirm that has crossed this, or the trunk's end."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(params=[True, False], ids=["trunk_ends", "trunk_is_silent"])
async def trunk(request: pytest.FixtureRequest, pair: Pair) -> AsyncIterator[TcpLink]:
    """Between the two PBXes, started with them: the helper's death is seen there, or not."""
    async with TcpLink(pair.helper.pbx.trunk_address, tells_ends=request.param) as link:
        await pair.start(link.endpoint)
        yield link


async def test_whenever_the_helpers_pbx_dies_before_the_talk_the_caller_waits_at_home_and_is_served(
    pair: Pair, trunk: TcpLink
) -> None:
    for step, (site, moment) in BEFORE_THE_TALK.items():
        await pair.call_until_pbx_death(pair.home if site == HOME else pair.helper, moment)
        await soon(lambda: waits_at_home(pair), step)
        await soon(lambda: is_refused(pair), step)
        await pair.helper.pbx.start()
        await pair.until_served()

        assert broken_laws(pair.rows()) == {}, step

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == pair.call_count
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert len(entries(rows, CallConnected)) == pair.call_count
    assert await pair.connected_twice() == 0


async def test_whenever_the_helpers_pbx_dies_in_the_talk_the_caller_is_released(
    pair: Pair, trunk: TcpLink
) -> None:
    pair.talk_s = TALK_S

    for step, (site, moment) in WHILE_THEY_TALK.items():
        await pair.call_until_pbx_death(pair.home if site == HOME else pair.helper, moment)
        await soon(lambda: is_released(pair), step)
        await pair.helper.pbx.start()
        await pair.until_served()

        assert broken_laws(pair.rows()) == {}, step

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == len(WHILE_THEY_TALK) == pair.call_count
    endings = {(each.disposition, each.reason) for each in entries(rows, CallEnded)}
    assert endings <= ({TOLD, ASKED, SEEN} if trunk.tells_ends else {TOLD, ASKED})
    assert await pair.connected_twice() == 0


async def waits_at_home(pair: Pair) -> bool:
    """One caller, in its place and with the queue's music."""
    status = await pair.home.branch.status()
    bridges = await pair.home.pbx.do(Do.LIST_BRIDGES)
    music = [each["channels"] for each in bridges if each["kind"] == BridgeKind.HOLDING]
    channels = await pair.home.pbx.do(Do.LIST_CHANNELS)
    callers = [each["channel"] for each in channels if each["kind"] == Kind.CALLER]
    is_queued = status is not None and dict(status.calls) == {"QUEUED": 1}
    return is_queued and len(channels) == len(callers) == 1 and callers in music


async def is_refused(pair: Pair) -> bool:
    """The helper's branch has said no, and that row is on the disk a moment later."""
    return bool(entries(pair.home.branch.rows(), HandoffRefused))


async def is_released(pair: Pair) -> bool:
    """No channel is left at home, and the ledger says why."""
    status = await pair.home.branch.status()
    is_over = status is not None and not status.calls
    return is_over and await pair.home.pbx.do(Do.LIST_CHANNELS) == []


async def soon(look: Callable[[], Awaitable[bool]], step: str) -> None:
    try:
        async with asyncio.timeout(SOON_S):
            while not await look():  # noqa: ASYNC110 - other processes' state
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not soon enough after the PBX died at {step!r}") from None
