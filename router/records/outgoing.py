"""Calls that went out, and lines that were lent, folded from their rows."""

from dataclasses import dataclass, replace

from router import ledger
from router.ids import AgentId, CallId, HandoffId, LegId, LineId, QueueId, SiteId
from router.ledger import LedgerRow
from router.outbound.outcome import OutboundOutcome
from router.records.moment import Moment
from router.recovery import OpenLoan, OpenOutbound


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRecord:
    """One call that went out. The number stands in `callers` alone, where it can be erased."""

    site_id: SiteId
    call_id: CallId
    business_date: str
    """The day it began."""
    agent_id: AgentId
    queue_id: QueueId
    callback_of: CallId | None
    via: SiteId | None = None
    """Whose line it was, once it was dialled."""
    line_id: LineId | None = None
    handoff_id: HandoffId | None = None
    began_utc_us: int
    dialed_utc_us: int | None = None
    answered_utc_us: int | None = None
    ended_utc_us: int | None = None
    outcome: OutboundOutcome | None = None
    ring_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrapup_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanRecord:
    """A line of this site that another site's agent talked over."""

    site_id: SiteId
    handoff_id: HandoffId
    business_date: str
    peer: SiteId
    call_id: CallId
    """The other site's."""
    line_id: LineId
    lent_utc_us: int
    returned_utc_us: int | None = None
    outcome: OutboundOutcome | None = None
    talk_ms: int = 0


OutboundEntry = (
    ledger.OutboundDialed
    | ledger.OutboundAnswered
    | ledger.OutboundEnded
    | ledger.CallHeld
    | ledger.CallResumed
)
"""What follows OUTBOUND_BEGAN; holds may also be a caller's."""


class OutboundFold:
    """One call's record, with what else a restart has to know while it is open."""

    __slots__ = (
        "_answered_at",
        "_dialed_at",
        "_held_since",
        "_hold_ms",
        "_is_emergency",
        "_leg_id",
        "record",
    )

    def __init__(self, row: LedgerRow, entry: ledger.OutboundBegan) -> None:
        self.record = OutboundRecord(
            site_id=row.site_id,
            call_id=entry.call_id,
            business_date=row.business_date,
            agent_id=entry.agent_id,
            queue_id=entry.queue_id,
            callback_of=entry.callback_of,
            began_utc_us=row.at_utc_us,
        )
        self._leg_id: LegId | None = None
        self._is_emergency = False
        self._dialed_at: Moment | None = None
        self._answered_at: Moment | None = None
        self._held_since: Moment | None = None
        self._hold_ms = 0

    @property
    def is_ended(self) -> bool:
        return self.record.ended_utc_us is not None

    def apply(self, row: LedgerRow) -> bool:
        """Take a row about this call; True when the record is another one now."""
        before, at = self.record, Moment.of(row)
        match row.entry:
            case ledger.OutboundDialed() as entry:
                self._dialed(at, entry)
            case ledger.OutboundAnswered():
                self._answered_at = at
                self.record = replace(before, answered_utc_us=at.utc_us)
            case ledger.CallHeld():
                self._held_since = at
            case ledger.CallResumed():
                self._close_hold(at)
            case ledger.OutboundEnded() as entry:
                self._ended(at, entry)
            case ledger.WrapupEnded() as entry:
                self.record = replace(before, wrapup_ms=before.wrapup_ms + entry.wrapup_ms)
        return self.record is not before

    def open_outbound(self, now: Moment) -> OpenOutbound:
        record = self.record
        held_ms = 0 if self._held_since is None else now.since_ms(self._held_since)
        return OpenOutbound(
            call_id=record.call_id,
            agent_id=record.agent_id,
            queue_id=record.queue_id,
            callback_of=record.callback_of,
            leg_id=self._leg_id,
            via=record.via,
            line_id=record.line_id,
            is_emergency=self._is_emergency,
            handoff_id=record.handoff_id,
            dialed_at=None if self._dialed_at is None else now.instant_of(self._dialed_at),
            answered_at=None if self._answered_at is None else now.instant_of(self._answered_at),
            is_held=self._held_since is not None,
            hold_ms=self._hold_ms + held_ms,
        )

    def _dialed(self, at: Moment, entry: ledger.OutboundDialed) -> None:
        self._leg_id, self._is_emergency, self._dialed_at = entry.leg_id, entry.is_emergency, at
        self.record = replace(
            self.record,
            via=entry.via,
            line_id=entry.line_id,
            handoff_id=entry.handoff_id,
            dialed_utc_us=at.utc_us,
        )

    def _ended(self, at: Moment, entry: ledger.OutboundEnded) -> None:
        self.record = replace(
            self.record,
            ended_utc_us=at.utc_us,
            outcome=entry.outcome,
            ring_ms=entry.ring_ms,
            talk_ms=entry.talk_ms,
            hold_ms=entry.hold_ms,
        )

    def _close_hold(self, at: Moment) -> None:
        if self._held_since is not None:
            self._hold_ms += at.since_ms(self._held_since)
            self._held_since = None


class LoanFold:
    """One lent line's record; a restart goes on with it while it is open."""

    __slots__ = ("_lent_at", "record")

    def __init__(self, row: LedgerRow, entry: ledger.LineLent) -> None:
        self.record = LoanRecord(
            site_id=row.site_id,
            handoff_id=entry.handoff_id,
            business_date=row.business_date,
            peer=entry.peer,
            call_id=entry.call_id,
            line_id=entry.line_id,
            lent_utc_us=row.at_utc_us,
        )
        self._lent_at = Moment.of(row)

    def end(self, row: LedgerRow, entry: ledger.LineReturned) -> None:
        self.record = replace(
            self.record, returned_utc_us=row.at_utc_us, outcome=entry.outcome, talk_ms=entry.talk_ms
        )

    def open_loan(self, now: Moment) -> OpenLoan:
        record = self.record
        return OpenLoan(
            handoff_id=record.handoff_id,
            peer=record.peer,
            call_id=record.call_id,
            line_id=record.line_id,
            lent_at=now.instant_of(self._lent_at),
        )
