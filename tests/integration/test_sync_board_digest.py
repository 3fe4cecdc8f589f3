"""Many sites on one etcd: they read the digest that one of them writes, whoever that is."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from deploy.etcd import EtcdCluster, start_etcd
from router.ids import SiteId
from sync.loadboard.codec import encode
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.aggregating import turn_request
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.digest_view import BEAT_KEY, WRITER_KEY
from sync.loadboard.etcd.settings import EtcdSettings
from tests.fakes.board import SALES, BoardEar, site_load
from tests.fakes.tcp_link import TcpLink

pytestmark = pytest.mark.timeout(120)

NAMES = tuple(f"site-{number}" for number in range(6))
DIGEST_ABOVE = 4


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    cluster = start_etcd(tmp_path_factory.mktemp("etcd"))
    yield cluster
    cluster.kill()


class Crowd:
    """Sites of one board, each on a link of its own."""

    def __init__(self, settings: EtcdSettings) -> None:
        self.settings = settings
        self.boards: dict[str, EtcdLoadBoard] = {}
        self.ears: dict[str, BoardEar] = {}
        self.links: dict[str, TcpLink] = {}
        self.stack = AsyncExitStack()

    async def join(self, name: str, *, idle: int = 1, lease_ttl_s: int = 3) -> None:
        link = await self.stack.enter_async_context(TcpLink(self.settings.endpoints[0]))
        settings = EtcdSettings(
            endpoints=(link.endpoint,),
            prefix=self.settings.prefix,
            lease_ttl_s=lease_ttl_s,
            digest_above=DIGEST_ABOVE,
        )
        board, ear = EtcdLoadBoard(settings, SiteId(name)), BoardEar()
        self.boards[name], self.ears[name], self.links[name] = board, ear, link
        self.stack.push_async_callback(board.close)
        await board.start(ear)
        board.publish(site_load(name, 1, idle=idle))

    async def writer(self) -> str:
        """Who has the seat, once somebody has it."""
        return (await self.until_stored(self.settings.digest_prefix + WRITER_KEY)).value.decode()

    async def until_stored(self, key: bytes) -> wire.KeyValue:
        """The key, once etcd has it."""
        async with asyncio.timeout(20):
            while True:
                found = wire.range_reply(await self.ask(wire.RANGE, wire.range_request(key))).kvs
                if found:
                    return found[0]
                await asyncio.sleep(0.05)

    async def ask(self, method: str, request: bytes) -> bytes:
        """Etcd's answer, past every link."""
        connection = EtcdConnection(self.settings.endpoints[0], self.settings)
        try:
            return await connection.call(method, request)
        finally:
            await connection.close()

    async def leave(self, *names: str) -> None:
        """Close these; returns when nobody sees them any more."""
        for name in names:
            await self.boards[name].close()
            del self.ears[name]
        for ear in self.ears.values():
            for name in names:
                await ear.until_gone(name)

    async def until_all_see(self, name: str, version: int, *, idle: int) -> None:
        for reader, ear in self.ears.items():
            if reader != name:
                await ear.until(lambda ear=ear: _shown(ear, name) == (version, idle))  # type: ignore[misc]


def _shown(ear: BoardEar, name: str) -> tuple[int, int] | None:
    load = ear.view.get(SiteId(name))
    return None if load is None else (load.version, load.queues[SALES].agents_idle)


@pytest.fixture
async def crowd(etcd: EtcdCluster, request: pytest.FixtureRequest) -> AsyncIterator[Crowd]:
    crowd = Crowd(EtcdSettings(endpoints=etcd.endpoints, prefix=f"/digest/{request.node.name}"))
    async with crowd.stack:
        for name in NAMES:
            await crowd.join(name)
        assert await crowd.writer() in NAMES
        yield crowd


async def test_what_one_site_publishes_reaches_all_by_the_digest(crowd: Crowd) -> None:
    for version in (2, 3):
        crowd.boards["site-2"].publish(site_load("site-2", version, idle=version * 2))
        await crowd.until_all_see("site-2", version, idle=version * 2)

    for ear in crowd.ears.values():
        await ear.until_confirmed_again(within_s=5)


async def test_a_site_whose_last_idle_agent_is_busy_is_shown_with_none(crowd: Crowd) -> None:
    crowd.boards["site-2"].publish(site_load("site-2", 2, idle=3))
    await crowd.until_all_see("site-2", 2, idle=3)

    crowd.boards["site-2"].publish(site_load("site-2", 3, idle=0))

    await crowd.until_all_see("site-2", 2, idle=0)
    crowd.boards["site-2"].publish(site_load("site-2", 4, idle=1))
    await crowd.until_all_see("site-2", 4, idle=1)


@pytest.mark.parametrize(("late_idle", "seen"), [(9, (6, 9)), (0, (7, 0))], ids=["named", "not named"])
async def test_a_late_put_of_our_own_past_is_put_right_though_nobody_watches_records(
    crowd: Crowd, late_idle: int, seen: tuple[int, int]
) -> None:
    crowd.boards["site-2"].publish(site_load("site-2", 7, idle=3))
    await crowd.until_all_see("site-2", 7, idle=3)
    late = wire.put_request(
        crowd.settings.load_prefix + b"site-2", encode(site_load("site-2", 6, idle=late_idle)), 0
    )

    await crowd.ask(wire.PUT, late)

    await crowd.ears["site-3"].until(lambda: _shown(crowd.ears["site-3"], "site-2") == seen)
    async with asyncio.timeout(5):
        await crowd.until_all_see("site-2", 7, idle=3)


