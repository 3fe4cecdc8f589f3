"""Whole sites whose links are on redirect: callers whom nobody has answered are sent on to the helper's."""

import asyncio
from collections.abc import Sequence

import pytest

from deploy.phones.callers import Caller, OutgoingCall
from deploy.phones.phones import Behaviour, Phone
from deploy.phones.sip_calls import Call, Ending
from deploy.phones.sip_text import user_of
from router.call import Disposition
from router.ledger import (
    CallConnected,
    CallEnded,
    Entry,
    HandoffExpired,
    HandoffRedirected,
    HandoffRefused,
    HandoffTakenIn,
)
from router.overflow.policy import Media
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.fakes.sip_carrier import LOSES, Carrier, RedirectAnswer
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite
from tests.telephony.asterisk_pbx import CITY, LINE_NUMBER

pytestmark = pytest.mark.timeout(180)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True, has_tone=True)
BUSY = Behaviour(status=486)
HEARD_PACKETS = 50
COUNTED = 12
LATER_S = 2.0
"""Time enough to kill a process in."""
LIVE_LIMIT_S = 90.0


class Redirects:
    """Callers of beijing's, where nobody sits; at urumqi's somebody does."""

    def __init__(self, cluster: AsteriskCluster, beijing: BranchSite, urumqi: BranchSite) -> None:
        self.cluster = cluster
        self.beijing = beijing
        self.urumqi = urumqi

    @property
    def phone(self) -> Phone:
        """Of urumqi's first agent."""
        return self.urumqi.phones[2001]

    async def call(self, answer: RedirectAnswer | None = None) -> tuple[Carrier, OutgoingCall]:
        """Somebody calls beijing, whose carrier does `answer` when it is told to call elsewhere."""
        carrier = await self.cluster.carrier(self.beijing)
        carrier.on_redirect = answer or carrier.on_redirect
        return carrier, await carrier.call(LINE_NUMBER, sends_rtp=True)

    async def talking(self) -> tuple[Carrier, OutgoingCall]:
        """Somebody talks to urumqi's agent over the call that its carrier has made; that one."""
        carrier, call = await self.call()
        await self.phone.wait_ringing()
        await self.cluster.answer(self.phone)
        onward = await carrier.wait_onward()
        assert (call.status, call.is_answered) == (302, False)
        await hears(onward)
        return carrier, onward

    async def ended(self, *dispositions: Disposition) -> None:
        """One caller of beijing's is redirected, and at urumqi's one call has so ended; the agent is free."""
        await self.cluster.until(has(CallEnded, 1 + len(dispositions)))
        await self.urumqi.until_calls()
        assert dispositions_at(self.beijing) == [Disposition.REDIRECTED]
        assert dispositions_at(self.urumqi) == list(dispositions)
        assert broken_laws(self.cluster.rows()) == {}


async def redirects(cluster: AsteriskCluster, agents: int = 1) -> Redirects:
    beijing, urumqi = cluster.add("beijing", 1001), cluster.add("urumqi", *range(2001, 2001 + agents))
    await cluster.start(media=Media.REDIRECT)
    await urumqi.man(BY_HAND)
    # Whoever gets ready is kept for a moment, while beijing is asked for its callers.
    await cluster.until(has(HandoffRefused, 1))
    return Redirects(cluster, beijing, urumqi)


async def hears(call: Call) -> None:
    """A second of whoever speaks now, or of music."""
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)


def written(site: BranchSite, kind: type[Entry]) -> Sequence[Entry]:
    return entries(site.branch.rows(), kind)


def dispositions_at(site: BranchSite) -> list[Disposition]:
    return [each.disposition for each in entries(site.branch.rows(), CallEnded)]


def channels(site: BranchSite) -> str:
    """What its Asterisk has open."""
    return site.pbx.process.command("core show channels concise").strip()


async def test_a_redirected_caller_is_the_helpers_alone(cluster: AsteriskCluster) -> None:
    there = await redirects(cluster)
    _carrier, onward = await there.talking()

    assert channels(there.beijing) == ""
    assert len(channels(there.urumqi).splitlines()) == 2
    assert there.phone.call is not None
    assert there.phone.call.caller == onward.line.user
    await onward.hang_up()
    await there.ended(Disposition.ANSWERED)
    [taken] = entries(cluster.rows(), HandoffTakenIn)
    [sent] = entries(cluster.rows(), HandoffRedirected)
    assert (taken.handoff_id, taken.origin_call_id) == (sent.handoff_id, sent.call_id)
    assert there.phone.counts.talked == 1


