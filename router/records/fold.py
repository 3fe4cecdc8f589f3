"""The one fold from a site's ledger to its records and to its open work.

The branch applies it in the transaction that writes the rows, HQ to the rows it received
(its tables must be equal), and a restart to the rows of what was still open.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

from router import ledger
from router.ids import AgentId, CallId, HandoffId, RecordingId
from router.ledger import LedgerRow
from router.records.agent import AgentFold, AgentStateSpan, SessionRecord
from router.records.call import CallFold, CallRecord
from router.records.handoff import HandoffEntry, HandoffFold, HandoffRecord
from router.records.left import CallbackFold, CallbackRecord, VoicemailRecord
from router.records.moment import Moment
from router.records.outgoing import LoanFold, LoanRecord, OutboundEntry, OutboundFold, OutboundRecord
from router.records.recording import RecordingRecord, ended, started
from router.recovery import OpenWork

Record = (
    CallRecord
    | HandoffRecord
    | SessionRecord
    | AgentStateSpan
    | CallbackRecord
    | VoicemailRecord
    | RecordingRecord
    | OutboundRecord
    | LoanRecord
)
RecordKey = tuple[type[Record], str | int]

_HANDOFF_ENTRIES = get_args(HandoffEntry)
_ABOUT_HANDOFFS = frozenset({ledger.AgentOffered, *_HANDOFF_ENTRIES})


def key_of(record: Record) -> RecordKey:
    """What one site's records are told apart by."""
    match record:
        case CallRecord() | CallbackRecord() | VoicemailRecord() | OutboundRecord():
            return type(record), record.call_id
        case RecordingRecord():
            return RecordingRecord, record.recording_id
        case HandoffRecord():
            return HandoffRecord, record.handoff_id
        case LoanRecord():
            return LoanRecord, record.handoff_id
        case SessionRecord():
            return SessionRecord, record.login_seq
        case AgentStateSpan():
            return AgentStateSpan, record.from_seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What a fold has to be told of again before it takes certain rows."""

    calls: frozenset[CallId] = frozenset()
    handoffs: frozenset[HandoffId] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a fold remembers, by id."""

    calls: dict[CallId, CallFold] = field(default_factory=dict)
    """Open ones."""
    handoffs: dict[HandoffId, HandoffFold] = field(default_factory=dict)
    """Open ones."""
    over: dict[HandoffId, HandoffFold] = field(default_factory=dict)
    """Hand-offs that are over, in the order in which they ended."""
    agents: dict[AgentId, AgentFold] = field(default_factory=dict)
    """Those logged in."""
    recordings: dict[RecordingId, RecordingRecord] = field(default_factory=dict)
    """Those in progress."""
    last_served: dict[AgentId, CallFold | HandoffFold | OutboundFold] = field(default_factory=dict)
    """Whose wrap-up may still come."""
    callbacks: dict[CallId, CallbackFold] = field(default_factory=dict)
    """Those not done."""
    outbound: dict[CallId, OutboundFold] = field(default_factory=dict)
    """Open ones."""
    loans: dict[HandoffId, LoanFold] = field(default_factory=dict)
    """Open ones."""


