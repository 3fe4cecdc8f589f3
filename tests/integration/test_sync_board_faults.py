"""The board on a real etcd under faults that only a real store has."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest
import structlog

from deploy.etcd import EtcdCluster, start_etcd
from router.ids import SiteId
from sync.loadboard.codec import encode
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.settings import EtcdSettings
from tests.fakes.board import BoardEar, site_load
from tests.fakes.tcp_link import TcpLink

COMPACT = "/etcdserverpb.KV/Compact"


@pytest.fixture(scope="module")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    cluster = start_etcd(tmp_path_factory.mktemp("etcd"))
    yield cluster
    cluster.kill()


@pytest.fixture
async def etcd(shared_etcd: EtcdCluster) -> EtcdCluster:
    await asyncio.to_thread(shared_etcd.wait_ready)
    return shared_etcd


class Boards:
    """Starts boards at this test's prefix, and closes them."""

    def __init__(self, cluster: EtcdCluster, prefix: str, closing: AsyncExitStack) -> None:
        self._cluster = cluster
        self._prefix = prefix
        self._closing = closing

    def settings(self, *endpoints: str) -> EtcdSettings:
        return EtcdSettings(
            endpoints=endpoints or self._cluster.endpoints, prefix=self._prefix, lease_ttl_s=3
        )

    async def start(self, site: str, *endpoints: str) -> tuple[EtcdLoadBoard, BoardEar]:
        board, ear = EtcdLoadBoard(self.settings(*endpoints), SiteId(site)), BoardEar()
        await board.start(ear)
        self._closing.push_async_callback(board.close)
        return board, ear

    async def link(self) -> TcpLink:
        return await self._closing.enter_async_context(TcpLink(self._cluster.endpoint))

    async def connection(self) -> EtcdConnection:
        settings = self.settings()
        connection = EtcdConnection(settings.endpoints[0], settings)
        self._closing.push_async_callback(connection.close)
        return connection


@pytest.fixture
async def boards(etcd: EtcdCluster, request: pytest.FixtureRequest) -> AsyncIterator[Boards]:
    async with AsyncExitStack() as closing:
        yield Boards(etcd, f"/faults/{request.node.name}", closing)


