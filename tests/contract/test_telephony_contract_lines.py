"""What every telephony driver promises of lines to the public network, tried with a real PBX behind it."""

import pytest

from branch.telephony.port import TelephonyDriver
from router.facts import (
    LegAnswered,
    LegHungUp,
    LineAnswered,
    LineFailed,
    LineHungUp,
    TrunkAnswered,
    TrunkFailed,
    TrunkHungUp,
    TrunkRang,
)
from router.ids import CallId, HandoffId, LineId
from router.orders import (
    BridgeLine,
    BridgeTrunkLeg,
    BridgeTrunkLine,
    DialLine,
    DialSite,
    HangUpLeg,
    HangUpLine,
    HangUpTrunk,
    HoldCall,
    Order,
    ResumeCall,
)
from router.outbound.outcome import OutboundOutcome
from router.recovery import MediaState
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, ANSWERS, BUSY, LINE, PEER, SILENT, Site
from tests.fakes.telephony_steps import GOOD_TOKEN, HANDOFF, LEG, Sites, becomes, ring

OUT = CallId("0191-call-out")


def dial(number: str, line_id: LineId = LINE, handoff_id: HandoffId | None = None) -> Order:
    return DialLine(call_id=OUT, line_id=line_id, number=number, handoff_id=handoff_id)


async def agent_waits(site: Site) -> tuple[TelephonyDriver, TelephonyEar]:
    """AGENT's phone is answered for the call that is to go out."""
    driver, ear, _found = await site.connect()
    driver.carry_out(ring(OUT))
    await ear.until(lambda: any(getattr(each, "leg_id", None) == LEG for each in ear.facts))
    await site.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    return driver, ear


async def talking(site: Site) -> tuple[TelephonyDriver, TelephonyEar]:
    """AGENT talks to somebody behind the line."""
    driver, ear = await agent_waits(site)
    driver.carry_out(dial(ANSWERS))
    await ear.fact(LineAnswered(call_id=OUT))
    driver.carry_out(BridgeLine(call_id=OUT, leg_id=LEG))
    await becomes(lambda: site.talks(OUT))
    return driver, ear


async def test_a_number_is_dialled_and_its_answer_joined_with_the_agent(home: Site) -> None:
    _driver, ear = await talking(home)

    assert [each for each in ear.facts if isinstance(each, LineAnswered)] == [LineAnswered(call_id=OUT)]


async def test_the_customer_ends_the_talk(home: Site) -> None:
    driver, ear = await talking(home)

    await home.customer_hangs_up(OUT)
    await ear.fact(LineHungUp(call_id=OUT))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    assert not any(isinstance(each, LineFailed) for each in ear.facts)


async def test_the_agent_ends_the_talk_and_the_line_says_nothing_more(home: Site) -> None:
    driver, ear = await talking(home)

    await home.put_down(LEG)
    await ear.fact(LegHungUp(leg_id=LEG))
    driver.carry_out(HangUpLine(call_id=OUT))
    driver.carry_out(DialLine(call_id=CallId("0191-next"), line_id=LINE, number=BUSY, handoff_id=None))
    await ear.fact(LineFailed(call_id=CallId("0191-next"), outcome=OutboundOutcome.BUSY))

    assert LineHungUp(call_id=OUT) not in ear.facts


async def test_a_held_customer_hears_music_and_is_taken_back(home: Site) -> None:
    driver, _ear = await talking(home)

    driver.carry_out(HoldCall(call_id=OUT, leg_id=LEG))
    await becomes(lambda: home.hears_music(OUT))
    driver.carry_out(ResumeCall(call_id=OUT, leg_id=LEG))

    await becomes(lambda: home.talks(OUT))


async def test_a_busy_number_is_told_as_busy(home: Site) -> None:
    driver, ear = await agent_waits(home)

    driver.carry_out(dial(BUSY))

    await ear.fact(LineFailed(call_id=OUT, outcome=OutboundOutcome.BUSY))


async def test_a_line_that_is_not_there_is_told_as_failed(home: Site) -> None:
    driver, ear = await agent_waits(home)

    driver.carry_out(dial(ANSWERS, LineId("nowhere")))

    await ear.fact(LineFailed(call_id=OUT, outcome=OutboundOutcome.FAILED))


async def test_a_number_given_up_while_it_rings_tells_nothing_more(home: Site) -> None:
    driver, ear = await agent_waits(home)
    driver.carry_out(dial(SILENT))

    driver.carry_out(HangUpLine(call_id=OUT))
    driver.carry_out(DialLine(call_id=CallId("0191-next"), line_id=LINE, number=BUSY, handoff_id=None))
    await ear.fact(LineFailed(call_id=CallId("0191-next"), outcome=OutboundOutcome.BUSY))

    assert not any(getattr(each, "call_id", None) == OUT for each in ear.facts)


