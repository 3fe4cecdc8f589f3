"""A hand-off's record, folded from the rows of one side; the peer folds its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from router import ledger
from router.call import CallContext
from router.ids import AgentId, CallId, HandoffId, LegId, QueueId, SiteId
from router.ledger import Entry, LedgerRow, Role
from router.overflow.redirect_words import PROMISED, REDIRECTED
from router.records.handoff_stage import OVER, HandoffStage
from router.records.moment import Moment
from router.recovery import OpenHelp, OpenPromise

NODE_RESTARTED = "NODE_RESTARTED"
"""Why a hand-off that did not connect is over: it was in the memory of a run that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRecord:
    """One side's view of a hand-off; moments are that side's wall clock."""

    site_id: SiteId
    handoff_id: HandoffId
    business_date: str
    """The day of its first row."""
    role: Role
    peer: SiteId
    stage: HandoffStage
    call_id: CallId | None = None
    """The origin's id of the call; a claim learns it late, or never."""
    queue_id: QueueId | None = None
    """The helper's: the queue it was offered under."""
    agent_id: AgentId | None = None
    """The helper's: whom it kept, rang or connected last."""
    rule: str | None = None
    """Of the decision that led here."""
    reason: str | None = None
    """Of the refusal or the cancellation; the stage at which it expired; why a talk ended, where nobody
    hung up."""
    began_utc_us: int
    reserved_utc_us: int | None = None
    dialed_utc_us: int | None = None
    rang_utc_us: int | None = None
    connected_utc_us: int | None = None
    confirmed_utc_us: int | None = None
    """The helper's: from here on it counts as overflow."""
    ended_utc_us: int | None = None
    talk_ms: int = 0
    wrapup_ms: int = 0
    """The helper's."""


HandoffEntry = (
    ledger.HandoffAsked
    | ledger.HandoffRefused
    | ledger.HandoffReserved
    | ledger.HandoffDialed
    | ledger.HandoffRang
    | ledger.HandoffConnected
    | ledger.HandoffConfirmed
    | ledger.HandoffMoving
    | ledger.HandoffMoved
    | ledger.HandoffStayed
    | ledger.HandoffRedirected
    | ledger.HandoffPromised
    | ledger.HandoffTakenIn
    | ledger.HandoffExpired
    | ledger.HandoffCancelled
    | ledger.HandoffEnded
)


