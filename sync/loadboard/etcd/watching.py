"""The watching session: list, follow, break, go on. Everything that is heard of a prefix comes from here."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from router.ids import Instant
from sync.clock import Clock
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.connection import EtcdConnection, Stream
from sync.loadboard.etcd.cursor import WatchCursor
from sync.loadboard.etcd.errors import EtcdCallError, EtcdError, ViewOutdatedError, WatchSilentError
from sync.loadboard.etcd.freshness import Freshness
from sync.loadboard.etcd.recovery import Recovery
from sync.loadboard.etcd.settings import SILENCE_LIMIT_S, EtcdSettings
from sync.loadboard.etcd.sights import Sight


class View(Protocol):
    """Keys turned into what they change."""

    def answered(self, header: wire.Header, now: Instant, confirmed_at: Instant | None) -> Iterable[Sight]:
        """Take an answer's header, before what it tells; `confirmed_at`: when the view was last current."""
        ...

    def listed(self, reply: wire.RangeReply) -> Iterable[Sight]: ...
    def changed(self, event: wire.WatchEvent) -> Iterable[Sight]: ...


class WatchSession:
    """Keeps the view current for as long as it runs, over any number of connections."""

    def __init__(
        self,
        *,
        settings: EtcdSettings,
        prefix: bytes,
        clock: Clock,
        view: View,
        freshness: Freshness,
        recovery: Recovery,
        hear: Callable[[Sight], None],
        confirmed: Callable[[], None] | None,
    ) -> None:
        """`confirmed` None: it is the view's own sights that tell when it is current, not etcd's answers."""
        self._settings = settings
        self._clock = clock
        self._view = view
        self._freshness = freshness
        self._recovery = recovery
        self._hear = hear
        self._confirmed = confirmed
        self._cursor = WatchCursor()
        self._begin = prefix
        self._end = wire.prefix_end(prefix)

    @property
    def view_age_ms(self) -> int | None:
        """Milliseconds since the view was known to be current; None: it never was."""
        return self._freshness.age_ms(self._clock.mono_ms())

    async def run(self) -> None:
        """Watch until cancelled, from one connection to the next."""
        while True:
            try:
                await self._connect()
            except EtcdError as error:
                # A silent watch is begun anew too: etcd 3.5.8 to 3.5.12 never answers a progress request
                # on a watch that had to catch up and found no event (etcd issue 17507). And a view that is
                # confirmed by what it reads must not read what was written while it was away.
                if self._confirmed is None or isinstance(error, ViewOutdatedError | WatchSilentError):
                    self._cursor.forget()
                self._freshness.interrupted()
                await asyncio.sleep(self._recovery.failed(error))

    async def _connect(self) -> None:
        connection = EtcdConnection(self._recovery.endpoint, self._settings)
        try:
            if not await self._can_resume(connection):
                await self._list(connection)
            await self._follow(connection)
        finally:
            await connection.close()

    async def _can_resume(self, connection: EtcdConnection) -> bool:
        resume = self._cursor.resume()
        if resume is None:
            return False
        request = wire.range_request(resume.anchor_key, revision=resume.anchor_revision)
        try:
            reply = wire.range_reply(await connection.call(wire.RANGE, request))
        except EtcdCallError as error:
            if error.is_revision_out_of_range:
                return False
            raise
        return self._cursor.proves(reply)

    async def _list(self, connection: EtcdConnection) -> None:
        self._freshness.asked(self._clock.mono_ms())
        request = wire.range_request(self._begin, range_end=self._end)
        reply = wire.range_reply(await connection.call(wire.RANGE, request))
        self._cursor.listed(reply)
        self._tell_of(reply.header)
        self._tell(self._view.listed(reply))
        self._answered()

    async def _follow(self, connection: EtcdConnection) -> None:
        try:
            async with asyncio.timeout(SILENCE_LIMIT_S) as patience:
                await self._read_on(connection, patience)
        except TimeoutError as error:
            raise WatchSilentError(f"nothing came for {SILENCE_LIMIT_S} s") from error

    async def _read_on(self, connection: EtcdConnection, patience: asyncio.Timeout) -> None:
        request = wire.watch_request(self._begin, self._end, self._cursor.start_revision)
        stream = await connection.open_watch(request)
        parts = [
            asyncio.create_task(self._read(connection, stream, patience), name="board-read"),
            asyncio.create_task(self._ask_for_progress(connection, stream), name="board-progress"),
        ]
        try:
            # Both go on until they fail; the first to fail says why.
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            stream.cancel()

    async def _read(self, connection: EtcdConnection, stream: Stream, patience: asyncio.Timeout) -> None:
        while True:
            reply = wire.watch_reply(await connection.read(stream))
            patience.reschedule(asyncio.get_running_loop().time() + SILENCE_LIMIT_S)
            self._take(reply)

    def _take(self, reply: wire.WatchReply) -> None:
        self._cursor.received(reply)
        self._recovery.succeeded()
        self._tell_of(reply.header)
        for event in reply.events:
            self._tell(self._view.changed(event))
        if reply.events and self._confirmed is not None:
            self._freshness.told(self._clock.mono_ms())
            self._confirmed()
        elif reply.is_progress:
            self._answered()

    async def _ask_for_progress(self, connection: EtcdConnection, stream: Stream) -> None:
        """Ask whenever the view was not confirmed for a while.

        A member that lost its cluster answers for its watches until `hasleader` ends them, up to
        5 s later, and calls them current. So a read that needs a majority goes before each request.
        """
        while True:
            wait_ms = self._freshness.ask_in_ms(self._clock.mono_ms())
            if wait_ms > 0:
                await asyncio.sleep(wait_ms / 1000)
                continue
            self._freshness.asked(self._clock.mono_ms())
            await connection.call(wire.RANGE, wire.range_request(self._begin))
            await connection.write(stream, wire.PROGRESS_REQUEST)

    def _answered(self) -> None:
        self._freshness.answered(confirms=self._confirmed is not None)
        if self._confirmed is not None:
            self._confirmed()

    def _tell_of(self, header: wire.Header) -> None:
        self._tell(self._view.answered(header, self._clock.mono_ms(), self._freshness.confirmed_at))

    def _tell(self, sights: Iterable[Sight]) -> None:
        for sight in sights:
            self._hear(sight)
