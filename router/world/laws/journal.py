"""What HQ must hold: every row below the watermark, and after consolidation just what branches hold."""

from collections import Counter
from collections.abc import Iterable, Mapping

from router.ids import SiteId
from router.ledger import LedgerRow
from router.world.laws.law import VIOLATION_LIMIT, LawResult


def journal_has_no_gap_below_the_watermark(
    keys_at_hq: Iterable[tuple[SiteId, int]], watermarks: Mapping[SiteId, int]
) -> LawResult:
    """Every `(site_id, seq)` from 1 to the site's watermark is there once."""
    held = Counter(keys_at_hq)
    faults = [
        f"{site_id} seq {seq} is at HQ {held[(site_id, seq)]} times, below the watermark {watermark}"
        for site_id, watermark in sorted(watermarks.items())
        for seq in range(1, watermark + 1)
        if held[(site_id, seq)] != 1
    ]
    return _result("journal_has_no_gap_below_the_watermark", sum(watermarks.values()), faults)


def hq_equals_branches(branches: Iterable[LedgerRow], hq: Iterable[LedgerRow]) -> LawResult:
    """The rows of all branches and those at HQ are the same, value by value."""
    at_hq = {(row.site_id, row.seq): row for row in hq}
    checked = 0
    faults = []
    for row in branches:
        checked += 1
        there = at_hq.pop((row.site_id, row.seq), None)
        if there != row:
            faults.append(
                f"{row.site_id} seq {row.seq} is {'missing at' if there is None else 'different at'} HQ"
            )
    faults += [f"{site_id} seq {seq} is at HQ and not at its branch" for site_id, seq in sorted(at_hq)]
    return _result("hq_equals_branches", checked, faults)


def _result(name: str, checked: int, faults: list[str]) -> LawResult:
    return LawResult(
        name=name, checked=checked, violations=faults[:VIOLATION_LIMIT], violation_count=len(faults)
    )
