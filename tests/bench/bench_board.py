"""Publish to view on the load board, against a bare put and watch on the same etcd in the same run.

The two take turns, so that whatever else the machine does meets both alike.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.etcd import start_etcd
from router.ids import SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.codec import encode
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.connection import EtcdConnection, Stream
from sync.loadboard.etcd.settings import EtcdSettings
from tests.fakes.board import site_load

WARM_UP_COUNT = 100
PAIR_COUNT = 1_000
COMMAND = "make bench"
RATIO_GOAL = 1.5
"""The board adds a record's codec and two turns of the event loop to a put and a watch."""


class Stopwatch:
    """A listener that ends a measurement when the record that was published arrives."""

    def __init__(self) -> None:
        self.arrived: asyncio.Future[float] | None = None

    def load_seen(self, load: SiteLoad, address: str | None = None) -> None:
        if self.arrived is not None:
            self.arrived.set_result(time.perf_counter())
            self.arrived = None

    def site_gone(self, site_id: SiteId) -> None:
        raise AssertionError(f"{site_id} left the board in the middle of the measurement")

    def view_confirmed(self) -> None:
        """A confirmation ends nothing."""


class RawPair:
    """A put and a watch with nothing around them but the same connections and messages."""

    def __init__(self, settings: EtcdSettings) -> None:
        self._key = b"/bench/raw"
        self._putting = EtcdConnection(settings.endpoints[0], settings)
        self._watching = EtcdConnection(settings.endpoints[0], settings)
        self._stream: Stream | None = None

    async def open(self) -> None:
        self._stream = await self._watching.open_watch(wire.watch_request(self._key, b"", 0))
        assert wire.watch_reply(await self._watching.read(self._stream)).created

    async def measure(self, value: bytes) -> float:
        assert self._stream is not None
        began = time.perf_counter()
        putting = asyncio.ensure_future(self._putting.call(wire.PUT, wire.put_request(self._key, value, 0)))
        assert wire.watch_reply(await self._watching.read(self._stream)).events
        took = time.perf_counter() - began
        await putting
        return took

    async def close(self) -> None:
        assert self._stream is not None
        self._stream.cancel()
        await self._putting.close()
        await self._watching.close()


async def _measure(settings: EtcdSettings) -> tuple[list[float], list[float]]:
    publisher, reader = EtcdLoadBoard(settings, SiteId("beijing")), EtcdLoadBoard(settings, SiteId("urumqi"))
    stopwatch, raw = Stopwatch(), RawPair(settings)
    await publisher.start(Stopwatch())
    await reader.start(stopwatch)
    await raw.open()
    through_board, bare = [], []
    for version in range(1, WARM_UP_COUNT + PAIR_COUNT + 1):
        load = site_load("beijing", version)
        bare.append(await raw.measure(encode(load)))
        through_board.append(await _published(publisher, stopwatch, load))
    await raw.close()
    await reader.close()
    await publisher.close()
    return through_board[WARM_UP_COUNT:], bare[WARM_UP_COUNT:]


async def _published(publisher: EtcdLoadBoard, stopwatch: Stopwatch, load: SiteLoad) -> float:
    arrived: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    stopwatch.arrived = arrived
    began = time.perf_counter()
    publisher.publish(load)
    return await arrived - began


def results() -> list[dict[str, Any]]:
    """Measure and return the rows of the report."""
    with tempfile.TemporaryDirectory(prefix="bench-board-") as folder:
        cluster = start_etcd(Path(folder))
        try:
            settings = EtcdSettings(endpoints=cluster.endpoints, prefix="/bench")
            through_board, bare = asyncio.run(_measure(settings))
        finally:
            cluster.kill()
    board_p50, bare_p50 = statistics.median(through_board), statistics.median(bare)
    board_p99 = statistics.quantiles(through_board, n=100)[98]
    return [
        _row("board/publish_to_view_vs_raw_put_watch", board_p50 / bare_p50, "ratio", RATIO_GOAL),
        _row("board/publish_to_view_p50", board_p50 * 1000, "ms", None),
        _row("board/publish_to_view_p99", board_p99 * 1000, "ms", None),
    ]


def _row(name: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "better": "lower",
        "goal": goal,
        "command": COMMAND,
    }


if __name__ == "__main__":
    for row in results():
        print(row)
