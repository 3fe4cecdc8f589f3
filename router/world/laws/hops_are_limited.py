"""hops_are_limited: only a call's own site hands it on; a helper never does."""

from collections.abc import Mapping

from router.ids import CallId, HandoffId, SiteId
from router.ledger import (
    CallArrived,
    Entry,
    HandoffAsked,
    HandoffConnected,
    HandoffDialed,
    HandoffReserved,
    LedgerRow,
    Role,
)
from router.world.laws.law import InSystem, LedgerLaw, Seer


class HopsAreLimited(LedgerLaw):
    """Hop limit 1: every hand-off of a call starts where the call arrived, and ends elsewhere.

    A Reserve leaves before its call's arrival is committed, so a helper may know a call that
    a crash made never have arrived; but nobody dials before that commit.
    """

    name = "hops_are_limited"

    def __init__(self) -> None:
        super().__init__()
        self._owner: dict[CallId, SiteId] = {}
        self._dialled: set[CallId] = set()
        self._handed_on: dict[CallId, set[tuple[SiteId, SiteId, HandoffId]]] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            CallArrived: self._arrived,
            **dict.fromkeys((HandoffAsked, HandoffReserved, HandoffDialed, HandoffConnected), self._hop),
        }

    def _arrived(self, row: LedgerRow, entry: CallArrived) -> None:
        self._owner[entry.call_id] = row.site_id
        for origin, helper, handoff_id in sorted(self._handed_on.pop(entry.call_id, ())):
            self._check(entry.call_id, origin, helper, handoff_id)

    def _hop(
        self, row: LedgerRow, entry: HandoffAsked | HandoffReserved | HandoffDialed | HandoffConnected
    ) -> None:
        call_id = entry.call_id
        if call_id is None:
            return
        is_origin = isinstance(entry, HandoffDialed) or entry.role is Role.ORIGIN
        origin, helper = (row.site_id, entry.peer) if is_origin else (entry.peer, row.site_id)
        self._checked += 1
        if isinstance(entry, (HandoffDialed, HandoffConnected)):
            self._dialled.add(call_id)
        if call_id in self._owner:
            self._check(call_id, origin, helper, entry.handoff_id)
        else:
            self._handed_on.setdefault(call_id, set()).add((origin, helper, entry.handoff_id))

    def _check(self, call_id: CallId, origin: SiteId, helper: SiteId, handoff_id: HandoffId) -> None:
        owner = self._owner[call_id]
        if origin != owner or helper == owner:
            self._violate(
                None, f"call {call_id} of {owner} went from {origin} to {helper} (hand-off {handoff_id})"
            )

    def settle(self, alive: InSystem) -> None:
        for call_id in sorted(self._handed_on.keys() & self._dialled):
            origin, helper, handoff_id = min(self._handed_on[call_id])
            self._violate(
                None, f"call {call_id} was handed from {origin} to {helper} ({handoff_id}) and never arrived"
            )
