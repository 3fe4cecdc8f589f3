"""/metrics for Prometheus, /healthz and /readyz for whoever restarts or feeds the node.

Served by the node's own event loop on purpose: a loop that hangs fails /healthz, which a
thread would go on answering. Speaks as much HTTP/1.1 as these three need: GET and HEAD,
one request a connection, within limits.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

ReadinessCheck = Callable[[], str | None]
"""Says why the node is not ready, in a few words, or None."""

_REQUEST_LIMIT_BYTES = 8192
_REQUEST_LIMIT_S = 5.0
_CONNECTION_LIMIT = 32
"""A scraper and two probes need three; more than this is a mistake or an attack."""

log = structlog.get_logger()


class MetricsServer:
    """Serves one registry and one node's health."""

    def __init__(
        self,
        registry: CollectorRegistry,
        checks: Mapping[str, ReadinessCheck],
        states: Mapping[str, Callable[[], str]] | None = None,
    ) -> None:
        """`states` stand beside the checks in /readyz: what is worth knowing of a node that is ready."""
        self._registry = registry
        self._checks = checks
        self._states = states or {}
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, None] = {}
        """In the order of their coming."""

    async def start(self, host: str, port: int) -> int:
        """Listen, and say on which port: 0 lets the system choose.

        Raises:
            OSError: the address cannot be bound; its `filename` says which.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_REQUEST_LIMIT_BYTES)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
        bound: int = self._server.sockets[0].getsockname()[1]
        log.info("metrics_served", host=host, port=bound)
        return bound

    async def close(self) -> None:
        """Stop listening and drop open connections; closing twice is no fault."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for writer in self._connections:
            writer.transport.abort()
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= _CONNECTION_LIMIT:
            # Who asks at once is through by now: the one that has dawdled longest makes room.
            next(iter(self._connections)).transport.abort()
        self._connections[writer] = None
        try:
            async with asyncio.timeout(_REQUEST_LIMIT_S):
                writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
            writer.transport.abort()  # Nobody is left, or willing, to read an answer.
        finally:
            self._connections.pop(writer, None)
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.decode("latin-1").partition(" ")
        path = rest.split(" ", 1)[0].split("?", 1)[0]
        if method not in ("GET", "HEAD"):
            return _response(
                HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"only GET and HEAD\n", is_head=False
            )
        status, content_type, body = self._page(path)
        return _response(status, content_type, body, is_head=method == "HEAD")

    def _page(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        if path == "/healthz":
            return HTTPStatus.OK, "text/plain", b"ok\n"
        if path == "/readyz":
            return self._readiness()
        return HTTPStatus.NOT_FOUND, "text/plain", b"there are /metrics, /healthz and /readyz\n"

    def _readiness(self) -> tuple[HTTPStatus, str, bytes]:
        reasons = {name: check() for name, check in self._checks.items()}
        is_ready = not any(reasons.values())
        checks = {name: why or "ok" for name, why in reasons.items()}
        states = {name: state() for name, state in self._states.items()}
        body = json.dumps({"ready": is_ready, "checks": checks, "states": states})
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", f"{body}\n".encode()


def _response(status: HTTPStatus, content_type: str, body: bytes, *, is_head: bool) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (b"" if is_head else body)
