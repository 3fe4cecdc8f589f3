"""no_call_is_lost: arrived = the sum of all endings + in the system, over the whole cluster."""

from collections.abc import Mapping

from router.ids import CallId, SiteId
from router.ledger import CallArrived, CallEnded, CallQueued, Entry, LedgerRow
from router.world.laws.law import InSystem, LedgerLaw, Seer


class NoCallIsLost(LedgerLaw):
    name = "no_call_is_lost"

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[CallId, SiteId] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {CallArrived: self._arrived, CallQueued: self._queued, CallEnded: self._ended}

    def _arrived(self, row: LedgerRow, entry: CallArrived) -> None:
        self._checked += 1
        if entry.call_id in self._open:
            self._violate(row, f"call {entry.call_id} arrived a second time before it ended")
        self._open[entry.call_id] = row.site_id

    def _queued(self, row: LedgerRow, entry: CallQueued) -> None:
        if entry.call_id not in self._open:
            self._violate(row, f"call {entry.call_id} is queued and never arrived, or has ended")

    def _ended(self, row: LedgerRow, entry: CallEnded) -> None:
        if self._open.pop(entry.call_id, None) is None:
            self._violate(row, f"call {entry.call_id} ended ({entry.disposition}) and was not in the system")

    def settle(self, alive: InSystem) -> None:
        for call_id, site_id in self._open.items():
            if call_id not in alive.calls:
                self._violate(None, f"call {call_id} arrived at {site_id}, has not ended and is not there")
        for call_id in sorted(alive.calls - self._open.keys()):
            self._violate(None, f"call {call_id} is in the system without a row that says so")
