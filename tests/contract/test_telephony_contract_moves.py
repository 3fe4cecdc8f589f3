"""What every telephony driver promises of callers who are moved to a helper's PBX by their carrier."""

from branch.telephony.simulated.pbx.settings import OnRefer
from router.facts import CallerHungUp, LegHungUp, MoveTried, TrunkHungUp, TrunkMoved
from router.ids import HandoffId
from router.ledger import Role
from router.orders import BridgeTrunk, HangUpCall, HangUpTrunk, MoveCaller, Order, RejectTrunk, TakeMoved
from router.overflow.trunk_refusal import TrunkRefusal
from router.recovery import Inventory
from tests.fakes.telephony_rig import HOME, PEER, Site
from tests.fakes.telephony_steps import HANDOFF, LEG, HandedOff, Sites, becomes

MOVE = HandoffId("0191-move-1")
MOVE_TOKEN = "move-" + "x" * 80
"""As long as a real one."""


def _move(call: HandedOff) -> Order:
    return MoveCaller(
        handoff_id=HANDOFF, call_id=call.call_id, from_site=HOME, site_id=PEER, token=MOVE_TOKEN
    )


async def _arrived(sites: Sites) -> HandedOff:
    """The carrier's own INVITE has come to the helper, which has taken the token."""
    call = await HandedOff(sites).connected()
    call.origin.carry_out(_move(call))
    invite = await call.helper_ear.trunk(1)
    assert (invite.token, invite.from_site) == (MOVE_TOKEN, HOME)
    assert call.helper.accept_trunk(invite.trunk_id, MOVE)
    return call


async def _moved(sites: Sites) -> HandedOff:
    call = await _arrived(sites)
    call.helper.carry_out(TakeMoved(handoff_id=HANDOFF, move_id=MOVE, leg_id=LEG))
    await call.helper_ear.fact(TrunkMoved(handoff_id=HANDOFF))
    await call.origin_ear.fact(CallerHungUp(call_id=call.call_id))
    return call


async def _is_a_talk_of_two(call: HandedOff) -> bool:
    return len(await call.peer.conversation(LEG)) == 2


async def test_a_moved_caller_talks_on_with_the_same_agent_and_no_leg_is_left_at_home(sites: Sites) -> None:
    call = await _moved(sites)

    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    await becomes(lambda: _is_a_talk_of_two(call))
    assert TrunkHungUp(handoff_id=HANDOFF) not in call.helper_ear.facts
    assert MoveTried(handoff_id=HANDOFF) not in call.origin_ear.facts


async def test_a_moved_caller_hangs_up_at_the_helpers(sites: Sites) -> None:
    call = await _moved(sites)

    await call.home.give_up(call.caller)

    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))


async def test_the_agent_hangs_up_and_the_moved_caller_is_let_go(sites: Sites) -> None:
    call = await _moved(sites)
    await call.peer.put_down(LEG)
    await call.helper_ear.fact(LegHungUp(leg_id=LEG))

    call.helper.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    await call.peer.lose(call.helper)

    await becomes(lambda: _has_no_trunk(call.peer))


async def test_a_carrier_that_refuses_leaves_the_caller_where_it_was(sites: Sites) -> None:
    call = await HandedOff(sites).connected()
    await call.home.carrier_will(OnRefer.REFUSE)

    call.origin.carry_out(_move(call))

    await call.origin_ear.fact(MoveTried(handoff_id=HANDOFF))
    await becomes(lambda: call.home.talks(call.call_id))
    await call.home.give_up(call.caller)
    await call.origin_ear.fact(CallerHungUp(call_id=call.call_id))


async def test_a_helper_that_turns_the_moved_caller_away_leaves_it_where_it_was(sites: Sites) -> None:
    call = await _arrived(sites)

    call.helper.carry_out(RejectTrunk(handoff_id=MOVE, reason=TrunkRefusal.ENDED))

    await call.origin_ear.fact(MoveTried(handoff_id=HANDOFF))
    await becomes(lambda: call.home.talks(call.call_id))


async def test_a_caller_whose_carrier_says_nothing_can_be_let_go(sites: Sites) -> None:
    call = await HandedOff(sites).connected()
    await call.home.carrier_will(OnRefer.SILENT)
    call.origin.carry_out(_move(call))
    await becomes(lambda: _is_alone(call))

    call.origin.carry_out(HangUpCall(call_id=call.call_id, reason="MOVED"))
    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    await call.home.lose(call.origin)

    await becomes(lambda: _has_no_caller(call.home))


async def test_a_restarted_helper_finds_the_moved_caller_in_the_trunks_place(sites: Sites) -> None:
    call = await _moved(sites)
    await call.peer.lose(call.helper)

    _driver, ear, found = await call.peer.connect()

    trunk = found.trunks[HANDOFF]
    assert (trunk.is_moved, trunk.role, trunk.peer) == (True, Role.HELPER, HOME)
    assert LEG in found.legs
    await call.home.give_up(call.caller)
    await ear.fact(TrunkHungUp(handoff_id=HANDOFF))


async def test_a_restarted_origin_does_not_wait_for_an_answer_that_nobody_heard(sites: Sites) -> None:
    call = await HandedOff(sites).connected()
    await call.home.carrier_will(OnRefer.REFUSE)
    call.origin.carry_out(_move(call))
    await call.home.lose(call.origin)

    driver, _ear, found = await call.home.connect()
    driver.carry_out(BridgeTrunk(call_id=call.call_id, handoff_id=HANDOFF))

    assert found.callers == frozenset({call.call_id})
    await becomes(lambda: call.home.talks(call.call_id))


async def test_a_restarted_origin_leaves_a_blocked_caller_alone_until_it_is_let_go(sites: Sites) -> None:
    call = await HandedOff(sites).connected()
    await call.home.carrier_will(OnRefer.SILENT)
    call.origin.carry_out(_move(call))
    await becomes(lambda: _is_alone(call))
    await call.home.lose(call.origin)

    driver, ear, _found = await call.home.connect()
    driver.carry_out(BridgeTrunk(call_id=call.call_id, handoff_id=HANDOFF))

    await call.home.give_up(call.caller)
    await ear.fact(CallerHungUp(call_id=call.call_id))


async def _found(site: Site) -> Inventory:
    """What a process that begins now would find."""
    driver, _ear, found = await site.connect()
    await site.lose(driver)
    return found


async def _has_no_caller(site: Site) -> bool:
    return not (await _found(site)).callers


async def _has_no_trunk(site: Site) -> bool:
    return not (await _found(site)).trunks


async def _is_alone(call: HandedOff) -> bool:
    return not await call.home.talks(call.call_id)
