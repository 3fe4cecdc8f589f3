"""The load board on etcd: two sessions, one that publishes and one that watches.

They are apart, each with its own connection, because a watch that has to catch up must
not hold up a put. Nothing here waits for etcd but `close`, and that for a second at most.
"""

import asyncio
import random
import secrets

from router.ids import SiteId
from router.overflow.load import SiteLoad
from sync.clock import Clock, SystemClock
from sync.loadboard.codec import encode
from sync.loadboard.digest import is_named
from sync.loadboard.etcd.own_key import OwnKey, OwnRecord
from sync.loadboard.etcd.publishing import PublishSession
from sync.loadboard.etcd.recovery import Recovery, report_fault
from sync.loadboard.etcd.settings import EtcdSettings
from sync.loadboard.etcd.viewing import Viewing
from sync.loadboard.port import BoardListener


class EtcdLoadBoard:
    """One site's place at the board on etcd.

    The clock is a real one also in a lab at speed: leases and deadlines stay real.
    """

    def __init__(
        self,
        settings: EtcdSettings,
        site_id: SiteId,
        *,
        address: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`address` is where the site's node listens, shown with its load; None: it is not."""
        self._address = address
        self._settings = settings
        self._site_id = site_id
        self._clock: Clock = clock or SystemClock()
        # Delays and the first endpoint differ from site to site and from start to start.
        self._rng = random.SystemRandom()
        self._publishing = PublishSession(
            settings=settings,
            site_id=site_id,
            clock=self._clock,
            own_key=OwnKey(
                keep_alive_interval_ms=settings.lease_ttl_s * 1000 // 3,
                # etcd takes any positive int64; 62 random bits meet nobody else's.
                new_lease_id=lambda: secrets.randbits(62) + 1,
            ),
            recovery=self._recovery("publish"),
        )
        self._viewing: Viewing | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, listener: BoardListener) -> None:
        """Begin to watch and publish; returns at once, also when etcd is down."""
        assert self._viewing is None, "a board is started once"
        self._viewing = Viewing(
            settings=self._settings,
            site_id=self._site_id,
            clock=self._clock,
            rng=self._rng,
            recovery=self._recovery,
            publishing=self._publishing,
            listener=listener,
        )
        self._tasks = [
            asyncio.create_task(self._viewing.run(), name="board-view"),
            asyncio.create_task(self._publishing.run(), name="board-publish"),
        ]
        for task in self._tasks:
            task.add_done_callback(report_fault)

    def publish(self, load: SiteLoad) -> None:
        """Make this the site's record; the latest wins.

        Raises:
            ValueError: a figure is negative or too large for the wire; nothing changed.
            BadLoadRecordError: the record is too large for the board; nothing changed.
        """
        payload = encode(load, self._address)
        self._publishing.publish(
            OwnRecord(order=(load.incarnation, load.version), payload=payload, is_named=is_named(load))
        )

    @property
    def view_age_ms(self) -> int | None:
        """Real milliseconds since the view was last known to be current; None: it never was."""
        return None if self._viewing is None else self._viewing.view_age_ms

    async def close(self) -> None:
        """Withdraw the record and stop; a second at most when etcd is out of reach."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._publishing.withdraw()

    def _recovery(self, part: str) -> Recovery:
        return Recovery(part=part, endpoints=self._settings.endpoints, rng=self._rng)
