"""The wiring of HQ: the only place where its parts meet, from settings outward.

Order of start: database and its schema, the sites of the file, the consolidation, the
server, metrics. HQ keeps nothing in memory that a kill could lose.
"""

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from hq.consolidate.consolidator import Consolidator
from hq.consolidate.instruments import ConsolidationInstruments
from hq.consolidate.progress import ProgressBoard
from hq.consolidate.schedule import Schedule
from hq.consolidate.work import Stores
from hq.new_sites import NewSites
from hq.reports.day_report import DayReports
from hq.serving import report
from hq.settings import BranchSection, HqSettings
from hq.store.applying import Applier
from hq.store.days import DayBook
from hq.store.folding import Folding
from hq.store.proof import Proof
from hq.store.schema import migrate
from hq.store.sites import Site, SiteBook
from hq.store.threads import DatabaseAwayError, StoreThreads
from hq.store.watch import DatabaseWatch
from node.lifecycle import EXIT_CRASHED, Drainable, Tasks
from node.metrics import MetricsServer
from node.pki import watch_certificates
from node.settings import ClockSection, TlsSettings
from node.troubles import TroubleError
from node.words import text as _
from sync.clock import Clock, ScaledClock, SystemClock
from sync.journal.database import open_database
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.server import LinkServer
from sync.link.tls import Plaintext, Security, Tls
from sync.records.business_day import BusinessCalendar

log = structlog.get_logger()

STORE_THREADS = 8
"""More writers would only wait for each other on two disks' worth of commits."""

_STOP_GRACE_S = 1.0
_DATABASE_RETRY_S = 0.5


class DatabaseTroubleError(TroubleError):
    """HQ's database cannot be used."""

    reason = "DATABASE_TROUBLE"

    def __init__(self, problem: str, *, may_pass: bool = False) -> None:
        super().__init__(_("HQ's database cannot be used: {problem}", problem=problem))
        self.exit_code = EXIT_CRASHED if may_pass else TroubleError.exit_code


class HqApp:
    """A running HQ. Made by `start_hq`."""

    def __init__(
        self,
        consolidator: Consolidator,
        server: LinkServer,
        closing: AsyncExitStack,
        *,
        port: int,
        metrics_port: int,
    ) -> None:
        self.port = port
        """Where the gRPC server listens."""
        self.metrics_port = metrics_port
        self._consolidator = consolidator
        self._server = server
        self._closing = closing

    async def drain(self) -> None:
        """Begin nothing any more; pulls end after the batch they are at."""
        await self._server.set_serving(is_serving=False)
        await self._consolidator.drain()

    async def close(self) -> None:
        """Release everything."""
        await self._closing.aclose()


def starter(settings: HqSettings, file: Path) -> Callable[[Tasks], Awaitable[Drainable]]:
    """What `node.lifecycle.run` starts."""
    return lambda tasks: start_hq(settings, tasks, file)


async def start_hq(settings: HqSettings, tasks: Tasks, file: Path | None = None) -> HqApp:
    """Start everything, or raise and leave nothing running. Branches added to `file` are taken in.

    Raises:
        OSError: an address cannot be bound, a file cannot be read.
        DatabaseTroubleError: the database was not to be reached for as long as the settings wait, or its
            URL is none.
        RouterError: TLS files or the database's schema do not fit.
    """
    async with AsyncExitStack() as closing:
        security, clock = security_of(settings.tls), _clock(settings.clock)
        threads = StoreThreads(STORE_THREADS)
        closing.callback(threads.close)
        engine = await _open(settings, threads)
        closing.callback(engine.dispose)
        # Before it: a connection that somebody still reads from could not be put back, and closed.
        closing.callback(threads.close)
        registry = CollectorRegistry()
        stores = _stores(settings, engine, threads)
        await threads.run(stores.sites.enter, [_site(each, clock) for each in settings.site])
        consolidator = _consolidator(settings, stores, security, clock, registry)
        closing.push_async_callback(consolidator.close)
        await consolidator.start(each.id for each in settings.site)
        server = LinkServer(security=security, registry=registry, checks=report.CHECKS)
        report.ReportService(stores, DayReports(engine), consolidator).join(server.grpc_server)
        port = await server.start(settings.listen.host, settings.listen.port, [report.SERVICE])
        closing.push_async_callback(server.stop, _STOP_GRACE_S)
        watch = DatabaseWatch(engine, threads)
        checks = {
            "draining": lambda: "draining" if consolidator.is_stopping else None,
            "database": watch.problem,
        }
        metrics = MetricsServer(registry, checks)
        metrics_port = await metrics.start(settings.listen.host, settings.listen.metrics_port)
        closing.push_async_callback(metrics.close)
        loops = {
            "consolidation": consolidator.run(),
            "database-watch": watch.run(),
            "certificates": watch_certificates(settings.tls, SystemClock().utc_us),
        }
        for name, loop in loops.items():
            closing.callback(tasks.start(loop, name=name).cancel)
        if file is not None:

            async def admit(section: BranchSection) -> None:
                try:
                    await threads.run(stores.sites.enter, [_site(section, clock)])
                    await consolidator.start([section.id])
                except DatabaseAwayError as error:
                    raise DatabaseTroubleError(error.problem) from error

            known = [each.id for each in settings.site]
            following = tasks.start(NewSites(file, dict(os.environ), known, admit).run(), name="new-sites")
            closing.callback(following.cancel)
        log.info("hq_started", port=port, metrics_port=metrics_port, site_count=len(settings.site))
        return HqApp(consolidator, server, closing.pop_all(), port=port, metrics_port=metrics_port)