async def until(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - a view's age only grows; nothing tells when
            await asyncio.sleep(0.02)


def age_ms(board: EtcdLoadBoard) -> int:
    age = board.view_age_ms
    assert age is not None
    return age


async def test_a_killed_etcd_that_comes_back_with_its_data_is_followed_without_a_gap(
    etcd: EtcdCluster, boards: Boards
) -> None:
    beijing, _ = await boards.start("beijing")
    _, urumqi = await boards.start("urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    etcd.kill()
    etcd.launch()
    beijing.publish(site_load("beijing", 2))

    await urumqi.until_sees(site_load("beijing", 2))
    assert urumqi.heard == ["beijing@1", "beijing@2"]


async def test_a_wiped_etcd_fills_itself_and_old_sites_leave_the_view(
    etcd: EtcdCluster, boards: Boards
) -> None:
    beijing, _ = await boards.start("beijing")
    _, urumqi = await boards.start("urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))
    vanished = await boards.connection()
    await vanished.call(wire.PUT, put("vanished", boards))
    await urumqi.until_sees(site_load("vanished", 1))

    etcd.wipe()
    etcd.launch()

    await urumqi.until_gone("vanished")
    await urumqi.until_sees(site_load("beijing", 1))


def put(site: str, boards: Boards) -> bytes:
    """A put without a lease: the record of a site that will never come back."""
    return wire.put_request(boards.settings().load_prefix + site.encode(), encode(site_load(site, 1)), 0)


async def test_a_wiped_etcd_that_overtook_the_old_revision_is_not_taken_for_the_old_one(
    etcd: EtcdCluster, boards: Boards
) -> None:
    link = await boards.link()
    _, urumqi = await boards.start("urumqi", link.endpoint)
    old_store = await boards.connection()
    await old_store.call(wire.PUT, put("vanished", boards))
    await urumqi.until_sees(site_load("vanished", 1))
    old_revision = await revision(old_store)
    link.cut()

    etcd.wipe()
    etcd.launch()
    await asyncio.to_thread(etcd.wait_ready)
    new_store = await boards.connection()
    await new_store.call(wire.PUT, put("early", boards))
    while await revision(new_store) < old_revision + 10:
        await new_store.call(wire.PUT, wire.put_request(b"/elsewhere", b"", 0))
    link.mend()

    await urumqi.until_sees(site_load("early", 1))
    await urumqi.until_gone("vanished")


async def revision(connection: EtcdConnection) -> int:
    return wire.range_reply(
        await connection.call(wire.RANGE, wire.range_request(b"/elsewhere"))
    ).header.revision


async def test_a_frozen_etcd_ages_the_view_tells_nothing_and_holds_up_no_publish(
    etcd: EtcdCluster, boards: Boards
) -> None:
    beijing, _ = await boards.start("beijing")
    board, urumqi = await boards.start("urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    etcd.members[0].signal(SIGSTOP)
    try:
        began = time.monotonic()
        for version in range(2, 12):
            beijing.publish(site_load("beijing", version))
        assert time.monotonic() - began < 0.1
        await until(lambda: age_ms(board) > 500)  # what had left etcd before it froze has arrived
        heard, confirmed_count = list(urumqi.heard), urumqi.confirmed_count
        await until(lambda: age_ms(board) > 4_000)
        assert (urumqi.heard, urumqi.confirmed_count) == (heard, confirmed_count)
    finally:
        etcd.members[0].signal(SIGCONT)

    await urumqi.until_sees(site_load("beijing", 11))
    await until(lambda: age_ms(board) < 1_500)


async def test_a_link_that_swallows_everything_is_noticed_and_left(boards: Boards) -> None:
    link = await boards.link()
    beijing, _ = await boards.start("beijing")
    board, urumqi = await boards.start("urumqi", link.endpoint)
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    link.freeze()
    await until(lambda: age_ms(board) > 4_000)
    beijing.publish(site_load("beijing", 2))
    link.mend()

    await urumqi.until_sees(site_load("beijing", 2))
    await until(lambda: age_ms(board) < 1_500)


async def test_what_was_compacted_while_cut_off_is_listed_again(boards: Boards) -> None:
    link = await boards.link()
    beijing, at_beijing = await boards.start("beijing")
    lhasa, _ = await boards.start("lhasa")
    _, urumqi = await boards.start("urumqi", link.endpoint)
    beijing.publish(site_load("beijing", 1))
    lhasa.publish(site_load("lhasa", 1))
    await urumqi.until_sees(site_load("beijing", 1))
    await urumqi.until_sees(site_load("lhasa", 1))

    link.cut()
    for version in range(2, 6):
        lhasa.publish(site_load("lhasa", version))
        await at_beijing.until_sees(site_load("lhasa", version))
    await beijing.close()
    store = await boards.connection()
    await store.call(COMPACT, wire._serialized("CompactionRequest", revision=await revision(store)))
    link.mend()

    await urumqi.until_sees(site_load("lhasa", 5))
    await urumqi.until_gone("beijing")


async def test_a_site_cut_off_for_a_moment_hears_every_version_it_missed(boards: Boards) -> None:
    link = await boards.link()
    beijing, _ = await boards.start("beijing")
    _, witness = await boards.start("lhasa")
    _, urumqi = await boards.start("urumqi", link.endpoint)
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    link.cut()
    for version in range(2, 6):
        beijing.publish(site_load("beijing", version))
        await witness.until_sees(site_load("beijing", version))
    link.mend()

    await urumqi.until_sees(site_load("beijing", 5))
    assert urumqi.heard == [f"beijing@{version}" for version in range(1, 6)]


async def test_a_site_that_was_cut_off_beyond_its_lease_leaves_and_comes_back(boards: Boards) -> None:
    link = await boards.link()
    beijing, _ = await boards.start("beijing", link.endpoint)
    _, urumqi = await boards.start("urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    link.cut()
    await urumqi.until_gone("beijing")
    beijing.publish(site_load("beijing", 2))
    link.mend()

    await urumqi.until_sees(site_load("beijing", 2))


async def test_a_key_that_somebody_deletes_is_put_again_at_once(boards: Boards) -> None:
    beijing, _ = await boards.start("beijing")
    _, urumqi = await boards.start("urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))
    store = await boards.connection()

    key = boards.settings().load_prefix + b"beijing"
    await store.call("/etcdserverpb.KV/DeleteRange", wire._serialized("DeleteRangeRequest", key=key))

    await urumqi.until(lambda: urumqi.heard == ["beijing@1", "beijing gone", "beijing@1"], within_s=1)


async def test_a_late_put_of_our_own_past_is_put_right(boards: Boards) -> None:
    beijing, _ = await boards.start("beijing")
    _, urumqi = await boards.start("urumqi")
    beijing.publish(site_load("beijing", 7))
    await urumqi.until_sees(site_load("beijing", 7))
    store = await boards.connection()

    key = boards.settings().load_prefix + b"beijing"
    await store.call(wire.PUT, wire.put_request(key, encode(site_load("beijing", 6)), 0))

    await urumqi.until(lambda: urumqi.heard == ["beijing@7", "beijing@6", "beijing@7"], within_s=1)


async def test_a_foreign_record_is_refused_and_the_watch_goes_on(boards: Boards) -> None:
    beijing, _ = await boards.start("beijing")
    _, urumqi = await boards.start("urumqi")
    store = await boards.connection()

    for value in (b"not a record", b"nor this"):
        await store.call(wire.PUT, wire.put_request(boards.settings().load_prefix + b"lhasa", value, 0))
    beijing.publish(site_load("beijing", 1))

    await urumqi.until_sees(site_load("beijing", 1))
    assert urumqi.heard == ["beijing@1"]


async def test_two_processes_with_one_name_are_reported_and_do_not_fight(boards: Boards) -> None:
    with structlog.testing.capture_logs() as lines:
        older, _ = await boards.start("beijing")
        younger, _ = await boards.start("beijing")
        _, urumqi = await boards.start("urumqi")
        older.publish(site_load("beijing", 1, incarnation=1_000))
        await urumqi.until_sees(site_load("beijing", 1, incarnation=1_000))

        younger.publish(site_load("beijing", 1, incarnation=2_000))

        await urumqi.until_sees(site_load("beijing", 1, incarnation=2_000))
        await urumqi.until_confirmed_again()
    assert urumqi.heard == ["beijing@1", "beijing@1"]
    assert [line["log_level"] for line in lines if line["event"] == "site_key_contested"] == ["error"]


async def test_an_outage_is_logged_once_a_session_and_reason_however_long_it_lasts(
    etcd: EtcdCluster, boards: Boards
) -> None:
    with structlog.testing.capture_logs() as lines:
        beijing, ear = await boards.start("beijing")
        beijing.publish(site_load("beijing", 1))
        await ear.until_confirmed_again()

        etcd.kill()
        await asyncio.sleep(2)  # this is the outage
        etcd.launch()
        await ear.until_confirmed_again()
        await until(lambda: sum(line["event"] == "board_session_recovered" for line in lines) == 2)

    failures = [(line["part"], line["reason"]) for line in lines if line["event"] == "board_session_failed"]
    assert {part for part, _ in failures} == {"publish", "watch"}
    assert len(failures) == len(set(failures))


@pytest.fixture
def three_members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    cluster = start_etcd(tmp_path_factory.mktemp("three"), members=3)
    yield cluster
    cluster.kill()


async def test_three_members_die_one_after_the_other_and_the_board_goes_on(
    three_members: EtcdCluster,
) -> None:
    async with AsyncExitStack() as closing:
        boards = Boards(three_members, "/faults/rolling", closing)
        beijing, _ = await boards.start("beijing")
        _, urumqi = await boards.start("urumqi")
        for version, member in enumerate(three_members.members, start=1):
            member.end(SIGKILL)
            beijing.publish(site_load("beijing", version))
            await urumqi.until_sees(site_load("beijing", version))
            three_members.launch_member(member)
            await asyncio.to_thread(member.wait_ready)
        assert "beijing gone" not in urumqi.heard


async def test_a_member_without_its_cluster_is_not_believed(three_members: EtcdCluster) -> None:
    last, *others = three_members.members
    async with AsyncExitStack() as closing:
        boards = Boards(three_members, "/faults/minority", closing)
        board, urumqi = await boards.start("urumqi", last.endpoint)
        await urumqi.until_confirmed_again()

        for member in others:
            member.end(SIGKILL)
        await until(lambda: age_ms(board) > 4_000, within_s=20)
        for member in others:
            three_members.launch_member(member)

        await until(lambda: age_ms(board) < 1_500, within_s=20)


async def test_a_member_without_its_cluster_confirms_nothing_from_that_moment_on(
    three_members: EtcdCluster,
) -> None:
    last, *others = three_members.members
    async with AsyncExitStack() as closing:
        boards = Boards(three_members, "/faults/majority", closing)
        board, urumqi = await boards.start("urumqi", last.endpoint)
        await urumqi.until_confirmed_again()

        for member in others:
            member.end(SIGKILL)
        lost_at = time.monotonic()

        def lost_for_ms() -> float:
            return (time.monotonic() - lost_at) * 1000

        youngest_ms = [0.0]
        while lost_for_ms() < 6_000:  # a member without its cluster keeps its watches for 5 s
            youngest_ms.append(lost_for_ms() - age_ms(board))
            await asyncio.sleep(0.02)
        assert max(youngest_ms) < 500
