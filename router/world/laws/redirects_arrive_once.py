"""redirects_arrive_once: a redirected call is ended once where it came from, and is one call where it goes.

A carrier may lose a caller on the way: nobody else may come in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from router.call import Disposition
from router.ids import CallId, HandoffId, SiteId
from router.ledger import (
    CallArrived,
    CallEnded,
    Entry,
    HandoffPromised,
    HandoffRedirected,
    HandoffTakenIn,
    LedgerRow,
)
from router.world.laws.law import InSystem, LedgerLaw, Seer


@dataclass(frozen=True, slots=True)
class _Way:
    """Who sent or promised what, to or from whom."""

    site_id: SiteId
    peer: SiteId
    call_id: CallId


class RedirectsArriveOnce(LedgerLaw):
    name = "redirects_arrive_once"

    def __init__(self) -> None:
        super().__init__()
        self._sent: dict[HandoffId, _Way] = {}
        self._ended: dict[CallId, SiteId] = {}
        self._own: dict[HandoffId, _Way] = {}
        """By the helper's promise: its own call."""
        self._taken: dict[HandoffId, HandoffTakenIn] = {}
        self._arrived: set[tuple[SiteId, CallId]] = set()

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            HandoffRedirected: self._redirected,
            CallEnded: self._call_ended,
            HandoffPromised: self._promised,
            HandoffTakenIn: self._taken_in,
            CallArrived: self._call_arrived,
        }

    def _redirected(self, row: LedgerRow, entry: HandoffRedirected) -> None:
        self._checked += 1
        if entry.handoff_id in self._sent:
            self._violate(row, f"hand-off {entry.handoff_id} sent a caller on a second time")
        self._sent[entry.handoff_id] = _Way(row.site_id, entry.peer, entry.call_id)

    def _call_ended(self, row: LedgerRow, entry: CallEnded) -> None:
        if entry.disposition is Disposition.REDIRECTED:
            self._ended[entry.call_id] = row.site_id

    def _promised(self, row: LedgerRow, entry: HandoffPromised) -> None:
        self._own[entry.handoff_id] = _Way(row.site_id, entry.peer, entry.own_call_id)

    def _taken_in(self, row: LedgerRow, entry: HandoffTakenIn) -> None:
        promise = self._own.get(entry.handoff_id)
        if entry.handoff_id in self._taken:
            self._violate(row, f"a second caller came with the token of hand-off {entry.handoff_id}")
        if promise != _Way(row.site_id, entry.peer, entry.call_id):
            self._violate(row, f"call {entry.call_id} is not what was promised: {promise}")
        self._taken[entry.handoff_id] = entry

    def _call_arrived(self, row: LedgerRow, entry: CallArrived) -> None:
        self._arrived.add((row.site_id, entry.call_id))

    def settle(self, alive: InSystem) -> None:
        sent_calls = {way.call_id: way.site_id for way in self._sent.values()}
        for call_id in sorted(sent_calls.keys() | self._ended.keys()):
            sent_by, ended_at = sent_calls.get(call_id), self._ended.get(call_id)
            if sent_by != ended_at:
                self._violate(None, f"call {call_id} was sent on by {sent_by} and ended so at {ended_at}")
        for handoff_id, entry in self._taken.items():
            site_id = self._own[handoff_id].site_id if handoff_id in self._own else None
            if self._sent.get(handoff_id) != _Way(entry.peer, site_id or entry.peer, entry.origin_call_id):
                self._violate(None, f"{site_id} took in {entry.call_id}, whom {entry.peer} did not send on")
            if site_id is not None and (site_id, entry.call_id) not in self._arrived:
                self._violate(None, f"call {entry.call_id} was taken in at {site_id} and never arrived")
