"""The simulated PBX's driver without a PBX: events told twice or late, requests across an absence."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from branch.telephony.driver.announcing import announcement
from branch.telephony.driver.carrying import Carrying
from branch.telephony.driver.hearing import Hearing
from branch.telephony.driver.holdings import Holdings
from branch.telephony.driver.prompts import Prompts
from branch.telephony.driver.resync import resync
from branch.telephony.driver.talks import Talks
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame
from branch.telephony.port import PhoneEvent
from router.agent import RingFailure
from router.call import Language
from router.facts import (
    CallerHungUp,
    Fact,
    LegAnswered,
    LegFailed,
    LegHungUp,
    LegRang,
    PbxDied,
    PromptsPlayed,
)
from router.ids import AgentId, CallId, LegId, PlaybackId, QueueId, SiteId
from router.orders import HangUpCall, HangUpLeg, HoldInQueue, PlayPrompts, RingAgent, StopPrompts
from tests.fakes.telephony import TelephonyEar

LEG = LegId("leg-1")
CALL = CallId("call-1")
SALES = QueueId("sales")
CALLER = "caller-1"

RING = RingAgent(leg_id=LEG, agent_id=AgentId("a/1"), call_id=CALL, queue_id=SALES, handoff_id=None)


class Driven:
    """The driver's parts on a connection that only remembers."""

    def __init__(
        self, trunks: Mapping[SiteId, str] | None = None, publics: Mapping[SiteId, str] | None = None
    ) -> None:
        self.sent: list[Frame] = []
        self.holdings = Holdings()
        self.unanswered = Unanswered()
        self.unanswered.connect(self.sent.append)
        talks = Talks(self.unanswered)
        prompts = Prompts(self.holdings, self.unanswered)
        self.hearing = Hearing(self.holdings, self.unanswered, talks, prompts, lambda: CALL)
        self.carrying = Carrying(
            self.holdings, self.unanswered, talks, self.hearing.note, trunks or {}, publics or {}, prompts
        )
        self.facts: list[Fact] = []

    def hear(self, *frames: Frame) -> list[Fact]:
        ear = TelephonyEar()
        self.hearing.tell_to(ear)
        for frame in frames:
            self.hearing.heard(frame)
        self.hearing.flush()
        self.facts += ear.facts
        return self.facts

    def come_back(self, *channels: Frame) -> list[str]:
        """A new connection, and what went out on it."""
        self.sent.clear()
        self.unanswered.disconnect()
        resync(self.holdings, self.hearing, self.unanswered, channels=list(channels), bridges=[], phones=[])
        self.unanswered.connect(self.sent.append)
        self.hear()
        return [frame["do"] for frame in self.sent]

    def asked(self) -> list[str]:
        return [frame["do"] for frame in self.sent]


