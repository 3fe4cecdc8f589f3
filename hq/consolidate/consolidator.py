"""Keeps HQ complete: finds what is due, begins pulls when the schedule says so, and sees them end."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import grpc
import structlog

from hq.consolidate.instruments import ConsolidationInstruments
from hq.consolidate.progress import Phase, ProgressBoard
from hq.consolidate.schedule import Debt, Reading, Schedule
from hq.consolidate.site_pull import pull_site
from hq.consolidate.work import BatchLimits, PullWork, Stores
from hq.store.sites import NotInFileError, Site
from hq.store.tables import SiteState
from hq.store.threads import DatabaseAwayError
from router.errors import RouterError
from sync.clock import Clock
from sync.journal.receiving.pull import open_pull
from sync.link.refusals import RefusedError
from sync.records.business_day import BusinessCalendar

T = TypeVar("T")
log = structlog.get_logger()

TICK_S = 1.0
"""Real seconds between two looks at the schedule; asking wakes it at once."""


@dataclass(slots=True)
class _Known:
    """A site as the loop knows it."""

    site: Site
    calendar: BusinessCalendar
    looked_on: str = ""
    """The site's date when we last read what it owes."""
    ended_count: int = 0
    """Pulls that have ended."""
    is_today_asked: bool = False
    """The next pull certifies the day that is not over, too."""


