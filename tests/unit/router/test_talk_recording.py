"""Recordings: all talks of a queue, or those for which the agent asks; each ends with its talk."""

import pytest

from router import facts, ledger, orders
from router.acd.policy import QueuePolicy, RecordingRule
from router.agent import AgentState
from router.call import CallState, Language
from router.errors import InvalidPolicyError, WrongStateError
from router.ids import RecordingId
from router.orders import Outcome
from router.recovery import Inventory, LiveLeg, MediaState, OpenCall, OpenRecording, OpenSession, OpenWork
from router.talk.recording_acts import RecordingAct
from router.views import RecordingState
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one, sales
from tests.fakes.talk import C1, Talk

START, PAUSE, RESUME, STOP = RecordingAct


def recorded() -> Talk:
    """A talk since second 10 in a queue that records all."""
    return Talk(recording=RecordingRule.ON)


def on_demand() -> Talk:
    return Talk(recording=RecordingRule.ON_DEMAND)


def ask(talk: Talk, act: RecordingAct, seconds: float) -> Outcome:
    return talk.floor.tell(facts.RecordingAsked(agent_id=talk.kim, act=act), seconds)


def state(talk: Talk) -> RecordingState:
    call = talk.floor.floor.call(C1)
    assert call is not None
    return call.recording


def test_a_recorded_queues_caller_is_told_before_the_bridge_and_recorded_after_it() -> None:
    talk = recorded()

    bridge, record = one(talk.floor.log, orders.BridgeAgent), one(talk.floor.log, orders.RecordTalk)
    started = one(talk.floor.log, ledger.RecordingStarted)

    assert bridge.recording_notice is Language.CHINESE
    assert record == orders.RecordTalk(leg_id=talk.kims_leg, recording_id=started.recording_id)
    order = [talk.floor.log.index(each) for each in (bridge, started, record)]
    assert order == sorted(order)
    assert orders.RecordTalk.is_irreversible


def test_a_queue_that_records_nothing_tells_and_records_nothing() -> None:
    talk = Talk()

    assert one(talk.floor.log, orders.BridgeAgent).recording_notice is None
    assert all_of(talk.floor.log, orders.RecordTalk) == []
    with pytest.raises(WrongStateError, match="is off; this needs on-demand"):
        ask(talk, START, 20)


def test_a_recording_ends_with_the_talk_and_says_how_long_it_is() -> None:
    talk = recorded()

    outcome = talk.floor.tell(facts.CallerHungUp(call_id=C1), 40)

    ended = one(outcome, ledger.RecordingEnded)
    assert (ended.duration_ms, ended.reason) == (30_000, "TALK_OVER")
    assert one(outcome, orders.StopRecording).recording_id == ended.recording_id


def test_a_blind_transfer_ends_the_recording() -> None:
    talk = recorded()

    outcome = talk.floor.tell(facts.TransferAsked(agent_id=talk.kim, to_queue=SALES), 40)

    assert one(outcome, ledger.RecordingEnded).duration_ms == 30_000


def test_an_attended_transfer_begins_a_recording_of_the_new_agent_without_telling_again() -> None:
    talk = recorded()
    leg_id = talk.consulted()

    outcome = talk.floor.tell(facts.CompleteAsked(agent_id=talk.kim), 40)

    before, after = one(outcome, ledger.RecordingEnded), one(outcome, ledger.RecordingStarted)
    assert (before.agent_id, after.agent_id, after.leg_id) == (talk.kim, talk.ann, leg_id)
    assert before.recording_id != after.recording_id
    assert one(outcome, orders.BridgeAgent).recording_notice is None


