"""What every telephony driver promises of callers and agents, tried with a real PBX behind it."""

import pytest

from branch.telephony.port import NotTelephonyError, PhoneEvent, TelephonyDriver
from router.agent import RingFailure
from router.facts import (
    CallerHungUp,
    LegAnswered,
    LegFailed,
    LegHungUp,
    LegRang,
    VoicemailRecorded,
)
from router.ids import CallId, LegId
from router.orders import (
    BridgeAgent,
    HangUpCall,
    HangUpLeg,
    HoldCall,
    HoldInQueue,
    Order,
    RecordVoicemail,
    ResumeCall,
    RingAgent,
    StopRinging,
)
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, PEER_AGENT, Site
from tests.fakes.telephony_steps import LEG, OTHER_LEG, SALES, STRANGER, becomes, queued, ring, talking


async def test_a_caller_is_told_once_with_what_the_pbx_knows(home: Site) -> None:
    _driver, ear, _found = await home.connect()

    await home.call()
    caller = await ear.caller()
    await ear.until(lambda: ear.inventories)

    assert (caller.queue_id, caller.customer_id, caller.priority) == home.caller_hints
    assert len(ear.callers) == 1


async def test_a_caller_in_queue_hears_music_until_an_agent_answers(home: Site) -> None:
    driver, ear, _found = await home.connect()

    _channel, call_id = await talking(home, driver, ear)

    assert not await home.hears_music(call_id)
    assert ear.facts == [LegRang(leg_id=LEG), LegAnswered(leg_id=LEG)]


async def test_orders_about_a_caller_who_is_gone_do_nothing(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    for order in (HoldInQueue(call_id=call_id, queue_id=SALES), HangUpCall(call_id=call_id, reason="x")):
        driver.carry_out(order)
    await queued_second(home, driver, ear)

    assert ear.facts == [CallerHungUp(call_id=call_id)]


async def queued_second(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> None:
    """Another caller in the queue: by then the PBX has done whatever was asked before."""
    await site.call()
    caller = await ear.caller(1)
    driver.carry_out(HoldInQueue(call_id=caller.call_id, queue_id=SALES))
    await becomes(lambda: site.hears_music(caller.call_id))


async def test_a_caller_may_hang_up_before_anything_was_ordered(home: Site) -> None:
    _driver, ear, _found = await home.connect()

    channel = await home.call()
    caller = await ear.caller()
    await home.give_up(channel)

    await ear.fact(CallerHungUp(call_id=caller.call_id))


async def test_a_caller_may_hang_up_while_a_phone_rings(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def home_is_free(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> None:
    """AGENT's phone can be rung again: nothing was left on its line."""
    again = LegId("0191-leg-again")
    driver.carry_out(ring(STRANGER, again))
    await ear.fact(LegRang(leg_id=again))


async def test_a_caller_may_hang_up_between_the_answer_and_the_bridge(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))
    await home.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))

    await home.give_up(channel)
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def test_a_caller_may_hang_up_while_talking(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await talking(home, driver, ear)

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def test_a_call_that_we_end_is_no_news(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    driver.carry_out(HangUpCall(call_id=call_id, reason="SERVED"))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))
    await home_is_free(home, driver, ear)

    assert CallerHungUp(call_id=call_id) not in ear.facts
    assert LegHungUp(leg_id=LEG) not in ear.facts


# --- agents --------------------------------------------------------------------------------


async def test_an_agent_hangs_up_and_the_caller_stays_with_us(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    await home.put_down(LEG)
    await ear.fact(LegHungUp(leg_id=LEG))
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))

    await becomes(lambda: home.hears_music(call_id))


async def test_a_ring_can_be_stopped(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def test_a_ring_can_be_stopped_in_the_breath_that_began_it(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)

    driver.carry_out(ring(call_id))
    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))
    await home_is_free(home, driver, ear)

    assert LegAnswered(leg_id=LEG) not in ear.facts


async def test_a_rejected_ring_is_told_as_rejected(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    await home.put_down(LEG)

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.REJECTED))
    assert await home.hears_music(call_id)


async def test_a_second_ring_finds_the_phone_busy(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    driver.carry_out(ring(call_id, OTHER_LEG))

    await ear.fact(LegFailed(leg_id=OTHER_LEG, reason=RingFailure.BUSY))
    assert await home.talks(call_id)


async def test_a_phone_that_unregisters_while_ringing_is_unreachable(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    await home.unregister(AGENT)
    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE))
    await ear.phone(AGENT, PhoneEvent.UNREACHABLE)
    ear.phones.clear()
    await home.register(AGENT)

    await ear.phone(AGENT, PhoneEvent.REGISTERED)


async def test_an_agent_without_a_phone_is_unreachable(home: Site) -> None:
    driver, ear, _found = await home.connect()

    driver.carry_out(
        RingAgent(leg_id=LEG, agent_id=PEER_AGENT, call_id=STRANGER, queue_id=SALES, handoff_id=None)
    )

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE))


async def test_a_held_caller_hears_music_and_comes_back(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    driver.carry_out(HoldCall(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.hears_music(call_id))
    driver.carry_out(ResumeCall(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.talks(call_id))

    assert ear.facts == [LegRang(leg_id=LEG), LegAnswered(leg_id=LEG)]


async def test_an_order_for_somebody_else_is_refused(home: Site) -> None:
    driver, _ear, _found = await home.connect()

    with pytest.raises(NotTelephonyError, match="Order is not for the PBX"):
        driver.carry_out(Order())


async def test_a_caller_out_of_the_queue_leaves_a_message(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)

    driver.carry_out(RecordVoicemail(call_id=call_id, queue_id=SALES))
    await becomes(lambda: hears_no_music(home, call_id))

    await ear.fact(VoicemailRecorded(call_id=call_id))


async def hears_no_music(site: Site, call_id: CallId) -> bool:
    return not await site.hears_music(call_id)
