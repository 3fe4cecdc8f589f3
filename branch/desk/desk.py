"""The asyncio shell round one site's floor: facts in, ledger rows and orders out.

Everything runs on one event loop and no turn awaits anything, so there is no lock. A fact told
from inside of an order waits until the turn in progress is settled. An answer to another site
rests on no committed row and leaves before its turn is settled: the next step of the loop
settles it, or the next fact if that is sooner. Only a promise to queue a redirected caller waits
for its rows (`Desk.answer_for_good`). A turn that fails by anything but a refusal has left the
floor in an unknown state: the desk is broken, and the process ends and starts anew from its
ledger and its PBX.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Protocol

import structlog

from branch.desk.outbox import Outbox
from branch.peers.wire import Asked
from router.errors import NotAcceptingError, RouterError
from router.facts import Fact, SiteAsked
from router.floor import Floor
from router.ids import CallId, HandoffId, Instant, LegId, SiteId
from router.ledger import Entry, LedgerRow, Role
from router.orders import Answer, Order, Outcome
from router.overflow.messages import GetHandoff, HandoffState, Refusal, Refused, Reply
from router.recovery import Inventory, OpenWork
from sync.clock import Clock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord

log = structlog.get_logger()

IfRefused = Callable[[RouterError], None]
_Decide = Callable[[Instant], Outcome]

_OVER = (HandoffState.UNKNOWN, HandoffState.OVER)


class Ledger(Protocol):
    """The part of the store that takes rows."""

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        """Commit these soon, together and in this order; returns at once."""
        ...


class DeskInstruments(Protocol):
    """What counts the desk's work."""

    def note_rows(self, rows: Sequence[LedgerRow]) -> None: ...

    def note_refusal(self, fact: Fact, refusal: RouterError) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The ids of what is going on at a desk."""

    calls: frozenset[CallId]
    legs: frozenset[LegId]
    handoffs: frozenset[HandoffId]
    """Also those whose trunk leads to a line."""
    lines: frozenset[CallId]
    """Calls that go out, for agents here or elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerNumber:
    """Who called, or is called: kept beside the ledger and never in it, since it may have to be erased."""

    call_id: CallId
    number: str | None
    """E.164; None when it was withheld."""
    dialled: str


class Stamp:
    """Puts place and time on entries: one gapless sequence a site."""

    def __init__(
        self, *, site_id: SiteId, incarnation: int, last_seq: int, clock: Clock, calendar: BusinessCalendar
    ) -> None:
        self.last_seq = last_seq
        self._site_id = site_id
        self.incarnation = incarnation
        self._clock = clock
        self._calendar = calendar

    def rows(self, entries: Sequence[Entry], now: Instant) -> list[LedgerRow]:
        utc_us = self._clock.utc_us()
        business_date = self._calendar.date_of(utc_us)
        first, self.last_seq = self.last_seq + 1, self.last_seq + len(entries)
        return [
            LedgerRow(
                site_id=self._site_id,
                seq=seq,
                at_utc_us=utc_us,
                mono_ms=now,
                incarnation=self.incarnation,
                business_date=business_date,
                entry=entry,
            )
            for seq, entry in enumerate(entries, start=first)
        ]

    def caller(self, caller: CallerNumber, row: LedgerRow) -> CallerRecord:
        """The record that goes with the call's first row."""
        return CallerRecord(
            site_id=self._site_id,
            call_id=caller.call_id,
            business_date=row.business_date,
            number=caller.number,
            dialled=caller.dialled,
        )


