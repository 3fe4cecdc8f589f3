"""Channels to other nodes: mutual TLS towards one named peer, keepalive, quick reconnects, deadlines.

A client without keepalive does not notice a link that swallows everything; one with
gRPC's own back-off stays away for two minutes after the link is back.
"""

from collections.abc import Callable
from typing import Any

import grpc

from sync.link.address import address
from sync.link.identity import Peer
from sync.link.refusals import MissingDeadlineError
from sync.link.tls import Plaintext, Security, TrustOnly

OPTIONS: tuple[tuple[str, int], ...] = (
    # Under 5 s servers answer too_many_pings; keepalive_timeout_ms has no effect in grpcio 1.85.
    ("grpc.keepalive_time_ms", 6_000),
    ("grpc.http2.ping_timeout_ms", 2_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # One channel a peer is wanted; sharing below it would couple their keepalives.
    ("grpc.use_local_subchannel_pool", 1),
)


class _DeadlineInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """No unary call leaves without a deadline: a forgotten one waits for ever on a black hole."""

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        if client_call_details.timeout is None:
            raise MissingDeadlineError(str(client_call_details.method))
        return await continuation(client_call_details, request)


def open_channel(
    host: str, port: int, security: Security | TrustOnly, *, expected: Peer | None
) -> grpc.aio.Channel:
    """A channel to `expected`, wherever it listens; connecting happens with the first call.

    With TLS the peer's certificate has to carry the name of `expected`, so that a call
    meant for one site never reaches another one at the same address. None trusts every
    holder of a certificate for the host dialled.
    """
    target = address(host, port)
    interceptors = [_DeadlineInterceptor()]
    if isinstance(security, Plaintext):
        return grpc.aio.insecure_channel(target, options=OPTIONS, interceptors=interceptors)
    named = () if expected is None else (("grpc.ssl_target_name_override", expected.server_name),)
    return grpc.aio.secure_channel(
        target, security.channel_credentials(), options=(*OPTIONS, *named), interceptors=interceptors
    )