async def test_the_helpers_agent_ends_the_talk_with_a_redirected_caller(cluster: AsteriskCluster) -> None:
    there = await redirects(cluster)
    _carrier, onward = await there.talking()

    await there.phone.hang_up()

    assert await onward.wait_over() is Ending.THEY_HUNG_UP
    await there.ended(Disposition.ANSWERED)


async def test_a_redirected_caller_whom_the_agent_does_not_take_waits_at_the_helpers(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    carrier, _call = await there.call()
    await there.phone.wait_ringing()

    there.phone.refuse(486)
    onward = await carrier.wait_onward()
    await there.urumqi.until_calls(QUEUED=1)
    await hears(onward)

    await there.phone.wait_idle()
    await there.urumqi.dial_code(2001, "*13")
    await there.phone.wait_ringing()
    await cluster.answer(there.phone)
    await onward.hang_up()
    await there.ended(Disposition.ANSWERED)


async def test_a_redirected_caller_who_has_enough_abandons_at_the_helpers(cluster: AsteriskCluster) -> None:
    there = await redirects(cluster)
    carrier, _call = await there.call()
    await there.phone.wait_ringing()
    onward = await carrier.wait_onward()
    await hears(onward)

    await onward.hang_up()

    await there.ended(Disposition.ABANDONED_RINGING)
    await there.urumqi.until_agents(READY=1)


async def test_a_caller_whom_nobody_can_help_waits_at_home_and_is_bridged_later(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    carrier, onward = await there.talking()
    _other, waits = await there.call()

    await waits.wait_answered()
    await hears(waits)
    await onward.hang_up()
    await there.phone.wait_ringing()
    await cluster.answer(there.phone)
    await hears(waits)

    assert len(written(there.beijing, HandoffRedirected)) == 1
    await waits.hang_up()
    rows = await cluster.until(has(CallEnded, 3))
    assert dispositions_at(there.beijing) == [Disposition.REDIRECTED, Disposition.ANSWERED]
    assert broken_laws(rows) == {}
    assert len(carrier.redirected) == 1


async def test_a_caller_whom_the_carrier_loses_is_counted_once_and_the_agent_is_free_again(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    carrier, call = await there.call(LOSES)

    await call.wait_over()
    await cluster.until(has(HandoffExpired))

    await there.urumqi.until_agents(READY=1)
    assert (len(carrier.redirected), call.status) == (1, 302)
    await there.ended()


async def test_a_token_of_a_redirect_is_good_once_and_not_changed(cluster: AsteriskCluster) -> None:
    there = await redirects(cluster)
    carrier, onward = await there.talking()
    used = user_of((await carrier.wait_redirected()).target)
    assert used.startswith("redirected.beijing.")

    forged = used[:-4] + ("AAAA" if used[-4:] != "AAAA" else "BBBA")
    assert [await status_of(each, there.urumqi) for each in (used, forged)] == [403, 403]
    assert await refused(there.urumqi, "TOKEN_FORGED") == 1

    await hears(onward)
    await onward.hang_up()
    await there.ended(Disposition.ANSWERED)


async def status_of(user: str, to: BranchSite) -> int:
    """What a caller from the city is answered there."""
    async with Caller("13800138001", to.pbx.address, host=CITY) as caller:
        call = await caller.call(user)
        await call.wait_over()
        return call.status


async def refused(site: BranchSite, reason: str) -> float:
    return await site.metric(f'trunkline_tokens_refused_total{{reason="{reason}"}}')


async def test_a_caller_who_comes_while_the_helpers_branch_is_dead_is_queued_when_it_is_back(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    carrier, _call = await there.call(RedirectAnswer(delay_s=LATER_S))
    await carrier.wait_redirected()

    await there.urumqi.branch.kill()
    onward = await carrier.wait_onward()
    await onward.wait_answered()
    await there.urumqi.branch.start()
    await there.phone.wait_ringing()
    await cluster.answer(there.phone)
    await hears(onward)

    await onward.hang_up()
    await there.ended(Disposition.ANSWERED)


async def test_a_caller_who_comes_after_the_helper_was_killed_and_is_back_is_queued(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    carrier, _call = await there.call(LOSES)
    told = await carrier.wait_redirected()
    await there.urumqi.branch.kill()
    await there.urumqi.branch.start()
    await there.urumqi.until_agents(READY=1)

    async with Caller("13800138000", there.urumqi.pbx.address, host=CITY) as late:
        onward = await late.call(user_of(told.target), sends_rtp=True)
        await there.phone.wait_ringing()
        await cluster.answer(there.phone)
        await hears(onward)
        await onward.hang_up()

    await there.ended(Disposition.ANSWERED)


async def test_a_redirected_caller_who_waits_does_not_notice_that_the_helper_was_killed(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    carrier, _call = await there.call()
    rung = await there.phone.wait_ringing()
    onward = await carrier.wait_onward()
    await hears(onward)

    await there.urumqi.branch.kill()
    await hears(onward)
    await there.urumqi.branch.start()
    await rung.wait_over()
    await there.phone.wait_ringing()
    await cluster.answer(there.phone)
    await onward.hang_up()

    await there.ended(Disposition.ANSWERED)


async def test_a_killed_origin_has_ended_its_redirected_call_once(cluster: AsteriskCluster) -> None:
    there = await redirects(cluster)
    carrier, _call = await there.call(RedirectAnswer(delay_s=LATER_S))
    await carrier.wait_redirected()

    await there.beijing.branch.kill()
    await there.beijing.branch.start()
    await there.phone.wait_ringing()
    await cluster.answer(there.phone)
    onward = await carrier.wait_onward()
    await hears(onward)

    await onward.hang_up()
    await there.ended(Disposition.ANSWERED)


async def test_a_caller_whom_asterisk_has_answered_while_no_branch_was_there_is_bridged(
    cluster: AsteriskCluster,
) -> None:
    there = await redirects(cluster)
    await there.beijing.branch.kill()
    carrier, call = await there.call()
    await call.wait_answered()

    await there.beijing.branch.start()
    await there.phone.wait_ringing()
    await cluster.answer(there.phone)
    await hears(call)

    await call.hang_up()
    await cluster.until(has(CallEnded))
    assert dispositions_at(there.beijing) == [Disposition.ANSWERED]
    assert carrier.redirected == []
    assert broken_laws(cluster.rows()) == {}


async def test_redirected_callers_are_counted_alike_by_carrier_phones_and_ledgers(
    cluster: AsteriskCluster,
) -> None:
    beijing, urumqi = cluster.add("beijing"), cluster.add("urumqi", 2001, 2002, 2003)
    await cluster.start(media=Media.REDIRECT)
    await urumqi.man(Behaviour(ring_ms=50, sends_rtp=True, has_tone=True))
    carriers = [await cluster.carrier(beijing, f"1380000{number:04}") for number in range(COUNTED)]
    for carrier in carriers[::4]:
        carrier.on_redirect = LOSES

    async def live(carrier: Carrier) -> str:
        """Call, hear a second of the agent and hang up, wherever that was; what became of it."""
        call = await carrier.call(LINE_NUMBER, sends_rtp=True)
        await call.changes.until(lambda: call.is_answered or call.is_over, LIVE_LIMIT_S)
        if call.is_over and carrier.on_redirect is LOSES:
            return "lost"
        last = await carrier.wait_onward() if call.is_over else call
        await cluster.until(lambda _rows: is_talking(last))
        await hears(last)
        await last.hang_up()
        return "served there" if last is not call else "served from here"

    def is_talking(call: OutgoingCall) -> bool:
        return any(
            talk.caller == call.line.user and talk.is_answered
            for phone in urumqi.phones.values()
            for talk in phone.calls
        )

    became = await asyncio.gather(*(live(carrier) for carrier in carriers))
    sent, lost = became.count("served there") + became.count("lost"), became.count("lost")
    rows = await cluster.until(has(CallEnded, COUNTED + sent - lost))
    await urumqi.until_agents(READY=3)

    assert sent > lost
    assert sum(len(carrier.redirected) for carrier in carriers) == sent
    assert (
        len(written(beijing, HandoffRedirected))
        == dispositions_at(beijing).count(Disposition.REDIRECTED)
        == sent
    )
    assert dispositions_at(beijing).count(Disposition.ANSWERED) == COUNTED - sent
    assert len(written(urumqi, HandoffTakenIn)) == sent - lost
    assert dispositions_at(urumqi) == [Disposition.ANSWERED] * (sent - lost)
    assert sum(phone.counts.talked for phone in urumqi.phones.values()) == COUNTED - lost
    assert len(entries(rows, CallConnected)) == COUNTED - lost
    assert [channels(site) for site in (beijing, urumqi)] == ["", ""]
    assert broken_laws(cluster.rows()) == {}
