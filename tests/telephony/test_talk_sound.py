"""What people really hear of each other through Asterisk, and what its recordings hold: tones, not words."""

import array
import wave
from itertools import groupby
from pathlib import Path

from branch.pruning import Pruning
from deploy.phones.sip_sound import Sound
from router.facts import LegAnswered, LegRang, LineAnswered, RecordingFinished, VoicemailRecorded
from router.ids import AgentId, CallId, RecordingId
from router.orders import (
    BridgeLine,
    DialLine,
    HangUpCall,
    HangUpLeg,
    Order,
    Overhear,
    PauseRecording,
    RecordTalk,
    RecordVoicemail,
    StopRecording,
    UnpauseRecording,
)
from tests.fakes.asterisk_site import SLOW, AsteriskSite
from tests.fakes.recording_records import RecordingRecords
from tests.fakes.telephony_rig import AGENT, LINE, OTHER_AGENT
from tests.fakes.telephony_steps import LEG, OTHER_LEG, SALES, becomes, joined, queued, ring, talking

OUT = CallId("0191-call-out")
RECORDING = RecordingId("0191-recording-1")
WORD = 25
"""Packets of a tone that are heard: half a second."""
PAUSE = 15
"""Packets of silence in a row: nobody speaks any more."""
LOUD = 500
"""Of 32767; what is below is no tone of ours."""
SLICE = 1_600
"""Samples in which a recording is looked at: 200 ms, shorter than any pause here."""


class Talk:
    """A caller and AGENT, whom everybody can hear speak; OTHER_AGENT's phone is for a supervisor."""

    def __init__(self, site: AsteriskSite) -> None:
        self.site = site

    async def begin(self) -> "Talk":
        self.driver, self.ear, _found = await self.site.connect()
        self._channel, self.call_id = await talking(self.site, self.driver, self.ear)
        self.caller = self.site.calls[self._channel].sound
        self.agent = await self._sound(AGENT)
        await quiet(self.caller)
        return self

    async def supervised(self, *, is_whispering: bool) -> Sound:
        """A supervisor overhears; returns the sound of that phone."""
        if OTHER_LEG not in {each["id"] for each in await self.site.ask("channels")}:
            await joined(self.site, self.driver, self.ear, self.call_id)
        self.do(Overhear(leg_id=OTHER_LEG, beside=LEG, is_whispering=is_whispering))
        await becomes(lambda: self.site.overhears(OTHER_LEG, LEG))
        return await self._sound(OTHER_AGENT)

    async def _sound(self, agent: AgentId) -> Sound:
        return (await self.site.phones[agent].wait_talking()).sound

    def do(self, order: Order) -> None:
        self.driver.carry_out(order)

    async def over(self) -> None:
        """Everybody leaves, and nothing of it is left at Asterisk but the queues' music."""
        for leg, agent in ((LEG, AGENT), (OTHER_LEG, OTHER_AGENT)):
            self.do(HangUpLeg(leg_id=leg, agent_id=agent))
        self.do(HangUpCall(call_id=self.call_id, reason="SERVED"))
        await nothing_is_left(self.site)


async def nothing_is_left(site: AsteriskSite) -> None:
    async def is_so() -> bool:
        talks = [each for each in await site.ask("bridges") if each["bridge_type"] != "holding"]
        return not talks and not await site.ask("channels")

    await becomes(is_so)


async def speaks(speaker: Sound, heard_by: Sound) -> None:
    """One sends a tone until the other has heard enough of it; then it is quiet again."""
    enough = heard_by.sounding_count + WORD
    speaker.has_tone = True
    await heard_by.changes.until(lambda: heard_by.sounding_count >= enough)
    speaker.has_tone = False
    await quiet(heard_by)


async def quiet(sound: Sound) -> None:
    """Return when only silence has come for a while."""
    while True:
        packets, sounding = sound.received_count + PAUSE, sound.sounding_count
        await sound.changes.until(lambda limit=packets: sound.received_count >= limit)  # type: ignore[misc]
        if sound.sounding_count == sounding:
            return


