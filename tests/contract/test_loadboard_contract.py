"""What every adapter of the LoadBoard port promises: the same tests on a real etcd and in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from deploy.etcd import EtcdCluster, start_etcd
from router.ids import SiteId
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.settings import EtcdSettings
from sync.loadboard.memory import MemoryBoardHub, MemoryLoadBoard
from sync.loadboard.port import LoadBoard
from tests.fakes.board import BoardEar, site_load

AT_ONCE_S = 0.1


class Store(Protocol):
    """What stands behind the boards, and how it fails."""

    def board(self, site: str, address: str | None = None) -> LoadBoard: ...
    def stop(self) -> None: ...
    def wipe(self) -> None: ...
    def resume(self) -> None: ...
    async def lose_lease(self, board: LoadBoard) -> None: ...
    async def close(self) -> None: ...


class MemoryStore:
    def __init__(self) -> None:
        self._hub = MemoryBoardHub()
        self._boards: list[MemoryLoadBoard] = []

    def board(self, site: str, address: str | None = None) -> LoadBoard:
        self._boards.append(MemoryLoadBoard(self._hub, SiteId(site), address=address))
        return self._boards[-1]

    def stop(self) -> None:
        self._hub.stop()

    def wipe(self) -> None:
        self._hub.wipe()

    def resume(self) -> None:
        self._hub.resume()

    async def lose_lease(self, board: LoadBoard) -> None:
        assert isinstance(board, MemoryLoadBoard)
        self._hub.expire(board)

    async def close(self) -> None:
        for board in self._boards:
            await board.close()


class EtcdStore:
    def __init__(self, cluster: EtcdCluster, prefix: str) -> None:
        self._cluster = cluster
        self._settings = EtcdSettings(endpoints=cluster.endpoints, prefix=prefix)
        self._boards: list[EtcdLoadBoard] = []
        self._is_stopped = False

    def board(self, site: str, address: str | None = None) -> LoadBoard:
        self._boards.append(EtcdLoadBoard(self._settings, SiteId(site), address=address))
        return self._boards[-1]

    def stop(self) -> None:
        self._cluster.kill()
        self._is_stopped = True

    def wipe(self) -> None:
        self._cluster.wipe()
        self._is_stopped = True

    def resume(self) -> None:
        self._cluster.launch()
        self._is_stopped = False

    async def lose_lease(self, board: LoadBoard) -> None:
        assert isinstance(board, EtcdLoadBoard)
        lease_id = board._publishing._own_key.lease_id
        assert lease_id is not None
        connection = EtcdConnection(self._settings.endpoints[0], self._settings)
        await connection.call(wire.LEASE_REVOKE, wire.lease_revoke_request(lease_id))
        await connection.close()

    async def close(self) -> None:
        for board in self._boards:
            await board.close()
        if self._is_stopped:
            self._cluster.launch()


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    cluster = start_etcd(tmp_path_factory.mktemp("etcd"))
    yield cluster
    cluster.stop()


@pytest.fixture(params=["memory", "etcd"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    else:
        cluster: EtcdCluster = request.getfixturevalue("etcd")
        await asyncio.to_thread(cluster.wait_ready)
        made = EtcdStore(cluster, f"/contract/{tmp_path.name}")
    yield made
    await made.close()


async def started(store: Store, site: str) -> tuple[LoadBoard, BoardEar]:
    board, ear = store.board(site), BoardEar()
    await board.start(ear)
    return board, ear


async def test_a_published_load_reaches_every_other_site(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")
    _, lhasa = await started(store, "lhasa")

    beijing.publish(site_load("beijing", 1))

    await urumqi.until_sees(site_load("beijing", 1))
    await lhasa.until_sees(site_load("beijing", 1))


async def test_a_load_published_before_the_start_is_on_the_board_after_it(store: Store) -> None:
    beijing = store.board("beijing")
    beijing.publish(site_load("beijing", 1))
    _, urumqi = await started(store, "urumqi")

    await beijing.start(BoardEar())

    await urumqi.until_sees(site_load("beijing", 1))


async def test_a_site_that_wants_to_be_found_is_shown_with_its_address(store: Store) -> None:
    shown, hidden = store.board("beijing", "10.0.0.1:7443"), store.board("lhasa")
    await shown.start(BoardEar())
    await hidden.start(BoardEar())
    shown.publish(site_load("beijing", 1))
    hidden.publish(site_load("lhasa", 1))

    _, urumqi = await started(store, "urumqi")

    await urumqi.until_sees(site_load("beijing", 1))
    await urumqi.until_sees(site_load("lhasa", 1))
    assert urumqi.addresses == {SiteId("beijing"): "10.0.0.1:7443", SiteId("lhasa"): None}


async def test_a_late_site_hears_what_was_published_before_it_came(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, witness = await started(store, "lhasa")
    beijing.publish(site_load("beijing", 1))
    await witness.until_sees(site_load("beijing", 1))

    _, urumqi = await started(store, "urumqi")

    await urumqi.until_sees(site_load("beijing", 1))


async def test_a_site_never_hears_of_itself_but_its_own_put_confirms_its_view(store: Store) -> None:
    beijing, ear = await started(store, "beijing")
    await ear.until_confirmed_again()

    beijing.publish(site_load("beijing", 1))

    await ear.until_confirmed_again()
    assert ear.heard == []


async def test_the_latest_of_many_loads_wins(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")

    for version in range(1, 101):
        beijing.publish(site_load("beijing", version))

    await urumqi.until_sees(site_load("beijing", 100))
    assert urumqi.heard[-1] == "beijing@100"


async def test_versions_of_a_site_are_heard_in_order(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")

    for version in range(1, 21):
        beijing.publish(site_load("beijing", version))
        await urumqi.until_sees(site_load("beijing", version))

    assert urumqi.heard == [f"beijing@{version}" for version in range(1, 21)]


async def test_an_absurd_load_is_refused_and_changes_nothing(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")
    beijing.publish(site_load("beijing", 1))

    with pytest.raises(ValueError, match="-1"):
        beijing.publish(site_load("beijing", 2, idle=-1))

    beijing.publish(site_load("beijing", 3))
    await urumqi.until_sees(site_load("beijing", 3))
    assert "beijing@2" not in urumqi.heard


async def test_a_closed_site_leaves_the_board_at_once(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    await beijing.close()

    await urumqi.until_gone("beijing", within_s=2)


async def test_the_end_of_an_older_process_leaves_the_record_of_its_successor(store: Store) -> None:
    older, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")
    older.publish(site_load("beijing", 7, incarnation=1_000))
    await urumqi.until_sees(site_load("beijing", 7, incarnation=1_000))
    younger, _ = await started(store, "beijing")
    younger.publish(site_load("beijing", 1, incarnation=2_000))
    await urumqi.until_sees(site_load("beijing", 1, incarnation=2_000))

    await older.close()

    younger.publish(site_load("beijing", 2, incarnation=2_000))
    await urumqi.until_sees(site_load("beijing", 2, incarnation=2_000))
    assert "beijing gone" not in urumqi.heard


async def test_the_view_of_a_quiet_board_stays_young(store: Store) -> None:
    board, ear = await started(store, "beijing")

    for _ in range(3):
        await ear.until_confirmed_again(within_s=3)
        age_ms = board.view_age_ms
        assert age_ms is not None
        assert age_ms < 1_500


async def test_a_store_that_is_down_ages_the_view_and_takes_the_last_load_when_it_is_back(
    store: Store,
) -> None:
    beijing, _ = await started(store, "beijing")
    board, urumqi = await started(store, "urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    store.stop()
    heard = list(urumqi.heard)
    for version in range(2, 52):
        began = time.monotonic()
        beijing.publish(site_load("beijing", version))
        assert time.monotonic() - began < AT_ONCE_S
    await asyncio.sleep(1.2)  # this is the outage

    age_ms = board.view_age_ms
    assert age_ms is not None
    assert age_ms > 1_000
    assert urumqi.heard == heard
    store.resume()
    await urumqi.until_sees(site_load("beijing", 51))


async def test_a_board_starts_and_closes_while_the_store_is_down(store: Store) -> None:
    store.stop()
    began = time.monotonic()
    board, ear = await started(store, "beijing")
    board.publish(site_load("beijing", 1))
    assert time.monotonic() - began < AT_ONCE_S
    await asyncio.sleep(0.5)  # this is the outage

    assert board.view_age_ms is None
    assert ear.confirmed_count == 0
    began = time.monotonic()
    await board.close()
    assert time.monotonic() - began < 1.5


async def test_a_board_started_while_the_store_was_down_joins_when_it_is_up(store: Store) -> None:
    store.stop()
    beijing, _ = await started(store, "beijing")
    beijing.publish(site_load("beijing", 1))
    _, urumqi = await started(store, "urumqi")

    store.resume()

    await urumqi.until_sees(site_load("beijing", 1))


async def test_a_wiped_store_fills_itself_again(store: Store) -> None:
    beijing, at_beijing = await started(store, "beijing")
    urumqi, at_urumqi = await started(store, "urumqi")
    beijing.publish(site_load("beijing", 5))
    urumqi.publish(site_load("urumqi", 9))
    await at_urumqi.until_sees(site_load("beijing", 5))
    await at_beijing.until_sees(site_load("urumqi", 9))

    store.wipe()
    store.resume()

    _, newcomer = await started(store, "lhasa")
    await newcomer.until_sees(site_load("beijing", 5))
    await newcomer.until_sees(site_load("urumqi", 9))
    await at_urumqi.until_sees(site_load("beijing", 5))


async def test_a_record_whose_lease_is_lost_is_put_again(store: Store) -> None:
    beijing, _ = await started(store, "beijing")
    _, urumqi = await started(store, "urumqi")
    beijing.publish(site_load("beijing", 1))
    await urumqi.until_sees(site_load("beijing", 1))

    await store.lose_lease(beijing)

    await urumqi.until(lambda: urumqi.heard == ["beijing@1", "beijing gone", "beijing@1"], within_s=3)