class OrderedEar(TelephonyEar):
    """Keeps what phones do and what becomes of channels in one order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Fact | PhoneEvent] = []

    def fact_heard(self, fact: Fact) -> None:
        self.told.append(fact)

    def agent_phone_heard(self, agent_id: AgentId, event: PhoneEvent, reason: str | None) -> None:
        self.told.append(event)


def leg(state: str, *, is_started: bool = False) -> Frame:
    return {
        "channel": LEG,
        "kind": "phone",
        "state": state,
        "is_started": is_started,
        "facts": {},
        "variables": {},
    }


def caller(**variables: str) -> Frame:
    facts = {"dialled": "100", "priority": "0"}
    return {
        "event": Event.CHANNEL_STARTED,
        "channel": CALLER,
        "kind": "caller",
        "state": "RINGING",
        "is_started": True,
        "facts": facts,
        "variables": variables,
    }


RANG: Frame = {"event": Event.CHANNEL_STATE, "channel": LEG, "state": "RINGING"}
UP: Frame = {"event": Event.CHANNEL_STATE, "channel": LEG, "state": "UP"}
STARTED: Frame = {"event": Event.CHANNEL_STARTED, **leg("UP", is_started=True)}
GONE: Frame = {"event": Event.CHANNEL_GONE, "channel": LEG, "cause": int(Cause.NORMAL)}
CALLER_GONE: Frame = {"event": Event.CHANNEL_GONE, "channel": CALLER, "cause": int(Cause.NORMAL)}


def test_of_a_pbx_that_died_no_leg_ends_before_its_phone_is_unreachable() -> None:
    """An agent who is free and reachable is rung: here by nothing."""
    driven, ear = Driven(), OrderedEar()
    driven.hear({"event": Event.PHONE_STATE, "agent": "a/1", "is_registered": True})
    driven.carrying.carry_out(RING)
    driven.hear(RANG)

    driven.hearing.tell_to(ear)
    driven.hearing.died("PBX_DOWN")
    driven.hearing.flush()

    failed = LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE)
    assert ear.told == [PhoneEvent.UNREACHABLE, PbxDied(reason="PBX_DOWN"), failed]


def test_a_phone_that_rang_though_it_was_not_listed_is_missed_when_it_leaves() -> None:
    driven, ear = Driven(), OrderedEar()
    gone = {"event": Event.PHONE_STATE, "agent": "a/1", "is_registered": False}
    driven.hear(gone)
    driven.carrying.carry_out(RING)
    driven.hearing.tell_to(ear)

    for frame in (RANG, gone):
        driven.hearing.heard(frame)
    driven.hearing.flush()

    assert ear.told == [
        PhoneEvent.REGISTERED,
        LegRang(leg_id=LEG),
        LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE),
        PhoneEvent.UNREACHABLE,
    ]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=12))
def test_each_step_of_a_leg_is_told_once_however_often_and_late_it_is_repeated(
    repeats: list[tuple[int, int]],
) -> None:
    driven = Driven()
    driven.carrying.carry_out(RING)
    events = [RANG, UP, STARTED, GONE]
    heard = list(enumerate(events))
    for which, later in repeats:
        place = next(n for n, (number, _) in enumerate(heard) if number == which)
        heard.insert(min(len(heard), place + 1 + later), (4, events[which]))

    driven.hear(*(frame for _, frame in heard))

    assert driven.facts == [LegRang(leg_id=LEG), LegAnswered(leg_id=LEG), LegHungUp(leg_id=LEG)]


def test_an_answer_before_the_reply_to_originate_is_an_answer() -> None:
    driven = Driven()
    driven.carrying.carry_out(RING)

    driven.hear(RANG, UP, STARTED)
    reply = {"re": driven.sent[0]["id"], "result": None}

    assert driven.unanswered.answered(reply) is not None
    assert driven.facts[-1] == LegAnswered(leg_id=LEG)


def test_a_leg_that_is_up_and_has_not_started_is_not_answered_yet() -> None:
    driven = Driven()
    driven.carrying.carry_out(RING)

    assert driven.hear(RANG, UP) == [LegRang(leg_id=LEG)]


def test_a_callers_start_told_again_after_its_end_is_no_new_call() -> None:
    driven = Driven()

    driven.hear(caller(), CALLER_GONE, caller())

    assert driven.facts == [CallerHungUp(call_id=CALL)]
    assert list(driven.holdings) == []


def test_requests_without_a_reply_go_out_again_in_their_order() -> None:
    driven = Driven()
    driven.hear(caller())
    driven.carrying.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
    first = driven.asked()

    again = driven.come_back(caller(TRUNKLINE_CALL=CALL))

    assert again == first
    assert again[0] == Do.SET
    assert again[-1] == Do.ADD


def test_an_answered_request_does_not_go_out_again() -> None:
    driven = Driven()
    driven.hear(caller())
    driven.unanswered.answered({"re": driven.sent[0]["id"], "result": None})

    assert driven.come_back(caller(TRUNKLINE_CALL=CALL)) == []


def test_orders_given_while_the_pbx_is_away_wait_for_it() -> None:
    driven = Driven()
    driven.hear(caller())
    driven.unanswered.disconnect()
    driven.carrying.carry_out(HangUpCall(call_id=CALL, reason="SERVED"))
    driven.carrying.carry_out(RING)

    assert driven.come_back(caller(TRUNKLINE_CALL=CALL))[-2:] == [Do.HANG_UP, Do.ORIGINATE]


def test_a_phone_that_was_dialled_before_the_loss_is_not_dialled_twice() -> None:
    driven = Driven()
    driven.carrying.carry_out(RING)

    assert driven.come_back(leg("RINGING")) == []
    assert driven.facts == [LegRang(leg_id=LEG)]


def test_a_leg_that_ended_during_the_loss_is_told_and_not_dialled_again() -> None:
    driven = Driven()
    driven.carrying.carry_out(RING)

    assert driven.come_back() == []
    assert driven.facts == [LegFailed(leg_id=LEG, reason=RingFailure.NO_ANSWER)]


def test_what_went_on_during_the_loss_is_told_step_by_step() -> None:
    driven = Driven()
    driven.hear(caller())
    driven.carrying.carry_out(RING)

    driven.come_back(leg("UP", is_started=True))

    assert driven.facts == [
        CallerHungUp(call_id=CALL),
        LegRang(leg_id=LEG),
        LegAnswered(leg_id=LEG),
    ]


# --- prompts -----------------------------------------------------------------------------------

PLAYBACK = PlaybackId("playback-1")
WELCOME = PlayPrompts(
    call_id=CALL, playback_id=PLAYBACK, prompts=("welcome", "main_menu"), language=Language.ENGLISH
)
PLAYED = {"event": Event.PLAYED, "playback": PLAYBACK, "channel": CALLER}
TOLD = PromptsPlayed(call_id=CALL, playback_id=PLAYBACK)


def answered(driven: Driven, do: Do) -> None:
    """The PBX has done this."""
    for frame in driven.sent:
        if frame["do"] == do:
            driven.unanswered.answered({"re": frame["id"], "result": None})


def test_a_caller_is_answered_before_the_first_prompt_and_not_again() -> None:
    driven = Driven()
    driven.hear(caller())

    driven.carrying.carry_out(WELCOME)
    driven.carrying.carry_out(WELCOME)

    assert driven.asked() == [Do.SET, Do.ANSWER, Do.SET, Do.PLAY, Do.PLAY]
    assert driven.sent[3] == {
        "id": driven.sent[3]["id"],
        "do": Do.PLAY,
        "channel": CALLER,
        "playback": PLAYBACK,
        "media": ["prompt:welcome", "prompt:main_menu"],
        "language": "en",
    }


def test_an_end_told_twice_is_told_on_once_and_of_what_was_stopped_not_at_all() -> None:
    for is_stopped, facts in ((False, [TOLD]), (True, [])):
        driven = Driven()
        driven.hear(caller())
        driven.carrying.carry_out(WELCOME)
        if is_stopped:
            driven.carrying.carry_out(StopPrompts(call_id=CALL, playback_id=PLAYBACK))

        assert driven.hear(PLAYED, PLAYED) == facts


def test_an_end_that_may_have_been_told_to_nobody_is_told_after_the_loss() -> None:
    driven = Driven()
    driven.hear(caller())
    driven.carrying.carry_out(WELCOME)
    answered(driven, Do.PLAY)

    driven.come_back(caller(TRUNKLINE_CALL=CALL))

    assert driven.facts == [TOLD]


def test_prompts_that_may_not_have_begun_are_asked_for_again_and_their_end_waited_for() -> None:
    driven = Driven()
    driven.hear(caller())
    driven.carrying.carry_out(WELCOME)

    again = driven.come_back(caller(TRUNKLINE_CALL=CALL))

    assert again[-1] == Do.PLAY
    assert driven.facts == []


def test_place_and_wait_are_sounds_of_every_language_and_a_wait_is_in_whole_minutes() -> None:
    for position, wait_s, media in (
        (1, None, ["sound:queue-youarenext"]),
        (3, None, ["sound:queue-thereare", "number:2", "sound:queue-callswaiting"]),
        (None, 20, ["sound:queue-holdtime", "sound:queue-less-than", "number:2", "sound:queue-minutes"]),
        (None, 301, ["sound:queue-holdtime", "number:5", "sound:queue-minutes"]),
        (None, None, []),
    ):
        assert announcement(position, wait_s) == media


WANTED = {"event": Event.TRANSFER, "channel": LEG, "digits": "1002"}


def in_talk() -> Driven:
    """A leg that is up."""
    driven = Driven()
    driven.carrying.carry_out(RING)
    driven.hear({"event": Event.CHANNEL_STARTED, **leg("UP", is_started=True)})
    driven.sent.clear()
    return driven


def test_a_phone_that_has_given_its_caller_away_is_told_before_it_is_let_go_of() -> None:
    driven = in_talk()
    driven.hear(WANTED)
    driven.carrying.carry_out(HangUpLeg(leg_id=LEG, agent_id=AgentId("a/1")))

    assert driven.asked() == [Do.TRANSFERRED, Do.HANG_UP]
    assert driven.sent[0]["is_done"] is True


def test_a_phone_is_told_once_that_its_transfer_is_refused_and_may_ask_again() -> None:
    driven = in_talk()
    for _try in range(2):
        driven.hear(WANTED)
        driven.carrying.refuse_transfer(AgentId("a/1"))
        driven.carrying.refuse_transfer(AgentId("a/1"))

    assert driven.asked() == [Do.TRANSFERRED, Do.TRANSFERRED]
    assert [frame["is_done"] for frame in driven.sent] == [False, False]


def test_a_leg_that_wants_no_transfer_is_let_go_of_without_a_word() -> None:
    driven = in_talk()
    driven.carrying.carry_out(HangUpLeg(leg_id=LEG, agent_id=AgentId("a/1")))

    assert driven.asked() == [Do.HANG_UP]


def test_a_transfer_that_comes_when_the_leg_ends_already_is_refused() -> None:
    driven = in_talk()
    driven.carrying.carry_out(HangUpLeg(leg_id=LEG, agent_id=AgentId("a/1")))
    driven.hear(WANTED)

    assert driven.asked() == [Do.HANG_UP, Do.TRANSFERRED]
    assert driven.sent[1]["is_done"] is False


def test_a_caller_whom_the_pbx_has_met_alone_is_the_call_that_it_names() -> None:
    driven = Driven()
    ear = TelephonyEar()
    driven.hearing.tell_to(ear)
    shown = caller()
    driven.hearing.heard({**shown, "facts": {**shown["facts"], "call": "0191-alone"}})
    driven.hearing.flush()

    assert [each.call_id for each in ear.callers] == ["0191-alone"]
    assert driven.sent[0]["value"] == "0191-alone"
