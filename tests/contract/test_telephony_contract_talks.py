"""What every telephony driver promises of talks with more than one agent, tried with a real PBX behind it."""

from branch.telephony.port import TelephonyDriver
from router.call import Language
from router.facts import CallerHungUp, LegHungUp, RecordingFinished
from router.ids import CallId, LegId, RecordingId
from router.orders import (
    BridgeAgent,
    HangUpLeg,
    HoldCall,
    HoldLeg,
    JoinTalk,
    Overhear,
    PartTalk,
    PauseRecording,
    RecordTalk,
    ResumeCall,
    StopRecording,
    UnpauseRecording,
)
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, OTHER_AGENT, Site
from tests.fakes.telephony_steps import LEG, OTHER_LEG, becomes, joined, queued, talking

RECORDING = RecordingId("0191-recording-1")
TWO = frozenset({LEG, OTHER_LEG})


async def consulting(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> tuple[str, CallId]:
    """AGENT on LEG speaks with OTHER_AGENT on OTHER_LEG; the caller hears music."""
    channel, call_id = await talking(site, driver, ear)
    driver.carry_out(HoldCall(call_id=call_id, leg_id=LEG))
    await joined(site, driver, ear, call_id)
    driver.carry_out(JoinTalk(leg_id=LEG, joining=OTHER_LEG))
    await conversation_becomes(site, LEG, TWO)
    return channel, call_id


async def conversation_becomes(site: Site, leg_id: LegId, expected: frozenset[str]) -> None:
    async def is_so() -> bool:
        return await site.conversation(leg_id) == expected

    await becomes(is_so)


async def test_agent_and_colleague_speak_while_the_caller_hears_music(home: Site) -> None:
    driver, ear, _found = await home.connect()

    _channel, call_id = await consulting(home, driver, ear)

    assert await home.hears_music(call_id)


async def test_caller_and_colleague_change_places_and_never_hear_each_other(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await consulting(home, driver, ear)

    driver.carry_out(HoldLeg(leg_id=OTHER_LEG, call_id=call_id))
    driver.carry_out(ResumeCall(call_id=call_id, leg_id=LEG))
    await conversation_becomes(home, LEG, frozenset({LEG, call_id}))
    assert await home.conversation(OTHER_LEG) == frozenset()
    driver.carry_out(HoldCall(call_id=call_id, leg_id=LEG))
    driver.carry_out(JoinTalk(leg_id=LEG, joining=OTHER_LEG))
    await conversation_becomes(home, LEG, TWO)

    assert await home.hears_music(call_id)


async def test_an_attended_transfer_leaves_caller_and_colleague_alone_with_each_other(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await consulting(home, driver, ear)

    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=OTHER_LEG))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))
    await conversation_becomes(home, OTHER_LEG, frozenset({OTHER_LEG, call_id}))
    assert LegHungUp(leg_id=OTHER_LEG) not in ear.facts
    await home.give_up(channel)

    await ear.fact(CallerHungUp(call_id=call_id))