async def test_an_order_repeated_dials_nobody_twice(home: Site) -> None:
    driver, ear = await agent_waits(home)

    driver.carry_out(dial(ANSWERS))
    driver.carry_out(dial(ANSWERS))
    await ear.fact(LineAnswered(call_id=OUT))
    driver.carry_out(BridgeLine(call_id=OUT, leg_id=LEG))
    await becomes(lambda: home.talks(OUT))

    assert not any(isinstance(each, LineFailed) for each in ear.facts)


async def test_a_talk_over_a_line_outlives_the_branch_process(home: Site) -> None:
    driver, _ear = await talking(home)
    await home.lose(driver)

    again, ear, found = await home.connect()

    assert found.lines[OUT].state is MediaState.BRIDGED
    assert found.legs[LEG].call_id == OUT
    await home.customer_hangs_up(OUT)
    await ear.fact(LineHungUp(call_id=OUT))
    await again.close()


async def test_a_dead_pbx_takes_its_lines_with_it(home: Site) -> None:
    _driver, ear = await talking(home)

    await home.kill()

    await ear.fact(LineHungUp(call_id=OUT))


@pytest.fixture
async def lent(sites: Sites) -> tuple[TelephonyDriver, TelephonyEar, TelephonyDriver, TelephonyEar]:
    """HOME's agent waits; its INVITE with the token has reached the site that has the line."""
    home, peer = sites
    driver, ear = await agent_waits(home)
    lender, lender_ear, _found = await peer.connect()
    driver.carry_out(DialSite(handoff_id=HANDOFF, call_id=OUT, site_id=PEER, token=GOOD_TOKEN))
    trunk = await lender_ear.trunk()
    assert lender.accept_trunk(trunk.trunk_id, HANDOFF)
    return driver, ear, lender, lender_ear


async def test_another_sites_agent_talks_over_our_line_until_the_customer_ends_it(
    sites: Sites, lent: tuple[TelephonyDriver, TelephonyEar, TelephonyDriver, TelephonyEar]
) -> None:
    home, peer = sites
    driver, ear, lender, lender_ear = lent
    lender.carry_out(dial(ANSWERS, handoff_id=HANDOFF))
    await ear.fact(TrunkRang(handoff_id=HANDOFF))
    await lender_ear.fact(LineAnswered(call_id=OUT))
    lender.carry_out(BridgeTrunkLine(handoff_id=HANDOFF, call_id=OUT))
    await ear.fact(TrunkAnswered(handoff_id=HANDOFF))
    driver.carry_out(BridgeTrunkLeg(handoff_id=HANDOFF, leg_id=LEG))

    await becomes(lambda: home.talks(OUT))
    await becomes(lambda: peer.talks(OUT))
    await peer.customer_hangs_up(OUT)
    await lender_ear.fact(LineHungUp(call_id=OUT))
    lender.carry_out(HangUpTrunk(handoff_id=HANDOFF))

    await ear.fact(TrunkHungUp(handoff_id=HANDOFF))


async def test_a_guest_hears_why_its_number_did_not_answer(
    lent: tuple[TelephonyDriver, TelephonyEar, TelephonyDriver, TelephonyEar],
) -> None:
    _driver, ear, lender, lender_ear = lent

    lender.carry_out(dial(BUSY, handoff_id=HANDOFF))
    await lender_ear.fact(LineFailed(call_id=OUT, outcome=OutboundOutcome.BUSY))
    lender.carry_out(HangUpTrunk(handoff_id=HANDOFF, outcome=OutboundOutcome.BUSY))

    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="BUSY"))


async def test_the_next_try_of_a_call_whose_line_failed_is_a_call_like_the_first(home: Site) -> None:
    driver, ear = await agent_waits(home)
    driver.carry_out(dial(ANSWERS, LineId("nowhere")))
    await ear.fact(LineFailed(call_id=OUT, outcome=OutboundOutcome.FAILED))

    driver.carry_out(DialLine(call_id=OUT, line_id=LINE, number=ANSWERS, handoff_id=None, try_number=2))
    await ear.fact(LineAnswered(call_id=OUT))
    driver.carry_out(BridgeLine(call_id=OUT, leg_id=LEG))
    await becomes(lambda: home.talks(OUT))

    await home.lose(driver)
    again, heard, found = await home.connect()
    assert found.lines[OUT].state is MediaState.BRIDGED
    again.carry_out(HangUpLine(call_id=OUT))
    again.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))
    again.carry_out(DialLine(call_id=CallId("0191-next"), line_id=LINE, number=BUSY, handoff_id=None))
    await heard.fact(LineFailed(call_id=CallId("0191-next"), outcome=OutboundOutcome.BUSY))
