"""What every telephony driver promises of callers who are sent on by a 302, before anybody has answered."""

import pytest

from branch.telephony.port import TrunkRinging
from branch.telephony.simulated.pbx.settings import OnRedirect
from router.facts import CallerHungUp, CallFailed, LegAnswered, LegHungUp, LegRang
from router.ids import CallId
from router.orders import BridgeAgent, HangUpCall, HoldInQueue, Order, RedirectCaller, RingAgent
from tests.fakes.telephony_rig import HOME, PEER, PEER_AGENT, Site
from tests.fakes.telephony_steps import LEG, SALES, Sites, becomes, queued

CALL, OTHER_CALL = CallId("0191-call-redirected"), CallId("0191-call-other")
"""The helper's own names."""
TOKEN = "redirect-" + "x" * 80
"""As long as a real one."""


def _redirect(call_id: CallId) -> Order:
    return RedirectCaller(call_id=call_id, from_site=HOME, site_id=PEER, token=TOKEN)


class Redirected:
    """A caller of home's whom nobody has answered, sent on to the peer step by step."""

    def __init__(self, sites: Sites) -> None:
        self.home, self.peer = sites

    async def ordered(self) -> "Redirected":
        """Home's carrier has been told; the helper listens."""
        self.origin, self.origin_ear, _found = await self.home.connect()
        self.helper, self.helper_ear, _found = await self.peer.connect()
        self.caller, self.call_id = await self.sent_on()
        return self

    async def sent_on(self) -> tuple[str, CallId]:
        """One more caller; its hands, and home's name of the call."""
        count = len(self.origin_ear.callers)
        caller = await self.home.call()
        ringing = await self.origin_ear.caller(count)
        assert not ringing.is_answered
        self.origin.carry_out(_redirect(ringing.call_id))
        return caller, ringing.call_id

    async def accepted(self) -> "Redirected":
        """The helper has taken the INVITE as its own caller."""
        await self.ordered()
        self.invite = await self.helper_ear.trunk()
        assert self.helper.accept_redirected(self.invite.trunk_id, CALL)
        return self

    async def waiting(self) -> "Redirected":
        """The caller hears the helper's queue."""
        await self.accepted()
        self.helper.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
        await becomes(lambda: self.peer.hears_music(CALL))
        return self

    async def talking(self) -> "Redirected":
        """With the helper's agent."""
        await self.waiting()
        self.helper.carry_out(
            RingAgent(leg_id=LEG, agent_id=PEER_AGENT, call_id=CALL, queue_id=SALES, handoff_id=None)
        )
        await self.helper_ear.fact(LegRang(leg_id=LEG))
        await self.peer.lift(LEG)
        await self.helper_ear.fact(LegAnswered(leg_id=LEG))
        self.helper.carry_out(BridgeAgent(call_id=CALL, leg_id=LEG))
        await becomes(lambda: self.peer.talks(CALL))
        return self

    def told_of_the_end_at_home(self) -> bool:
        ends = (CallerHungUp, CallFailed)
        return any(isinstance(each, ends) and each.call_id == self.call_id for each in self.origin_ear.facts)


async def test_a_redirected_caller_comes_unanswered_to_the_helper_and_is_gone_from_home(sites: Sites) -> None:
    call = await Redirected(sites).ordered()

    invite = await call.helper_ear.trunk()
    await becomes(lambda: _has_nobody(call.home))

    assert (invite.token, invite.from_site, invite.call_id) == (TOKEN, HOME, None)
    assert invite.caller_number == call.origin_ear.callers[0].caller_number
    assert not call.told_of_the_end_at_home()


async def test_a_redirected_caller_is_served_as_any_other_and_hangs_up(sites: Sites) -> None:
    call = await Redirected(sites).talking()

    await call.home.give_up(call.caller)

    await call.helper_ear.fact(CallerHungUp(call_id=CALL))
    assert not call.told_of_the_end_at_home()


async def test_the_helpers_agent_hangs_up_and_the_redirected_caller_is_let_go(sites: Sites) -> None:
    call = await Redirected(sites).talking()
    await call.peer.put_down(LEG)
    await call.helper_ear.fact(LegHungUp(leg_id=LEG))

    call.helper.carry_out(HangUpCall(call_id=CALL, reason="AGENT_HUNG_UP"))

    await becomes(lambda: _has_nobody(call.peer))


async def test_a_redirected_caller_gives_up_before_the_helper_has_answered(sites: Sites) -> None:
    call = await Redirected(sites).accepted()

    await call.home.give_up(call.caller)

    await call.helper_ear.fact(CallerHungUp(call_id=CALL))


async def test_a_redirected_caller_who_is_gone_when_the_helper_accepts_has_hung_up(sites: Sites) -> None:
    call = await Redirected(sites).ordered()
    invite = await call.helper_ear.trunk()
    await call.home.give_up(call.caller)
    await becomes(lambda: _has_nobody(call.peer))

    assert call.helper.accept_redirected(invite.trunk_id, CALL)

    await call.helper_ear.fact(CallerHungUp(call_id=CALL))


