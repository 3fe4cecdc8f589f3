"""Adds up a day: from ledger rows as they come, or from outcomes simulated without a ledger.

Only calls that arrive after the warm-up count; their hand-offs count by their own rows' time.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from router.call import Disposition
from router.ids import CallId, SiteId
from router.kpi.calls import mean_s, percentile_s
from router.kpi.overflow import OverflowTally
from router.kpi.service_level import ServiceLevelCounts, percent, strict
from router.ledger import CallArrived, CallConnected, CallEnded, LedgerRow
from router.world.reference.day import Served

SERVICE_LEVEL_MS = 20_000

_ABANDONED = frozenset({Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING})


@dataclass(slots=True)
class WaitTally:
    """Counts and waits of one site's calls, or of all."""

    answered_within: int = 0
    abandoned: int = 0
    waits_ms: "array[int]" = field(default_factory=lambda: array("q"))
    """Of answered calls."""

    def count(self, waited_ms: int, *, is_answered: bool) -> None:
        if is_answered:
            self.waits_ms.append(waited_ms)
            self.answered_within += waited_ms <= SERVICE_LEVEL_MS
        else:
            self.abandoned += 1

    @property
    def answered(self) -> int:
        return len(self.waits_ms)

    @property
    def offered(self) -> int:
        return self.answered + self.abandoned

    @property
    def sl20_strict(self) -> float | None:
        return strict(
            ServiceLevelCounts(
                answered=self.answered, answered_within=self.answered_within, abandoned=self.abandoned
            )
        )

    @property
    def asa_s(self) -> float | None:
        return mean_s(sum(self.waits_ms), self.answered)

    @property
    def p95_wait_s(self) -> float | None:
        return percentile_s(sorted(self.waits_ms), 95)

    @property
    def abandon_rate(self) -> float | None:
        return percent(self.abandoned, self.offered)


class DayTally:
    def __init__(self, site_ids: Iterable[SiteId], *, counts_from_utc_us: int = 0) -> None:
        """Calls that arrive before `counts_from_utc_us` are left out."""
        self.cluster = WaitTally()
        self.sites: Mapping[SiteId, WaitTally] = {site_id: WaitTally() for site_id in site_ids}
        self.overflow = OverflowTally()
        self._counts_from_utc_us = counts_from_utc_us
        self._open: dict[CallId, int | None] = {}
        """Counted calls that have not ended, with their wait once they are answered."""

    def see(self, row: LedgerRow) -> None:
        entry = row.entry
        if isinstance(entry, CallArrived):
            if row.at_utc_us >= self._counts_from_utc_us:
                self._open[entry.call_id] = None
        elif isinstance(entry, CallConnected):
            if self._open.get(entry.call_id, -1) is None:
                self._open[entry.call_id] = entry.waited_ms
        elif isinstance(entry, CallEnded):
            self._ended(row.site_id, entry)
        elif row.at_utc_us >= self._counts_from_utc_us:
            self.overflow.see(row)

    def _ended(self, site_id: SiteId, entry: CallEnded) -> None:
        if entry.call_id not in self._open:
            return
        answered_ms = self._open.pop(entry.call_id)
        if answered_ms is not None:
            self._count(site_id, answered_ms, is_answered=True)
        elif entry.disposition in _ABANDONED:
            self._count(site_id, entry.waited_ms, is_answered=False)

    def add_served(self, served: Iterable[Served], *, warmup_ms: int) -> None:
        """Outcomes of a simulation without a ledger; calls served elsewhere are its overflow."""
        for each in served:
            home = each.call.site_id
            if each.call.arrive_ms < warmup_ms:
                continue
            self._count(home, each.waited_ms, is_answered=each.is_answered)
            if each.served_by not in (None, home):
                self.overflow.confirmed[(home, each.served_by or home)] += 1

    def _count(self, site_id: SiteId, waited_ms: int, *, is_answered: bool) -> None:
        self.cluster.count(waited_ms, is_answered=is_answered)
        self.sites[site_id].count(waited_ms, is_answered=is_answered)