async def test_caller_agent_and_colleague_talk_together_until_one_leaves(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await consulting(home, driver, ear)

    driver.carry_out(ResumeCall(call_id=call_id, leg_id=LEG))
    await conversation_becomes(home, LEG, TWO | {call_id})
    await home.put_down(OTHER_LEG)

    await ear.fact(LegHungUp(leg_id=OTHER_LEG))
    await conversation_becomes(home, LEG, frozenset({LEG, call_id}))


async def test_an_agent_who_leaves_a_conference_leaves_caller_and_colleague_talking(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await consulting(home, driver, ear)
    driver.carry_out(ResumeCall(call_id=call_id, leg_id=LEG))
    await conversation_becomes(home, LEG, TWO | {call_id})

    await home.put_down(LEG)
    await ear.fact(LegHungUp(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=OTHER_LEG))

    await conversation_becomes(home, OTHER_LEG, frozenset({OTHER_LEG, call_id}))


async def test_a_consultation_is_found_by_a_new_process(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await consulting(home, driver, ear)

    await home.lose(driver)
    driver, ear, alive = await home.connect()
    driver.carry_out(ResumeCall(call_id=call_id, leg_id=LEG))
    await conversation_becomes(home, LEG, TWO | {call_id})

    assert {leg.agent_id for leg in alive.legs.values()} == {AGENT, OTHER_AGENT}


async def test_a_supervisor_listens_and_whispers_from_outside_of_the_talk(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)
    await joined(home, driver, ear, call_id)

    for is_whispering in (False, True):
        driver.carry_out(Overhear(leg_id=OTHER_LEG, beside=LEG, is_whispering=is_whispering))
        await becomes(lambda: home.overhears(OTHER_LEG, LEG))

    assert await home.conversation(LEG) == frozenset({LEG, call_id})


async def test_a_supervisor_barges_in_and_goes_back_to_listening(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)
    await joined(home, driver, ear, call_id)
    driver.carry_out(Overhear(leg_id=OTHER_LEG, beside=LEG, is_whispering=False))

    driver.carry_out(JoinTalk(leg_id=LEG, joining=OTHER_LEG))
    await conversation_becomes(home, LEG, TWO | {call_id})
    assert not await home.overhears(OTHER_LEG, LEG)
    driver.carry_out(PartTalk(leg_id=LEG, parting=OTHER_LEG))
    driver.carry_out(Overhear(leg_id=OTHER_LEG, beside=LEG, is_whispering=False))
    await becomes(lambda: home.overhears(OTHER_LEG, LEG))

    await conversation_becomes(home, LEG, frozenset({LEG, call_id}))


async def test_what_is_overheard_ends_with_the_talk(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)
    await joined(home, driver, ear, call_id)
    driver.carry_out(Overhear(leg_id=OTHER_LEG, beside=LEG, is_whispering=False))
    await becomes(lambda: home.overhears(OTHER_LEG, LEG))

    await home.put_down(LEG)
    await ear.fact(LegHungUp(leg_id=LEG))

    assert not await home.overhears(OTHER_LEG, LEG)


# --- recordings ----------------------------------------------------------------------------


async def recording(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> CallId:
    """What caller and AGENT say is recorded as RECORDING."""
    _channel, call_id = await talking(site, driver, ear)
    driver.carry_out(RecordTalk(leg_id=LEG, recording_id=RECORDING))
    return call_id


def finished(ear: TelephonyEar) -> list[RecordingFinished]:
    return [fact for fact in ear.facts if isinstance(fact, RecordingFinished)]


async def test_a_recording_that_is_stopped_tells_its_length_while_the_talk_goes_on(home: Site) -> None:
    driver, ear, _found = await home.connect()
    call_id = await recording(home, driver, ear)

    driver.carry_out(PauseRecording(leg_id=LEG, recording_id=RECORDING))
    driver.carry_out(UnpauseRecording(leg_id=LEG, recording_id=RECORDING))
    driver.carry_out(StopRecording(leg_id=LEG, recording_id=RECORDING))
    [fact] = await ear.until(lambda: finished(ear))

    assert fact.recording_id == RECORDING
    assert fact.duration_ms >= 0
    assert await home.conversation(LEG) == frozenset({LEG, call_id})


async def test_a_recording_ends_with_the_talk_whoever_ends_it(home: Site) -> None:
    driver, ear, _found = await home.connect()
    await recording(home, driver, ear)
    # The phone has a way of its own to the PBX, and would be faster than the order.
    await becomes(lambda: home.records(RECORDING))

    await home.put_down(LEG)
    await ear.until(lambda: finished(ear))
    driver.carry_out(StopRecording(leg_id=LEG, recording_id=RECORDING))

    await ear.fact(LegHungUp(leg_id=LEG))
    assert [fact.recording_id for fact in finished(ear)] == [RECORDING]


async def test_a_recording_outlives_the_branch_process(home: Site) -> None:
    driver, ear, _found = await home.connect()
    await recording(home, driver, ear)
    await becomes(lambda: home.records(RECORDING))

    await home.lose(driver)
    driver, ear, _found = await home.connect()
    driver.carry_out(StopRecording(leg_id=LEG, recording_id=RECORDING))

    [fact] = await ear.until(lambda: finished(ear))
    assert fact.recording_id == RECORDING


async def test_a_caller_is_told_of_the_recording_and_talks_all_the_same(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    await joined(home, driver, ear, call_id)

    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=OTHER_LEG, recording_notice=Language.ENGLISH))

    await conversation_becomes(home, OTHER_LEG, frozenset({OTHER_LEG, call_id}))
