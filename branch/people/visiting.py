"""Return visits at desks: whose turn it is, kept for one agent while it looks, dialled, and what came of it.

A try is written down before its call begins, and its end is read from the record of that
call: a process that dies in between loses none, and counts none twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from branch.customers.contact_note import Contact
from branch.customers.customer_book import Profile
from branch.people.calling_hours import CallingHours
from branch.people.refusals import OutOfHoursError, UnknownVisitError, VisitNotDueError, VisitTakenError
from router.errors import NotAllowedError, RouterError
from router.ids import AgentId, CallId, CustomerId
from router.visit import sampling
from router.visit.outcome import VisitOutcome
from router.visit.policy import VisitPolicy
from router.visit.sampling import AnsweredCall
from router.visit.visit import Standing, Try, Visit, after_try, done, in_turn, put_off, standing
from sync.clock import Clock
from sync.records.business_day import BusinessCalendar

PREVIEW_LIMIT_MS = 120_000
"""So long a visit that an agent was shown as its next is kept from the others."""

_LOOK_INTERVAL_S = 5.0

log = structlog.get_logger()


class VisitRecords(Protocol):
    """The part of the store that knows return visits; its calls block."""

    def open_visits(self) -> Sequence[Visit]:
        """All that are not done."""
        ...

    def visit(self, call_id: CallId) -> Visit | None: ...

    def change(self, call_id: CallId, changed: Callable[[Visit], Visit]) -> Visit | None:
        """Let `changed` say what becomes of a visit; what it raises leaves it as it is."""
        ...

    def add(self, visits: Sequence[Visit]) -> int:
        """Put them on the list, but for those that are or were on it; returns how many were new."""
        ...

    def tries(self) -> Sequence[Try]:
        """The calls that go out for visits that are not done."""
        ...

    def answered_calls(self, business_date: str) -> Sequence[AnsweredCall]:
        """The day's calls that were answered and have ended, whose callers' numbers are known."""
        ...

    def has_open_calls(self, business_date: str) -> bool:
        """Whether a call that came on this day still lasts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A visit as it stands at this moment."""

    visit: Visit
    standing: Standing
    kept_for: AgentId | None
    """Who looks at it; it is nobody else's turn meanwhile."""
    profile: Profile | None
    """How the customer is known; None when unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitList:
    """Those whose day has come and who are not done, in the order of their turn."""

    is_open: bool
    """Whether customers may be called at this hour."""
    listed: Sequence[Listed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """Either the call that goes out, or how the visit ended without one."""

    outbound_id: CallId | None
    outcome: VisitOutcome | None


class Visiting:
    """The site's list of return visits."""

    def __init__(
        self,
        *,
        records: VisitRecords,
        number_of: Callable[[CallId], str | None],
        known_as: Callable[[CustomerId], Profile | None],
        dial: Callable[[AgentId, CallId, str], None],
        keep_note: Callable[[Contact, str, AgentId, str], Awaitable[None]],
        new_id: Callable[[], str],
        policy: VisitPolicy,
        hours: CallingHours,
        calendar: BusinessCalendar,
        clock: Clock,
    ) -> None:
        """`number_of` blocks: the number of a call's caller. `dial` begins a call that goes out, of the
        given id, and raises RouterError where the floor refuses. `keep_note` keeps a note of the
        given id and author, and raises RouterError where it is not kept.
        """
        self._records = records
        self._number_of = number_of
        self._known_as = known_as
        self._dial = dial
        self._keep_note = keep_note
        self._new_id = new_id
        self._policy = policy
        self._hours = hours
        self._calendar = calendar
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: dict[CallId, tuple[AgentId, int]] = {}
        self._begun: set[CallId] = set()
        """Calls of this process that may have no row on the disk yet."""
        self._full_days: set[str] = set()

    # --- at desks ----------------------------------------------------------------------

    async def visits(self) -> VisitList:
        """The list as it is now."""
        async with self._lock:
            return await self._list()

    async def next_for(self, agent_id: AgentId) -> VisitList:
        """The visit whose turn it is, kept for this agent for a while; none when there is none.

        Asked again, it is the same one, unless that was dialled or taken off.
        """
        async with self._lock:
            whole = await self._list()
            if not whole.is_open:
                return replace(whole, listed=())
            free = [
                each
                for each in whole.listed
                if each.standing is Standing.DUE and each.kept_for in (None, agent_id)
            ]
            mine = [each for each in free if each.kept_for == agent_id]
            chosen = (mine or free)[:1]
            for each in chosen:
                until_ms = self._clock.mono_ms() + PREVIEW_LIMIT_MS
                self._kept[each.visit.call_id] = (agent_id, until_ms)
            return replace(whole, listed=[replace(each, kept_for=agent_id) for each in chosen])

    async def dial(self, agent_id: AgentId, call_id: CallId) -> Dialled:
        """Ring the agent's phone, then the customer's.

        Raises:
            UnknownVisitError: it is not on the list, or done.
            VisitNotDueError, OutOfHoursError: not now.
            VisitTakenError: another agent has it.
            RouterError: the agent cannot dial now, or there is no line; the visit is as it was.
        """
        async with self._lock:
            await self._settle()
            await self._require_due(call_id, agent_id)
            if not self._hours.is_open(self._clock.utc_us()):
                raise OutOfHoursError
            number = await asyncio.to_thread(self._number_of, call_id)
            if number is None:
                return await self._over(call_id, VisitOutcome.NO_NUMBER)
            outbound_id = CallId(self._new_id())
            await self._change(call_id, partial(_begin, outbound_id=outbound_id))
            try:
                self._dial(agent_id, outbound_id, number)
            except NotAllowedError:
                return await self._over(call_id, VisitOutcome.NOT_ALLOWED)
            except RouterError:
                await self._change(call_id, partial(_without_try, outbound_id=outbound_id))
                raise
            self._begun.add(outbound_id)
            self._kept.pop(call_id, None)
            return Dialled(outbound_id=outbound_id, outcome=None)

    async def skip(
        self, agent_id: AgentId, call_id: CallId, *, note_id: str, reason: str, is_for_good: bool
    ) -> None:
        """Put the visit off without a try, or take it off the list, and keep why.

        Raises:
            UnknownVisitError: it is not on the list, or done.
            VisitNotDueError: it rests already, or its day has not come.
            VisitTakenError: another agent has it.
            RouterError: the reason is not kept; the visit is as it was.
        """
        async with self._lock:
            await self._settle()
            visit = await self._require_due(call_id, agent_id)
            contact = Contact(call_id=call_id, customer_id=visit.customer_id)
            await self._keep_note(contact, note_id, agent_id, reason)
            if is_for_good:
                await self._over(call_id, VisitOutcome.REMOVED)
            else:
                await self._change(call_id, partial(put_off, at_utc_us=self._clock.utc_us()))
            self._kept.pop(call_id, None)

    # --- beside them -------------------------------------------------------------------

    async def follow(self) -> None:
        """Keep the list until cancelled; a database that is away is asked again."""
        while True:
            try:
                await self.look()
            except DBAPIError as error:
                log.warning("visits_unread", problem=str(error.orig)[:300])
            await asyncio.sleep(_LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Note how tries ended, and put the sample of days that are over on the list."""
        async with self._lock:
            await self._settle()
        if self._policy.share == 0.0:
            return
        today = self._today()
        for day in sampling.days_to_list(today, self._policy):
            if day not in self._full_days:
                count = await asyncio.to_thread(self._list_day, day, today)
                if count:
                    log.info("visits_listed", day=day, count=count)

    def _list_day(self, day: str, today: str) -> int:
        # Asked first: a call that ends meanwhile is seen at the next look.
        is_full = not self._records.has_open_calls(day)
        sample = sampling.sample(self._records.answered_calls(day), self._policy, listed_on=today)
        count = self._records.add(sample)
        if is_full:
            self._full_days.add(day)
        return count

    # --- inside ------------------------------------------------------------------------

    async def _list(self) -> VisitList:
        await self._settle()
        now_utc_us, now_ms = self._clock.utc_us(), self._clock.mono_ms()
        self._kept = {call_id: kept for call_id, kept in self._kept.items() if now_ms < kept[1]}
        # A list may have thousands: no caller waits while it is put in order.
        listed = await asyncio.to_thread(self._listed, self._today(), now_utc_us)
        return VisitList(is_open=self._hours.is_open(now_utc_us), listed=listed)

    def _listed(self, today: str, now_utc_us: int) -> Sequence[Listed]:
        listed = [
            Listed(
                visit=visit,
                standing=standing(visit, self._policy, today=today, now_utc_us=now_utc_us),
                kept_for=self._kept[visit.call_id][0] if visit.call_id in self._kept else None,
                profile=None if visit.customer_id is None else self._known_as(visit.customer_id),
            )
            for visit in in_turn(self._records.open_visits())
        ]
        return [each for each in listed if each.standing is not Standing.LATER]

    async def _require_due(self, call_id: CallId, agent_id: AgentId) -> Visit:
        visit = await asyncio.to_thread(self._records.visit, call_id)
        now_utc_us = self._clock.utc_us()
        if visit is None:
            raise UnknownVisitError(call_id)
        stands = standing(visit, self._policy, today=self._today(), now_utc_us=now_utc_us)
        keeper, until_ms = self._kept.get(call_id, (agent_id, 0))
        if stands is Standing.DONE:
            raise UnknownVisitError(call_id)
        if stands is Standing.TRYING or (keeper != agent_id and self._clock.mono_ms() < until_ms):
            raise VisitTakenError(call_id)
        if stands is not Standing.DUE:
            raise VisitNotDueError(call_id, stands)
        return visit

    async def _settle(self) -> None:
        """Let visits know how their calls ended."""
        for each in await asyncio.to_thread(self._records.tries):
            if each.outcome is not None and each.ended_utc_us is not None:
                await self._change(each.visit_id, partial(_ended, ended=each, policy=self._policy))
                self._begun.discard(each.outbound_id)
            elif not each.is_known and each.outbound_id not in self._begun:
                # Its process died before the call was written down: nobody was dialled.
                await self._change(each.visit_id, partial(_without_try, outbound_id=each.outbound_id))

    async def _over(self, call_id: CallId, outcome: VisitOutcome) -> Dialled:
        at_utc_us = self._clock.utc_us()
        await self._change(call_id, lambda visit: done(replace(visit, outbound_id=None), outcome, at_utc_us))
        return Dialled(outbound_id=None, outcome=outcome)

    async def _change(self, call_id: CallId, changed: Callable[[Visit], Visit]) -> None:
        await asyncio.to_thread(self._records.change, call_id, changed)

    def _today(self) -> str:
        return self._calendar.date_of(self._clock.utc_us())


def _begin(visit: Visit, *, outbound_id: CallId) -> Visit:
    """Raises:
    UnknownVisitError: it was taken off the list meanwhile.
    """
    if visit.done_utc_us is not None:
        raise UnknownVisitError(visit.call_id)
    return replace(visit, outbound_id=outbound_id)


def _without_try(visit: Visit, *, outbound_id: CallId) -> Visit:
    return replace(visit, outbound_id=None) if visit.outbound_id == outbound_id else visit


def _ended(visit: Visit, *, ended: Try, policy: VisitPolicy) -> Visit:
    if visit.outbound_id != ended.outbound_id or ended.outcome is None or ended.ended_utc_us is None:
        return visit
    return after_try(visit, ended.outcome, policy, ended_utc_us=ended.ended_utc_us)
