"""Two real sites whose callers are sent on: the origin answers 302, and the call is the helper's own."""

import asyncio
from dataclasses import replace

import pytest

from branch.telephony.driver.vocabulary import Do, Kind
from branch.telephony.simulated.pbx.settings import OnRedirect
from branch.telephony.simulated.wire import Play
from router.call import Disposition
from router.ledger import (
    AgentOffered,
    CallArrived,
    CallConnected,
    CallEnded,
    CallQueued,
    HandoffConfirmed,
    HandoffPromised,
    HandoffRedirected,
    HandoffRefused,
    HandoffTakenIn,
    LedgerRow,
    RingFailed,
)
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.integration.test_branch_cluster import Cluster, agents_ready, cluster

__all__ = ["cluster"]

LIMIT_S = 60.0
CARRIER_S = 3.0
"""A carrier that takes its time: long enough to kill a process and short enough for a caller."""

NEVER_BLINDLY = "[overflow]\nblind_ask_interval_ms = 600000\n"
"""Without a board callers ask their one peer at once; an agent who asks too would be kept for that."""

pytestmark = pytest.mark.timeout(180)


class Sites:
    """Beijing has callers and nobody to serve them, Urumqi one agent; Beijing redirects."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def start(self, *, people: str = "", carrier_s: float = 0.1) -> tuple[BranchProcess, BranchProcess]:
        """`people` are Urumqi's."""
        carrier = f"ring_s = 0.2\n[carrier]\nredirect_delay_s = {carrier_s}\n"
        beijing = await self._cluster.add("beijing", people=carrier)
        agent = '[[people.agent]]\nid = "urumqi/1"\n'
        urumqi = await self._cluster.add("urumqi", 1, people=f"ring_s = 0.2\n{people}{agent}")
        beijing.write_file([replace(urumqi.neighbour, media="redirect")])
        urumqi.write_file([beijing.neighbour], more=NEVER_BLINDLY)
        await asyncio.gather(beijing.start(), urumqi.start())
        await self._cluster.until_connected(beijing)
        await agents_ready(urumqi, 1)
        return beijing, urumqi


@pytest.fixture
def sites(cluster: Cluster) -> Sites:
    return Sites(cluster)


async def kinds_at(branch: BranchProcess) -> list[str]:
    return sorted(each["kind"] for each in await branch.pbx.do(Do.LIST_CHANNELS))


def endings(rows: list[LedgerRow]) -> list[tuple[str, Disposition]]:
    return sorted((row.site_id, row.entry.disposition) for row in rows if isinstance(row.entry, CallEnded))


SENT_AND_SERVED = [("beijing", Disposition.REDIRECTED), ("urumqi", Disposition.ANSWERED)]


async def both_ended(cluster: Cluster) -> list[LedgerRow]:
    rows = await cluster.until(has(CallEnded, 2))
    assert broken_laws(rows) == {}
    return rows


async def test_a_caller_nobody_has_answered_is_sent_on_and_served_as_the_helpers_own(
    cluster: Cluster, sites: Sites
) -> None:
    beijing, urumqi = await sites.start()

    await beijing.pbx.call(handle_s=0.5)
    rows = await both_ended(cluster)

    assert endings(rows) == SENT_AND_SERVED
    [taken] = entries(rows, HandoffTakenIn)
    [connected] = entries(rows, CallConnected)
    assert (connected.call_id, connected.agent_id) == (taken.call_id, "urumqi/1")
    [redirected] = entries(rows, HandoffRedirected)
    assert redirected.call_id == taken.origin_call_id
    assert entries(rows, HandoffConfirmed) == []
    assert (await kinds_at(beijing), await kinds_at(urumqi)) == ([], [])


async def test_the_wait_goes_with_the_caller(cluster: Cluster, sites: Sites) -> None:
    beijing, urumqi = await sites.start(carrier_s=1.0)
    await beijing.pbx.call(handle_s=3600)

    rows = await cluster.until(has(CallConnected))

    [taken], [connected] = entries(rows, HandoffTakenIn), entries(rows, CallConnected)
    [queued] = [each for each in entries(rows, CallQueued) if each.call_id == taken.call_id]
    assert queued.waited_before_ms is not None
    assert queued.waited_before_ms >= 900
    assert connected.waited_ms >= queued.waited_before_ms
    assert await kinds_at(urumqi) == [Kind.PHONE, Kind.TRUNK_IN]
    assert await kinds_at(beijing) == []


