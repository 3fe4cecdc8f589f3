"""What the keys of a SIP phone, and a carrier's own wishes, do to a talk that the branch has made."""

import pytest

from branch.telephony.port import PhoneRequest, TelephonyDriver
from deploy.phones.callers import Caller
from deploy.phones.sip_calls import Call, Ending
from router.facts import HoldAsked, LineFailed, ResumeAsked
from router.ids import CallId, LineId
from router.orders import DialLine, HangUpLeg, HoldCall
from router.outbound.outcome import OutboundOutcome
from tests.fakes.asterisk_site import LINE_NUMBER, PASSWORD, AsteriskSite
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, OTHER_AGENT
from tests.fakes.telephony_steps import LEG, becomes, talking

pytestmark = pytest.mark.timeout(120)

TRYING, ACCEPTED, DECLINED = 100, 202, 603
WORD = 25
"""Packets of sound: half a second."""


async def hears_on(call: Call) -> None:
    await call.wait_sound(call.sound.received_count + WORD)


async def told(call: Call, *statuses: int) -> None:
    """The phone knows what has become of its transfers."""
    try:
        await call.changes.until(lambda: call.transfer_statuses == list(statuses), 20)
    except TimeoutError:
        pytest.fail(f"the phone was told {call.transfer_statuses} of its transfers, not {list(statuses)}")


async def wanted(ear: TelephonyEar, digits: str) -> None:
    """The branch has been asked for the transfer."""
    await ear.until(lambda: (AGENT, PhoneRequest.TRANSFER, digits) in ear.requests)


async def is_as_before(home: AsteriskSite, agent: Call, caller: Call) -> None:
    """The two talk, and nobody else is in it."""
    await hears_on(agent)
    await hears_on(caller)
    assert home.phones[OTHER_AGENT].calls == []
    assert {each["id"] for each in await home.ask("channels")} == {
        each for bridge in await home.ask("bridges") for each in bridge["channels"]
    }


async def test_what_the_hold_key_did_while_no_branch_was_there_is_heard_when_one_is_back(
    home: AsteriskSite,
) -> None:
    driver, ear, _found = await home.connect()
    await talking(home, driver, ear)
    agent = await home.phones[AGENT].wait_talking()
    for is_on, asked in ((True, HoldAsked), (False, ResumeAsked)):
        await home.lose(driver)
        await agent.hold(is_on=is_on)
        driver, ear, _found = await home.connect()
        await ear.fact(asked(agent_id=AGENT))
        await settled(driver, ear)
        assert len(ear.facts) == 1
    await press_hold(ear, agent)
    await settled(driver, ear)
    await home.lose(driver)

    driver, ear, _found = await home.connect()

    await settled(driver, ear)
    assert ear.facts == [], "it is as it was"


async def settled(driver: TelephonyDriver, ear: TelephonyEar) -> None:
    """All that was asked of Asterisk before this is done, and told."""
    fact = LineFailed(call_id=CallId("0191-nobody"), outcome=OutboundOutcome.FAILED)
    driver.carry_out(DialLine(call_id=fact.call_id, line_id=LineId("nowhere"), number="1", handoff_id=None))
    await ear.fact(fact)
    ear.facts.remove(fact)