async def test_when_the_writer_dies_another_writes(crowd: Crowd) -> None:
    first = await crowd.writer()

    crowd.links[first].cut()
    del crowd.ears[first]

    changed = next(name for name in crowd.ears)
    crowd.boards[changed].publish(site_load(changed, 2, idle=7))
    await crowd.until_all_see(changed, 2, idle=7)
    assert await crowd.writer() != first
    for ear in crowd.ears.values():
        await ear.until_gone(first)


async def test_a_writer_that_lives_and_falls_silent_loses_the_seat(crowd: Crowd) -> None:
    """Its lease is kept by another part of it, so the seat does not fall free by itself."""
    first = await crowd.writer()
    viewing = crowd.boards[first]._tasks[0]

    viewing.cancel()
    del crowd.ears[first]

    changed = next(name for name in crowd.ears)
    crowd.boards[changed].publish(site_load(changed, 2, idle=7))
    await crowd.until_all_see(changed, 2, idle=7)
    assert await crowd.writer() != first
    assert all(SiteId(first) in ear.view for ear in crowd.ears.values())


async def test_a_turn_that_etcd_carries_out_late_does_not_come_over_a_newer_one(crowd: Crowd) -> None:
    """A member that stood still does what it was sent before, also when nobody waits for it any more."""
    prefix = crowd.settings.digest_prefix
    seat, beat = await crowd.until_stored(prefix + WRITER_KEY), await crowd.until_stored(prefix + BEAT_KEY)
    late = turn_request(prefix, seat.mod_revision, beat.mod_revision, [(BEAT_KEY, beat.value)])
    crowd.boards["site-2"].publish(site_load("site-2", 2, idle=7))
    await crowd.until_all_see("site-2", 2, idle=7)

    assert wire.guarded_puts_revision(await crowd.ask(wire.TXN, late)) is None
    async with asyncio.timeout(20):
        is_written = False
        while not is_written:  # the writer may be quicker
            newer = await crowd.until_stored(prefix + BEAT_KEY)
            in_time = turn_request(prefix, seat.mod_revision, newer.mod_revision, [(BEAT_KEY, newer.value)])
            is_written = wire.guarded_puts_revision(await crowd.ask(wire.TXN, in_time)) is not None

    # Whoever has the seat goes on after a turn that it did not expect.
    crowd.boards["site-2"].publish(site_load("site-2", 3, idle=5))
    await crowd.until_all_see("site-2", 3, idle=5)
    assert (await crowd.until_stored(prefix + WRITER_KEY)).mod_revision == seat.mod_revision


async def test_etcd_names_what_changed_and_counts_all_that_is_there(etcd: EtcdCluster) -> None:
    """The writer finds by the count who left: no answer tells of it otherwise."""
    settings = EtcdSettings(endpoints=etcd.endpoints, prefix="/digest/counted")
    prefix = settings.load_prefix
    connection = EtcdConnection(etcd.endpoints[0], settings)
    granted = await connection.call(wire.LEASE_GRANT, wire.lease_grant_request(7, 60))
    assert wire.lease_grant_term(granted) > 0
    headers = [
        wire.put_header(await connection.call(wire.PUT, wire.put_request(prefix + name, b"", 7)))
        for name in (b"beijing", b"lhasa", b"urumqi")
    ]

    request = wire.range_request(
        prefix, range_end=wire.prefix_end(prefix), min_mod_revision=headers[1].revision
    )
    reply = wire.range_reply(await connection.call(wire.RANGE, request))
    await connection.close()

    assert [kv.key for kv in reply.kvs] == [prefix + b"lhasa", prefix + b"urumqi"]
    assert reply.count == 3
    assert reply.header.revision >= headers[2].revision


async def test_few_sites_read_each_other_again(crowd: Crowd) -> None:
    await crowd.leave(*NAMES[2:])

    crowd.boards["site-0"].publish(site_load("site-0", 2, idle=0))

    # A digest leaves out a site with nobody idle: this version can only come from its record.
    await crowd.until_all_see("site-0", 2, idle=0)


async def test_who_died_before_an_election_is_not_shown_again_by_its_record(
    etcd: EtcdCluster, crowd: Crowd
) -> None:
    """Its lease has its whole time again. Whoever goes back to records knows who did not put again."""
    await crowd.join("doomed", lease_ttl_s=60)
    await crowd.until_all_see("doomed", 1, idle=1)
    crowd.links["doomed"].cut()
    del crowd.ears["doomed"]
    etcd.kill()
    etcd.launch()
    await asyncio.to_thread(etcd.wait_ready)
    for ear in crowd.ears.values():
        await ear.until(lambda ear=ear: _shown(ear, "doomed") in (None, (1, 0)))  # type: ignore[misc]
        ear.heard.clear()

    await crowd.leave(*NAMES[2:])
    crowd.boards["site-0"].publish(site_load("site-0", 2, idle=0))
    await crowd.until_all_see("site-0", 2, idle=0)

    doomed = await crowd.ask(wire.RANGE, wire.range_request(crowd.settings.load_prefix + b"doomed"))
    assert wire.range_reply(doomed).count == 1
    assert not any("doomed@1" in ear.heard for ear in crowd.ears.values())
