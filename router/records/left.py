"""What callers leave behind when no person answers: a request to be called, or a message."""

from dataclasses import dataclass

from router.ids import CallId, QueueId, SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRecord:
    site_id: SiteId
    call_id: CallId
    """The call in which it was asked for; at most one each."""
    business_date: str
    queue_id: QueueId
    requested_utc_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailRecord:
    site_id: SiteId
    call_id: CallId
    business_date: str
    queue_id: QueueId
    left_utc_us: int
