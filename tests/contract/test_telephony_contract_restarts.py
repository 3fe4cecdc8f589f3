"""What every telephony driver promises when a branch process or a PBX dies, tried with a real PBX."""

from branch.telephony.port import PhoneEvent
from router.agent import RingFailure
from router.facts import (
    CallerHungUp,
    CallFailed,
    LegAnswered,
    LegFailed,
    LegHungUp,
    LegRang,
    PbxDied,
    TrunkFailed,
)
from router.ledger import Role
from router.orders import (
    BridgeAgent,
    HoldInQueue,
)
from router.recovery import MediaState
from tests.fakes.telephony_rig import AGENT, HOME, PEER, Site
from tests.fakes.telephony_steps import (
    HANDOFF,
    LEG,
    SALES,
    STRANGER,
    HandedOff,
    Sites,
    becomes,
    dial,
    queued,
    ring,
    talking,
)


async def test_a_new_process_finds_what_lives(home: Site) -> None:
    driver, ear, found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    await home.lose(driver)
    _driver, new_ear, alive = await home.connect()
    await new_ear.until(lambda: new_ear.inventories)

    assert found.callers == frozenset()
    assert alive.callers == {call_id}
    leg = alive.legs[LEG]
    assert (leg.agent_id, leg.call_id, leg.state) == (AGENT, call_id, MediaState.BRIDGED)
    assert alive.is_same_run
    assert new_ear.callers == []
    assert new_ear.facts == []


async def test_a_new_process_goes_on_with_the_call_it_found(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)

    await home.lose(driver)
    driver, ear, _found = await home.connect()
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))
    await home.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.talks(call_id))
    await home.give_up(channel)

    await ear.fact(CallerHungUp(call_id=call_id))


async def test_a_new_process_finds_both_ends_of_a_hand_off(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.home.lose(call.origin)
    await call.peer.lose(call.helper)
    _origin, _ear, at_home = await call.home.connect()
    _helper, _ear, at_peer = await call.peer.connect()

    ours, theirs = at_home.trunks[HANDOFF], at_peer.trunks[HANDOFF]
    assert (ours.peer, ours.role, ours.call_id, ours.state) == (
        PEER,
        Role.ORIGIN,
        call.call_id,
        MediaState.BRIDGED,
    )
    assert (theirs.peer, theirs.role, theirs.call_id, theirs.state) == (
        HOME,
        Role.HELPER,
        None,
        MediaState.BRIDGED,
    )
    assert at_peer.legs[LEG].handoff_id == HANDOFF


async def test_a_caller_who_was_in_no_queue_yet_is_told_again_with_the_same_id(home: Site) -> None:
    driver, ear, _found = await home.connect()
    await home.call()
    caller = await ear.caller()
    await home.lose(driver)

    _driver, new_ear, alive = await home.connect()

    assert await new_ear.caller() == caller
    assert alive.callers == {caller.call_id}


async def test_a_caller_who_came_while_nobody_listened_is_found(home: Site) -> None:
    await home.call()
    await becomes(lambda: _has_somebody(home))

    driver, ear, _found = await home.connect()
    caller = await ear.caller()
    driver.carry_out(HoldInQueue(call_id=caller.call_id, queue_id=SALES))

    assert caller.queue_id == home.caller_hints[0]
    await becomes(lambda: home.hears_music(caller.call_id))


async def test_a_pbx_that_dies_fails_its_calls_and_comes_back_empty(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)
    await ear.until(lambda: ear.inventories)

    await home.kill()
    died, failed = PbxDied(reason="PBX_DOWN"), CallFailed(call_id=call_id, reason="PBX_DOWN")
    await ear.fact(died)
    await ear.fact(failed)
    await ear.fact(LegHungUp(leg_id=LEG))
    await ear.phone(AGENT, PhoneEvent.UNREACHABLE)
    assert ear.facts.index(died) < ear.facts.index(failed)
    await home.start()
    await ear.until(lambda: len(ear.inventories) > 1)

    assert ear.lost_count == 1
    assert ear.facts.count(died) == 1
    assert ear.inventories[-1].callers == frozenset()
    assert not ear.inventories[-1].is_same_run
    await ear.phone(AGENT, PhoneEvent.REGISTERED)


async def test_orders_given_to_a_dead_pbx_fail(home: Site) -> None:
    driver, ear, _found = await home.connect()
    await home.kill()
    await ear.phone(AGENT, PhoneEvent.UNREACHABLE)

    driver.carry_out(ring(STRANGER))
    driver.carry_out(dial(STRANGER))

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE))
    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="PBX_DOWN"))


async def test_a_pbx_that_is_down_at_first_is_waited_for(home: Site) -> None:
    await home.kill()

    _driver, ear, found = await home.connect()
    await home.start()
    await home.call()

    assert found.callers == frozenset()
    await ear.caller()


async def _has_somebody(site: Site) -> bool:
    return bool(await site.outsiders())
