"""The business day so far, by queue, for those who watch: calls offered, answered, answered in time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from branch.customers.caller_cards import CallerCards
from branch.desk.desk import DeskInstruments
from branch.serving.site_items import DayTally
from router.call import Disposition
from router.errors import RouterError
from router.facts import Fact
from router.ids import CallId, QueueId
from router.ledger import CallConnected, CallEnded, CallQueued, LedgerRow

_NOTHING = DayTally()


class DayTallies:
    """Counts from the ledger's rows, and begins anew with each business day."""

    def __init__(self, service_level_ms: Callable[[QueueId], int]) -> None:
        """`service_level_ms` is a queue's present target."""
        self._service_level_ms = service_level_ms
        self.business_date = ""
        self._tallies: dict[QueueId, DayTally] = {}
        self._answered: set[CallId] = set()
        """Live calls that a person has talked to: a transferred one is not answered twice."""

    def current(self) -> Mapping[QueueId, DayTally]:
        return self._tallies

    def note_rows(self, rows: Iterable[LedgerRow]) -> None:
        for row in rows:
            if row.business_date != self.business_date:
                self.business_date = row.business_date
                self._tallies = {}
            self._note(row)

    def add_earlier(self, earlier: "DayTallies") -> None:
        """Add what was counted of rows before the first noted here; what is of another day is over."""
        if self.business_date and earlier.business_date != self.business_date:
            return
        self.business_date = earlier.business_date
        for queue_id, tally in earlier.current().items():
            mine = self._tallies.get(queue_id, _NOTHING)
            self._tallies[queue_id] = DayTally(
                offered=tally.offered + mine.offered,
                answered=tally.answered + mine.answered,
                in_level=tally.in_level + mine.in_level,
                redirected=tally.redirected + mine.redirected,
            )
        self._answered |= earlier._answered  # noqa: SLF001 - its own kind

    def _note(self, row: LedgerRow) -> None:
        entry = row.entry
        if isinstance(entry, CallQueued):
            tally = self._tallies.get(entry.queue_id, _NOTHING)
            self._tallies[entry.queue_id] = replace(tally, offered=tally.offered + 1)
        elif isinstance(entry, CallEnded):
            self._answered.discard(entry.call_id)
            if entry.disposition is Disposition.REDIRECTED and entry.queue_id is not None:
                self._sent_on(entry.queue_id)
        elif isinstance(entry, CallConnected) and entry.call_id not in self._answered:
            self._answered.add(entry.call_id)
            tally = self._tallies.get(entry.queue_id, _NOTHING)
            is_in_level = entry.waited_ms <= self._service_level_ms(entry.queue_id)
            self._tallies[entry.queue_id] = replace(
                tally, answered=tally.answered + 1, in_level=tally.in_level + is_in_level
            )

    def _sent_on(self, queue_id: QueueId) -> None:
        """It was offered for a moment, and perhaps before midnight."""
        tally = self._tallies.get(queue_id, _NOTHING)
        self._tallies[queue_id] = replace(
            tally, offered=max(0, tally.offered - 1), redirected=tally.redirected + 1
        )


class RowWatchers:
    """Everybody who looks at rows as they are written."""

    def __init__(self, instruments: DeskInstruments, tallies: DayTallies, cards: CallerCards) -> None:
        self._instruments = instruments
        self._tallies = tallies
        self._cards = cards

    def note_rows(self, rows: Sequence[LedgerRow]) -> None:
        self._instruments.note_rows(rows)
        self._tallies.note_rows(rows)
        self._cards.note_rows(rows)

    def note_refusal(self, fact: Fact, refusal: RouterError) -> None:
        self._instruments.note_refusal(fact, refusal)
