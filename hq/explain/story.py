"""Everything that ledgers hold of one call: its own rows, its hand-offs', and of calls made for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from hq.planning.ledger_book import BadLedgerError, LedgerBook
from node.words import text as _
from router.ids import CallId, HandoffId, SiteId
from router.ledger import (
    CallArrived,
    CallbackTried,
    HandoffAsked,
    HandoffConnected,
    HandoffDialed,
    HandoffPromised,
    HandoffReserved,
    HandoffTakenIn,
    LedgerRow,
    LineLent,
    OutboundBegan,
)
from sync.records.codec import ledger_row
from sync.records.tables import LEDGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One call's rows, in the order of time; a site's own always in its own order."""

    call_id: CallId
    rows: tuple[LedgerRow, ...]
    silent_sites: tuple[SiteId, ...]
    """Took part by the rows of others, and have no row of their own here."""

    @property
    def began(self) -> LedgerRow:
        """The call's own first row, where it is here."""
        own = (CallArrived, OutboundBegan)
        first = (
            row
            for row in self.rows
            if isinstance(row.entry, own) and getattr(row.entry, "call_id", None) == self.call_id
        )
        return next(first, self.rows[0])


def read_story(books: Sequence[LedgerBook], call_id: CallId) -> Story:
    """The call's story out of one or more databases.

    Raises:
        BadLedgerError: none of them knows the call.
    """
    known: dict[tuple[SiteId, int], LedgerRow] = {}
    calls, handoffs = {call_id}, set[HandoffId]()
    asked_calls, asked_handoffs = set[CallId](), set[HandoffId]()
    while calls > asked_calls or handoffs > asked_handoffs:
        new_calls, new_handoffs = calls - asked_calls, handoffs - asked_handoffs
        asked_calls |= new_calls
        asked_handoffs |= new_handoffs
        for book in books:
            for row in _rows(book, new_calls, new_handoffs):
                known[(row.site_id, row.seq)] = row
                handoffs |= _handoff_of(row)
                calls |= _calls_for(row, call_id)
    if not known:
        raise BadLedgerError(_unknown(books, call_id))
    rows = in_order(known.values())
    return Story(call_id=call_id, rows=rows, silent_sites=_silent(rows))


def in_order(rows: Iterable[LedgerRow]) -> tuple[LedgerRow, ...]:
    """By each site's wall clock; a clock that was stepped changes no site's own order."""
    by_site = groupby(sorted(rows, key=lambda row: (row.site_id, row.seq)), key=lambda row: row.site_id)
    return tuple(merge(*(list(own) for _site, own in by_site), key=lambda row: row.at_utc_us))


def _rows(book: LedgerBook, calls: set[CallId], handoffs: set[HandoffId]) -> Iterable[LedgerRow]:
    # HQ's indexes begin with the site.
    sites = LEDGER.c.site_id.in_(book.sites())
    for column, ids in ((LEDGER.c.call_id, calls), (LEDGER.c.handoff_id, handoffs)):
        if ids:
            yield from (ledger_row(record) for record in book.ledger(sites, column.in_(sorted(ids))))


def _handoff_of(row: LedgerRow) -> set[HandoffId]:
    handoff_id: HandoffId | None = getattr(row.entry, "handoff_id", None)
    return set() if handoff_id is None else {handoff_id}


def _calls_for(row: LedgerRow, call_id: CallId) -> set[CallId]:
    """Calls that went out for a callback of this one, the one that an outbound call was made for, and what
    a redirected one was before or is afterwards.
    """
    entry = row.entry
    if isinstance(entry, HandoffPromised) and entry.call_id == call_id:
        return {entry.own_call_id}
    if isinstance(entry, HandoffTakenIn) and entry.call_id == call_id:
        return {entry.origin_call_id}
    if isinstance(entry, CallbackTried) and entry.call_id == call_id:
        return {entry.outbound_id}
    if isinstance(entry, OutboundBegan) and entry.call_id == call_id and entry.callback_of is not None:
        return {entry.callback_of}
    return set()


def _silent(rows: Sequence[LedgerRow]) -> tuple[SiteId, ...]:
    took_part = (HandoffAsked, HandoffReserved, HandoffDialed, HandoffConnected, LineLent)
    named = {row.entry.peer for row in rows if isinstance(row.entry, took_part)}
    return tuple(sorted(named - {row.site_id for row in rows}))


def _unknown(books: Sequence[LedgerBook], call_id: CallId) -> str:
    names = ", ".join(book.name for book in books)
    spans = [span for book in books if (span := book.days()) is not None]
    if not spans:
        return _("no call {call} in {database}, which holds no calls yet", call=call_id, database=names)
    return _(
        "no call {call} in {database}, which holds calls of {first} to {last}; check the id, or ask the"
        " database of the site that took the call, or HQ's after its night",
        call=call_id,
        database=names,
        first=min(first for first, _last in spans),
        last=max(last for _first, last in spans),
    )
