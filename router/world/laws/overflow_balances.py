"""overflow_balances: out(i to j) = in(j from i) + in flight + ended before it was confirmed.

Both sides write their own rows of a hand-off. What the origin bridged, the helper had
answered; what the helper heard confirmed, the origin had bridged; and a hand-off that the
origin bridged and the helper never heard of as confirmed is over or still in flight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from router.ids import CallId, HandoffId, SiteId
from router.ledger import (
    Entry,
    HandoffCancelled,
    HandoffConfirmed,
    HandoffConnected,
    HandoffEnded,
    HandoffExpired,
    LedgerRow,
    Role,
)
from router.world.laws.law import InSystem, LedgerLaw, Seer


@dataclass(slots=True)
class _Sides:
    """What the two ledgers say of one hand-off: the site that wrote each step."""

    call_id: CallId
    out: SiteId | None = None
    out_to: SiteId | None = None
    helped: SiteId | None = None
    helped_from: SiteId | None = None
    confirmed: SiteId | None = None
    confirmations: int = 0
    is_over_at_helper: bool = False


class OverflowBalances(LedgerLaw):
    name = "overflow_balances"

    def __init__(self) -> None:
        super().__init__()
        self._handoffs: dict[HandoffId, _Sides] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            HandoffConnected: self._connected,
            HandoffConfirmed: self._confirmed,
            **dict.fromkeys((HandoffEnded, HandoffExpired, HandoffCancelled), self._over),
        }

    def _connected(self, row: LedgerRow, entry: HandoffConnected) -> None:
        sides = self._of(entry.handoff_id, entry.call_id)
        if entry.role is Role.ORIGIN:
            if sides.out is not None:
                self._violate(row, f"hand-off {entry.handoff_id} connected a second time")
            sides.out, sides.out_to = row.site_id, entry.peer
        else:
            sides.helped, sides.helped_from = row.site_id, entry.peer

    def _confirmed(self, row: LedgerRow, entry: HandoffConfirmed) -> None:
        sides = self._of(entry.handoff_id, entry.call_id)
        sides.confirmed = row.site_id
        sides.confirmations += 1

    def _over(self, row: LedgerRow, entry: HandoffEnded | HandoffExpired | HandoffCancelled) -> None:
        sides = self._handoffs.get(entry.handoff_id)
        if sides is not None and entry.role is Role.HELPER:
            sides.is_over_at_helper = True

    def _of(self, handoff_id: HandoffId, call_id: CallId) -> _Sides:
        sides = self._handoffs.get(handoff_id)
        if sides is None:
            sides = self._handoffs[handoff_id] = _Sides(call_id=call_id)
        return sides

    def settle(self, alive: InSystem) -> None:
        for handoff_id, sides in self._handoffs.items():
            self._checked += 1
            for text in self._faults(handoff_id, sides, alive):
                self._violate(None, f"hand-off {handoff_id} of call {sides.call_id}: {text}")

    def _faults(self, handoff_id: HandoffId, sides: _Sides, alive: InSystem) -> list[str]:
        faults = []
        if sides.out is not None and (sides.helped != sides.out_to or sides.helped_from != sides.out):
            faults.append(f"{sides.out} bridged it to {sides.out_to}, which did not answer it")
        if sides.confirmed is not None and (sides.out is None or sides.confirmed != sides.out_to):
            faults.append(f"{sides.confirmed} has it confirmed and no origin bridged it")
        if sides.confirmations > 1:
            faults.append(f"confirmed {sides.confirmations} times")
        is_settled = sides.confirmed is not None or sides.is_over_at_helper
        if sides.helped is not None and not is_settled and handoff_id not in alive.handoffs:
            faults.append(f"answered at {sides.helped}, then neither confirmed nor over nor in flight")
        return faults
