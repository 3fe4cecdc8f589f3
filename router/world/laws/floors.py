"""Laws over a live floor, looked at after every fact: what it shows must fit together."""

from collections.abc import Iterator
from typing import Protocol

from router.agent import AgentState
from router.call import CallState
from router.ids import CallId, HandoffId, Instant, SiteId
from router.ledger import Role
from router.overflow.messages import HandoffState
from router.views import AgentView, CallView, HandoffView
from router.world.laws.law import VIOLATION_LIMIT, LawResult

UNCONNECTED_LIMIT_MS = 45_000
"""A reservation, two rings and some slack: a hand-off that has not connected by then never ends."""

_KEEPS_AN_AGENT = frozenset({HandoffState.ASKING, HandoffState.RESERVED})


class ShownFloor(Protocol):
    """The part of a floor that the laws look at."""

    def calls(self) -> Iterator[CallView]: ...
    def agents(self) -> Iterator[AgentView]: ...
    def handoffs(self) -> Iterator[HandoffView]: ...


class FloorLaws:
    """Keeps what was seen of each call, so that what must not change can be compared."""

    def __init__(self) -> None:
        self._queued_at: dict[tuple[SiteId, int, CallId], Instant] = {}
        self._begun_at: dict[tuple[SiteId, int, HandoffId], Instant] = {}
        self._violations: dict[str, list[str]] = {name: [] for name in _LAWS}
        self._checked = 0

    def look(self, site_id: SiteId, incarnation: int, floor: ShownFloor, now: Instant) -> None:
        """Judge one floor at one moment, between two facts."""
        self._checked += 1
        calls, agents, handoffs = list(floor.calls()), list(floor.agents()), list(floor.handoffs())
        for name, faults in (
            ("no_caller_waits_beside_an_idle_agent", _idle_beside_waiting(calls, agents)),
            ("one_open_offer", _ill_offered(calls, agents, handoffs)),
            ("an_agent_has_at_most_one_reservation", _ill_reserved(agents, handoffs)),
            ("seniority_is_kept", self._moved(site_id, incarnation, calls)),
            ("hand_offs_end_in_time", self._endless(site_id, incarnation, handoffs, now)),
        ):
            for fault in faults:
                if len(self._violations[name]) < VIOLATION_LIMIT:
                    self._violations[name].append(f"{site_id} at {now} ms: {fault}")

    def results(self) -> list[LawResult]:
        return [
            LawResult(
                name=f"live.{name}", checked=self._checked, violations=found, violation_count=len(found)
            )
            for name, found in self._violations.items()
        ]

    def _moved(self, site_id: SiteId, incarnation: int, calls: list[CallView]) -> Iterator[str]:
        for call in calls:
            if call.state is CallState.IVR:
                continue  # It has asked for nobody yet, so it has no place that could change.
            before = self._queued_at.setdefault((site_id, incarnation, call.call_id), call.queued_at)
            if before != call.queued_at:
                yield f"call {call.call_id} was queued at {before} and now at {call.queued_at}"

    def _endless(
        self, site_id: SiteId, incarnation: int, handoffs: list[HandoffView], now: Instant
    ) -> Iterator[str]:
        for handoff in handoffs:
            begun_at = self._begun_at.setdefault((site_id, incarnation, handoff.handoff_id), now)
            is_talk = handoff.state in (HandoffState.CONNECTED, HandoffState.MOVED)
            if not is_talk and now - begun_at > UNCONNECTED_LIMIT_MS:
                yield f"hand-off {handoff.handoff_id} is {handoff.state} since {begun_at}"


_LAWS = (
    "no_caller_waits_beside_an_idle_agent",
    "one_open_offer",
    "an_agent_has_at_most_one_reservation",
    "seniority_is_kept",
    "hand_offs_end_in_time",
)


def _idle_beside_waiting(calls: list[CallView], agents: list[AgentView]) -> Iterator[str]:
    ready = [agent for agent in agents if agent.state is AgentState.READY]
    for call in calls:
        if call.state is CallState.QUEUED:
            for agent in ready:
                if call.skills <= agent.skills:
                    yield f"call {call.call_id} waits while {agent.agent_id} is ready"


def _ill_offered(
    calls: list[CallView], agents: list[AgentView], handoffs: list[HandoffView]
) -> Iterator[str]:
    """A call rings exactly where its state says: nowhere, here, or at one helper."""
    ringing = [agent for agent in agents if agent.state is AgentState.RINGING]
    for call in calls:
        here = [agent for agent in ringing if _is_offered(call, agent)]
        there = [
            handoff
            for handoff in handoffs
            if handoff.call_id == call.call_id
            and handoff.role is Role.ORIGIN
            and handoff.state is HandoffState.RINGING
        ]
        wants_here, wants_there = call.state is CallState.OFFERED, call.state is CallState.OFFERED_REMOTE
        if bool(here) != wants_here or len(there) != int(wants_there):
            yield f"call {call.call_id} is {call.state} and rings {len(here)} here, {len(there)} elsewhere"


def _is_offered(call: CallView, agent: AgentView) -> bool:
    """A colleague who is consulted about the call is not offered it."""
    asked = call.consultation.leg_id if call.consultation is not None else None
    return agent.call_id == call.call_id and agent.handoff_id is None and agent.leg_id != asked


def _ill_reserved(agents: list[AgentView], handoffs: list[HandoffView]) -> Iterator[str]:
    """A reserved agent is kept by one hand-off that knows it, and by no other."""
    keepers: dict[str, list[HandoffView]] = {}
    for handoff in handoffs:
        if handoff.role is Role.HELPER and handoff.agent_id is not None:
            keepers.setdefault(handoff.agent_id, []).append(handoff)
    for agent in agents:
        kept_by = keepers.get(agent.agent_id, [])
        if len(kept_by) > 1:
            yield f"agent {agent.agent_id} is kept by {[each.handoff_id for each in kept_by]}"
        is_kept = any(each.state in _KEEPS_AN_AGENT for each in kept_by)
        if (agent.state is AgentState.RESERVED) != is_kept:
            yield f"agent {agent.agent_id} is {agent.state} and kept by {kept_by}"
