"""What callers leave behind when no person answers: a request to be called, or a message."""

from dataclasses import dataclass, replace

from router.callback.outcome import CallbackOutcome
from router.ids import CallId, Instant, QueueId, SiteId
from router.ledger import CallbackDone, CallbackRequested, CallbackTried, Entry, LedgerRow
from router.records.moment import Moment
from router.recovery import OpenCall, OpenCallback


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRecord:
    site_id: SiteId
    call_id: CallId
    """The call in which it was asked for; at most one each."""
    business_date: str
    queue_id: QueueId
    requested_utc_us: int
    try_count: int = 0
    """Times that the customer was dialled."""
    done_utc_us: int | None = None
    outcome: CallbackOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailRecord:
    site_id: SiteId
    call_id: CallId
    business_date: str
    queue_id: QueueId
    left_utc_us: int
    heard_utc_us: int | None = None
    """When a person first heard it: no row of the ledger tells, so the fold leaves it alone, and the next."""
    heard_by: str | None = None


class CallbackFold:
    """One callback's record, with the place that a restart must give it again."""

    __slots__ = ("_asked", "_place", "_tried_at", "record")

    def __init__(self, row: LedgerRow, entry: CallbackRequested, call: OpenCall | None) -> None:
        """`call` is the call that asked for it, in the time of `row`; None where its rows are not known."""
        self.record = CallbackRecord(
            site_id=row.site_id,
            call_id=entry.call_id,
            business_date=row.business_date,
            queue_id=entry.queue_id,
            requested_utc_us=row.at_utc_us,
        )
        self._asked = Moment.of(row)
        self._place = call
        self._tried_at: Moment | None = None

    @property
    def is_done(self) -> bool:
        return self.record.done_utc_us is not None

    def apply(self, row: LedgerRow, entry: Entry) -> bool:
        """Take a row about this callback; True when the record is another one now."""
        before = self.record
        if isinstance(entry, CallbackTried):
            self._tried_at = Moment.of(row)
            self.record = replace(before, try_count=before.try_count + entry.is_counted)
        elif isinstance(entry, CallbackDone):
            self.record = replace(before, done_utc_us=row.at_utc_us, outcome=entry.outcome)
        return self.record is not before

    def open_callback(self, now: Moment) -> OpenCallback | None:
        """What a restart goes on with; None for one whose call this ledger does not hold."""
        if self._place is None:
            return None
        waited_before_ms = self._asked.mono_ms - self._place.queued_at
        return OpenCallback(
            call_id=self.record.call_id,
            queue_id=self.record.queue_id,
            skills=self._place.skills,
            priority=self._place.priority,
            queued_at=Instant(now.instant_of(self._asked) - waited_before_ms),
            try_count=self.record.try_count,
            tried_at=None if self._tried_at is None else now.instant_of(self._tried_at),
        )
