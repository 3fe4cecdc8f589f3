"""A node's gRPC server: mutual TLS, the link's interceptor, health, reflection, and limits on everything."""

import errno
from collections.abc import Mapping, Sequence
from functools import partial

import grpc
import structlog
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry

from sync.link.address import address
from sync.link.identity import ANONYMOUS, peer_of
from sync.link.instruments import LinkInstruments
from sync.link.interceptors import Identify, LinkInterceptor, RequestCheck
from sync.link.tls import Plaintext, Security, Tls

log = structlog.get_logger()

_CONCURRENT_CALL_LIMIT = 2000
"""Streams count: one a peer, one a desk, one a consolidation; the rest answers within 500 ms."""

OPTIONS: tuple[tuple[str, int], ...] = (
    # Two processes on one port would share its calls, and nobody would notice.
    ("grpc.so_reuseport", 0),
    # Our clients ping every 6 s, calls or not; gRPC's own limits would hang up on them.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A machine that stalls lets two pings arrive together: our own peers are not punished for it.
    ("grpc.http2.max_ping_strikes", 0),
    # A client that vanished without a word must not hold its streams for ever.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
)


class LinkServer:
    """Serves our services to peers that show a certificate of the cluster.

    Servicers are added to `grpc_server` with the generated functions before `start`.
    """

    def __init__(
        self,
        *,
        security: Security,
        registry: CollectorRegistry,
        checks: Mapping[type[Message], RequestCheck] | None = None,
        asks_clients: bool = True,
        instruments: LinkInstruments | None = None,
    ) -> None:
        """Without `asks_clients` nobody shows a certificate: for services that ask for tokens.

        A process's second server is given the first one's `instruments`.
        """
        self._security = security
        self._asks_clients = asks_clients
        self.instruments = instruments = instruments or LinkInstruments(registry)
        if isinstance(security, Tls):
            instruments.certificate_not_after.labels(str(security.owner)).set(security.not_after.timestamp())
        interceptor = LinkInterceptor(
            identify=_identification(security, asks_clients=asks_clients),
            checks=checks or {},
            instruments=instruments,
        )
        self.grpc_server = grpc.aio.server(
            interceptors=[interceptor], options=OPTIONS, maximum_concurrent_rpcs=_CONCURRENT_CALL_LIMIT
        )
        self._health = health.aio.HealthServicer()
        self._services: tuple[str, ...] = ("",)

    async def start(self, host: str, port: int, services: Sequence[str]) -> int:
        """Listen, and say on which port: 0 lets the system choose.

        `services` are the full names of what was added; health reports them as serving, and
        reflection lists them.

        Raises:
            OSError: the address cannot be bound.
        """
        self._services = ("", *services)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc_server)
        standard = (health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection((*services, *standard), self.grpc_server)
        await self.set_serving(is_serving=True)
        bound = self._bind(address(host, port))
        await self.grpc_server.start()
        log.info("link_served", host=host, port=bound, **self._certificate())
        return bound

    async def set_serving(self, *, is_serving: bool) -> None:
        """What health answers, for the node and for each service."""
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if is_serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for service in self._services:
            await self._health.set(service, status)

    async def stop(self, grace_s: float) -> None:
        """Take no new calls, give live ones `grace_s` to end, then end them."""
        await self._health.enter_graceful_shutdown()
        await self.grpc_server.stop(grace_s)

    def _certificate(self) -> dict[str, str]:
        if isinstance(self._security, Plaintext):
            return {"security": "plaintext"}
        return {"owner": str(self._security.owner), "certificate_until": self._security.not_after.isoformat()}

    def _bind(self, where: str) -> int:
        try:
            if isinstance(self._security, Tls):
                return self.grpc_server.add_secure_port(
                    where, self._security.server_credentials(asks_clients=self._asks_clients)
                )
            return self.grpc_server.add_insecure_port(where)
        except RuntimeError as error:  # gRPC says no more than that it failed.
            raise OSError(errno.EADDRNOTAVAIL, "cannot listen there; is the port taken?", where) from error


def _identification(security: Security, *, asks_clients: bool) -> Identify:
    if isinstance(security, Plaintext):
        return lambda _: None
    if not asks_clients:
        return lambda _: ANONYMOUS
    return partial(peer_of, cluster=security.owner.cluster)