class HandoffFold:
    """One hand-off's record, with what else a restart of the helper has to know.

    The first ending stays: a late answer to an ask that was given up changes nothing.
    Only a connection, which two people can hear, is written whatever was thought before.
    """

    __slots__ = (
        "_connected_at",
        "_incarnation",
        "_is_moved",
        "_leg_id",
        "_promise",
        "_promised_at",
        "record",
    )

    def __init__(self, row: LedgerRow, entry: HandoffEntry) -> None:
        # Only the origin dials, only the helper is told of the confirmation; the rest say it.
        self.record = HandoffRecord(
            site_id=row.site_id,
            handoff_id=entry.handoff_id,
            business_date=row.business_date,
            role=_role(entry),
            peer=entry.peer,
            stage=HandoffStage.ASKED,
            began_utc_us=row.at_utc_us,
        )
        self._connected_at: Moment | None = None
        self._leg_id: LegId | None = None
        self._is_moved = False
        self._promise: ledger.HandoffPromised | None = None
        self._promised_at: Moment | None = None
        self._incarnation = row.incarnation

    @property
    def is_over(self) -> bool:
        return self.record.stage in OVER

    def apply(self, row: LedgerRow) -> bool:
        """Take a row about this hand-off; True when the record is another one now."""
        step = self._STEPS.get(type(row.entry))
        if step is None:
            return False
        before = self.record
        step(self, Moment.of(row), row.entry)
        self._incarnation = row.incarnation
        return self.record is not before

    def open_help(self, now: Moment) -> OpenHelp | None:
        """What a restarted helper goes on with: its agent had answered, and it has not ended."""
        record = self.record
        if record.role is not Role.HELPER or record.stage is not HandoffStage.CONNECTED:
            return None
        at, leg_id = self._connected_at, self._leg_id
        if not (at and leg_id and record.call_id and record.agent_id and record.queue_id):
            return None  # never offered by this ledger, so there is no leg to find
        return OpenHelp(
            handoff_id=record.handoff_id,
            peer=record.peer,
            call_id=record.call_id,
            agent_id=record.agent_id,
            leg_id=leg_id,
            queue_id=record.queue_id,
            connected_at=now.instant_of(at),
            is_confirmed=record.confirmed_utc_us is not None,
            is_moved=self._is_moved,
        )

    def open_promise(self, now: Moment) -> OpenPromise | None:
        """Whom a restarted helper goes on waiting for."""
        promise, at = self._promise, self._promised_at
        if promise is None or at is None or self.is_over:
            return None
        return OpenPromise(
            handoff_id=promise.handoff_id,
            peer=promise.peer,
            call=CallContext(
                call_id=promise.call_id,
                queue_id=promise.queue_id,
                skills=frozenset(promise.skills),
                priority=promise.priority,
                customer_id=promise.customer_id,
                waited_ms=promise.waited_ms,
            ),
            own_call_id=promise.own_call_id,
            queued_at=now.instant_of(at.earlier_by(promise.waited_ms)),
            token_hash=promise.token_hash,
        )

    # --- steps -------------------------------------------------------------------------

    def _asked(self, at: Moment, entry: ledger.HandoffAsked) -> None:
        self.record = replace(self.record, call_id=entry.call_id, rule=entry.decision.rule)

    def _refused(self, at: Moment, entry: ledger.HandoffRefused) -> None:
        self._finish(at, HandoffStage.REFUSED, entry.call_id, entry.reason)

    def _reserved(self, at: Moment, entry: ledger.HandoffReserved) -> None:
        if self.is_over:
            return
        self.record = replace(
            self.record,
            stage=HandoffStage.RESERVED,
            call_id=entry.call_id or self.record.call_id,
            agent_id=entry.agent_id or self.record.agent_id,
            reserved_utc_us=at.utc_us,
        )

    def _dialed(self, at: Moment, entry: ledger.HandoffDialed) -> None:
        if self.is_over:
            return
        self.record = replace(
            self.record,
            stage=HandoffStage.DIALED,
            call_id=entry.call_id,
            rule=self.record.rule if entry.decision is None else entry.decision.rule,
            dialed_utc_us=at.utc_us,
        )

    def _offered(self, at: Moment, entry: ledger.AgentOffered) -> None:
        self._leg_id = entry.leg_id
        self.record = replace(
            self.record, call_id=entry.call_id, agent_id=entry.agent_id, queue_id=entry.queue_id
        )

    def _rang(self, at: Moment, entry: ledger.HandoffRang) -> None:
        if self.is_over:
            return
        self.record = replace(
            self.record, stage=HandoffStage.RANG, call_id=entry.call_id, rang_utc_us=at.utc_us
        )

    def _connected(self, at: Moment, entry: ledger.HandoffConnected) -> None:
        self._connected_at = at
        self.record = replace(
            self.record,
            stage=HandoffStage.CONNECTED,
            call_id=entry.call_id,
            agent_id=entry.agent_id or self.record.agent_id,
            connected_utc_us=at.utc_us,
            reason=None,
            ended_utc_us=None,
        )

    def _confirmed(self, at: Moment, entry: ledger.HandoffConfirmed) -> None:
        self.record = replace(self.record, confirmed_utc_us=at.utc_us)

    def _moved(self, at: Moment, entry: ledger.HandoffMoved) -> None:
        self._is_moved = True

    def _redirected(self, at: Moment, entry: ledger.HandoffRedirected) -> None:
        self._finish(at, HandoffStage.ENDED, entry.call_id, REDIRECTED)

    def _promised(self, at: Moment, entry: ledger.HandoffPromised) -> None:
        self._promise, self._promised_at = entry, at
        self.record = replace(self.record, queue_id=entry.queue_id)

    def _taken_in(self, at: Moment, entry: ledger.HandoffTakenIn) -> None:
        self._finish(at, HandoffStage.ENDED, None, REDIRECTED)

    def _expired(self, at: Moment, entry: ledger.HandoffExpired) -> None:
        if self._promise is not None and entry.stage != PROMISED:
            return  # The agent is free; whoever comes in time is queued all the same.
        self._finish(at, HandoffStage.EXPIRED, entry.call_id, entry.stage)

    def _cancelled(self, at: Moment, entry: ledger.HandoffCancelled) -> None:
        self._finish(at, HandoffStage.CANCELLED, entry.call_id, entry.reason)

    def _ended(self, at: Moment, entry: ledger.HandoffEnded) -> None:
        self._finish(at, HandoffStage.ENDED, entry.call_id, entry.reason)
        self.record = replace(self.record, stage=HandoffStage.ENDED, talk_ms=entry.talk_ms)

    def _call_ended(self, at: Moment, entry: ledger.CallEnded) -> None:
        """The origin's own call is over, and so is what carried it."""
        if self._connected_at is not None and self.record.stage is HandoffStage.CONNECTED:
            self._finish(at, HandoffStage.ENDED, entry.call_id, None)
            self.record = replace(self.record, talk_ms=at.since_ms(self._connected_at))

    def _wrapped_up(self, at: Moment, entry: ledger.WrapupEnded) -> None:
        self.record = replace(self.record, wrapup_ms=self.record.wrapup_ms + entry.wrapup_ms)

    def _node_started(self, at: Moment, entry: ledger.NodeStarted) -> None:
        # This run may have asked for hand-offs of its own before it wrote the row.
        is_kept = self.record.stage is HandoffStage.CONNECTED or self._promise is not None
        if self._incarnation < at.incarnation and not is_kept:
            self._finish(at, HandoffStage.EXPIRED, None, NODE_RESTARTED)

    def _finish(self, at: Moment, stage: HandoffStage, call_id: CallId | None, reason: str | None) -> None:
        if self.is_over:
            return
        self.record = replace(
            self.record,
            stage=stage,
            call_id=call_id or self.record.call_id,
            reason=reason,
            ended_utc_us=at.utc_us,
        )

    _STEPS: ClassVar[Mapping[type[Entry], Callable[["HandoffFold", Moment, Any], None]]] = {
        ledger.HandoffAsked: _asked,
        ledger.HandoffRefused: _refused,
        ledger.HandoffReserved: _reserved,
        ledger.HandoffDialed: _dialed,
        ledger.AgentOffered: _offered,
        ledger.HandoffRang: _rang,
        ledger.HandoffConnected: _connected,
        ledger.HandoffConfirmed: _confirmed,
        ledger.HandoffMoved: _moved,
        ledger.HandoffRedirected: _redirected,
        ledger.HandoffPromised: _promised,
        ledger.HandoffTakenIn: _taken_in,
        ledger.HandoffExpired: _expired,
        ledger.HandoffCancelled: _cancelled,
        ledger.HandoffEnded: _ended,
        ledger.CallEnded: _call_ended,
        ledger.WrapupEnded: _wrapped_up,
        ledger.NodeStarted: _node_started,
    }


_ORIGINS = (
    ledger.HandoffDialed,
    ledger.HandoffMoving,
    ledger.HandoffStayed,
    ledger.HandoffRedirected,
)


def _role(entry: HandoffEntry) -> Role:
    if isinstance(entry, _ORIGINS):
        return Role.ORIGIN
    if isinstance(entry, ledger.HandoffConfirmed | ledger.HandoffPromised | ledger.HandoffTakenIn):
        return Role.HELPER
    return entry.role
