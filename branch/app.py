"""The wiring of a branch: the only place where its parts meet, from settings outward.

Order of start: a look whether the ports are free, store and incarnation, floor and desk, PBX,
resumption, servers, load board, peers. Each step needs only what stands before it, and what is
written is picked up by the next start, so the process may be killed between any two of them.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from branch.customers.note_erasing import NoteErasing
from branch.desk.admission import DRAINING
from branch.operating.metrics import FloorCollector, StoreCollector, gauge
from branch.operating.tallies import DayTallies
from branch.parts import CannotStartError
from branch.pruning import Pruning
from branch.settings import BranchSettings
from branch.store.engine import UnknownDatabaseError
from branch.store.schema import NewerSchemaError
from branch.telephony.asterisk.left_alone import LeftAlone
from branch.telephony.port import PbxRefusedError
from branch.wiring.core import Core
from branch.wiring.doors import Doors, refuse_taken_ports
from branch.wiring.ground import Ground, lay_ground
from node.lifecycle import Tasks
from node.pki import watch_certificates
from node.words import text as _
from router.facts import ClockStepped, Fact
from sync.clock import STEP_THRESHOLD_MS, Clock, StepWatch, SystemClock
from sync.records.business_day import BusinessCalendar

CLOCK_LOOK_INTERVAL_S = 1.0

log = structlog.get_logger()


class Branch:
    """A running branch: drains, then closes."""

    def __init__(self, core: Core, resources: AsyncExitStack) -> None:
        self._core = core
        self._resources = resources

    async def drain(self) -> None:
        """Take no new calls; return when the live ones have finished and all of it is written."""
        self._core.admission.close(DRAINING)
        await self._core.desk.until_empty()
        await self._core.writer.written(self._core.desk.last_seq)

    async def close(self) -> None:
        await self._resources.aclose()


async def start(settings: BranchSettings, tasks: Tasks) -> Branch:
    """Start a branch; what it holds is released when it cannot be started.

    Raises:
        TroubleError, OSError, RouterError: something outside is not as it has to be.
    """
    try:
        return await _started(settings, tasks)
    except OperationalError as error:
        problem = str(error.orig).strip()
        raise CannotStartError(_("the database cannot be used: {problem}", problem=problem)) from error
    except (UnknownDatabaseError, NewerSchemaError, PbxRefusedError) as error:
        raise CannotStartError(str(error)) from error


async def _started(settings: BranchSettings, tasks: Tasks) -> Branch:
    refuse_taken_ports(settings.listen)
    async with AsyncExitStack() as resources:
        ground = await asyncio.to_thread(lay_ground, settings, CollectorRegistry())
        resources.callback(ground.store.close)
        core = Core(ground, tasks)
        resources.push_async_callback(core.close)
        _watch_over(ground, core, tasks)
        await core.start_pbx()
        # Told before what lives was taken up, the hours would be the desk's first fact.
        _task = tasks.start(core.hours.follow(), name="calling_hours")
        _task = tasks.start(core.reaching.follow(), name="places")
        _task = tasks.start(core.visiting.follow(), name="visits")
        _task = tasks.start(core.messages.follow(), name="messages")
        folder = settings.recording.folder
        if folder is not None:
            left_alone = LeftAlone(
                folder, clock=SystemClock(), heard=core.ear.left_alone, is_known=core.is_known
            )
            _task = tasks.start(left_alone.follow(), name="left_alone")
        doors = Doors(ground, core)
        resources.push_async_callback(doors.close)
        await doors.open()
        resources.push_async_callback(core.neighbours.close)
        await core.start_neighbours(tasks)
        _show(ground.registry, core)
        _task = tasks.start(doors.watch.run(), name="watch")
        log.info("branch_started", incarnation=ground.incarnation, call_count=len(core.desk.live().calls))
        return Branch(core, resources.pop_all())
    raise AssertionError("an exit stack swallows nothing")


def _watch_over(ground: Ground, core: Core, tasks: Tasks) -> None:
    """What must never end: its end is the process's."""
    _task = tasks.start(core.desk.run(), name="desk")
    _task = tasks.start(core.writer.watch(), name="ledger")
    _task = tasks.start(core.customers.follow(), name="customers")
    if core.flow_watch is not None:
        _task = tasks.start(core.flow_watch.follow(), name="ivr")
    _task = tasks.start(
        watch_clock(ground.clock, ground.settings.clock.speed, core.desk.tell, CLOCK_LOOK_INTERVAL_S),
        name="clock",
    )
    _task = tasks.start(watch_certificates(ground.settings.tls, SystemClock().utc_us), name="certificates")
    _task = tasks.start(_tally_day(ground, core), name="tallies")
    erasing = NoteErasing(
        ground.store.contact_notes,
        retention_days=ground.settings.notes.retention_days,
        today=_today(ground),
    )
    _task = tasks.start(erasing.run(), name="note_erasing")
    folder = ground.settings.recording.folder
    if folder is not None:
        pruning = Pruning(folder, ground.store.recordings, _today(ground))
        _task = tasks.start(pruning.run(), name="pruning")


def _today(ground: Ground) -> Callable[[], str]:
    """The site's business day; with a calendar of its own, since it is asked from a thread."""
    calendar = BusinessCalendar(ground.settings.site.time_zone)
    return lambda: calendar.date_of(ground.clock.utc_us())


async def watch_clock(clock: Clock, speed: float, tell: Callable[[Fact], None], interval_s: float) -> None:
    """Tell of every step of the wall clock; runs until cancelled."""
    watch = StepWatch(threshold_ms=round(STEP_THRESHOLD_MS * speed))
    while True:
        step_us = watch.seen(clock.mono_ms(), clock.utc_us())
        if step_us is not None:
            log.warning("clock_stepped", by_ms=step_us // 1_000)
            tell(ClockStepped(by_ms=step_us // 1_000))
        await asyncio.sleep(interval_s)


async def _tally_day(ground: Ground, core: Core) -> None:
    """Count what the day brought before this process: it may be long, so callers are served meanwhile."""
    today = ground.calendar.date_of(ground.clock.utc_us())

    def count() -> DayTallies:
        earlier = DayTallies(core.policies.service_level_ms)
        rows = ground.store.day_rows(today)
        earlier.note_rows(row for row in rows if row.seq <= ground.start.last_seq)
        return earlier

    core.tallies.add_earlier(await asyncio.to_thread(count))


def _show(registry: CollectorRegistry, core: Core) -> None:
    registry.register(FloorCollector(core.desk.floor))
    registry.register(StoreCollector(lambda: core.writer.state))
    gauge(registry, "outbox_orders", "Orders that wait for a commit.", lambda: len(core.desk.outbox))
    gauge(
        registry,
        "unwritten_rows",
        "Ledger rows that are not committed yet.",
        lambda: core.writer.appended_seq - core.writer.committed_seq,
    )
    gauge(registry, "view_age_seconds", "Of the load board's view; NaN without one.", lambda: _age_s(core))
    gauge(
        registry,
        "own_loss_points",
        "Of service level that helping has cost own callers lately; NaN without max_own_loss.",
        lambda: _own_loss_points(core),
    )


def _own_loss_points(core: Core) -> float:
    points = core.desk.floor.own_loss_points
    return float("nan") if points is None else points


def _age_s(core: Core) -> float:
    age_ms = core.neighbours.view_age_ms()
    return float("nan") if age_ms is None else age_ms / 1_000
