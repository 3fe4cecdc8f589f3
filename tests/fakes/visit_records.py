"""Return visits in memory; what became of their calls is read from a ledger's rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from router.ids import CallId
from router.ledger import LedgerRow, OutboundBegan, OutboundEnded
from router.visit.sampling import AnsweredCall
from router.visit.visit import Try, Visit


@dataclass(kw_only=True)
class VisitRecords:
    """What the store keeps of them, and of the callers' numbers."""

    rows: Sequence[LedgerRow]
    kept: dict[CallId, Visit] = field(default_factory=dict)
    numbers: dict[CallId, str] = field(default_factory=dict)
    calls: list[AnsweredCall] = field(default_factory=list)
    open_days: set[str] = field(default_factory=set)
    """Days of which a call still lasts."""

    def open_visits(self) -> list[Visit]:
        return [each for each in self.kept.values() if each.done_utc_us is None]

    def visit(self, call_id: CallId) -> Visit | None:
        return self.kept.get(call_id)

    def change(self, call_id: CallId, changed: Callable[[Visit], Visit]) -> Visit | None:
        if call_id in self.kept:
            self.kept[call_id] = changed(self.kept[call_id])
        return self.kept.get(call_id)

    def add(self, visits: Sequence[Visit]) -> int:
        new = {each.call_id: each for each in visits if each.call_id not in self.kept}
        self.kept |= new
        return len(new)

    def tries(self) -> list[Try]:
        return [self._try(each, each.outbound_id) for each in self.open_visits() if each.outbound_id]

    def answered_calls(self, business_date: str) -> list[AnsweredCall]:
        return [each for each in self.calls if each.business_date == business_date]

    def has_open_calls(self, business_date: str) -> bool:
        return business_date in self.open_days

    def _try(self, visit: Visit, outbound_id: CallId) -> Try:
        began = ended = None
        for row in self.rows:
            if isinstance(row.entry, OutboundBegan) and row.entry.call_id == outbound_id:
                began = row
            if isinstance(row.entry, OutboundEnded) and row.entry.call_id == outbound_id:
                ended = row
        return Try(
            visit_id=visit.call_id,
            outbound_id=outbound_id,
            is_known=began is not None,
            outcome=ended.entry.outcome
            if ended is not None and isinstance(ended.entry, OutboundEnded)
            else None,
            ended_utc_us=None if ended is None else ended.at_utc_us,
        )
