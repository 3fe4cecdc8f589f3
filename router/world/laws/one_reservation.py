"""an_agent_has_at_most_one_reservation: kept for one hand-off, or rung for one call, never two."""

from collections.abc import Mapping

from router.agent import AgentState
from router.ids import AgentId, HandoffId, LegId, SiteId
from router.ledger import (
    AgentOffered,
    AgentStateChanged,
    Consulted,
    Entry,
    HandoffReserved,
    LedgerRow,
    Role,
)
from router.world.laws.law import LedgerLaw, Seer

_KEPT = frozenset({AgentState.RESERVED, AgentState.RINGING})

_WITH_CALL = frozenset({AgentState.TALKING, AgentState.ON_HOLD, AgentState.WRAP_UP})


class OneReservation(LedgerLaw):
    """An agent is taken from its reservation or offer until its state says otherwise."""

    name = "an_agent_has_at_most_one_reservation"

    def __init__(self) -> None:
        super().__init__()
        self._taken: dict[AgentId, tuple[SiteId, int, HandoffId | LegId]] = {}
        self._talking: dict[AgentId, tuple[SiteId, int]] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            HandoffReserved: self._reserved,
            AgentOffered: self._offered,
            Consulted: self._consulted,
            AgentStateChanged: self._changed,
        }

    def _reserved(self, row: LedgerRow, entry: HandoffReserved) -> None:
        if entry.role is not Role.HELPER or entry.agent_id is None:
            return
        self._checked += 1
        self._check_free(row, entry.agent_id, None)
        self._taken[entry.agent_id] = (row.site_id, row.incarnation, entry.handoff_id)

    def _offered(self, row: LedgerRow, entry: AgentOffered) -> None:
        self._checked += 1
        self._check_free(row, entry.agent_id, entry.handoff_id or entry.after_leg)
        self._taken[entry.agent_id] = (row.site_id, row.incarnation, entry.handoff_id or entry.leg_id)

    def _consulted(self, row: LedgerRow, entry: Consulted) -> None:
        self._checked += 1
        self._check_free(row, entry.to_agent, None)
        self._taken[entry.to_agent] = (row.site_id, row.incarnation, entry.leg_id)

    def _changed(self, row: LedgerRow, entry: AgentStateChanged) -> None:
        if entry.state not in _KEPT:
            self._taken.pop(entry.agent_id, None)
        if entry.state in _WITH_CALL:
            self._talking[entry.agent_id] = (row.site_id, row.incarnation)
        else:
            self._talking.pop(entry.agent_id, None)

    def _check_free(self, row: LedgerRow, agent_id: AgentId, for_this: HandoffId | LegId | None) -> None:
        """Free, or kept for this very hand-off or offer; another incarnation's reservations are void."""
        taken = self._taken.get(agent_id)
        if taken is not None and taken[1] == row.incarnation and taken[2] != for_this:
            self._violate(row, f"agent {agent_id} is taken while kept for {taken[2]}")
        if self._talking.get(agent_id) == (row.site_id, row.incarnation):
            self._violate(row, f"agent {agent_id} is taken while with another call")
