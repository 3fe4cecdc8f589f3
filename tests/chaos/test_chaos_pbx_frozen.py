"""A PBX is frozen at every step of a hand-off, and thaws: its connections stand, and nothing answers.

Nobody tells its peers, as an operating system does for a dead one. Its own branch hears the
silence and tells them: who is not joined yet waits at home, and nobody is sent there any more.
A talk is over when the other PBX hears the silence. Afterwards every caller is served once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from branch.telephony.driver.vocabulary import Do, Kind
from router.call import Disposition
from router.ledger import (
    AgentStateChanged,
    CallArrived,
    CallConnected,
    CallEnded,
    HandoffRefused,
    HandoffReserved,
    LedgerRow,
    RingFailed,
)
from router.overflow.messages import Refusal
from tests.chaos.overflow_pair import HELPER, HOME, Pair, Site
from tests.chaos.test_chaos_pbx_death import BEFORE_THE_TALK, WHILE_THEY_TALK, waits_at_home
from tests.fakes.ledger_reading import broken_laws, entries

SOON_S = 60.0
"""It takes six seconds; a busy machine needs longer for everything, and nothing else comes to help."""

pytestmark = pytest.mark.timeout(300)


async def test_whenever_the_helpers_pbx_freezes_before_the_talk_the_caller_waits_at_home_and_is_served(
    pair: Pair,
) -> None:
    await pair.start()
    for step, (site, moment) in BEFORE_THE_TALK.items():
        await pair.call_until_frozen(pair.helper, pair.home if site == HOME else pair.helper, moment)
        await soon(lambda: has_agents(pair.helper, UNREACHABLE=1), step)
        await soon(lambda: waits_at_home(pair), step)
        reserved = reserved_count(pair)
        await asked_in_vain(pair.home, step)
        reserved_since = reserved_count(pair) - reserved
        pair.helper.pbx.thaw()
        await pair.until_served()

        assert reserved_since == 0, step
        assert broken_laws(pair.rows()) == {}, step

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == pair.call_count
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert await pair.connected_twice() == 0


async def test_whenever_the_helpers_pbx_freezes_in_the_talk_the_caller_is_released(pair: Pair) -> None:
    await pair.start()
    pair.talk_s = 2 * SOON_S

    for step, (site, moment) in WHILE_THEY_TALK.items():
        await pair.call_until_frozen(pair.helper, pair.home if site == HOME else pair.helper, moment)
        await soon(lambda: has_no_channels(pair.home), step)
        pair.helper.pbx.thaw()
        await pair.until_served()

        assert broken_laws(pair.rows()) == {}, step

    rows = pair.rows()
    assert len(entries(rows, CallEnded)) == pair.call_count
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert await pair.connected_twice() == 0


async def test_whenever_the_origins_pbx_freezes_the_helpers_agent_is_free_and_nobody_is_lost(
    pair: Pair,
) -> None:
    """A frozen caller can be neither served nor asked; once it thaws it is where it was."""
    await pair.start()
    for step, (site, moment) in (BEFORE_THE_TALK | WHILE_THEY_TALK).items():
        await pair.call_until_frozen(pair.home, pair.home if site == HOME else pair.helper, moment)
        await soon(lambda: has_agents(pair.helper, READY=1), step)
        await soon(lambda: is_silent(pair.home), step)
        reserved = reserved_count(pair)
        await asked_in_vain(pair.helper, step)
        reserved_since = reserved_count(pair) - reserved
        pair.home.pbx.thaw()
        await pair.until_served()

        assert reserved_since == 0, step
        assert broken_laws(pair.rows()) == {}, step

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == len(entries(rows, CallEnded)) == pair.call_count
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert await pair.connected_twice() == 0


async def test_own_callers_talk_on_and_are_served_when_it_thaws_and_no_agent_has_missed_anything(
    pair: Pair,
) -> None:
    await pair.start()
    site = pair.helper
    talking = await site.pbx.call(handle_s=SOON_S)
    await soon(lambda: has_agents(site, TALKING=1), "talk")
    waiting = await site.pbx.call(handle_s=0.2)
    await soon(lambda: has_calls(site, 2), "wait")

    site.pbx.freeze()
    await soon(lambda: is_silent(site), "talking and waiting")
    site.pbx.thaw()
    await soon(lambda: is_heard(site), "talking and waiting")
    callers = await callers_at(site)
    await site.pbx.do(Do.HANG_UP, channel=talking)
    await soon(lambda: has_agents(site, READY=1), "served")

    site.pbx.freeze()
    await soon(lambda: has_agents(site, UNREACHABLE=1), "idle")
    site.pbx.thaw()
    await soon(lambda: has_agents(site, READY=1), "idle again")

    rows = site.branch.rows()
    assert callers == {talking, waiting}
    assert len(entries(rows, CallConnected)) == 2
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert entries(rows, RingFailed) == []
    assert broken_laws(pair.rows()) == {}


@pytest.mark.parametrize("killed", [HOME, HELPER])
async def test_a_branch_that_is_started_again_beside_its_frozen_pbx_goes_on_when_it_thaws(
    pair: Pair, killed: str
) -> None:
    """The new process has never heard it; its agents are kept back all the same, and ready by themselves."""
    await pair.start()
    site = pair.helper if killed == HELPER else pair.home
    await pair.call_until_frozen(site, *at_step(pair, "phone rings"))
    await soon(lambda: has_fallen_silent(site, 1), "frozen")

    await site.branch.kill()
    await site.branch.start()
    await soon(lambda: has_fallen_silent(site, 2), "started again")
    site.pbx.thaw()
    await pair.until_served()

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == len(entries(rows, CallEnded)) == pair.call_count
    assert broken_laws(rows) == {}
    assert await pair.connected_twice() == 0


async def test_a_frozen_pbx_that_is_killed_is_a_dead_one(pair: Pair) -> None:
    await pair.start()
    await pair.call_until_frozen(pair.helper, *at_step(pair, "phone rings"))
    await soon(lambda: waits_at_home(pair), "frozen")

    await pair.helper.pbx.kill()
    await soon(lambda: has_reason(pair.helper, "PBX_DOWN"), "killed")
    await pair.helper.pbx.start()
    await pair.until_served()

    rows = pair.rows()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]
    assert broken_laws(rows) == {}


def reserved_count(pair: Pair) -> int:
    """Agents that were promised to somebody."""
    return len(entries(pair.helper.branch.rows(), HandoffReserved))


async def asked_in_vain(site: Site, step: str) -> None:
    """Whoever has a caller, or an idle agent, asks the other site, which has nothing to give."""

    async def is_refused() -> bool:
        return refused_count(site) > before

    before = refused_count(site)
    await soon(is_refused, step)


def refused_count(site: Site) -> int:
    refused = entries(site.branch.rows(), HandoffRefused)
    return sum(each.reason == Refusal.NOT_ACCEPTING for each in refused)


def at_step(pair: Pair, step: str) -> tuple[Site, str]:
    site, moment = BEFORE_THE_TALK[step]
    return (pair.helper if site == HELPER else pair.home), moment


async def callers_at(site: Site) -> set[str]:
    return {each["channel"] for each in await site.pbx.do(Do.LIST_CHANNELS) if each["kind"] == Kind.CALLER}


async def has_no_channels(site: Site) -> bool:
    return not await site.pbx.do(Do.LIST_CHANNELS)


async def has_agents(site: Site, **states: int) -> bool:
    status = await site.branch.status()
    return status is not None and dict(status.agents) == states


async def has_calls(site: Site, count: int) -> bool:
    status = await site.branch.status()
    return status is not None and sum(status.calls.values()) == count


async def is_silent(site: Site) -> bool:
    return site.branch.log().count('"pbx_silent"') > site.branch.log().count('"pbx_back"') - 1


async def has_fallen_silent(site: Site, times: int) -> bool:
    return site.branch.log().count('"pbx_silent"') == times


async def is_heard(site: Site) -> bool:
    return not await is_silent(site)


async def has_reason(site: Site, reason: str) -> bool:
    return last_reason(site.branch.rows()) == reason


def last_reason(rows: Sequence[LedgerRow]) -> str | None:
    """Of what its agents are kept from."""
    states = entries(rows, AgentStateChanged)
    return states[-1].reason if states else None


async def soon(look: Callable[[], Awaitable[bool]], step: str) -> None:
    try:
        async with asyncio.timeout(SOON_S):
            while not await look():  # noqa: ASYNC110 - other processes' state
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not soon enough at {step!r}") from None