async def test_a_call_has_one_invite_and_the_next_one_is_turned_away(sites: Sites) -> None:
    call = await Redirected(sites).waiting()
    await call.sent_on()
    again = await call.helper_ear.trunk(1)

    assert not call.helper.accept_redirected(again.trunk_id, CALL)
    assert call.helper.accept_redirected(call.invite.trunk_id, CALL)

    await becomes(lambda: _only_one_is_left(call))
    assert await call.peer.hears_music(CALL)


async def test_a_redirected_caller_whom_the_helper_rejects_is_gone(sites: Sites) -> None:
    call = await Redirected(sites).ordered()
    invite = await call.helper_ear.trunk()

    call.helper.reject_trunk(invite.trunk_id)

    await becomes(lambda: _has_nobody(call.peer))
    await becomes(lambda: _has_nobody(call.home))


@pytest.mark.parametrize("answer", [OnRedirect.REFUSE, OnRedirect.LOSE])
async def test_a_carrier_that_does_not_follow_leaves_nobody_anywhere(
    sites: Sites, answer: OnRedirect
) -> None:
    home, _peer = sites
    await home.carrier_will(answer)
    call = await Redirected(sites).ordered()

    await becomes(lambda: _has_nobody(home))

    assert call.helper_ear.trunks == []
    assert not call.told_of_the_end_at_home()


async def test_a_caller_who_was_answered_is_not_sent_on_and_not_left_alone(sites: Sites) -> None:
    home, peer = sites
    origin, ear, _found = await home.connect()
    _helper, helper_ear, _found = await peer.connect()
    _caller, call_id = await queued(home, origin, ear)

    origin.carry_out(_redirect(call_id))

    await becomes(lambda: _has_nobody(home))
    assert helper_ear.trunks == []


async def test_an_unaccepted_invite_is_told_again_to_a_restarted_helper(sites: Sites) -> None:
    call = await Redirected(sites).ordered()
    invite = await call.helper_ear.trunk()
    await call.peer.lose(call.helper)

    helper, ear, found = await call.peer.connect()

    assert await ear.trunk() == invite
    assert found.callers == frozenset()
    assert helper.accept_redirected(invite.trunk_id, CALL)
    helper.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
    await becomes(lambda: call.peer.hears_music(CALL))


async def test_an_accepted_caller_whom_nobody_answered_is_told_again_by_name(sites: Sites) -> None:
    call = await Redirected(sites).accepted()
    await becomes(lambda: _is_named(call))
    await call.peer.lose(call.helper)

    helper, ear, found = await call.peer.connect()

    again = await ear.trunk()
    assert again == TrunkRinging(
        trunk_id=call.invite.trunk_id,
        from_site=HOME,
        token=TOKEN,
        caller_number=call.invite.caller_number,
        call_id=CALL,
    )
    assert (found.callers, found.trunks) == (frozenset({CALL}), {})
    assert helper.accept_redirected(again.trunk_id, CALL)
    helper.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
    await becomes(lambda: call.peer.hears_music(CALL))
    await call.home.give_up(call.caller)
    await ear.fact(CallerHungUp(call_id=CALL))


async def test_a_restarted_helper_finds_its_redirected_callers_among_its_own(sites: Sites) -> None:
    call = await Redirected(sites).talking()
    await call.peer.lose(call.helper)

    _helper, ear, found = await call.peer.connect()
    await ear.until(lambda: ear.inventories)

    assert (found.callers, found.trunks) == (frozenset({CALL}), {})
    assert (ear.trunks, ear.callers, ear.facts) == ([], [], [])
    await call.home.give_up(call.caller)
    await ear.fact(CallerHungUp(call_id=CALL))


async def test_a_redirected_caller_who_finds_no_branch_waits_for_it(sites: Sites) -> None:
    home, peer = sites
    origin, ear, _found = await home.connect()
    caller = await home.call()
    ringing = await ear.caller()
    origin.carry_out(_redirect(ringing.call_id))
    await becomes(lambda: _has_somebody(peer))

    helper, helper_ear, _found = await peer.connect()
    invite = await helper_ear.trunk()

    assert invite.token == TOKEN
    assert helper.accept_redirected(invite.trunk_id, CALL)
    helper.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
    await becomes(lambda: peer.hears_music(CALL))
    await home.give_up(caller)
    await helper_ear.fact(CallerHungUp(call_id=CALL))


async def _has_nobody(site: Site) -> bool:
    return not await site.outsiders()


async def _has_somebody(site: Site) -> bool:
    return bool(await site.outsiders())


async def _only_one_is_left(call: Redirected) -> bool:
    return len(await call.peer.outsiders()) == 1


async def _is_named(call: Redirected) -> bool:
    return CALL in await call.peer.outsiders()