class Consolidator:
    """The loop over all sites."""

    def __init__(
        self,
        stores: Stores,
        schedule: Schedule,
        *,
        clock: Clock,
        limits: BatchLimits,
        board: ProgressBoard,
        instruments: ConsolidationInstruments,
        channel_to: Callable[[Site], grpc.aio.Channel],
    ) -> None:
        self._stores = stores
        self._run = stores.threads.run
        self._schedule = schedule
        self._clock = clock
        self._limits = limits
        self.board = board
        self._instruments = instruments
        self._channel_to = channel_to
        self._known: dict[str, _Known] = {}
        self._pulls: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self.is_stopping = False
        """Set by `drain`: no pull begins any more."""
        self._is_total_stale = True

    async def start(self, site_ids: Iterable[str]) -> None:
        """Learn the sites to be pulled, or some more of them; `run` does the rest."""
        wanted = set(site_ids)
        for site in await self._run(self._stores.sites.all):
            if site.site_id not in wanted:
                continue
            self._known[site.site_id] = _Known(site=site, calendar=BusinessCalendar(site.time_zone))
            self.board.show(site.site_id)
            await self._look_at(site.site_id)

    async def run(self) -> None:
        """Pull whenever something is due, for ever; a database that is away is waited for."""
        while True:
            self._woken.clear()
            try:
                for site_id in list(self._known):
                    await self._let_days_pass(site_id)
                await self._show_totals()
            except DatabaseAwayError as error:
                log.warning("database_failed", problem=error.problem)
            else:
                for site_id in [] if self.is_stopping else self._schedule.to_start(self._reading()):
                    self._begin(site_id)
            await self._wait()

    async def ask(self, site_ids: Iterable[str], *, includes_today: bool) -> Mapping[str, int]:
        """A person wants sites pulled now, all of them when none is named; returns what `is_over` takes.

        Raises:
            NotInFileError: one of them is not in HQ's file; nothing is begun.
        """
        wanted = list(site_ids) or list(self._known)
        for site_id in wanted:
            if site_id not in self._known:
                raise NotInFileError(site_id)
        tickets = {}
        for site_id in wanted:
            known = self._known[site_id]
            if includes_today:
                known.is_today_asked = True
                today = known.calendar.date_of(self._clock.utc_us())
                await self._run(self._stores.days.add, [(site_id, today)])
            if site_id not in self._pulls:
                self.board.begin(site_id)
            # One that runs began before it was asked for: the next one counts.
            tickets[site_id] = known.ended_count + 1 + (site_id in self._pulls)
        self._schedule.ask(wanted)
        self._woken.set()
        return tickets

    def is_over(self, tickets: Mapping[str, int]) -> bool:
        """Whether every pull that was asked for has ended, one way or the other."""
        return all(self._known[site_id].ended_count >= count for site_id, count in tickets.items())

    async def readmit(self, site_id: str) -> None:
        """A person has looked at a frozen site: read everything it has anew.

        Raises:
            NotInFileError: it is not in HQ's file.
        """
        if site_id not in self._known:
            raise NotInFileError(site_id)
        await self._run(self._stores.sites.readmit, site_id)
        await self._look_at(site_id)
        self._woken.set()

    async def drain(self) -> None:
        """Begin no pulls any more; those that run end after the batch they are at."""
        self.is_stopping = True
        await asyncio.gather(*self._pulls.values(), return_exceptions=True)

    async def close(self) -> None:
        """End all pulls now. A batch that is being written is a transaction: whole, or not there."""
        self.is_stopping = True
        for pull in self._pulls.values():
            pull.cancel()
        await asyncio.gather(*self._pulls.values(), return_exceptions=True)

    # ------------------------------------------------------------------ what is due

    async def _let_days_pass(self, site_id: str) -> None:
        """Make the days due that have ended since we last looked."""
        known = self._known[site_id]
        if known.looked_on != known.calendar.date_of(self._clock.utc_us()):
            await self._look_at(site_id)

    async def _look_at(self, site_id: str) -> None:
        """Read anew what a site owes."""
        (site,) = [s for s in await self._run(self._stores.sites.all) if s.site_id == site_id]
        known = self._known[site_id]
        known.site = site
        known.looked_on = known.calendar.date_of(self._clock.utc_us())
        ended = self._ended_days(known)
        seen = await self._run(self._stores.days.known, site_id)
        await self._run(self._stores.days.add, [(site_id, day) for day in ended if day not in seen])
        due = [day.business_date for day in await self._run(self._stores.days.due, site_id)]
        is_frozen = site.state is SiteState.FROZEN
        debts = [self._debt(known, day) for day in due if day < known.looked_on]
        self._schedule.owe(site_id, [] if is_frozen else debts)
        self._is_total_stale = True

    def _ended_days(self, known: _Known) -> list[str]:
        """From the first day that HQ asks for to yesterday, both on the site's own calendar."""
        today = date.fromisoformat(known.looked_on)
        first = date.fromisoformat(known.site.first_business_date)
        return [(first + timedelta(days=number)).isoformat() for number in range((today - first).days)]

    def _debt(self, known: _Known, business_date: str) -> Debt:
        _, ended_us = known.calendar.bounds_us(business_date)
        return Debt(site_id=known.site.site_id, business_date=business_date, ended_utc_us=ended_us)

    async def _show_totals(self) -> None:
        if not self._is_total_stale:
            return
        self._is_total_stale = False
        due = await self._run(self._stores.days.due)
        certified_count = await self._run(self._stores.days.certified_count)
        self._instruments.due_days.set(len(due))
        self._instruments.certified_days.set(certified_count)
        frozen = [known for known in self._known.values() if known.site.state is SiteState.FROZEN]
        self._instruments.frozen_sites.set(len(frozen))

    # ------------------------------------------------------------------ pulls

    def _begin(self, site_id: str) -> None:
        self._schedule.started(site_id)
        self._pulls[site_id] = asyncio.create_task(self._pull(site_id), name=f"pull-{site_id}")

    async def _pull(self, site_id: str) -> None:
        self.board.begin(site_id)
        problem: str | None = "INTERRUPTED"
        try:
            await self._converse(self._known[site_id].site)
            await self._run(self._stores.sites.note_success, site_id, self._clock.utc_us())
            await self._look_at(site_id)
            problem = None
        except DatabaseAwayError as error:
            problem = f"{error.reason}: {error.problem}"
            log.warning("database_failed", site=site_id, problem=error.problem)
        except RouterError as error:
            problem = f"{error.reason}: {_said(error)}"
            log.warning("pull_failed", site=site_id, reason=error.reason, problem=str(error))
        except Exception as error:  # A task's top: one site's fault ends its own pull alone.
            problem = f"FAULT: {type(error).__name__}"
            log.exception("pull_crashed", site=site_id)
        finally:
            self._end(site_id, problem)

    def _end(self, site_id: str, problem: str | None) -> None:
        known = self._known[site_id]
        known.ended_count += 1
        known.looked_on = ""  # What it owes has changed; the loop reads it anew.
        is_good = problem is None
        if is_good:
            self._instruments.last_success_timestamp_seconds.labels(site_id).set(self._clock.utc_us() / 1e6)
        self._instruments.pulls_total.labels(site_id, "complete" if is_good else "failed").inc()
        self.board.show(site_id, phase=Phase.DONE if is_good else Phase.FAILED, problem=problem)
        self._schedule.ended(site_id, self._reading(), is_good=is_good)
        del self._pulls[site_id]
        self._woken.set()

    async def _converse(self, site: Site) -> None:
        async with self._channel_to(site) as channel, open_pull(channel) as pull:
            work = PullWork(
                site=site,
                pull=pull,
                stores=self._stores,
                clock=self._clock,
                limits=self._limits,
                board=self.board,
                instruments=self._instruments,
                is_stopping=lambda: self.is_stopping,
            )
            await pull_site(work, lambda: self._due_days(site.site_id))

    async def _due_days(self, site_id: str) -> Sequence[str]:
        """Read after the rows came: they may have made certified days due again, or earlier ones known."""
        await self._look_at(site_id)
        known = self._known[site_id]
        includes_today, known.is_today_asked = known.is_today_asked, False
        due = [day.business_date for day in await self._run(self._stores.days.due, site_id)]
        return [day for day in due if day < known.looked_on or (includes_today and day == known.looked_on)]

    # ------------------------------------------------------------------ time

    def _reading(self) -> Reading:
        return Reading(mono_ms=self._clock.mono_ms(), utc_us=self._clock.utc_us())

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                await self._woken.wait()
        except TimeoutError:
            return


def _said(error: RouterError) -> str:
    """What stands behind the reason: where the link failed, gRPC's own words, as a shell words the rest."""
    return error.values.get("said", str(error)) if isinstance(error, RefusedError) else str(error)