class Desk:
    """One site's running ACD."""

    def __init__(
        self,
        *,
        floor: Floor,
        stamp: Stamp,
        clock: Clock,
        speed: float,
        ledger: Ledger,
        carry_out: Callable[[Order], None],
        instruments: DeskInstruments,
    ) -> None:
        """`speed` is how many of the clock's milliseconds pass in a real one."""
        self.floor = floor
        self.outbox = Outbox(carry_out)
        self._stamp = stamp
        self._clock = clock
        self._real_s_per_ms = 0.001 / speed
        self._ledger = ledger
        self._instruments = instruments
        self._inbox: deque[tuple[Fact, IfRefused | None, CallerNumber | None]] = deque()
        self._is_busy = False
        self._is_emptying = False
        self._committed_seq = stamp.last_seq
        self._awaited_commits: deque[tuple[int, asyncio.Future[None]]] = deque()
        """By the seq that each waits for, lowest first."""
        self._answered: tuple[Outcome, Instant] | None = None
        """A turn whose answer has left and which is still to be settled."""
        self._timer: tuple[Instant, asyncio.TimerHandle] | None = None
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._settled = asyncio.Event()

    @property
    def incarnation(self) -> int:
        return self._stamp.incarnation

    @property
    def last_seq(self) -> int:
        """Of the last row of all turns, those that are still to be settled too."""
        self._settle_answered()
        return self._stamp.last_seq

    # --- facts in ----------------------------------------------------------------------

    def resume(self, work: OpenWork, alive: Inventory) -> None:
        """Pick up what a former process of this site left; once, before any fact."""
        self._turn_of_ours(partial(self.floor.resume, work, alive))

    def tell(
        self, fact: Fact, if_refused: IfRefused | None = None, caller: CallerNumber | None = None
    ) -> None:
        """Take a fact whose teller waits for nothing: a refusal is counted, logged and told `if_refused`."""
        if self._is_busy:
            self._inbox.append((fact, if_refused, caller))
            return
        try:
            self.handle(fact, caller)
        except RouterError as refusal:
            self._instruments.note_refusal(fact, refusal)
            log.info("fact_refused", fact=type(fact).__name__, reason=refusal.reason, problem=str(refusal))
            if if_refused is not None:
                if_refused(refusal)

    def handle(self, fact: Fact, caller: CallerNumber | None = None) -> None:
        """Take a fact; `caller` is kept in the same commit.

        Raises:
            RouterError: it was refused and changed nothing.
        """
        outcome, now = self._decide(partial(self.floor.handle, fact))
        self._settle(outcome, now, caller)

    def answer(self, asked: Asked) -> Reply:
        """Take another site's request and give the answer, which may leave at once.

        A request meant for an earlier incarnation is refused, since what it rests on is
        gone; the sender then asks with GetHandoff what is left.

        Raises:
            RouterError: it was refused and changed nothing.
        """
        request = asked.request
        is_stale = asked.asked_incarnation not in (0, self.incarnation)
        if is_stale and not isinstance(request, GetHandoff):
            return Refused(handoff_id=request.handoff_id, reason=Refusal.STALE_INCARNATION)
        fact = SiteAsked(site_id=asked.site_id, incarnation=asked.incarnation, request=request)
        outcome, now = self._decide(partial(self.floor.handle, fact))
        self._answered = (outcome, now)
        self._loop.call_soon(self._settle_answered)
        # Every request of a site is answered in its own turn.
        return next(each.reply for each in outcome if isinstance(each, Answer))

    async def answer_for_good(self, asked: Asked) -> Reply:
        """The same, once every row that the answer rests on is committed.

        Raises:
            RouterError: it was refused and changed nothing.
        """
        reply = self.answer(asked)
        if self.last_seq > self._committed_seq:
            commit: asyncio.Future[None] = self._loop.create_future()
            self._awaited_commits.append((self.last_seq, commit))
            await commit
        return reply

    def committed(self, seq: int) -> None:
        """The ledger holds every row up to `seq` for good: orders and answers that waited leave."""
        self._settle_answered()
        if self._broken.done():
            return
        self._committed_seq = seq
        while self._awaited_commits and self._awaited_commits[0][0] <= seq:
            _seq, commit = self._awaited_commits.popleft()
            if not commit.done():
                commit.set_result(None)
        self._is_busy = True
        try:
            self.outbox.committed(seq)
        except Exception as error:
            self._broken.set_exception(error)
            raise
        finally:
            self._is_busy = False
        self._work_off_inbox()

    def live(self) -> Live:
        """What is going on, by id."""
        calls = list(self.floor.calls())
        handoffs = [each for each in self.floor.handoffs() if each.state not in _OVER]
        outbound, loans = list(self.floor.outbound()), list(self.floor.loans())
        trunks = {each.handoff_id for each in outbound if each.handoff_id is not None}
        agents_legs = {each.leg_id for each in self.floor.agents() if each.leg_id is not None}
        supervisors_legs = {each.leg_id for each in self.floor.supervisions()}
        return Live(
            calls=frozenset(each.call_id for each in calls),
            legs=frozenset(agents_legs.union(supervisors_legs, *(each.leg_ids for each in calls))),
            handoffs=frozenset(
                trunks.union((each.handoff_id for each in handoffs), (each.handoff_id for each in loans))
            ),
            lines=frozenset(each.call_id for each in outbound).union(each.call_id for each in loans),
        )

    # --- life --------------------------------------------------------------------------

    async def run(self) -> None:
        """Does nothing until the desk breaks; then raises what broke it."""
        await self._broken

    async def until_empty(self) -> None:
        """Returns when no call, in or out, and no agent or line helping another site is left."""
        while self._has_work():
            self._settled.clear()
            await self._settled.wait()

    def close(self) -> None:
        if self._timer is not None:
            self._timer[1].cancel()
            self._timer = None

    # --- a turn ------------------------------------------------------------------------

    def _decide(self, decide: _Decide) -> tuple[Outcome, Instant]:
        """Raises:
        RouterError: the floor refused, or the desk is broken; nothing changed.
        """
        assert not self._is_busy, "facts told from inside of a turn wait in the inbox"
        self._settle_answered()
        if self._broken.done():
            raise NotAcceptingError("it has failed and ends")
        now = self._clock.mono_ms()
        try:
            return decide(now), now
        except RouterError:
            raise
        except Exception as error:
            self._broken.set_exception(error)
            raise

    def _settle(self, outcome: Outcome, now: Instant, caller: CallerNumber | None = None) -> None:
        """Rows first, then orders, then what was told from inside of them."""
        self._is_busy = True
        try:
            self._append_and_put(outcome, now, caller)
            self._set_timer(now)
        except Exception as error:
            self._broken.set_exception(error)
            raise
        finally:
            self._is_busy = False
        self._settled.set()
        self._work_off_inbox()

    def _settle_answered(self) -> None:
        if self._answered is not None and not self._broken.done():
            (outcome, now), self._answered = self._answered, None
            self._settle(outcome, now)

    def _append_and_put(self, outcome: Outcome, now: Instant, caller: CallerNumber | None) -> None:
        """Each order rests on the rows before it."""
        seq = self._stamp.last_seq
        entries = [each for each in outcome if isinstance(each, Entry)]
        if entries:
            rows = self._stamp.rows(entries, now)
            self._ledger.append(rows, () if caller is None else (self._stamp.caller(caller, rows[0]),))
            self._instruments.note_rows(rows)
        for each in outcome:
            if isinstance(each, Entry):
                seq += 1
            elif not isinstance(each, Answer):
                self.outbox.put(each, rests_on=seq)

    def _work_off_inbox(self) -> None:
        """Each fact is a turn, which comes here again: one loop takes them all, however many wait."""
        if self._is_emptying:
            return
        self._is_emptying = True
        try:
            while self._inbox:
                self.tell(*self._inbox.popleft())
        finally:
            self._is_emptying = False

    # --- deadlines ---------------------------------------------------------------------

    def _set_timer(self, now: Instant) -> None:
        at = self.floor.next_timer()
        if self._timer is not None:
            if self._timer[0] == at:
                return
            self._timer[1].cancel()
            self._timer = None
        if at is not None:
            # One more, since the clock rounds down: early by half a millisecond is not due yet.
            delay_s = max(0, at - now + 1) * self._real_s_per_ms
            self._timer = (at, self._loop.call_later(delay_s, self._due))

    def _due(self) -> None:
        self._timer = None
        if not self._broken.done():
            self._turn_of_ours(self.floor.handle_timer)

    def _turn_of_ours(self, decide: _Decide) -> None:
        """A turn that nobody asked for: a refusal in it has no one to go to, and is a fault of ours."""
        try:
            outcome, now = self._decide(decide)
        except RouterError as error:
            self._broken.set_exception(error)
            raise
        self._settle(outcome, now)

    def _has_work(self) -> bool:
        if any(True for _ in chain(self.floor.calls(), self.floor.outbound(), self.floor.loans())):
            return True
        return any(each.role is Role.HELPER and each.state not in _OVER for each in self.floor.handoffs())
