"""Many simulated sites of a load board in one process: each keeps a lease, puts its record, reads the digest.

What etcd sees of such a site is what it sees of a real one; what a real one does with the digest
is left out, or this process would be the bottleneck. Says "ready", ends with its standard input,
and then prints what it measured as JSON.
"""

import asyncio
import json
import pickle
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from router.ids import SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.codec import encode
from sync.loadboard.digest import decode_beat
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.digest_view import BEAT_KEY
from sync.loadboard.etcd.errors import EtcdCallError, LeaseLostError
from sync.loadboard.etcd.settings import DIGEST_INTERVAL_MS, EtcdSettings

KEEP_ALIVE_INTERVAL_S = 10 / 3
ARRIVALS_PER_S = 100
LOOK_INTERVAL_S = 0.5
SHOWN_LINK_COUNT = 5
"""Links whose room a record shows: a site has trunks to some neighbours, not to two thousand."""

Stream = list[tuple[float, SiteLoad]]
"""One site's records in the played busy hour, with the second at which each was published."""


@dataclass(slots=True)
class Measured:
    put_count: int = 0
    put_bytes: int = 0
    late_count: int = 0
    """Calls that failed or came too late, made again as a real site makes them."""
    digest_count: int = 0
    digest_bytes: int = 0


class SimulatedSite:
    """One site: repeats a stretch of somebody's busy hour, under its own name."""

    def __init__(self, name: str, settings: EtcdSettings, stream: Stream, rng: random.Random) -> None:
        self.beat_at: float | None = None
        self.measured = Measured()
        self._name = SiteId(name)
        self._settings = settings
        self._connection = EtcdConnection(settings.endpoints[0], settings)
        self._stream = stream
        self._rng = rng
        self._lease_id = rng.getrandbits(62) + 1
        self._version = 0

    async def join(self) -> None:
        request = wire.lease_grant_request(self._lease_id, self._settings.lease_ttl_s)
        await self._until_answered(lambda: self._connection.call(wire.LEASE_GRANT, request))
        await self._put(self._stream[0][1])

    async def keep_alive(self) -> None:
        await asyncio.sleep(self._rng.random() * KEEP_ALIVE_INTERVAL_S)
        while True:
            await self._until_answered(lambda: self._connection.keep_alive(self._lease_id))
            await asyncio.sleep(KEEP_ALIVE_INTERVAL_S)

    async def publish(self) -> None:
        """From a moment of its own, and from there on as it was published in the busy hour, over and over."""
        first_s, last_s = self._stream[0][0], self._stream[-1][0]
        start_s = self._rng.uniform(first_s, last_s)
        at = next(index for index, (when_s, _) in enumerate(self._stream) if when_s >= start_s)
        began, lap_s, paced_until = time.monotonic() - start_s, 0.0, 0.0
        while True:
            due_at = max(began + lap_s + self._stream[at][0], paced_until)
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            # Like a real site that reads the digest: one put a second at most, of the latest record.
            paced_until = time.monotonic() + DIGEST_INTERVAL_MS / 1000
            while at + 1 < len(self._stream) and began + lap_s + self._stream[at + 1][0] <= time.monotonic():
                at += 1
            await self._put(self._stream[at][1])
            at += 1
            if at == len(self._stream):
                at, lap_s = 0, lap_s + last_s - first_s

    async def read(self) -> None:
        while True:
            try:
                await self._read_on()
            except EtcdCallError:
                self.measured.late_count += 1

    async def _read_on(self) -> None:
        prefix = self._settings.digest_prefix
        beat_key = prefix + BEAT_KEY
        stream = await self._connection.open_watch(wire.watch_request(prefix, wire.prefix_end(prefix), 0))
        while True:
            payload = await self._connection.read(stream)
            events = wire.watch_reply(payload).events
            if events and events[-1].kv.key == beat_key:
                age_s = decode_beat(events[-1].kv.value).view_age_ms / 1000
                self.beat_at = time.monotonic() - age_s
                self.measured.digest_count += 1
                self.measured.digest_bytes += len(payload)

    async def _put(self, load: SiteLoad) -> None:
        self._version += 1
        links = dict(list(load.link_headroom.items())[:SHOWN_LINK_COUNT])
        own = replace(load, site_id=self._name, incarnation=1, version=self._version, link_headroom=links)
        payload = encode(own)
        key = self._settings.load_prefix + self._name.encode()
        request = wire.put_request(key, payload, self._lease_id)
        await self._until_answered(lambda: self._connection.call(wire.PUT, request))
        self.measured.put_count += 1
        self.measured.put_bytes += len(payload)

    async def _until_answered(self, call: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await call()
                return
            except LeaseLostError:
                self.measured.late_count += 1
                self._lease_id = self._rng.getrandbits(62) + 1
                await self.join()
                return
            except EtcdCallError:
                self.measured.late_count += 1


async def _run(endpoint: str, first: int, count: int, streams: list[Stream]) -> None:
    settings = EtcdSettings(endpoints=(endpoint,), prefix="/trunkline/")
    sites = [
        SimulatedSite(f"crowd-{number}", settings, streams[number % len(streams)], random.Random(number))
        for number in range(first, first + count)
    ]
    tasks: list[asyncio.Task[None]] = []
    for site in sites:
        await site.join()
        tasks += [asyncio.create_task(part) for part in (site.keep_alive(), site.publish(), site.read())]
        await asyncio.sleep(1 / ARRIVALS_PER_S)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    asked = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for site in sites:
        site.measured = Measured()
    began, ages_s = time.monotonic(), list[float]()
    stopped = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while not stopped.done():
        await asyncio.wait([stopped, *tasks], timeout=LOOK_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        now = time.monotonic()
        ages_s += [now - site.beat_at for site in sites if site.beat_at is not None]
    took_s = time.monotonic() - began
    totals = {
        name: sum(getattr(site.measured, name) for site in sites) / took_s
        for name in ("put_count", "put_bytes", "late_count", "digest_count", "digest_bytes")
    }
    sys.stdout.write(json.dumps({"per_s": totals, "ages_s": ages_s}) + "\n")
    sys.stdout.flush()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def main() -> None:
    """ENDPOINT FIRST COUNT STREAMS: the streams are a pickle that the bench itself has written."""
    endpoint, first, count, streams = sys.argv[1:]
    asyncio.run(_run(endpoint, int(first), int(count), pickle.loads(Path(streams).read_bytes())))  # noqa: S301


if __name__ == "__main__":
    main()
