"""The record of a recording: which talk, how long, and until when its file is kept."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from router.ids import AgentId, CallId, QueueId, RecordingId, SiteId
from router.ledger import LedgerRow, RecordingEnded, RecordingStarted


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRecord:
    """Never who called: `callers` alone knows that."""

    site_id: SiteId
    recording_id: RecordingId
    """The file's name, too."""
    business_date: str
    """The day it began."""
    call_id: CallId
    agent_id: AgentId
    queue_id: QueueId
    started_utc_us: int
    ended_utc_us: int | None = None
    duration_ms: int | None = None
    """Pauses left out; None while it lasts."""
    retained_until: str
    """ISO date of the last day on which the file is there."""
    pruned_utc_us: int | None = None
    """When the site deleted the file because that day was over: no row of the ledger tells, so the fold
    leaves it alone, and a record without it whose row is gone was deleted by hand."""


def started(row: LedgerRow, entry: RecordingStarted) -> RecordingRecord:
    return RecordingRecord(
        site_id=row.site_id,
        recording_id=entry.recording_id,
        business_date=row.business_date,
        call_id=entry.call_id,
        agent_id=entry.agent_id,
        queue_id=entry.queue_id,
        started_utc_us=row.at_utc_us,
        retained_until=(
            date.fromisoformat(row.business_date) + timedelta(days=entry.retention_days)
        ).isoformat(),
    )


def ended(record: RecordingRecord, row: LedgerRow, entry: RecordingEnded) -> RecordingRecord:
    return replace(record, ended_utc_us=row.at_utc_us, duration_ms=entry.duration_ms)
