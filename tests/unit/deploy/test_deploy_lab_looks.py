import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from deploy.lab.looks import is_ready, look
from deploy.ports import free_ports
from node.metrics import MetricsServer


class Node:
    """A node's /metrics with some figures, and a readiness of its own."""

    def __init__(self) -> None:
        self.why_not: str | None = None
        self.port = 0
        registry = CollectorRegistry()
        calls = Gauge("trunkline_calls", "Calls.", ["queue", "state"], registry=registry)
        calls.labels("PS", "QUEUED").set(3)
        calls.labels("NE", "QUEUED").set(2)
        calls.labels("PS", "CONNECTED").set(7)
        Gauge("trunkline_view_age_seconds", "Age.", registry=registry).set(math.nan)
        Gauge("trunkline_outbox_seconds", "Age.", registry=registry).set(0.25)
        self.server = MetricsServer(registry, {"board": lambda: self.why_not})


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    running = Node()
    running.port = await running.server.start("127.0.0.1", 0)
    yield running
    await running.server.close()


async def test_samples_are_summed_over_the_labels_that_were_not_asked_for(node: Node) -> None:
    seen = await look(node.port)

    assert seen is not None
    assert seen.of("trunkline_calls") == 12
    assert seen.of("trunkline_calls", "QUEUED") == 5
    assert seen.of("trunkline_calls", "QUEUED", "NE") == 2
    assert seen.of("trunkline_calls", "HELD") == 0
    assert seen.figure("trunkline_outbox_seconds") == 0.25
    assert math.isnan(seen.figure("trunkline_view_age_seconds"))


async def test_a_node_is_ready_when_it_says_so(node: Node) -> None:
    assert await is_ready(node.port)

    node.why_not = "no view"
    assert not await is_ready(node.port)


async def test_a_node_that_is_down_shows_nothing() -> None:
    [port] = free_ports(1)

    assert await look(port) is None
    assert not await is_ready(port)


async def test_a_node_that_hangs_is_not_waited_for_long() -> None:
    """It accepts, as a stopped process's socket does, and says nothing."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    assert await look(port) is None

    for writer in held:
        writer.close()
    server.close()
