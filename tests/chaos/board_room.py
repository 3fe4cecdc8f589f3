"""Some sites at the load board of a real three-member etcd, and a witness of what etcd holds.

A site here is what a branch has of the board: the adapter on links of its own, behind it
the router's view and its choice. Nothing is configured as a peer, so every choice is the board's.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.etcd import EtcdCluster, EtcdMember, start_etcd
from router.ids import Instant, SiteId
from router.overflow.board import Board, ViewState
from router.overflow.choice import Chooser
from router.overflow.links import Links
from router.overflow.load import SiteLoad
from router.overflow.policy import OverflowPolicy
from sync.loadboard.codec import decode
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.errors import EtcdError
from sync.loadboard.etcd.settings import EtcdSettings
from tests.fakes.board import SALES, site_load
from tests.fakes.tcp_link import TcpLink

NAMES = ("beijing", "chengdu", "lhasa", "urumqi")
DOOMED = "harbin"
"""Dies without a word as each fault begins: who chooses it afterwards, and for how long?"""

PREFIX = "/room"
LOAD_PREFIX = b"/room/load/"
POLICY = OverflowPolicy()
PUBLISH_INTERVAL_S = 0.5
LOOK_INTERVAL_S = 0.05
WITNESS_INTERVAL_S = 0.2
WITNESS_DEADLINE_S = 0.5

Order = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one site saw and would have done at one moment (seconds of the harness's clock)."""

    at: float
    reader: SiteId
    state: ViewState
    age_s: float
    dark_for_s: float
    """How long no member could have told it anything; 0 when one could."""
    chosen: SiteId | None
    orders: dict[SiteId, Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One site's key as etcd holds it."""

    order: Order
    lease_id: int
    revision: int
    """At which it was put."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Every key of the board at one moment, read from etcd itself."""

    asked_at: float
    revision: int
    records: dict[SiteId, Record]


class RoomSite:
    """One site: its links to the members, its place at the board, its router's view."""

    def __init__(self, name: str, links: tuple[TcpLink, ...], digest_above: int) -> None:
        self.site_id = SiteId(name)
        self.links = links
        self.view: dict[SiteId, SiteLoad] = {}
        self.heard: list[tuple[SiteId, Order]] = []
        self.version = 0
        self.dark_since: float | None = None
        """Since when no member can answer it."""
        self._router = Board(self.site_id, POLICY)
        self._chooser = Chooser(self._router, POLICY, Links(POLICY), random.Random(name))
        settings = EtcdSettings(
            endpoints=tuple(link.endpoint for link in links), prefix=PREFIX, digest_above=digest_above
        )
        self.adapter = EtcdLoadBoard(settings, self.site_id)

    def publish(self) -> None:
        self.version += 1
        self.adapter.publish(site_load(self.site_id, self.version))

    def look(self) -> Look:
        now = _now()
        choice = self._chooser.helper_for(SALES, math.inf, (), now)
        age_ms = self._router.age_ms(now)
        at = time.monotonic()
        return Look(
            at=at,
            reader=self.site_id,
            state=self._router.state(now),
            age_s=math.inf if age_ms is None else age_ms / 1000,
            dark_for_s=0.0 if self.dark_since is None else at - self.dark_since,
            chosen=None if choice is None else choice.site_id,
            orders={site_id: order_of(load) for site_id, load in self.view.items()},
        )

    # --- the listener ------------------------------------------------------------------

    def load_seen(self, load: SiteLoad, address: str | None = None) -> None:
        self.view[load.site_id] = load
        self.heard.append((load.site_id, order_of(load)))
        self._router.see(load, _now())

    def site_gone(self, site_id: SiteId) -> None:
        del self.view[site_id]
        self._router.lose(site_id)

    def view_confirmed(self) -> None:
        self._router.confirm(_now())


@dataclass(slots=True)
class Room:
    """The cluster, its sites, and everything that was seen since `watch_closely`."""

    etcd: EtcdCluster
    sites: dict[SiteId, RoomSite]
    looks: list[Look] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    is_publishing: bool = True
    doomed_at: float | None = None

    @property
    def survivors(self) -> list[RoomSite]:
        return [site for site in self.sites.values() if site.site_id != DOOMED]

    def doom(self) -> None:
        """The machine of one site is gone from one moment to the next."""
        self.doomed_at = time.monotonic()
        for link in self.sites[SiteId(DOOMED)].links:
            link.cut()

    def darken(self, *sites: RoomSite) -> None:
        """From now on nothing that these sites see can be current: all of them, if none is named."""
        for site in sites or self.survivors:
            site.dark_since = time.monotonic()

    def light(self) -> None:
        """Whoever was in the dark may see again from now on."""
        for site in self.survivors:
            site.dark_since = None

    def connection_to(self, member: EtcdMember) -> EtcdConnection:
        """Past every link; the caller closes it."""
        return EtcdConnection(member.endpoint, EtcdSettings(endpoints=self.etcd.endpoints, prefix=PREFIX))

    async def until(self, condition: Callable[[], bool], what: str, *, within_s: float = 60.0) -> None:
        """Wait for what shows in the views and in etcd; looked at again after each of the witness's turns."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():  # noqa: ASYNC110 - two stores are compared; nothing tells when they agree
                    await asyncio.sleep(LOOK_INTERVAL_S)
        except TimeoutError:
            raise AssertionError(f"not within {within_s:.0f} s: {what}") from None

    def agrees(self) -> bool:
        """Every survivor sees in every other exactly what etcd held a moment ago."""
        if not self.truths:
            return False
        truth = {site_id: record.order for site_id, record in self.truths[-1].records.items()}
        return all(
            {site_id: order_of(load) for site_id, load in site.view.items()} | {site.site_id: own} == truth
            for site in self.survivors
            if (own := truth.get(site.site_id)) is not None
        ) and all(site.site_id in truth for site in self.survivors)

    # --- what goes on all the time -------------------------------------------------------

    async def keep_publishing(self) -> None:
        while True:
            for site in self.survivors:
                if self.is_publishing:
                    site.publish()
            await asyncio.sleep(PUBLISH_INTERVAL_S)

    async def keep_looking(self) -> None:
        while True:
            self.looks += [site.look() for site in self.survivors]
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def keep_witnessing(self) -> None:
        while True:
            for member in self.etcd.members:
                connection = self.connection_to(member)
                try:
                    while True:
                        self.truths.append(await read_truth(connection))
                        await asyncio.sleep(WITNESS_INTERVAL_S)
                except EtcdError:
                    await asyncio.sleep(WITNESS_INTERVAL_S)
                finally:
                    await connection.close()


async def read_truth(connection: EtcdConnection) -> Truth:
    """Ask etcd itself, linearizable.

    Raises:
        EtcdError: this member cannot say.
    """
    asked_at = time.monotonic()
    request = wire.range_request(LOAD_PREFIX, range_end=wire.prefix_end(LOAD_PREFIX))
    reply = await connection.call(wire.RANGE, request, deadline_s=WITNESS_DEADLINE_S)
    # The board itself has no use for a key's lease, so its own messages leave it out.
    message = wire._class("RangeResponse").FromString(reply)
    records = {}
    for kv in message.kvs:
        site_id = SiteId(kv.key[len(LOAD_PREFIX) :].decode())
        order = order_of(decode(site_id, kv.value))
        records[site_id] = Record(order=order, lease_id=kv.lease, revision=kv.mod_revision)
    return Truth(asked_at=asked_at, revision=message.header.revision, records=records)


@asynccontextmanager
async def open_room(folder: Path, *, digest_above: int) -> AsyncIterator[Room]:
    """Three members and five sites that see each other."""
    async with AsyncExitStack() as closing:
        etcd = start_etcd(folder, members=3)
        closing.callback(etcd.kill)
        sites = {}
        for name in (*NAMES, DOOMED):
            links = [await closing.enter_async_context(TcpLink(endpoint)) for endpoint in etcd.endpoints]
            site = RoomSite(name, tuple(links), digest_above)
            sites[site.site_id] = site
            closing.push_async_callback(site.adapter.close)
            await site.adapter.start(site)
            site.publish()
        room = Room(etcd=etcd, sites=sites)
        goings_on = [
            asyncio.create_task(each)
            for each in (room.keep_publishing(), room.keep_looking(), room.keep_witnessing())
        ]
        try:
            await room.until(
                lambda: (
                    all(len(site.view) == len(sites) - 1 for site in sites.values())
                    and bool(room.truths)
                    and len(room.truths[-1].records) == len(sites)
                ),
                "everybody is seen",
            )
            room.looks.clear()
            yield room
        finally:
            for task in goings_on:
                task.cancel()
            outcomes = await asyncio.gather(*goings_on, return_exceptions=True)
            faults = [each for each in outcomes if not isinstance(each, asyncio.CancelledError)]
            assert not faults, f"what goes on all the time ended: {faults}"


def order_of(load: SiteLoad) -> Order:
    return (load.incarnation, load.version)


def _now() -> Instant:
    return Instant(int(time.monotonic() * 1000))
