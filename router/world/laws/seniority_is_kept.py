"""seniority_is_kept: a wait counts from the first CALL_QUEUED, through RONA, refusals and overflow."""

from collections.abc import Mapping

from router.ids import CallId, SiteId
from router.ledger import (
    CallConnected,
    CallEnded,
    CallQueued,
    ClockStepped,
    Entry,
    HandoffPromised,
    LedgerRow,
    NodeStarted,
)
from router.world.laws.law import LedgerLaw, Seer

RESTART_TOLERANCE_MS = 2_000
"""A new process finds the old one's times by the wall clock, which may be a little off."""


class SeniorityIsKept(LedgerLaw):
    """Exact within one incarnation, whose monotonic times compare; by UTC across a restart.

    A wall clock stepped between the two rows makes UTC useless: such a wait is not checked. One
    that was set back while the process was dead left no row and shows only by its times: that the
    process began, or the wait ended, before the call was queued. A caller whom another site has sent on
    had waited there, as long as its row says: what that site told when the place was promised, and the
    time since then, on this site's clock.
    """

    name = "seniority_is_kept"

    def __init__(self) -> None:
        super().__init__()
        self._queued: dict[CallId, LedgerRow] = {}
        self._promised: dict[CallId, LedgerRow] = {}
        self._answered: dict[CallId, int] = {}
        self._stepped: dict[SiteId, int] = {}
        """The seq of the last step of each site's wall clock."""
        self._set_back: set[CallId] = set()

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            HandoffPromised: self._promise,
            CallQueued: self._queue,
            CallConnected: self._connect,
            CallEnded: self._end,
            ClockStepped: self._step,
            NodeStarted: self._start,
        }

    def _promise(self, row: LedgerRow, entry: HandoffPromised) -> None:
        self._promised[entry.own_call_id] = row

    def _queue(self, row: LedgerRow, entry: CallQueued) -> None:
        if entry.call_id in self._queued:
            self._violate(row, f"call {entry.call_id} was queued a second time: its wait starts anew")
        self._queued.setdefault(entry.call_id, row)
        promised = self._promised.pop(entry.call_id, None)
        if promised is not None and promised.incarnation == row.incarnation:
            assert isinstance(promised.entry, HandoffPromised)
            self._checked += 1
            wanted_ms = promised.entry.waited_ms + row.mono_ms - promised.mono_ms
            if entry.waited_before_ms != wanted_ms:
                told = f"had waited {entry.waited_before_ms} ms; by its promise it was {wanted_ms}"
                self._violate(row, f"call {entry.call_id} {told}")

    def _connect(self, row: LedgerRow, entry: CallConnected) -> None:
        if entry.call_id not in self._answered:
            self._answered[entry.call_id] = entry.waited_ms
            self._compare(row, entry.call_id, entry.waited_ms)

    def _end(self, row: LedgerRow, entry: CallEnded) -> None:
        answered_ms = self._answered.pop(entry.call_id, None)
        if answered_ms is None:
            self._compare(row, entry.call_id, entry.waited_ms)
        elif answered_ms != entry.waited_ms:
            self._checked += 1
            self._violate(
                row,
                f"call {entry.call_id} waited {answered_ms} ms when answered, {entry.waited_ms} when ended",
            )
        self._queued.pop(entry.call_id, None)
        self._set_back.discard(entry.call_id)

    def _compare(self, row: LedgerRow, call_id: CallId, waited_ms: int) -> None:
        queued = self._queued.get(call_id)
        if queued is None:
            return
        is_set_back = row.at_utc_us < queued.at_utc_us or call_id in self._set_back
        if queued.incarnation == row.incarnation:
            wanted_ms, tolerance_ms = row.mono_ms - queued.mono_ms, 1
        elif is_set_back or queued.seq < self._stepped.get(row.site_id, 0):
            return
        else:
            wanted_ms, tolerance_ms = (row.at_utc_us - queued.at_utc_us) // 1000, RESTART_TOLERANCE_MS
        assert isinstance(queued.entry, CallQueued)
        wanted_ms += queued.entry.waited_before_ms or 0
        self._checked += 1
        if abs(waited_ms - wanted_ms) > tolerance_ms:
            self._violate(row, f"call {call_id} says it waited {waited_ms} ms; its rows say {wanted_ms}")

    def _start(self, row: LedgerRow, _entry: NodeStarted) -> None:
        self._set_back |= {
            call_id
            for call_id, queued in self._queued.items()
            if queued.site_id == row.site_id and row.at_utc_us < queued.at_utc_us
        }

    def _step(self, row: LedgerRow, entry: ClockStepped) -> None:
        self._stepped[row.site_id] = row.seq
