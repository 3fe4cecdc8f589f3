"""Snapshots, changes and positions of a site that is watched."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from google.protobuf.message import Message
from trunkline.desk.v1 import desk_pb2 as pb

from branch.serving import watch
from branch.serving.watch import Key, Kind, SiteWatch, Step


class Site:
    """Items that a test changes, under a version that counts the changes."""

    def __init__(self) -> None:
        self.items: dict[Key, Message] = {}
        self.version = 0
        self.snapshot_count = 0
        self.watch = SiteWatch(snapshot=self.snapshot, version=lambda: self.version)

    def snapshot(self) -> dict[Key, Message]:
        self.snapshot_count += 1
        return dict(self.items)

    def put(self, call_id: str, agent_id: str | None = None) -> None:
        self.items[Kind.CALL, call_id] = pb.CallView(call_id=call_id, agent_id=agent_id)
        self.version += 1

    def end(self, call_id: str) -> None:
        del self.items[Kind.CALL, call_id]
        self.version += 1


def everything(_kind: Kind, _item: Message) -> bool:
    return True


def of_kim(_kind: Kind, item: Message) -> bool:
    assert isinstance(item, pb.CallView)
    return item.agent_id == "kim"


def calls(step: Step) -> list[str]:
    return [item.call_id for _, item in step.items if isinstance(item, pb.CallView)]


@contextlib.asynccontextmanager
async def running(site: Site) -> AsyncIterator[None]:
    task = asyncio.ensure_future(site.watch.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_new_watcher_gets_the_whole_state_and_then_each_change() -> None:
    site = Site()
    site.put("c1")
    async with running(site), contextlib.aclosing(site.watch.steps(None, everything)) as steps:
        first = await anext(steps)
        site.put("c2")
        site.end("c1")
        second = await anext(steps)

    assert (first.is_whole, calls(first)) == (True, ["c1"])
    assert (second.is_whole, calls(second), second.gone) == (False, ["c2"], ((Kind.CALL, "c1"),))


async def test_a_watcher_resumes_where_it_was() -> None:
    site = Site()
    site.put("c1")
    async with contextlib.aclosing(site.watch.steps(None, everything)) as steps:
        first = await anext(steps)
    site.put("c2")

    async with contextlib.aclosing(site.watch.steps(first.number, everything)) as steps:
        again = await anext(steps)

    assert (again.is_whole, calls(again)) == (False, ["c2"])


@pytest.mark.parametrize("position", [0, 999])
async def test_a_position_too_old_or_never_given_gets_the_whole_state(
    position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "HISTORY_LIMIT", 2)
    site = Site()
    for number in range(5):
        site.put(f"c{number}")
        site.watch.refresh()

    async with contextlib.aclosing(site.watch.steps(position, everything)) as steps:
        step = await anext(steps)

    assert (step.is_whole, len(step.items)) == (True, 5)


async def test_what_enters_and_leaves_an_agents_sight_is_new_and_gone_for_it() -> None:
    site = Site()
    site.put("c1")
    async with running(site), contextlib.aclosing(site.watch.steps(None, of_kim)) as steps:
        first = await anext(steps)
        site.put("c1", "kim")
        mine = await anext(steps)
        site.put("c1", "lee")
        gone = await anext(steps)

    assert calls(first) == []
    assert calls(mine) == ["c1"]
    assert (calls(gone), gone.gone) == ([], ((Kind.CALL, "c1"),))


async def test_a_quiet_site_says_each_second_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.01)
    site = Site()
    async with running(site), contextlib.aclosing(site.watch.steps(None, everything)) as steps:
        first = await anext(steps)
        second = await anext(steps)

    assert (second.number, second.items, second.gone, second.is_whole) == (first.number, (), (), False)


async def test_nobody_watches_and_no_snapshot_is_taken() -> None:
    site = Site()
    async with running(site):
        async with contextlib.aclosing(site.watch.steps(None, everything)) as steps:
            await anext(steps)
        taken = site.snapshot_count
        for _ in range(5):
            site.put("c1")
            await asyncio.sleep(0)

    assert site.snapshot_count == taken


async def test_a_slow_watcher_is_given_the_latest_of_each_item_once() -> None:
    site = Site()
    async with contextlib.aclosing(site.watch.steps(None, everything)) as steps:
        await anext(steps)
        for agent in ("kim", "lee", "ann"):
            site.put("c1", agent)
            site.watch.refresh()
        site.put("c2")
        site.watch.refresh()
        site.end("c2")
        site.watch.refresh()
        step = await anext(steps)

    assert [(item.call_id, item.agent_id) for _, item in step.items if isinstance(item, pb.CallView)] == [
        ("c1", "ann")
    ]
    assert step.gone == ((Kind.CALL, "c2"),)
