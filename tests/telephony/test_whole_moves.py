"""Whole sites whose links are on refer: callers whom their carrier moves to the helper, or does not."""

import asyncio
from dataclasses import dataclass

import pytest

from deploy.phones.callers import Caller, OutgoingCall
from deploy.phones.phones import Behaviour, Phone
from deploy.phones.sip_calls import Call, Ending
from deploy.phones.sip_text import user_of
from router.call import Disposition
from router.ledger import CallConnected, CallEnded, HandoffMoved, HandoffStayed, LedgerRow, Role
from router.overflow.policy import Media
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.fakes.sip_carrier import MOVES, REFUSES, SILENT, Carrier, ReferAnswer
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite
from tests.telephony.asterisk_pbx import CITY, LINE_NUMBER

pytestmark = pytest.mark.timeout(180)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True, has_tone=True)
HEARD_PACKETS = 50
COUNTED = 12
LIVE_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A caller of beijing's, where nobody sits, who has been answered by urumqi's agent."""

    cluster: AsteriskCluster
    beijing: BranchSite
    urumqi: BranchSite
    carrier: Carrier
    call: OutgoingCall
    phone: Phone

    async def moved(self) -> OutgoingCall:
        """The call that took its place, once both sites have written so."""
        moved = await self.carrier.wait_moved()
        await self.cluster.until(has(HandoffMoved, 2))
        await self.call.wait_over()
        return moved

    async def ended(self) -> list[LedgerRow]:
        """The rows once the talk is over at both sites: counted once, and whole."""
        await self.phone.wait_idle()
        await self.cluster.until(has(CallEnded))
        await self.urumqi.until_agents(READY=1)
        await self.beijing.until_calls()
        rows = self.cluster.rows()
        assert len(entries(rows, CallEnded)) == len(entries(rows, CallConnected)) == 1
        assert broken_laws(rows) == {}
        return rows


async def answered(cluster: AsteriskCluster, on_refer: ReferAnswer = MOVES) -> Talk:
    beijing, urumqi = cluster.add("beijing", 1001), cluster.add("urumqi", 2001)
    await cluster.start(media=Media.REFER)
    await urumqi.man(BY_HAND)
    (phone,) = urumqi.phones.values()
    carrier = await cluster.carrier(beijing)
    carrier.on_refer = on_refer
    call = await carrier.call(LINE_NUMBER, sends_rtp=True)
    await phone.wait_ringing()
    await cluster.answer(phone)
    return Talk(cluster=cluster, beijing=beijing, urumqi=urumqi, carrier=carrier, call=call, phone=phone)


async def hears(call: Call) -> None:
    """A second of whoever speaks now."""
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)


def channels(site: BranchSite) -> str:
    """What its Asterisk has open."""
    return site.pbx.process.command("core show channels concise").strip()


async def test_a_moved_talk_is_the_helpers_alone_and_its_caller_ends_it(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster)
    moved = await talk.moved()
    await hears(moved)

    assert channels(talk.beijing) == ""
    assert len(channels(talk.urumqi).splitlines()) == 2
    await moved.hang_up()
    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]
    assert [each.served_by for each in entries(rows, CallConnected)] == ["urumqi"]
    assert talk.phone.counts.talked == 1
    assert entries(rows, HandoffStayed) == []


async def test_the_agent_of_a_moved_talk_ends_it(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster)
    moved = await talk.moved()

    await talk.phone.hang_up()

    assert await moved.wait_over() is Ending.THEY_HUNG_UP
    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]


async def test_a_caller_whose_carrier_refuses_stays_where_it_was(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster, REFUSES)
    await cluster.until(has(HandoffStayed))

    await hears(talk.call)
    await talk.call.hang_up()

    rows = await talk.ended()
    assert [each.reason for each in entries(rows, HandoffStayed)] == ["NOT_MOVED"]
    assert entries(rows, HandoffMoved) == []
    assert len(talk.carrier.referred) == 1


async def test_a_silent_carrier_is_asked_for_one_caller_and_no_other(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster, SILENT)
    rows = await cluster.until(has(HandoffStayed))
    late = user_of(talk.carrier.referred[-1].target)
    assert await status_of(late, talk.urumqi) == 403
    assert await refused(talk.urumqi, "TOKEN_UNKNOWN") == 1
    await talk.call.hang_up()
    assert [each.reason for each in entries(rows, HandoffStayed)] == ["CARRIER_SILENT"]
    await talk.ended()

    other = await cluster.carrier(talk.beijing, "13800000002")
    second = await other.call(LINE_NUMBER, sends_rtp=True)
    await talk.phone.wait_ringing()
    talk.phone.answer()
    await hears(second)
    await second.hang_up()
    rows = await cluster.until(has(CallEnded, 2))

    assert (len(talk.carrier.referred), len(other.referred)) == (1, 0)
    assert broken_laws(rows) == {}


async def refused(site: BranchSite, reason: str) -> float:
    return await site.metric(f'trunkline_tokens_refused_total{{reason="{reason}"}}')


async def status_of(user: str, to: BranchSite) -> int:
    """What a caller from the city is answered there."""
    async with Caller("13800138000", to.pbx.address, host=CITY) as caller:
        call = await caller.call(user)
        await call.wait_over()
        return call.status


async def test_a_token_of_a_move_is_good_once_for_a_while_and_not_changed(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster)
    moved = await talk.moved()
    used = user_of(talk.carrier.referred[-1].target)
    await hears(moved)

    assert await status_of(used, talk.urumqi) == 403
    assert await refused(talk.urumqi, "TOKEN_UNKNOWN") == 1
    forged = used[:-4] + ("AAAA" if used[-4:] != "AAAA" else "BBBA")
    assert await status_of(forged, talk.urumqi) == 403
    assert await refused(talk.urumqi, "TOKEN_FORGED") == 1
    await hears(moved)
    await moved.hang_up()
    await talk.ended()


async def test_a_killed_branch_of_the_origin_ends_the_moved_talk_once_it_is_back(
    cluster: AsteriskCluster,
) -> None:
    talk = await answered(cluster)
    moved = await talk.moved()

    await talk.beijing.branch.kill()
    await hears(moved)
    await moved.hang_up()
    await talk.phone.wait_idle()
    await talk.beijing.branch.start()

    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]


async def test_a_moved_talk_goes_on_while_its_origins_asterisk_is_dead(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster)
    moved = await talk.moved()

    talk.beijing.pbx.process.kill()
    await hears(moved)
    await moved.hang_up()

    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]
    await talk.beijing.pbx.start()


async def test_a_moved_talk_goes_on_while_its_helpers_branch_is_killed(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster)
    moved = await talk.moved()

    await talk.urumqi.branch.kill()
    await hears(moved)
    await talk.urumqi.branch.start()
    await hears(moved)
    await moved.hang_up()

    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]


async def test_a_moved_talk_whose_helpers_asterisk_dies_has_failed(cluster: AsteriskCluster) -> None:
    talk = await answered(cluster)
    await talk.moved()

    talk.urumqi.pbx.process.kill()

    rows = await cluster.until(has(CallEnded))
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.FAILED]
    await talk.beijing.until_calls()
    assert broken_laws(cluster.rows()) == {}
    await talk.urumqi.pbx.start()


async def test_a_branch_that_was_killed_while_its_caller_is_moved_finds_it_moved(
    cluster: AsteriskCluster,
) -> None:
    talk = await answered(cluster, SILENT)
    await talk.carrier.wait_referred()

    await talk.beijing.branch.kill()
    talk.carrier.move_late()
    moved = await talk.carrier.wait_moved()
    await talk.call.wait_over()
    await hears(moved)
    await talk.beijing.branch.start()
    await cluster.until(has(HandoffMoved, 2))
    await hears(moved)
    await moved.hang_up()

    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]


async def test_a_helper_that_was_killed_while_a_caller_is_on_its_way_leaves_it_where_it_was(
    cluster: AsteriskCluster,
) -> None:
    talk = await answered(cluster, SILENT)
    await talk.carrier.wait_referred()

    await talk.urumqi.branch.kill()
    talk.carrier.move_late()
    with pytest.raises(ConnectionRefusedError):
        await talk.carrier.wait_moved()
    await hears(talk.call)
    await talk.urumqi.branch.start()
    await cluster.until(has(HandoffStayed))
    await hears(talk.call)
    await talk.call.hang_up()

    rows = await talk.ended()
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]
    assert entries(rows, HandoffMoved) == []


async def test_moved_callers_are_counted_alike_by_carrier_phones_and_ledgers(
    cluster: AsteriskCluster,
) -> None:
    beijing, urumqi = cluster.add("beijing"), cluster.add("urumqi", 2001, 2002, 2003)
    await cluster.start(media=Media.REFER)
    await urumqi.man(Behaviour(ring_ms=50, sends_rtp=True, has_tone=True))
    carriers = [await cluster.carrier(beijing, f"1380000{number:04}") for number in range(COUNTED)]
    for carrier in carriers[::3]:
        carrier.on_refer = REFUSES

    async def live(carrier: Carrier) -> bool:
        """Call, be moved or not, hear a second of the agent, hang up; whether it was moved."""
        call = await carrier.call(LINE_NUMBER, sends_rtp=True)
        await carrier.wait_referred(limit_s=LIVE_LIMIT_S)
        last = call if carrier.on_refer is REFUSES else await carrier.wait_moved()
        await hears(last)
        await last.hang_up()
        return last is not call

    moved = await asyncio.gather(*(live(carrier) for carrier in carriers))
    rows = await cluster.until(has(CallEnded, COUNTED))
    await urumqi.until_agents(READY=3)
    rows = cluster.rows()

    assert sum(phone.counts.talked for phone in urumqi.phones.values()) == COUNTED
    assert sum(moved) == COUNTED - len(carriers[::3])
    assert [each.role for each in entries(rows, HandoffMoved)].count(Role.ORIGIN) == sum(moved)
    assert [each.role for each in entries(rows, HandoffMoved)].count(Role.HELPER) == sum(moved)
    assert len(entries(rows, HandoffStayed)) == len(carriers[::3])
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED] * COUNTED
    assert [channels(site) for site in (beijing, urumqi)] == ["", ""]
    assert broken_laws(rows) == {}