async def test_whom_the_desk_holds_stays_held_when_another_branch_process_comes(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)
    driver.carry_out(HoldCall(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.hears_music(call_id))
    await home.lose(driver)

    again, heard, _found = await home.connect()

    await settled(again, heard)
    assert heard.facts == []
    assert await home.hears_music(call_id)


async def test_a_carrier_transfers_nobody(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    channel, _call_id = await talking(home, driver, ear)
    agent, caller = await home.phones[AGENT].wait_talking(), home.calls[channel]

    assert await caller.refer(LINE_NUMBER) == DECLINED

    await is_as_before(home, agent, caller)
    assert len(ear.callers) == 1


async def test_a_phones_transfer_is_the_branches_and_its_phone_is_told_that_it_is_done(
    home: AsteriskSite,
) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await talking(home, driver, ear)
    agent, caller = await home.phones[AGENT].wait_talking(), home.calls[channel]
    await press_hold(ear, agent)

    assert await agent.refer("1002") == ACCEPTED
    await wanted(ear, "1002")
    driver.carry_out(HoldCall(call_id=call_id, leg_id=LEG))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    assert await agent.wait_over() is Ending.THEY_HUNG_UP
    assert agent.transfer_statuses == [TRYING, 200]
    await becomes(lambda: home.hears_music(call_id))
    assert not caller.is_over
    assert home.phones[OTHER_AGENT].calls == [], "whom to ring is for the branch to say"


async def press_hold(ear: TelephonyEar, agent: Call) -> None:
    """As a phone does before it asks where to."""
    await agent.hold(is_on=True)
    await ear.fact(HoldAsked(agent_id=AGENT))


async def test_a_transfer_that_is_refused_leaves_the_talk_as_it_was_and_can_be_tried_again(
    home: AsteriskSite,
) -> None:
    driver, ear, _found = await home.connect()
    channel, _call_id = await talking(home, driver, ear)
    agent, caller = await home.phones[AGENT].wait_talking(), home.calls[channel]
    await press_hold(ear, agent)

    for count, number in enumerate(("nobody", "1002"), start=1):
        assert await agent.refer(number) == ACCEPTED
        await wanted(ear, number)
        driver.refuse_transfer(AGENT)
        await told(agent, *(TRYING, DECLINED) * count)

    await agent.hold(is_on=False)
    await ear.fact(ResumeAsked(agent_id=AGENT))
    await is_as_before(home, agent, caller)


async def test_a_caller_is_given_to_no_talk_that_the_branch_has_not_made(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await talking(home, driver, ear)
    agent, caller = await home.phones[AGENT].wait_talking(), home.calls[channel]
    await press_hold(ear, agent)
    colleague = home.phones[OTHER_AGENT]
    async with Caller("1001", home.address, password=PASSWORD) as phone:
        asking = await phone.call("1002", sends_rtp=True)
        await colleague.wait_ringing()
        colleague.answer()
        await asking.wait_answered()

        assert await agent.refer("1002", instead_of=asking) == ACCEPTED
        await wanted(ear, "")
        driver.refuse_transfer(AGENT)
        await told(agent, TRYING, DECLINED)

        assert await home.talks(call_id)
        await hears_on(asking)
        await hears_on(caller)
        await asking.hang_up()
    await hears_on(caller)


async def test_without_a_branch_a_phones_transfer_leads_nowhere(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    channel, _call_id = await talking(home, driver, ear)
    agent, caller = await home.phones[AGENT].wait_talking(), home.calls[channel]
    await home.lose(driver)

    for number in ("1002", LINE_NUMBER):
        assert await agent.refer(number) == ACCEPTED

    await is_as_before(home, agent, caller)
    again, heard, found = await home.connect()
    assert LEG in found.legs
    await told(agent, *(TRYING, DECLINED) * 2)
    assert await agent.refer("1002") == ACCEPTED
    await wanted(heard, "1002")
    again.refuse_transfer(AGENT)
    await told(agent, *(TRYING, DECLINED) * 3)


async def test_a_talk_of_two_phones_brings_nobody_into_the_branch(home: AsteriskSite) -> None:
    _driver, ear, _found = await home.connect()
    colleague = home.phones[OTHER_AGENT]
    async with Caller("1001", home.address, password=PASSWORD) as phone:
        dialling = await phone.call("1002", sends_rtp=True)
        await colleague.wait_ringing()
        colleague.answer()
        talk = await colleague.wait_talking()
        await dialling.wait_answered()

        assert await talk.refer(LINE_NUMBER) == ACCEPTED

        await hears_on(talk)
        await hears_on(dialling)
        await dialling.hang_up()
    assert (ear.callers, ear.requests) == ([], [])
