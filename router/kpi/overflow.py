"""Hand-offs between sites: asked, refused, expired, cancelled, confirmed, and who helped whom.

A hand-off is counted by its initiator (who wrote HANDOFF_ASKED), so that the two sides'
rows make one. Confirmed is what the helper heard from the origin: only that is overflow.
"""

from collections import Counter
from dataclasses import dataclass, field

from router.ids import HandoffId, SiteId
from router.ledger import (
    HandoffAsked,
    HandoffCancelled,
    HandoffConfirmed,
    HandoffExpired,
    HandoffRefused,
    LedgerRow,
    Role,
)


@dataclass(slots=True, kw_only=True)
class OverflowTally:
    """Takes rows of all sites in any order between sites, in ledger order within one."""

    asked: int = 0
    expired: int = 0
    cancelled: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    confirmed: Counter[tuple[SiteId, SiteId]] = field(default_factory=Counter)
    """By (origin, helper)."""
    _asked_as: dict[HandoffId, tuple[SiteId, Role]] = field(default_factory=dict)

    def see(self, row: LedgerRow) -> None:
        entry = row.entry
        if isinstance(entry, HandoffAsked):
            self.asked += 1
            self._asked_as[entry.handoff_id] = (row.site_id, entry.role)
        elif isinstance(entry, HandoffConfirmed):
            self.confirmed[(entry.peer, row.site_id)] += 1
        elif isinstance(entry, (HandoffRefused, HandoffExpired, HandoffCancelled)):
            self._close(row, entry)

    def _close(self, row: LedgerRow, entry: HandoffRefused | HandoffExpired | HandoffCancelled) -> None:
        if self._asked_as.get(entry.handoff_id) != (row.site_id, entry.role):
            return
        del self._asked_as[entry.handoff_id]
        if isinstance(entry, HandoffRefused):
            self.refused[entry.reason] += 1
        elif isinstance(entry, HandoffExpired):
            self.expired += 1
        else:
            self.cancelled += 1

    @property
    def confirmed_count(self) -> int:
        return self.confirmed.total()

    def out_of(self, site_id: SiteId) -> int:
        return sum(number for (origin, _), number in self.confirmed.items() if origin == site_id)

    def into(self, site_id: SiteId) -> int:
        return sum(number for (_, helper), number in self.confirmed.items() if helper == site_id)