async def test_an_agent_who_does_not_answer_leaves_a_caller_who_waits_there_for_the_next(
    cluster: Cluster, sites: Sites
) -> None:
    shares = "seed = 1\nreject_share = 0.5\nagain_ready_s = 1\n"
    beijing, _urumqi = await sites.start(people=shares)

    await beijing.pbx.call(handle_s=0.5)
    rows = await both_ended(cluster)

    assert endings(rows) == SENT_AND_SERVED
    assert entries(rows, RingFailed) != [], "choose a seed by which the first ring is rejected"
    assert len(entries(rows, AgentOffered)) == len(entries(rows, RingFailed)) + 1
    assert len(entries(rows, HandoffTakenIn)) == 1


async def test_a_caller_whom_the_helper_refuses_is_picked_up_and_queued_at_home(
    cluster: Cluster, sites: Sites
) -> None:
    beijing, urumqi = await sites.start()
    occupied = await urumqi.pbx.call(handle_s=3600)
    await cluster.until(has(CallConnected))

    caller = await beijing.pbx.call()
    rows = await cluster.until(has(HandoffRefused))
    channels = await beijing.pbx.do(Do.LIST_CHANNELS)
    assert [each["kind"] for each in channels] == [Kind.CALLER]
    await beijing.pbx.do(Play.GIVE_UP, channel=caller)
    await urumqi.pbx.do(Play.GIVE_UP, channel=occupied)

    rows = await both_ended(cluster)
    assert endings(rows) == [
        ("beijing", Disposition.ABANDONED_IN_QUEUE),
        ("urumqi", Disposition.ANSWERED),
    ]
    assert entries(rows, HandoffRedirected) == []


@pytest.mark.parametrize("is_back_first", [True, False], ids=["back-before-the-caller", "back-after-it"])
async def test_a_caller_who_comes_to_a_helper_that_was_killed_meanwhile_is_queued(
    cluster: Cluster, sites: Sites, is_back_first: bool
) -> None:
    beijing, urumqi = await sites.start(carrier_s=CARRIER_S)
    await beijing.pbx.call(handle_s=0.5)
    await cluster.until(has(HandoffRedirected))
    await urumqi.kill()

    if not is_back_first:
        async with asyncio.timeout(LIMIT_S):
            while await kinds_at(urumqi) == []:  # noqa: ASYNC110 - another process's channels
                await asyncio.sleep(0.05)
    await urumqi.start()

    rows = await both_ended(cluster)
    assert endings(rows) == SENT_AND_SERVED
    assert len(entries(rows, HandoffPromised)) == len(entries(rows, HandoffTakenIn)) == 1


async def test_an_origin_that_is_killed_beside_the_redirect_has_ended_the_call_once(
    cluster: Cluster, sites: Sites
) -> None:
    beijing, _urumqi = await sites.start(carrier_s=1.0)
    await beijing.pbx.call(handle_s=0.5)
    await cluster.until(has(HandoffRedirected))
    await beijing.kill()
    await beijing.start()

    rows = await both_ended(cluster)

    assert endings(rows) == SENT_AND_SERVED
    assert len(entries(rows, CallArrived)) == 2


async def test_a_caller_whom_its_carrier_loses_has_ended_at_home_and_leaves_the_agent_free(
    cluster: Cluster, sites: Sites
) -> None:
    beijing, urumqi = await sites.start()
    await beijing.pbx.do(Play.SET_CARRIER, on_redirect=OnRedirect.LOSE)

    await beijing.pbx.call()
    rows = await cluster.until(has(CallEnded))
    await agents_ready(urumqi, 1)

    assert endings(rows) == [("beijing", Disposition.REDIRECTED)]
    assert await kinds_at(urumqi) == []
