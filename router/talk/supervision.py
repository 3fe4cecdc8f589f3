"""Supervisors beside talks: who, on which phone, and how."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from router.ids import AgentId, CallId, LegId


class SupervisionMode(StrEnum):
    """What a supervisor does with an agent's talk."""

    LISTEN = "LISTEN"
    """Hears both sides, and is heard by nobody."""
    WHISPER = "WHISPER"
    """Hears both sides, and is heard by the agent alone."""
    BARGE = "BARGE"
    """Talks with both."""


class SupervisionEnd(StrEnum):
    LEFT = "LEFT"
    """By the supervisor's own word, or receiver."""
    TALK_OVER = "TALK_OVER"


@dataclass(slots=True)
class Supervision:
    """Only `Supervising` changes it."""

    supervisor: str
    """The person's id at the site."""
    phone: AgentId
    """The PBX's name of the phone that was rung."""
    leg_id: LegId
    agent_id: AgentId
    agent_leg: LegId
    """The talk is that of this leg."""
    call_id: CallId
    mode: SupervisionMode
    is_up: bool = False
    """Until the phone is answered it only rings."""


class Supervisions:
    """At most one a supervisor; a talk may have several."""

    def __init__(self) -> None:
        self._by_leg: dict[LegId, Supervision] = {}

    def __iter__(self) -> Iterator[Supervision]:
        return iter(list(self._by_leg.values()))

    def add(self, supervision: Supervision) -> None:
        self._by_leg[supervision.leg_id] = supervision

    def drop(self, supervision: Supervision) -> None:
        del self._by_leg[supervision.leg_id]

    def find_by_leg(self, leg_id: LegId) -> Supervision | None:
        return self._by_leg.get(leg_id)

    def of(self, supervisor: str) -> Supervision | None:
        return next((each for each in self if each.supervisor == supervisor), None)

    def on(self, phone: AgentId) -> Supervision | None:
        return next((each for each in self if each.phone == phone), None)
