"""Sites found by the load board: met over the link before anything is believed of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from branch.peers import newcomers
from branch.peers.newcomers import Introduction, Newcomers
from node.lifecycle import Tasks
from router.ids import SiteId

LHASA, HARBIN = SiteId("lhasa"), SiteId("harbin")


class Cluster:
    """Who answers at which address, and what became of it."""

    def __init__(self) -> None:
        self.answers: dict[str, Introduction | None] = {}
        self.asked: list[tuple[SiteId, str]] = []
        self._was_asked = asyncio.Event()
        self.admitted: asyncio.Queue[tuple[SiteId, str, str]] = asyncio.Queue()
        self.newcomers = Newcomers(known=[SiteId("beijing")], meet=self._meet, admit=self._admit)

    async def _meet(self, site_id: SiteId, address: str) -> Introduction | None:
        self.asked.append((site_id, address))
        self._was_asked.set()
        await asyncio.sleep(0)
        return self.answers.get(address)

    async def _admit(self, site_id: SiteId, address: str, trunk: str) -> None:
        await self.admitted.put((site_id, address, trunk))

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.asked) < count:
                self._was_asked.clear()
                await self._was_asked.wait()

    async def next_admitted(self) -> tuple[SiteId, str, str]:
        async with asyncio.timeout(5):
            return await self.admitted.get()


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(newcomers, "RETRY_DELAY_S", 0.01)
    tasks = Tasks()
    running = Cluster()
    running.newcomers.start(tasks)
    yield running
    await running.newcomers.close()
    await tasks.cancel()


async def test_a_site_that_introduces_itself_is_admitted_once(cluster: Cluster) -> None:
    cluster.answers["l:1"] = Introduction(site_id=LHASA, trunk="l:2")

    for _ in range(3):
        cluster.newcomers.seen(LHASA, "l:1")

    assert await cluster.next_admitted() == (LHASA, "l:1", "l:2")
    assert cluster.asked == [(LHASA, "l:1")]


async def test_a_site_that_is_not_there_yet_is_asked_until_it_is(cluster: Cluster) -> None:
    cluster.newcomers.seen(LHASA, "l:1")
    await cluster.until_asked(3)

    cluster.answers["l:1"] = Introduction(site_id=LHASA, trunk="l:2")

    assert await cluster.next_admitted() == (LHASA, "l:1", "l:2")


@pytest.mark.parametrize(
    "answer", [Introduction(site_id=HARBIN, trunk="h:2"), Introduction(site_id=LHASA, trunk=None)]
)
async def test_another_site_or_one_without_a_trunk_is_not_admitted(
    cluster: Cluster, answer: Introduction
) -> None:
    cluster.answers["l:1"] = answer
    cluster.newcomers.seen(LHASA, "l:1")
    await cluster.until_asked(2)

    assert cluster.admitted.empty()


async def test_a_site_that_moved_is_met_at_its_new_address(cluster: Cluster) -> None:
    cluster.answers["l:1"] = Introduction(site_id=LHASA, trunk="l:2")
    cluster.answers["m:1"] = Introduction(site_id=LHASA, trunk="m:2")
    cluster.newcomers.seen(LHASA, "l:1")
    await cluster.next_admitted()

    cluster.newcomers.seen(LHASA, "m:1")

    assert await cluster.next_admitted() == (LHASA, "m:1", "m:2")


async def test_the_file_wins_over_the_board(cluster: Cluster) -> None:
    cluster.newcomers.seen(SiteId("beijing"), "elsewhere:1")
    await asyncio.sleep(0)

    assert cluster.asked == []


async def test_the_board_can_not_fill_the_memory(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newcomers, "NEWCOMER_LIMIT", 5)

    for number in range(20):
        cluster.newcomers.seen(SiteId(f"s{number}"), "x:1")
    await asyncio.sleep(0)

    assert len({site for site, _ in cluster.asked}) == 5