def utterances(file: Path) -> int:
    """How often the recording goes from silence to sound."""
    with wave.open(str(file)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (1, 2)
        samples = array.array("h", wav.readframes(wav.getnframes()))
    loud = [max(map(abs, samples[at : at + SLICE])) > LOUD for at in range(0, len(samples), SLICE)]
    return sum(is_loud for is_loud, _slices in groupby(loud))


# --- who has dialled -----------------------------------------------------------------------


async def test_an_agent_who_dials_hears_how_it_rings_and_then_the_customer(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    driver.carry_out(ring(OUT))
    await ear.fact(LegRang(leg_id=LEG))
    await home.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    agent = (await home.phones[AGENT].wait_talking()).sound
    driver.carry_out(DialLine(call_id=OUT, line_id=LINE, number=SLOW, handoff_id=None))

    await agent.changes.until(lambda: agent.sounding_count >= WORD)
    await ear.fact(LineAnswered(call_id=OUT))
    driver.carry_out(BridgeLine(call_id=OUT, leg_id=LEG))
    await becomes(lambda: home.talks(OUT))
    await quiet(agent)
    [customer] = home.customers
    await speaks(customer.sound, heard_by=agent)


# --- supervisors ---------------------------------------------------------------------------


async def test_a_listener_hears_both_and_is_heard_by_nobody(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    supervisor = await talk.supervised(is_whispering=False)

    await speaks(talk.caller, heard_by=supervisor)
    await speaks(talk.agent, heard_by=supervisor)
    await quiet(talk.agent)
    await quiet(talk.caller)
    heard = talk.agent.sounding_count, talk.caller.sounding_count
    supervisor.has_tone = True
    for each in (talk.agent, talk.caller):
        packets = each.received_count + 2 * WORD
        await each.changes.until(lambda each=each, limit=packets: each.received_count >= limit)  # type: ignore[misc]

    assert (talk.agent.sounding_count, talk.caller.sounding_count) == heard
    await talk.over()


async def test_a_whisper_reaches_the_agent_and_not_the_caller(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    supervisor = await talk.supervised(is_whispering=True)

    heard, packets = talk.caller.sounding_count, talk.caller.received_count + WORD
    await speaks(supervisor, heard_by=talk.agent)
    await talk.caller.changes.until(lambda: talk.caller.received_count >= packets)

    assert talk.caller.sounding_count == heard
    await speaks(talk.caller, heard_by=supervisor)
    await talk.over()


async def test_a_supervisor_who_stops_whispering_is_heard_no_more(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    supervisor = await talk.supervised(is_whispering=True)
    await speaks(supervisor, heard_by=talk.agent)

    await talk.supervised(is_whispering=False)
    await speaks(talk.caller, heard_by=supervisor)
    await quiet(talk.agent)
    heard, packets = talk.agent.sounding_count, talk.agent.received_count + 2 * WORD
    supervisor.has_tone = True
    await talk.agent.changes.until(lambda: talk.agent.received_count >= packets)

    assert talk.agent.sounding_count == heard
    assert len([each for each in await home.ask("channels") if each["name"].startswith("Snoop/")]) == 1
    await talk.over()


async def test_a_talk_that_ends_while_it_is_overheard_leaves_nothing(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    await talk.supervised(is_whispering=False)

    await home.put_down(LEG)

    await talk.over()


async def test_a_new_branch_process_leaves_a_supervisor_listening(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    supervisor = await talk.supervised(is_whispering=False)

    await home.lose(talk.driver)
    talk.driver, talk.ear, _found = await home.connect()

    await speaks(talk.agent, heard_by=supervisor)
    await talk.over()


async def test_a_talk_overheard_that_ends_without_a_branch_leaves_nothing_to_the_next(
    home: AsteriskSite,
) -> None:
    talk = await Talk(home).begin()
    await talk.supervised(is_whispering=False)

    await home.lose(talk.driver)
    for agent in (AGENT, OTHER_AGENT):
        await home.phones[agent].hang_up()
    await becomes(lambda: legs_are_gone(home))
    talk.driver, talk.ear, _found = await home.connect()

    await talk.over()


async def legs_are_gone(site: AsteriskSite) -> bool:
    return not {LEG, OTHER_LEG} & {each["id"] for each in await site.ask("channels")}


# --- recordings ----------------------------------------------------------------------------


async def is_recording(site: AsteriskSite, state: str) -> None:
    """Asterisk says so of RECORDING."""

    async def is_so() -> bool:
        return bool((await site.ask(f"recordings/live/{RECORDING}")).get("state") == state)

    await becomes(is_so)


async def finished(talk: Talk) -> RecordingFinished:
    talk.do(StopRecording(leg_id=LEG, recording_id=RECORDING))
    [fact] = await talk.ear.until(lambda: [f for f in talk.ear.facts if isinstance(f, RecordingFinished)])
    return fact


async def test_a_recording_holds_what_both_sides_say(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    talk.do(RecordTalk(leg_id=LEG, recording_id=RECORDING))
    await is_recording(home, "recording")

    await speaks(talk.caller, heard_by=talk.agent)
    await speaks(talk.agent, heard_by=talk.caller)
    fact = await finished(talk)

    assert utterances(home.recordings / f"{RECORDING}.wav") == 2
    assert fact.duration_ms >= 1_000
    await talk.over()


async def test_what_is_said_in_a_pause_is_not_in_the_recording(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    talk.do(RecordTalk(leg_id=LEG, recording_id=RECORDING))
    await is_recording(home, "recording")

    await speaks(talk.caller, heard_by=talk.agent)
    talk.do(PauseRecording(leg_id=LEG, recording_id=RECORDING))
    await is_recording(home, "paused")
    await speaks(talk.agent, heard_by=talk.caller)
    talk.do(UnpauseRecording(leg_id=LEG, recording_id=RECORDING))
    await is_recording(home, "recording")
    await speaks(talk.caller, heard_by=talk.agent)
    await finished(talk)

    assert utterances(home.recordings / f"{RECORDING}.wav") == 2
    await talk.over()


async def test_a_supervisors_whisper_is_not_recorded(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    supervisor = await talk.supervised(is_whispering=True)
    talk.do(RecordTalk(leg_id=LEG, recording_id=RECORDING))
    await is_recording(home, "recording")

    await speaks(supervisor, heard_by=talk.agent)
    await speaks(talk.caller, heard_by=talk.agent)
    await finished(talk)

    assert utterances(home.recordings / f"{RECORDING}.wav") == 1
    await talk.over()


async def test_a_recording_past_its_time_is_deleted_where_asterisk_keeps_it(home: AsteriskSite) -> None:
    talk = await Talk(home).begin()
    talk.do(RecordTalk(leg_id=LEG, recording_id=RECORDING))
    await is_recording(home, "recording")
    await speaks(talk.caller, heard_by=talk.agent)
    await finished(talk)
    file = home.recordings / f"{RECORDING}.wav"
    records = RecordingRecords({RECORDING: "2026-03-01"})

    assert file.stat().st_size > 0
    assert Pruning(home.recordings, records, lambda: "2026-03-02").prune() == 1
    assert not file.exists()
    await talk.over()


async def test_a_voicemail_holds_what_the_caller_says(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)
    file = home.recordings / f"{call_id}.wav"
    caller = home.calls[channel].sound
    caller.has_tone = True
    driver.carry_out(RecordVoicemail(call_id=call_id, queue_id=SALES))

    async def has_a_second() -> bool:
        return file.exists() and file.stat().st_size > 16_000

    await becomes(has_a_second)
    await home.press(channel, "#")
    await ear.fact(VoicemailRecorded(call_id=call_id))

    assert utterances(file) == 1
    driver.carry_out(HangUpCall(call_id=call_id, reason="SERVED"))
    await nothing_is_left(home)
