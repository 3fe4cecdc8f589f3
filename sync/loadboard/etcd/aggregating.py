"""The aggregator: waits for the seat, takes it, and writes the digest for as long as the seat is its own."""

import asyncio
import random
from collections.abc import Callable, Iterable

import structlog

from router.ids import Instant
from sync.clock import Clock
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.aggregate import Aggregate
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.digest_view import BEAT_KEY, WRITER_KEY
from sync.loadboard.etcd.errors import EtcdError
from sync.loadboard.etcd.recovery import Recovery
from sync.loadboard.etcd.rounds import RecordRounds
from sync.loadboard.etcd.seat import Seat
from sync.loadboard.etcd.settings import DIGEST_INTERVAL_MS, DIGEST_VIEW_LIMIT_MS, EtcdSettings
from sync.loadboard.etcd.sights import RecordRefused, Sight, SiteLeft, SiteSeen

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_SIGHTS_AT_ONCE = 100
"""Some 2 ms; the process that writes the digest serves calls too."""


class Aggregating:
    """One site's readiness to write the digest."""

    def __init__(
        self,
        *,
        settings: EtcdSettings,
        site: bytes,
        clock: Clock,
        rng: random.Random,
        recovery: Recovery,
        lease_id: Callable[[], int | None],
    ) -> None:
        """`lease_id`: the site's own lease, under which it takes the seat; None while it has none."""
        self._settings = settings
        self._site = site
        self._clock = clock
        self._recovery = recovery
        self._lease_id = lease_id
        self._writer_key = settings.digest_prefix + WRITER_KEY
        self._beat_key = settings.digest_prefix + BEAT_KEY
        self._seat = Seat(rng, clock.mono_ms())
        self._heard = asyncio.Event()

    def writer_seen(self, revision: int | None) -> None:
        """The seat was taken at this revision, by whomever, or left."""
        self._seat.seen(revision, self._clock.mono_ms())
        self._heard.set()

    def beat_heard(self) -> None:
        """The digest was written."""
        self._seat.beat(self._clock.mono_ms())

    async def run(self) -> None:
        """Wait for the seat and write, until cancelled."""
        while True:
            wait_ms = self._seat.try_at - self._clock.mono_ms()
            if wait_ms > 0:
                self._heard.clear()
                await self._rest(wait_ms)
                continue
            try:
                revision = await self._take_seat()
            except EtcdError as error:
                revision = None
                await asyncio.sleep(self._recovery.failed(error))
            if revision is None:
                self._seat.failed(self._clock.mono_ms())
            else:
                await self._sit(revision)

    async def _rest(self, wait_ms: int) -> None:
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._heard.wait()
        except TimeoutError:
            return

    async def _take_seat(self) -> int | None:
        lease_id = self._lease_id()
        if lease_id is None:
            return None
        guards, puts = {self._writer_key: self._seat.revision}, [(self._writer_key, self._site)]
        request = wire.guarded_puts_request(guards, puts, lease_id=lease_id)
        connection = EtcdConnection(self._recovery.endpoint, self._settings)
        try:
            return wire.guarded_puts_revision(await connection.call(wire.TXN, request))
        finally:
            await connection.close()

    async def _sit(self, revision: int) -> None:
        """Look at every record and write, until the seat is another's."""
        log.info("digest_writer_began", revision=revision)
        aggregate, rounds = Aggregate(revision), RecordRounds(self._settings.load_prefix)
        is_ours = True
        while is_ours:
            try:
                is_ours = await self._write(revision, aggregate, rounds)
            except EtcdError as error:
                await asyncio.sleep(self._recovery.failed(error))
            # The last turn may have been written or not, and one before it late.
            rounds.forget()
            aggregate.doubt()
        log.info("digest_writer_ended", revision=revision)
        self._seat.failed(self._clock.mono_ms())

    async def _write(self, revision: int, aggregate: Aggregate, rounds: RecordRounds) -> bool:
        """Look and write each second, on one connection, as long as that goes well.

        Returns whether the seat is still ours.
        """
        connection = EtcdConnection(self._recovery.endpoint, self._settings)
        try:
            beat_revision = await _revision_of(connection, self._beat_key)
            due_at = self._clock.mono_ms()
            while True:
                read_at = await self._look(connection, aggregate, rounds)
                age_ms = self._clock.mono_ms() - read_at
                if age_ms <= DIGEST_VIEW_LIMIT_MS:
                    keys = aggregate.keys(rounds.record_count, age_ms, self._clock.mono_ms())
                    request = turn_request(self._settings.digest_prefix, revision, beat_revision, keys)
                    written = wire.guarded_puts_revision(await connection.call(wire.TXN, request))
                    self._recovery.succeeded()
                    if written is None:
                        return await _revision_of(connection, self._writer_key) == revision
                    beat_revision = written
                due_at = Instant(max(due_at + DIGEST_INTERVAL_MS, self._clock.mono_ms()))
                await asyncio.sleep((due_at - self._clock.mono_ms()) / 1000)
        finally:
            await connection.close()

    async def _look(self, connection: EtcdConnection, aggregate: Aggregate, rounds: RecordRounds) -> Instant:
        """Take in what changed; returns when it was asked for."""
        while True:
            asked_at = self._clock.mono_ms()
            reply = wire.range_reply(await connection.call(wire.RANGE, rounds.request()))
            if rounds.is_whole(reply):
                break
            rounds.forget()
        for count, sight in enumerate(rounds.take(reply, asked_at)):
            if count % _SIGHTS_AT_ONCE == 0:
                await asyncio.sleep(0)
            _collect(aggregate, sight, asked_at)
        return asked_at


def turn_request(
    prefix: bytes, seat_revision: int, beat_revision: int, keys: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """Write one turn, if the seat was not taken since, and no other turn was written.

    A member that stood still carries out what it was sent before, though nobody waits for it any more
    (tried on a frozen one: every second time). An old turn over a newer would show the dead again.
    """
    guards = {prefix + WRITER_KEY: seat_revision, prefix + BEAT_KEY: beat_revision}
    return wire.guarded_puts_request(guards, [(prefix + name, value) for name, value in keys])


async def _revision_of(connection: EtcdConnection, key: bytes) -> int:
    """At which the key was put last; 0: it is not there."""
    found = wire.range_reply(await connection.call(wire.RANGE, wire.range_request(key))).kvs
    return found[0].mod_revision if found else 0


def _collect(aggregate: Aggregate, sight: Sight, now: Instant) -> None:
    match sight:
        case SiteSeen(load=load, address=address):
            aggregate.see(load, address, now)
        case SiteLeft(site_id=site_id):
            aggregate.lose(site_id, now)
        case RecordRefused(fault=fault):
            log.warning("load_record_refused", peer=fault.site_id, problem=fault.problem)
