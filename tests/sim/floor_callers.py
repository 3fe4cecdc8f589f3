"""What callers do, and what becomes of their calls at the PBX, drawn for a teller."""

from router import facts
from router.facts import Fact
from router.ids import (
    CallId,
    CustomerId,
    PlaybackId,
    QueueId,
)
from tests.sim.floor_cast import (
    FAULTY_FLOW,
    FLOWS,
    QUEUES,
    SKILLS,
)
from tests.sim.floor_names import FactMakers, Names


class CallerFacts:
    def __init__(self, names: Names) -> None:
        self._names, self._rng = names, names.rng

    def makers(self) -> FactMakers:
        return (
            (6, self.call_arrived),
            (3, lambda: facts.CallerHungUp(call_id=self._names.call())),
            (1, lambda: facts.CallFailed(call_id=self._names.call(), reason="LOST")),
            (1, lambda: facts.CallerChoseVoicemail(call_id=self._names.call())),
            (1, lambda: facts.CallerChoseCallback(call_id=self._names.call())),
            (2, lambda: facts.VoicemailRecorded(call_id=self._names.call())),
            (1, self._message_found),
            (1, self._left_alone),
            (9, lambda: facts.KeyPressed(call_id=self._names.call(), key=self._rng.choice("0123#*A"))),
            (4, self._prompts_played),
            (2, self._customer_found),
            (1, lambda: facts.CustomerNotFound(call_id=self._names.call(), digits=self._digits())),
            (1, lambda: facts.FlowApplied(flow=self._rng.choice((*FLOWS, FAULTY_FLOW)), digest="d")),
        )

    def call_arrived(self) -> Fact:
        self._names.calls.append(CallId(self._names.new_name("call")))
        return facts.CallArrived(
            call_id=self._names.calls[-1],
            queue_id=self._rng.choice((*QUEUES, QueueId("nowhere"))),
            dialled="95588",
            priority=self._rng.choice((0, 0, 0, 5, 9, 10)),
            customer_class=self._rng.choice((None, None, "VIP")),
            skills=frozenset(self._rng.sample(SKILLS, self._rng.choice((0, 0, 1)))),
        )

    def _message_found(self) -> Fact:
        self._names.calls.append(CallId(self._names.new_name("call")))
        return facts.MessageFound(
            call_id=self._names.calls[-1],
            queue_id=self._rng.choice((*QUEUES, QueueId("nowhere"))),
            dialled="95588",
            customer_id=None,
        )

    def _left_alone(self) -> Fact:
        self._names.calls.append(CallId(self._names.new_name("call")))
        return facts.CallerLeftAlone(
            call_id=self._names.calls[-1],
            queue_id=self._rng.choice((*QUEUES, QueueId("nowhere"))),
            dialled="95588",
            customer_id=None,
            was_put_through=self._rng.random() < 0.5,
        )

    def _prompts_played(self) -> Fact:
        """Those that are played, mostly; else others."""
        call_id = self._names.call()
        call = self._names.parts.calls.find(call_id)
        heard = call.playback_id if call is not None else None
        is_another = heard is None or self._rng.random() < 0.2
        return facts.PromptsPlayed(
            call_id=call_id, playback_id=PlaybackId("another") if is_another or heard is None else heard
        )

    def _customer_found(self) -> Fact:
        return facts.CustomerFound(
            call_id=self._names.call(),
            digits=self._digits(),
            customer_id=CustomerId("c1"),
            customer_class=self._rng.choice(("VIP", "STANDARD")),
        )

    def _digits(self) -> str:
        return self._rng.choice("0123")