async def _open(settings: HqSettings, threads: StoreThreads) -> Engine:
    """HQ's database with the schema that this code needs."""
    try:
        engine = open_database(settings.database.url.get_secret_value(), connection_limit=STORE_THREADS + 2)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        # Their texts show the URL, and so the password.
        problem = _("its URL is none; write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
        raise DatabaseTroubleError(problem) from None
    try:
        await _migrate(engine, threads, settings.limits.database_wait_s)
    except BaseException:
        engine.dispose()
        raise
    return engine


async def _migrate(engine: Engine, threads: StoreThreads, wait_s: float) -> None:
    """Bring the schema up to date. A PostgreSQL that does not answer is waited for; a file is not."""
    is_file = engine.dialect.name == "sqlite"
    told = None
    now_s = asyncio.get_running_loop().time
    give_up_at_s = now_s() + wait_s
    while True:
        try:
            return await threads.run(migrate, engine)
        except DatabaseAwayError as error:
            if is_file or now_s() >= give_up_at_s:
                raise DatabaseTroubleError(error.problem, may_pass=not is_file) from error
            if error.problem != told:
                told = error.problem
                log.warning("database_failed", problem=told)
        await asyncio.sleep(_DATABASE_RETRY_S)


def security_of(tls: TlsSettings) -> Security:
    """The node's certificate, or plaintext where the file asks for it.

    Raises:
        OSError: a file cannot be read.
        RouterError: the files do not belong together.
    """
    if tls.plaintext:
        return Plaintext()
    assert tls.ca is not None, "TlsSettings has checked that all three are there"
    assert tls.cert is not None
    assert tls.key is not None
    return Tls.read(tls.ca, tls.cert, tls.key)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _clock(section: ClockSection) -> Clock:
    if section.started_at_utc_us is None or section.epoch_utc_us is None:
        return SystemClock()
    return ScaledClock(section.speed, section.started_at_utc_us, section.epoch_utc_us)


def _site(section: BranchSection, clock: Clock) -> Site:
    """A branch of the file; a new one owes its days from today on, older rows bring older days."""
    return Site(
        site_id=section.id,
        address=section.address,
        time_zone=section.time_zone,
        parent=section.parent,
        first_business_date=BusinessCalendar(section.time_zone).date_of(clock.utc_us()),
    )


def _stores(settings: HqSettings, engine: Engine, threads: StoreThreads) -> Stores:
    return Stores(
        sites=SiteBook(engine),
        days=DayBook(engine),
        applier=Applier(engine, quarantine_limit=settings.consolidation.quarantine_limit),
        proof=Proof(engine),
        folding=Folding(engine),
        threads=threads,
    )


def _consolidator(
    settings: HqSettings, stores: Stores, security: Security, clock: Clock, registry: CollectorRegistry
) -> Consolidator:
    section = settings.consolidation
    schedule = Schedule(
        policy=section.policy(),
        window=section.window(settings.hq.time_zone),
        rng=random.Random(secrets.randbits(64)),  # noqa: S311 - spreads retries, protects nothing
    )
    return Consolidator(
        stores,
        schedule,
        clock=clock,
        limits=section.limits(),
        board=ProgressBoard(),
        instruments=ConsolidationInstruments(registry, speed=settings.clock.speed),
        channel_to=lambda site: _channel(site, security),
    )


def _channel(site: Site, security: Security) -> grpc.aio.Channel:
    """To that branch and no other, whoever listens at its address."""
    host, port = split_address(site.address)
    cluster = security.owner.cluster if isinstance(security, Tls) else ""
    return open_channel(host, port, security, expected=Peer(cluster=cluster, kind="site", name=site.site_id))
