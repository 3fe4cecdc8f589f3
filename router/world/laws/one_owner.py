"""one_owner: one site writes a call's life, from its arrival to its end; helpers write hand-offs."""

from collections.abc import Mapping
from typing import get_args

from router.ids import CallId, SiteId
from router.ledger import (
    Announced,
    CallArrived,
    CallConnected,
    CallEnded,
    CallQueued,
    Entry,
    IvrChose,
    IvrEntered,
    LedgerRow,
)
from router.world.laws.law import LedgerLaw, Seer

_OwnersRow = CallArrived | IvrEntered | IvrChose | CallQueued | CallConnected | CallEnded | Announced


class OneOwner(LedgerLaw):
    name = "one_owner"

    def __init__(self) -> None:
        super().__init__()
        self._owner: dict[CallId, SiteId] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return dict.fromkeys(get_args(_OwnersRow), self._owned)

    def _owned(self, row: LedgerRow, entry: _OwnersRow) -> None:
        self._checked += 1
        owner = self._owner.setdefault(entry.call_id, row.site_id)
        if owner != row.site_id:
            self._violate(row, f"{entry.kind} of call {entry.call_id}, which {owner} owns")
