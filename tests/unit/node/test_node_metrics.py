import asyncio
import errno
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, Counter

from node.metrics import MetricsServer


class Probed:
    """A node's metrics port, and what the node says of itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.why_not: str | None = None
        checks = {"database": lambda: self.why_not, "pbx": lambda: None}
        self.server = MetricsServer(self.registry, checks, {"store": lambda: "DEGRADED"})
        self.port = 0

    async def ask(self, request: bytes) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await writer.drain()
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        head, _, body = answer.partition("\r\n\r\n")
        return (int(head.split(" ")[1]) if head else 0), body

    async def get(self, path: str) -> tuple[int, str]:
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: node\r\n\r\n".encode())


@pytest.fixture
async def node() -> AsyncIterator[Probed]:
    probed = Probed()
    probed.port = await probed.server.start("127.0.0.1", 0)
    yield probed
    await probed.server.close()


async def test_metrics_are_those_of_the_registry_given(node: Probed) -> None:
    Counter("trunkline_calls_total", "Calls.", registry=node.registry).inc(3)

    status, body = await node.get("/metrics")

    assert status == 200
    assert "trunkline_calls_total 3.0" in body


async def test_a_node_lives_while_its_loop_turns(node: Probed) -> None:
    assert await node.get("/healthz") == (200, "ok\n")


async def test_readiness_says_what_is_not_ready(node: Probed) -> None:
    ready = await node.get("/readyz")
    node.why_not = "disk full"
    status, body = await node.get("/readyz")

    assert ready[0] == 200
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "checks": {"database": "disk full", "pbx": "ok"},
        "states": {"store": "DEGRADED"},
    }


async def test_an_unknown_path_is_told_what_there_is(node: Probed) -> None:
    status, body = await node.get("/")

    assert status == 404
    assert "/metrics" in body


async def test_nothing_can_be_changed_through_this_port(node: Probed) -> None:
    status, _ = await node.ask(b"POST /metrics HTTP/1.1\r\n\r\n")

    assert status == 405


async def test_a_head_request_gets_no_body(node: Probed) -> None:
    assert await node.ask(b"HEAD /healthz HTTP/1.1\r\n\r\n") == (200, "")


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"\r\n\r\n", b"GET\r\n\r\n"])
async def test_junk_is_answered_and_harms_nobody(node: Probed, junk: bytes) -> None:
    status, _ = await node.ask(junk)

    assert status in (404, 405)
    assert await node.get("/healthz") == (200, "ok\n")


async def test_a_request_without_end_is_cut_off_at_its_limit(node: Probed) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(b"GET /" + b"x" * 100_000)

    with pytest.raises((ConnectionError, EOFError)):
        assert await reader.readexactly(1)
    writer.close()

    assert await node.get("/healthz") == (200, "ok\n")


async def test_clients_that_dawdle_keep_nobody_out(node: Probed) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", node.port) for _ in range(40)]

    assert await node.get("/healthz") == (200, "ok\n")

    for _reader, writer in slow:
        writer.close()


async def test_closing_hangs_up_on_a_client_that_says_nothing(node: Probed) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    await node.get("/healthz")

    async with asyncio.timeout(2):
        await node.server.close()
        with suppress(ConnectionError):
            assert await reader.read() == b""
    await node.server.close()
    writer.close()


async def test_a_port_that_is_taken_is_an_error_of_the_system_that_names_it(node: Probed) -> None:
    with pytest.raises(OSError, match="in use") as refused:
        await MetricsServer(CollectorRegistry(), {}).start("127.0.0.1", node.port)

    assert refused.value.errno == errno.EADDRINUSE
    assert refused.value.filename == f"127.0.0.1:{node.port}"
