"""How this site looks at the others: at each one's record, or, when they are many, at the digest.

Reading each other's records costs etcd the square of their number. So above a set number
every site reads the digest, which one of them writes, and helps to keep that seat taken.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping

import structlog

from router.ids import Instant, SiteId
from router.overflow.load import SiteLoad
from sync.clock import Clock
from sync.loadboard.etcd.aggregating import Aggregating
from sync.loadboard.etcd.digest_view import DigestView
from sync.loadboard.etcd.freshness import Freshness
from sync.loadboard.etcd.publishing import PublishSession
from sync.loadboard.etcd.recovery import Recovery
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.settings import (
    DIGEST_ASK_INTERVAL_MS,
    DIGEST_INTERVAL_MS,
    PROGRESS_INTERVAL_MS,
    EtcdSettings,
)
from sync.loadboard.etcd.sights import (
    BeatHeard,
    DigestRefused,
    OwnKeySeen,
    OwnShown,
    RecordRefused,
    Sight,
    SiteLeft,
    SiteSeen,
    WriterSeen,
)
from sync.loadboard.etcd.view import BoardView
from sync.loadboard.etcd.watching import WatchSession
from sync.loadboard.port import BoardListener

log: structlog.stdlib.BoundLogger = structlog.get_logger()

BACK_SHARE = 0.8
"""Of `digest_above`: with fewer sites records are read again. The gap keeps one site from flapping it."""


class Viewing:
    """Keeps the view current for as long as it runs, in whichever way their number asks for."""

    def __init__(
        self,
        *,
        settings: EtcdSettings,
        site_id: SiteId,
        clock: Clock,
        rng: random.Random,
        recovery: Callable[[str], Recovery],
        publishing: PublishSession,
        listener: BoardListener,
    ) -> None:
        self._settings = settings
        self._site_id = site_id
        self._clock = clock
        self._rng = rng
        self._new_recovery = recovery
        self._publishing = publishing
        self._listener = listener
        self._aggregating: Aggregating | None = None
        self._freshness = Freshness(progress_interval_ms=PROGRESS_INTERVAL_MS)
        self._reign = Reign()
        self._view: BoardView | DigestView = self._record_view({})
        self._enough = asyncio.Event()

    @property
    def view_age_ms(self) -> int | None:
        """Milliseconds since the view was known to be current; None: it never was."""
        return self._freshness.age_ms(self._clock.mono_ms())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look_at_records()
            await self._look_at_digest()

    async def _look_at_records(self) -> None:
        """Until there are too many."""
        self._view = self._record_view(self._view.known)
        self._renew_freshness(PROGRESS_INTERVAL_MS)
        session = self._session(self._settings.load_prefix, self._listener.view_confirmed)
        await self._run_until_enough(session.run())

    async def _look_at_digest(self) -> None:
        """Until there are few again; meanwhile be ready to write it."""
        log.info("board_read_by_digest", site_count=len(self._view.known) + 1)
        prefix = self._settings.digest_prefix
        self._view = DigestView(
            prefix=prefix, own_site_id=self._site_id, reign=self._reign, known=self._view.known
        )
        self._renew_freshness(DIGEST_ASK_INTERVAL_MS)
        self._aggregating = Aggregating(
            settings=self._settings,
            site=self._site_id.encode(),
            clock=self._clock,
            rng=self._rng,
            recovery=self._new_recovery("digest"),
            lease_id=lambda: self._publishing.granted_lease_id,
        )
        session = self._session(prefix, None)
        self._publishing.pace(DIGEST_INTERVAL_MS)
        await self._run_until_enough(session.run(), self._aggregating.run())
        self._publishing.pace(0)
        self._aggregating = None
        log.info("board_read_by_record", site_count=len(self._view.known) + 1)

    def _record_view(self, known: Mapping[SiteId, SiteLoad]) -> BoardView:
        return BoardView(
            prefix=self._settings.load_prefix, own_site_id=self._site_id, reign=self._reign, known=known
        )

    def _session(self, prefix: bytes, confirmed: Callable[[], None] | None) -> WatchSession:
        return WatchSession(
            settings=self._settings,
            prefix=prefix,
            clock=self._clock,
            view=self._view,
            freshness=self._freshness,
            recovery=self._new_recovery("watch"),
            hear=self._hear,
            confirmed=confirmed,
        )

    def _renew_freshness(self, interval_ms: int) -> None:
        confirmed_at = self._freshness.confirmed_at
        self._freshness = Freshness(progress_interval_ms=interval_ms, confirmed_at=confirmed_at)

    async def _run_until_enough(self, *parts: Coroutine[None, None, None]) -> None:
        self._enough.clear()
        tasks = [asyncio.create_task(part, name="board-view") for part in (*parts, self._until_enough())]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()

    async def _until_enough(self) -> None:
        await self._enough.wait()

    # --- what is seen --------------------------------------------------------------------

    def _hear(self, sight: Sight) -> None:
        match sight:
            case SiteSeen(load=load, address=address):
                self._listener.load_seen(load, address)
                if self._aggregating is None and len(self._view.known) >= self._settings.digest_above:
                    self._enough.set()
            case SiteLeft(site_id=site_id):
                self._listener.site_gone(site_id)
            case OwnKeySeen() | OwnShown():
                self._publishing.own_record_seen(sight)
            case RecordRefused(fault=record_fault):
                log.warning("load_record_refused", peer=record_fault.site_id, problem=record_fault.problem)
            case DigestRefused(fault=digest_fault):
                log.warning("load_digest_refused", problem=digest_fault.problem)
            case WriterSeen() | BeatHeard():
                self._hear_digest(sight)

    def _hear_digest(self, sight: WriterSeen | BeatHeard) -> None:
        assert self._aggregating is not None, "the digest is read by those only who may write it"
        if isinstance(sight, WriterSeen):
            self._aggregating.writer_seen(sight.revision)
            return
        self._freshness.told(Instant(self._clock.mono_ms() - sight.view_age_ms))
        self._listener.view_confirmed()
        self._aggregating.beat_heard()
        if sight.site_count < self._settings.digest_above * BACK_SHARE:
            self._enough.set()
