"""What every telephony driver promises of agents outside: rung over a line, there once they press the key."""

import pytest

from branch.telephony.port import TelephonyDriver
from router.agent import RingFailure
from router.call import Language
from router.facts import LegAnswered, LegFailed, LegHungUp, LegRang
from router.ids import CallId
from router.orders import BridgeAgent, Order, Outside, RingAgent, StopRinging
from router.recovery import MediaState
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, BUSY, LINE, MACHINE, SILENT, Site
from tests.fakes.telephony_steps import LEG, OTHER_LEG, SALES, becomes, queued, ring


def ring_outside(call_id: CallId, number: str) -> Order:
    outside = Outside(line_id=LINE, number=number, language=Language.CHINESE)
    return RingAgent(
        leg_id=LEG, agent_id=AGENT, call_id=call_id, queue_id=SALES, handoff_id=None, outside=outside
    )


async def lifted(site: Site) -> tuple[TelephonyDriver, TelephonyEar, CallId]:
    """Somebody or something outside has lifted the receiver, and hears what is asked."""
    driver, ear, _found = await site.connect()
    _caller, call_id = await queued(site, driver, ear)
    driver.carry_out(ring_outside(call_id, MACHINE))
    await ear.fact(LegRang(leg_id=LEG))
    await becomes(lambda: site.is_up(LEG))
    return driver, ear, call_id


async def test_an_agent_outside_has_answered_when_it_presses_the_key(home: Site) -> None:
    driver, ear, call_id = await lifted(home)

    await home.customer_presses(LEG, "21")
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.talks(call_id))
    await home.customer_hangs_up(LEG)
    await ear.fact(LegHungUp(leg_id=LEG))

    assert ear.facts.count(LegAnswered(leg_id=LEG)) == 1


async def test_a_machine_that_hangs_up_was_no_agent(home: Site) -> None:
    _driver, ear, _call_id = await lifted(home)

    await home.customer_hangs_up(LEG)

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.NO_ANSWER))
    assert LegAnswered(leg_id=LEG) not in ear.facts


async def test_a_ring_outside_can_be_stopped_while_it_is_asked(home: Site) -> None:
    driver, ear, call_id = await lifted(home)

    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))
    driver.carry_out(ring(call_id, OTHER_LEG))

    await ear.fact(LegRang(leg_id=OTHER_LEG))
    assert not any(isinstance(each, LegFailed | LegHungUp) for each in ear.facts)


async def test_a_busy_number_is_told_as_busy(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _caller, call_id = await queued(home, driver, ear)

    driver.carry_out(ring_outside(call_id, BUSY))

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.BUSY))


async def test_a_phone_that_unregisters_stops_no_ring_outside(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _caller, call_id = await queued(home, driver, ear)
    driver.carry_out(ring_outside(call_id, SILENT))
    await ear.fact(LegRang(leg_id=LEG))

    await home.unregister(AGENT)
    await ear.until(lambda: any(agent == AGENT for agent, _event in ear.phones))

    assert not any(isinstance(each, LegFailed) for each in ear.facts)


@pytest.mark.parametrize("has_pressed", [False, True])
async def test_a_restarted_branch_finds_the_line_of_an_agent_outside(home: Site, has_pressed: bool) -> None:
    driver, ear, call_id = await lifted(home)
    if has_pressed:
        await home.customer_presses(LEG, "1")
        await ear.fact(LegAnswered(leg_id=LEG))
        driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
        await becomes(lambda: home.talks(call_id))
    await home.lose(driver)

    _next, _ear, found = await home.connect()

    leg = found.legs[LEG]
    assert (leg.agent_id, leg.line_id) == (AGENT, LINE)
    assert leg.state is (MediaState.BRIDGED if has_pressed else MediaState.RINGING)
