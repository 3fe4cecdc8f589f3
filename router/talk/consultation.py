"""A consultation: the agent who has the caller speaks with a colleague beside the call."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from router.ids import AgentId, CallId, LegId


class ConsultationState(StrEnum):
    """How far a consultation has come.

    Whom the agent hears while TALKING is the call's state to say: a held caller hears music
    and the colleague the agent; with a connected one it is the other way about.
    """

    RINGING = "RINGING"
    TALKING = "TALKING"
    MERGED = "MERGED"
    """A conference: caller, agent and colleague hear each other."""
    OVER = "OVER"
    """Kept for the agent to see why, until it does something else with the call."""


class ConsultationEnd(StrEnum):
    """Why a consultation ended without a transfer; a ring that failed has its RingFailure instead."""

    CANCELLED = "CANCELLED"
    """By the agent, who has the caller back."""
    COLLEAGUE_LEFT = "COLLEAGUE_LEFT"
    CALL_OVER = "CALL_OVER"
    RESTARTED = "RESTARTED"
    """The node was, and the colleague's leg could not be taken up."""


@dataclass(slots=True)
class Consultation:
    """Only `Consulting` changes it."""

    call_id: CallId
    agent_id: AgentId
    """Who has the caller and asked."""
    agent_leg: LegId
    """The talk is that of this leg: on another one it is another talk."""
    leg_id: LegId
    """The colleague's."""
    colleague_id: AgentId
    state: ConsultationState = ConsultationState.RINGING
    reason: str | None = None
    """Why it is over."""


class Consultations:
    """At most one a call."""

    def __init__(self) -> None:
        self._by_call: dict[CallId, Consultation] = {}
        self._by_leg: dict[LegId, Consultation] = {}

    def __iter__(self) -> Iterator[Consultation]:
        return iter(list(self._by_call.values()))

    def add(self, consultation: Consultation) -> None:
        self._by_call[consultation.call_id] = consultation
        self._by_leg[consultation.leg_id] = consultation

    def end(self, consultation: Consultation, reason: str) -> None:
        """Its leg is nobody's any more; what became of it can still be seen."""
        del self._by_leg[consultation.leg_id]
        consultation.state, consultation.reason = ConsultationState.OVER, reason

    def forget(self, call_id: CallId) -> None:
        """Nothing of it is shown any more."""
        consultation = self._by_call.pop(call_id, None)
        if consultation is not None:
            self._by_leg.pop(consultation.leg_id, None)

    def seen(self, call_id: CallId) -> Consultation | None:
        """The call's consultation, or its last one that has just failed."""
        return self._by_call.get(call_id)

    def find(self, call_id: CallId) -> Consultation | None:
        """The call's consultation, if it is not over."""
        consultation = self._by_call.get(call_id)
        return consultation if consultation and consultation.state is not ConsultationState.OVER else None

    def find_by_leg(self, leg_id: LegId | None) -> Consultation | None:
        """The one that this colleague's leg belongs to."""
        return self._by_leg.get(leg_id) if leg_id is not None else None
