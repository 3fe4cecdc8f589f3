"""one_open_offer: a call rings one agent, or one named set rung at one instant, at one site.

As each ledger sees it: at its owner a call never rings a local agent and a helper's at once.
A restart ends what rang before it, whether or not a row says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.ids import CallId, HandoffId, Instant, LegId, SiteId
from router.ledger import (
    AgentOffered,
    CallConnected,
    CallEnded,
    Entry,
    HandoffCancelled,
    HandoffConnected,
    HandoffEnded,
    HandoffExpired,
    HandoffRang,
    HandoffRefused,
    LedgerRow,
    RingFailed,
    Role,
)
from router.world.laws.law import LedgerLaw, Seer

_RemoteRingEnds = HandoffCancelled | HandoffEnded | HandoffExpired | HandoffRefused


@dataclass(slots=True)
class _Ringing:
    """What rings for one call by one site's ledger."""

    incarnation: int
    since: Instant
    legs: set[LegId] = field(default_factory=set)
    remote: HandoffId | None = None


class OneOpenOffer(LedgerLaw):
    name = "one_open_offer"

    def __init__(self) -> None:
        super().__init__()
        self._ringing: dict[tuple[SiteId, CallId], _Ringing] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            AgentOffered: self._offered,
            RingFailed: self._failed,
            CallConnected: self._over,
            CallEnded: self._over,
            HandoffRang: self._rang_remotely,
            HandoffConnected: self._connected,
            **dict.fromkeys(
                (HandoffCancelled, HandoffEnded, HandoffExpired, HandoffRefused), self._remote_over
            ),
        }

    def _offered(self, row: LedgerRow, entry: AgentOffered) -> None:
        self._checked += 1
        ringing = self._of(row, entry.call_id)
        if ringing.remote is not None:
            self._violate(row, f"call {entry.call_id} is offered here while it rings at another site")
        if entry.after_leg is None:
            if ringing.legs and ringing.since != row.mono_ms:
                self._violate(row, f"call {entry.call_id} is offered while {sorted(ringing.legs)} rings")
            ringing.since = row.mono_ms
        elif entry.after_leg in ringing.legs:
            self._violate(row, f"call {entry.call_id} rings on while {entry.after_leg} still rings")
        ringing.legs.add(entry.leg_id)

    def _failed(self, row: LedgerRow, entry: RingFailed) -> None:
        self._of(row, entry.call_id).legs.discard(entry.leg_id)

    def _rang_remotely(self, row: LedgerRow, entry: HandoffRang) -> None:
        if entry.role is not Role.ORIGIN:
            return
        self._checked += 1
        ringing = self._of(row, entry.call_id)
        if ringing.legs:
            self._violate(
                row, f"call {entry.call_id} rings at {entry.peer} while {sorted(ringing.legs)} rings"
            )
        if ringing.remote not in (None, entry.handoff_id):
            self._violate(row, f"call {entry.call_id} rings by two hand-offs at once")
        ringing.remote = entry.handoff_id

    def _remote_over(self, row: LedgerRow, entry: _RemoteRingEnds) -> None:
        ringing = self._ringing.get((row.site_id, entry.call_id)) if entry.call_id else None
        if ringing is not None and ringing.remote == entry.handoff_id:
            ringing.remote = None

    def _connected(self, row: LedgerRow, entry: HandoffConnected) -> None:
        self._ringing.pop((row.site_id, entry.call_id), None)

    def _over(self, row: LedgerRow, entry: CallConnected | CallEnded) -> None:
        self._ringing.pop((row.site_id, entry.call_id), None)

    def _of(self, row: LedgerRow, call_id: CallId) -> _Ringing:
        key = (row.site_id, call_id)
        ringing = self._ringing.get(key)
        if ringing is None or ringing.incarnation != row.incarnation:
            ringing = self._ringing[key] = _Ringing(incarnation=row.incarnation, since=row.mono_ms)
        return ringing
