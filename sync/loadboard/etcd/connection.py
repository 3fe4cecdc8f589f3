"""One connection to one etcd member: deadlines, mutual TLS, user and token."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
import grpc.aio

from sync.loadboard.etcd import wire
from sync.loadboard.etcd.errors import EtcdCallError, EtcdTlsFilesError, LeaseLostError
from sync.loadboard.etcd.settings import CALL_DEADLINE_S, MESSAGE_LIMIT_BYTES, EtcdSettings, EtcdTls

_Metadata = tuple[tuple[str, str], ...]
_Answer = TypeVar("_Answer")
Stream = grpc.aio.StreamStreamCall[bytes, bytes]

_CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # etcd answers too_many_pings below its --grpc-keepalive-min-time of 5 s.
    ("grpc.keepalive_time_ms", 6_000),
    # grpc.keepalive_timeout_ms does nothing in grpcio 1.85; this one ends a connection that fell silent.
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", MESSAGE_LIMIT_BYTES),
    # Else a new channel inherits the reconnect delay of the one it replaces.
    ("grpc.use_local_subchannel_pool", 1),
)

# rpctypes of etcd: what it says when a token must be renewed. The first comes as UNAUTHENTICATED,
# the others, after users were changed or authentication was switched on, as INVALID_ARGUMENT.
_TOKEN_FAULTS = ("invalid auth token", "revision in header is old", "user name is empty")


class EtcdConnection:
    """Calls to one member; bytes in and out, failures as EtcdError."""

    def __init__(self, endpoint: str, settings: EtcdSettings) -> None:
        """Prepare a connection; nothing is sent before the first call.

        Raises:
            EtcdTlsFilesError: a certificate or key cannot be read.
        """
        self.endpoint = endpoint
        self._settings = settings
        self._channel = _open_channel(endpoint, settings.tls)
        self._token: str | None = None
        self._beats: Stream | None = None

    async def call(self, method: str, request: bytes, *, deadline_s: float = CALL_DEADLINE_S) -> bytes:
        """Make one unary call; a token that etcd no longer knows is renewed once.

        Raises:
            LeaseLostError: the call named a lease that is no more.
            EtcdCallError: anything else, a missed deadline included.
        """
        return await self._with_token(lambda metadata: self._call(method, request, metadata, deadline_s))

    async def keep_alive(self, lease_id: int) -> int:
        """Renew a lease for its whole TTL, on a stream that stays open from one beat to the next.

        Returns the term of etcd's leader.

        Raises:
            LeaseLostError: the lease is no more.
            EtcdCallError: anything else.
        """
        reply = await self._with_token(lambda metadata: self._beat(lease_id, metadata))
        if reply.ttl_s <= 0:
            raise LeaseLostError(f"lease {lease_id:x} ran out before it was renewed")
        return reply.term

    async def open_watch(self, request: bytes) -> Stream:
        """Open a watch stream and send its first request.

        Raises:
            EtcdCallError: the stream could not be opened.
        """
        # Without hasleader a watch on a member that lost its cluster stays silent for ever.
        metadata = (*await self._metadata(), ("hasleader", "true"))
        stream = self._channel.stream_stream(wire.WATCH, _as_is, _as_is)(metadata=metadata)
        await self.write(stream, request)
        return stream

    async def write(self, stream: Stream, request: bytes) -> None:
        """Send a request on a stream.

        Raises:
            EtcdCallError: the stream has ended.
        """
        try:
            await stream.write(request)
        except grpc.aio.AioRpcError as error:
            raise self._failure(error.code(), error.details()) from error
        except asyncio.InvalidStateError as error:
            # What grpc.aio raises when the stream ended before the write began.
            raise self._failure(await stream.code(), await stream.details()) from error

    async def read(self, stream: Stream) -> bytes:
        """The next message of a stream; waits for it as long as the stream lives.

        Raises:
            EtcdCallError: the stream has ended.
        """
        try:
            reply = await stream.read()
        except grpc.aio.AioRpcError as error:
            raise self._failure(error.code(), error.details()) from error
        if not isinstance(reply, bytes):
            raise self._failure(await stream.code(), await stream.details())
        return reply

    async def close(self) -> None:
        """End the connection and every stream on it."""
        await self._channel.close()

    async def _call(self, method: str, request: bytes, metadata: _Metadata, deadline_s: float) -> bytes:
        unary = self._channel.unary_unary(method, _as_is, _as_is)
        try:
            return await unary(request, metadata=metadata, timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            raise self._failure(error.code(), error.details()) from error

    async def _beat(self, lease_id: int, metadata: _Metadata) -> wire.KeepAliveReply:
        beats, self._beats = self._beats, None
        if beats is None:
            beats = self._channel.stream_stream(wire.LEASE_KEEP_ALIVE, _as_is, _as_is)(metadata=metadata)
        try:
            # A stream's deadline is for its whole life, and each beat needs its own.
            async with asyncio.timeout(CALL_DEADLINE_S):
                await self.write(beats, wire.lease_keep_alive_request(lease_id))
                reply = wire.keep_alive_reply(await self.read(beats))
        except TimeoutError as error:
            problem = f"a lease was not renewed within {CALL_DEADLINE_S} s"
            raise EtcdCallError(self.endpoint, grpc.StatusCode.DEADLINE_EXCEEDED, problem) from error
        else:
            self._beats = beats
            return reply
        finally:
            if self._beats is not beats:
                beats.cancel()

    async def _with_token(self, attempt: Callable[[_Metadata], Awaitable[_Answer]]) -> _Answer:
        """Make the attempt, and once more with a new token if etcd no longer takes the one we have."""
        try:
            return await attempt(await self._metadata())
        except EtcdCallError as error:
            if self._token is None or not any(fault in error.details for fault in _TOKEN_FAULTS):
                raise
        self._token = None
        return await attempt(await self._metadata())

    async def _metadata(self) -> _Metadata:
        user, password = self._settings.user, self._settings.password
        if user is None or password is None:
            return ()
        if self._token is None:
            request = wire.authenticate_request(user, password)
            self._token = wire.token(await self._call(wire.AUTHENTICATE, request, (), CALL_DEADLINE_S))
        return (("token", self._token),)

    def _failure(self, status: grpc.StatusCode, details: str | None) -> EtcdCallError | LeaseLostError:
        if status is grpc.StatusCode.NOT_FOUND and "lease not found" in (details or ""):
            return LeaseLostError("etcd does not know the lease")
        return EtcdCallError(self.endpoint, status, details or "no details")


def _as_is(payload: bytes) -> bytes:
    """Serializer and deserializer: `wire` has made the bytes."""
    return payload


def _open_channel(endpoint: str, tls: EtcdTls | None) -> grpc.aio.Channel:
    if tls is None:
        return grpc.aio.insecure_channel(endpoint, options=_CHANNEL_OPTIONS)
    try:
        key = None if tls.key_file is None else tls.key_file.read_bytes()
        certificate = None if tls.cert_file is None else tls.cert_file.read_bytes()
        credentials = grpc.ssl_channel_credentials(tls.ca_file.read_bytes(), key, certificate)
    except OSError as error:
        raise EtcdTlsFilesError(f"{error.filename}: {error.strerror}") from error
    return grpc.aio.secure_channel(endpoint, credentials, options=_CHANNEL_OPTIONS)