def test_the_agent_starts_pauses_resumes_and_stops_on_demand() -> None:
    talk = on_demand()
    shown = [state(talk)]

    for act, seconds in ((START, 20), (PAUSE, 30), (RESUME, 35), (STOP, 40)):
        ask(talk, act, seconds)
        shown.append(state(talk))

    assert shown == [
        RecordingState.NONE,
        RecordingState.RUNNING,
        RecordingState.PAUSED,
        RecordingState.RUNNING,
        RecordingState.NONE,
    ]
    assert one(talk.floor.log, ledger.RecordingEnded).duration_ms == 15_000
    acts = (orders.RecordTalk, orders.PauseRecording, orders.UnpauseRecording, orders.StopRecording)
    assert tuple(type(each) for each in talk.floor.log if isinstance(each, acts)) == acts


def test_what_does_not_fit_is_refused() -> None:
    talk = on_demand()

    for act in (PAUSE, RESUME, STOP):
        with pytest.raises(WrongStateError, match="is not recorded"):
            ask(talk, act, 20)
    ask(talk, START, 21)
    with pytest.raises(WrongStateError, match="is recorded"):
        ask(talk, START, 22)
    with pytest.raises(WrongStateError, match="is running"):
        ask(talk, RESUME, 22)
    with pytest.raises(WrongStateError, match="is on; this needs on-demand"):
        ask(recorded(), STOP, 22)


def test_a_recording_that_the_pbx_ends_by_itself_has_the_pbxs_length() -> None:
    talk = recorded()
    started = one(talk.floor.log, ledger.RecordingStarted)

    outcome = talk.floor.tell(
        facts.RecordingFinished(recording_id=started.recording_id, duration_ms=7_000), 30
    )

    ended = one(outcome, ledger.RecordingEnded)
    assert (ended.duration_ms, ended.reason) == (7_000, "PBX_ENDED")
    assert all_of(outcome, orders.StopRecording) == []
    assert (
        talk.floor.tell(facts.RecordingFinished(recording_id=started.recording_id, duration_ms=7_000), 31)
        == []
    )


def resumed(leg: MediaState | None) -> tuple[FloorUnderTest, Outcome]:
    """A talk was recorded for 20 s when the process died 5 s ago."""
    talk = Talk(recording=RecordingRule.ON)
    agent_id, leg_id = talk.kim, talk.kims_leg
    call = OpenCall(
        call_id=C1,
        queue_id=SALES,
        skills=SALES_SKILLS,
        priority=0,
        customer_id=None,
        state=CallState.CONNECTED,
        queued_at=at(-30),
        connected_at=at(-25),
        leg_id=leg_id,
        agent_id=agent_id,
        recording=OpenRecording(
            recording_id=RecordingId("r1"), agent_id=agent_id, leg_id=leg_id, recorded_ms=0, since=at(-25)
        ),
    )
    session = OpenSession(agent_id=agent_id, skills=SALES_SKILLS, state=AgentState.TALKING, reason=None)
    legs = {}
    if leg is not None:
        legs[leg_id] = LiveLeg(leg_id=leg_id, agent_id=agent_id, call_id=C1, handoff_id=None, state=leg)
    floor = FloorUnderTest(policies=[sales(recording=RecordingRule.ON)])
    work = OpenWork(calls=(call,), sessions=(session,))
    return floor, floor.floor.resume(work, Inventory(callers=frozenset({C1}), legs=legs), at(0))


def test_a_recording_goes_on_over_a_restart_and_ends_with_the_talk() -> None:
    floor, outcome = resumed(MediaState.BRIDGED)

    over = floor.tell(facts.CallerHungUp(call_id=C1), 10)

    assert all_of(outcome, orders.Order) == []
    assert one(over, ledger.RecordingEnded).duration_ms == 35_000


def test_a_recording_of_a_talk_that_ended_meanwhile_is_ended() -> None:
    _floor, outcome = resumed(None)

    assert one(outcome, ledger.RecordingEnded).recording_id == "r1"


def test_files_are_kept_for_a_day_at_least() -> None:
    with pytest.raises(InvalidPolicyError, match="recording_retention_days"):
        QueuePolicy(queue_id=SALES, skills=SALES_SKILLS, recording_retention_days=0)
