"""What every telephony driver promises of trunks, tried with a real PBX behind it."""

from router.facts import (
    CallerHungUp,
    LegHungUp,
    TrunkFailed,
    TrunkHungUp,
)
from router.orders import (
    HangUpTrunk,
    HoldInQueue,
    RejectTrunk,
)
from router.overflow.trunk_refusal import TrunkRefusal
from tests.fakes.telephony_rig import HOME
from tests.fakes.telephony_steps import (
    GOOD_TOKEN,
    HANDOFF,
    LEG,
    OTHER_HANDOFF,
    SALES,
    HandedOff,
    Sites,
    becomes,
    dial,
    queued,
)


async def test_the_helper_hears_the_token_and_who_sends_it(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    assert (call.trunk.token, call.trunk.from_site) == (GOOD_TOKEN, HOME)
    assert await call.home.hears_music(call.call_id)


async def test_a_call_is_served_over_the_trunk_and_its_caller_ends_it(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.home.give_up(call.caller)
    await call.origin_ear.fact(CallerHungUp(call_id=call.call_id))
    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))

    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    assert TrunkHungUp(handoff_id=HANDOFF) not in call.origin_ear.facts


async def test_the_helpers_agent_hangs_up_and_the_caller_stays_with_the_origin(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.peer.put_down(LEG)
    await call.helper_ear.fact(LegHungUp(leg_id=LEG))
    call.helper.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    call.origin.carry_out(HoldInQueue(call_id=call.call_id, queue_id=SALES))

    await becomes(lambda: call.home.hears_music(call.call_id))


async def test_a_bad_token_is_answered_403_and_nobody_rings(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    call.helper.reject_trunk(call.trunk.trunk_id)

    await call.origin_ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="REJECTED"))
    assert call.helper_ear.facts == []


async def test_an_accepted_trunk_call_can_still_be_rejected(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    call.helper.accept_trunk(call.trunk.trunk_id, HANDOFF)
    call.helper.carry_out(RejectTrunk(handoff_id=HANDOFF, reason=TrunkRefusal.ENDED))

    await call.origin_ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="REJECTED"))


async def test_a_token_shown_again_is_answered_403_and_the_talk_goes_on(sites: Sites) -> None:
    call = await HandedOff(sites).connected()
    again = dial(call.call_id, OTHER_HANDOFF)
    call.origin.carry_out(again)
    replayed = await call.helper_ear.trunk(1)
    told = list(call.helper_ear.facts)

    assert not call.helper.accept_trunk(replayed.trunk_id, HANDOFF)

    await call.origin_ear.fact(TrunkFailed(handoff_id=OTHER_HANDOFF, reason="REJECTED"))
    assert await call.home.talks(call.call_id)
    assert call.helper_ear.facts == told
    call.helper.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))


async def test_a_helper_without_its_branch_answers_503(sites: Sites) -> None:
    home, _peer = sites
    origin, ear, _found = await home.connect()
    _caller, call_id = await queued(home, origin, ear)

    origin.carry_out(dial(call_id))

    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="UNAVAILABLE"))
    assert await home.hears_music(call_id)


async def test_a_dead_helpers_pbx_is_told_as_unavailable(sites: Sites) -> None:
    home, peer = sites
    origin, ear, _found = await home.connect()
    _caller, call_id = await queued(home, origin, ear)
    await peer.kill()

    origin.carry_out(dial(call_id))

    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="UNAVAILABLE"))


async def test_the_origin_gives_up_while_the_helper_rings(sites: Sites) -> None:
    call = await HandedOff(sites).ringing()

    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))

    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    assert await call.home.hears_music(call.call_id)


async def test_the_helpers_pbx_dies_during_the_talk(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.peer.kill()

    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    await call.helper_ear.fact(LegHungUp(leg_id=LEG))


async def test_a_trunk_call_that_ends_before_it_is_accepted_is_told_as_ended(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    call.helper.accept_trunk(call.trunk.trunk_id, HANDOFF)
    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    call.helper.accept_trunk(call.trunk.trunk_id, OTHER_HANDOFF)

    await call.helper_ear.fact(TrunkHungUp(handoff_id=OTHER_HANDOFF))
    assert len(call.helper_ear.facts) == 2