class RecordFold:
    """Keeps what is open, the call that each agent served last, and hand-offs that are over.

    Feed it one site's rows in the order of seq. Rows about something whose first row it
    was not given change nothing: so it may be begun with the rows of some calls,
    hand-offs and agents only, plus the NODE_STARTED rows, which end what was in memory.

    `over_limit` bounds the hand-offs it remembers. With a limit, see to `recall` before
    `apply`: a late row about a forgotten one would otherwise begin a record anew.
    """

    def __init__(self, *, over_limit: int | None = None) -> None:
        self.kept = Kept()
        self._over_limit = over_limit

    def recall(self, rows: Iterable[LedgerRow]) -> Recall:
        """What `rows` are about and this fold doesn't know: new, or forgotten."""
        calls: set[CallId] = set()
        handoffs: set[HandoffId] = set()
        for row in rows:
            handoff_id = _handoff_of(row.entry)
            if handoff_id is not None and self._handoff(handoff_id) is None:
                handoffs.add(handoff_id)
            if isinstance(row.entry, ledger.WrapupEnded) and self._served(row.entry) is None:
                calls.add(row.entry.call_id)
        return Recall(calls=frozenset(calls), handoffs=frozenset(handoffs))

    def adopt(self, other: "RecordFold") -> None:
        """Take over what `other` knows and this doesn't.

        `other` was fed with all rows of some calls, hand-offs or agents.
        """
        self.kept.calls.update(other.kept.calls | self.kept.calls)
        self.kept.handoffs.update(other.kept.handoffs | self.kept.handoffs)
        self.kept.agents.update(other.kept.agents | self.kept.agents)
        self.kept.recordings.update(other.kept.recordings | self.kept.recordings)
        self.kept.last_served.update(other.kept.last_served)
        self.kept.callbacks.update(other.kept.callbacks | self.kept.callbacks)
        self.kept.outbound.update(other.kept.outbound | self.kept.outbound)
        self.kept.loans.update(other.kept.loans | self.kept.loans)
        for handoff_id, handoff in other.kept.over.items():
            if self._handoff(handoff_id) is None:
                self._forget_handoff(handoff)

    def apply(self, row: LedgerRow) -> list[Record]:
        """Take the next row; every record that it made or changed, as it is now."""
        return list(self._changes(row))

    def _changes(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.WrapupEnded):
            yield from self._wrap_up(row, entry)
            return
        yield from self._apply_to_agent(row)
        yield from self._apply_to_handoffs(row)
        yield from self._apply_to_callback(row)
        yield from self._apply_to_call(row)
        yield from self._apply_to_recording(row)
        yield from self._apply_to_outbound(row)
        yield from self._apply_to_loan(row)
        yield from _left(row)

    def open_work(self, now: Moment) -> OpenWork:
        """What is open, in the monotonic time of `now`; calls in the order of their arrival."""
        calls = (call.open_call(now) for call in self.kept.calls.values() if not call.is_ended)
        callbacks = (callback.open_callback(now) for callback in self.kept.callbacks.values())
        helps = (handoff.open_help(now) for handoff in self.kept.handoffs.values())
        promises = (handoff.open_promise(now) for handoff in self.kept.handoffs.values())
        return OpenWork(
            calls=tuple(call for call in calls if call is not None),
            sessions=tuple(agent.open_session() for agent in self.kept.agents.values()),
            helps=tuple(helped for helped in helps if helped is not None),
            promises=tuple(promise for promise in promises if promise is not None),
            callbacks=tuple(callback for callback in callbacks if callback is not None),
            outbound=tuple(each.open_outbound(now) for each in self.kept.outbound.values()),
            loans=tuple(each.open_loan(now) for each in self.kept.loans.values()),
        )

    # --- agents ------------------------------------------------------------------------

    def _apply_to_agent(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.AgentLoggedIn):
            yield from self._log_in(row, entry)
        elif isinstance(entry, ledger.AgentStateChanged):
            if (agent := self.kept.agents.get(entry.agent_id)) is not None:
                yield from agent.enter(row, entry)
        elif isinstance(entry, ledger.AgentLoggedOut):
            if (agent := self.kept.agents.pop(entry.agent_id, None)) is not None:
                yield from agent.log_out(row, entry)
            self.kept.last_served.pop(entry.agent_id, None)

    def _log_in(self, row: LedgerRow, entry: ledger.AgentLoggedIn) -> Iterator[Record]:
        agent = self.kept.agents.get(entry.agent_id)
        if agent is not None:
            yield from agent.log_in_again(entry)
        else:
            agent = self.kept.agents[entry.agent_id] = AgentFold(row, entry)
            yield agent.session

    # --- recordings --------------------------------------------------------------------

    def _apply_to_recording(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.RecordingStarted):
            self.kept.recordings[entry.recording_id] = record = started(row, entry)
            yield record
        elif isinstance(entry, ledger.RecordingEnded) and entry.recording_id in self.kept.recordings:
            yield ended(self.kept.recordings.pop(entry.recording_id), row, entry)

    # --- calls and hand-offs -----------------------------------------------------------

    def _apply_to_call(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.CallArrived):
            call = self.kept.calls[entry.call_id] = CallFold(row, entry)
            yield call.record
            return
        found = self.kept.calls.get(getattr(entry, "call_id", None) or CallId(""))
        if found is None:
            return
        if found.apply(row):
            yield found.record
        if isinstance(entry, ledger.CallConnected) and entry.agent_id is not None:
            self.kept.last_served[entry.agent_id] = found
        elif found.is_ended:
            del self.kept.calls[found.record.call_id]

    def _apply_to_handoffs(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.NodeStarted):
            for handoff in list(self.kept.handoffs.values()):
                yield from self._apply_to_handoff(row, handoff)
            return
        handoff_id = self._handoff_of_ended(entry) or _handoff_of(entry)
        if handoff_id is None:
            return
        found = self._handoff(handoff_id)
        if found is None and isinstance(entry, _HANDOFF_ENTRIES):
            found = HandoffFold(row, entry)
        if found is not None:
            yield from self._apply_to_handoff(row, found)

    def _apply_to_handoff(self, row: LedgerRow, handoff: HandoffFold) -> Iterator[Record]:
        if handoff.apply(row):
            yield handoff.record
        entry = row.entry
        agent_id = handoff.record.agent_id
        if isinstance(entry, ledger.HandoffConnected) and entry.role is ledger.Role.HELPER and agent_id:
            self.kept.last_served[agent_id] = handoff
        if handoff.is_over:
            self._forget_handoff(handoff)
        else:
            self.kept.over.pop(handoff.record.handoff_id, None)
            self.kept.handoffs[handoff.record.handoff_id] = handoff

    def _handoff_of_ended(self, entry: ledger.Entry) -> HandoffId | None:
        """What carried a call of ours, whose end a restart may be the only one to write down."""
        if not isinstance(entry, ledger.CallEnded) or entry.call_id not in self.kept.calls:
            return None
        return self.kept.calls[entry.call_id].record.handoff_id

    def _handoff(self, handoff_id: HandoffId) -> HandoffFold | None:
        return self.kept.handoffs.get(handoff_id) or self.kept.over.get(handoff_id)

    def _forget_handoff(self, handoff: HandoffFold) -> None:
        self.kept.handoffs.pop(handoff.record.handoff_id, None)
        self.kept.over[handoff.record.handoff_id] = handoff
        if self._over_limit is not None and len(self.kept.over) > self._over_limit:
            del self.kept.over[next(iter(self.kept.over))]

    # --- callbacks, calls that go out, lent lines --------------------------------------

    def _apply_to_callback(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.CallbackRequested):
            call = self.kept.calls.get(entry.call_id)
            place = call.open_call(Moment.of(row)) if call is not None else None
            callback = self.kept.callbacks[entry.call_id] = CallbackFold(row, entry, place)
            yield callback.record
        elif isinstance(entry, ledger.CallbackTried | ledger.CallbackDone):
            found = self.kept.callbacks.get(entry.call_id)
            if found is None:
                return
            if found.apply(row, entry):
                yield found.record
            if found.is_done:
                del self.kept.callbacks[entry.call_id]

    def _apply_to_outbound(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.OutboundBegan):
            began = self.kept.outbound[entry.call_id] = OutboundFold(row, entry)
            yield began.record
        elif isinstance(entry, OutboundEntry):
            found = self.kept.outbound.get(entry.call_id)
            if found is None:
                return
            if found.apply(row):
                yield found.record
            if isinstance(entry, ledger.OutboundAnswered):
                self.kept.last_served[entry.agent_id] = found
            elif found.is_ended:
                del self.kept.outbound[entry.call_id]

    def _apply_to_loan(self, row: LedgerRow) -> Iterator[Record]:
        entry = row.entry
        if isinstance(entry, ledger.LineLent):
            loan = self.kept.loans[entry.handoff_id] = LoanFold(row, entry)
            yield loan.record
        elif isinstance(entry, ledger.LineReturned):
            found = self.kept.loans.pop(entry.handoff_id, None)
            if found is not None:
                found.end(row, entry)
                yield found.record

    # --- wrap-up, which comes after the end --------------------------------------------

    def _wrap_up(self, row: LedgerRow, entry: ledger.WrapupEnded) -> Iterator[Record]:
        served = self._served(entry)
        if served is not None and served.apply(row):
            yield served.record

    def _served(self, entry: ledger.WrapupEnded) -> CallFold | HandoffFold | OutboundFold | None:
        """What the agent talked to last, if that was this call: its own site's, or a helped one."""
        served = self.kept.last_served.get(entry.agent_id)
        return served if served is not None and served.record.call_id == entry.call_id else None


def _handoff_of(entry: Any) -> HandoffId | None:
    """The hand-off whose record the entry is about; None for all others."""
    return entry.handoff_id if type(entry) in _ABOUT_HANDOFFS else None


def _left(row: LedgerRow) -> Iterator[Record]:
    entry = row.entry
    if isinstance(entry, ledger.VoicemailLeft):
        yield VoicemailRecord(
            site_id=row.site_id,
            call_id=entry.call_id,
            business_date=row.business_date,
            queue_id=entry.queue_id,
            left_utc_us=row.at_utc_us,
        )


def fold(rows: Iterable[LedgerRow]) -> dict[RecordKey, Record]:
    """All records that one site's rows, in the order of seq, add up to."""
    records: dict[RecordKey, Record] = {}
    state = RecordFold()
    for row in rows:
        for record in state.apply(row):
            records[key_of(record)] = record
    return records
