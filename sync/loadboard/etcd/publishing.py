"""The publishing session: carries out what the own key needs, over any number of connections."""

import asyncio
from contextlib import suppress

import grpc
import structlog

from router.ids import Instant, SiteId
from sync.clock import Clock
from sync.loadboard.codec import BadLoadRecordError, decode_record, stamped
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.errors import EtcdCallError, EtcdError, LeaseLostError
from sync.loadboard.etcd.own_key import Grant, KeepAlive, Order, OwnKey, OwnRecord, Put, Rest
from sync.loadboard.etcd.recovery import Recovery
from sync.loadboard.etcd.settings import WITHDRAWAL_DEADLINE_S, EtcdSettings
from sync.loadboard.etcd.sights import OwnKeySeen, OwnShown

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class PublishSession:
    """Keeps the latest record on the board for as long as it runs."""

    def __init__(
        self, *, settings: EtcdSettings, site_id: SiteId, clock: Clock, own_key: OwnKey, recovery: Recovery
    ) -> None:
        self._settings = settings
        self._site_id = site_id
        self._key = settings.load_prefix + site_id.encode()
        self._clock = clock
        self._own_key = own_key
        self._recovery = recovery
        self._changed = asyncio.Event()
        self._connection: EtcdConnection | None = None
        self._is_contested = False

    def publish(self, record: OwnRecord) -> None:
        """Put this record as soon as etcd can be reached; the latest wins."""
        self._own_key.wants(record)
        self._changed.set()

    def pace(self, put_interval_ms: int) -> None:
        """Put at most this often: what is read once a second need not be written more often."""
        self._own_key.pace(put_interval_ms)

    @property
    def granted_lease_id(self) -> int | None:
        """The lease under which the record stands now; None without one."""
        return self._own_key.granted_lease_id

    def own_record_seen(self, sight: OwnKeySeen | OwnShown) -> None:
        """Hold what the store or the digest has against what we put, and put again what is missing or old."""
        if isinstance(sight, OwnShown):
            order, is_contested = sight.order, self._own_key.shown(sight.order, sight.revision)
        else:
            order, term = self._order_and_term(sight.payload)
            is_contested = self._own_key.seen(order, term, sight.revision)
        if is_contested and not self._is_contested:
            log.error("site_key_contested", site=self._site_id, order_seen=order)
        self._is_contested = is_contested
        self._changed.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            self._changed.clear()
            step = self._own_key.next_step(self._clock.mono_ms())
            if isinstance(step, Rest):
                await self._rest(step.until)
                continue
            try:
                await self._carry_out(step)
            except LeaseLostError as error:
                log.warning("board_lease_lost", site=self._site_id, detail=str(error))
                self._own_key.lease_lost()
            except EtcdError as error:
                delay_s = self._recovery.failed(error)
                await self._disconnect()
                await asyncio.sleep(delay_s)

    async def withdraw(self) -> None:
        """Give the lease back, and with it the record; call it when `run` has ended.

        etcd out of reach is no failure here: the record leaves with its lease.
        """
        try:
            if self._own_key.lease_id is not None:
                request = wire.lease_revoke_request(self._own_key.lease_id)
                await self._connected().call(wire.LEASE_REVOKE, request, deadline_s=WITHDRAWAL_DEADLINE_S)
        except EtcdError as error:
            log.warning(
                "board_record_left_behind",
                site=self._site_id,
                ttl_s=self._settings.lease_ttl_s,
                detail=str(error),
            )
        finally:
            await self._disconnect()

    def _order_and_term(self, payload: bytes | None) -> tuple[Order | None, int]:
        """Of a record of ours; an unreadable one is as bad as a missing one."""
        if payload is None:
            return None, 0
        try:
            seen = decode_record(self._site_id, payload)
        except BadLoadRecordError:
            return None, 0
        return (seen.load.incarnation, seen.load.version), seen.store_term

    async def _rest(self, until: Instant | None) -> None:
        delay_s = None if until is None else max(0, until - self._clock.mono_ms()) / 1000
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._changed.wait()

    async def _carry_out(self, step: Grant | Put | KeepAlive) -> None:
        connection = self._connected()
        match step:
            case Grant(lease_id=lease_id):
                await self._grant(connection, lease_id)
                self._own_key.granted(self._clock.mono_ms())
            case KeepAlive(lease_id=lease_id):
                self._own_key.term_heard(await connection.keep_alive(lease_id))
                self._own_key.kept(self._clock.mono_ms())
            case Put():
                await self._put(connection, step)
        self._recovery.succeeded()

    async def _grant(self, connection: EtcdConnection, lease_id: int) -> None:
        request = wire.lease_grant_request(lease_id, self._settings.lease_ttl_s)
        try:
            reply = await connection.call(wire.LEASE_GRANT, request)
        except EtcdCallError as error:
            # "lease already exists": our first request arrived and only its answer was lost.
            if error.status is not grpc.StatusCode.FAILED_PRECONDITION:
                raise
        else:
            self._own_key.term_heard(wire.lease_grant_term(reply))

    async def _put(self, connection: EtcdConnection, put: Put) -> None:
        payload = stamped(put.record.payload, put.term)
        reply = await connection.call(wire.PUT, wire.put_request(self._key, payload, put.lease_id))
        header = wire.put_header(reply)
        self._own_key.stored(put, header.revision)
        self._own_key.term_heard(header.term)

    def _connected(self) -> EtcdConnection:
        if self._connection is None:
            self._connection = EtcdConnection(self._recovery.endpoint, self._settings)
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
