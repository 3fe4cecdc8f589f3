"""Callers' messages: shown until somebody has heard them, told once, listened to in the order of leaving."""

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch.people import message_box
from branch.people.message_box import MessageBox
from branch.people.refusals import UnknownMessageError
from branch.store.store import Store, open_store
from branch.store.writer import LedgerWriter
from router.ids import AgentId, CallId, QueueId, SiteId
from router.ledger import VoicemailLeft
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from tests.fakes.ledger_book import LedgerBook, arrived, ended, queued
from tests.fakes.store_ear import StoreEar

KIM = AgentId("beijing/1001")
SALES, OTHER = QueueId("sales"), QueueId("other")
NUMBER = "+8613800138000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(
        f"sqlite:///{tmp_path / 'branch.db'}",
        site_id=SiteId("beijing"),
        calendar=BusinessCalendar("Asia/Shanghai"),
        clock=SystemClock(),
    )
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_box, "_LOOK_INTERVAL_S", 0.01)


class Site:
    """A ledger that callers leave messages in."""

    def __init__(self, store: Store) -> None:
        self.store, self.book, self.ear = store, LedgerBook(), StoreEar()
        self.writer: LedgerWriter = store.start_writer(store.pick_up(), self.ear, ballast_bytes=0)

    async def leave(self, call: str, queue: QueueId = SALES) -> None:
        left = VoicemailLeft(call_id=CallId(call), queue_id=queue)
        rows = self.book.write(len(self.book.rows), arrived(call), queued(call), left, ended(call))
        caller = CallerRecord(
            site_id=SiteId("beijing"),
            call_id=CallId(call),
            business_date=rows[0].business_date,
            number=NUMBER,
            dialled="95588",
        )
        self.writer.append(rows, (caller,))
        await self.ear.until(
            lambda: rows[-1].seq in self.ear.written or self.writer.written_seq >= rows[-1].seq
        )

    def box(self, *notify: str) -> MessageBox:
        return MessageBox(
            site_id=SiteId("beijing"),
            records=self.store.voicemails,
            queues_of=lambda agent_id: {SALES} if agent_id == KIM else set(),
            start_task=asyncio.ensure_future,
            notify=notify,
            folder=Path("/var/spool"),
        )


async def until(box: MessageBox, unheard: dict[QueueId, int]) -> None:
    following = asyncio.create_task(box.follow())
    async with asyncio.timeout(10):
        while box.unheard() != unheard:  # noqa: ASYNC110 - the database is looked at, nobody tells
            await asyncio.sleep(0.01)
    following.cancel()


async def test_a_message_is_counted_until_somebody_has_heard_it(store: Store) -> None:
    site = Site(store)
    box = site.box()
    await site.leave("c1")
    await site.leave("c2", OTHER)
    await until(box, {SALES: 1, OTHER: 1})
    before = box.version

    await box.heard(CallId("c1"), KIM)
    await box.heard(CallId("c1"), "lee")

    assert box.unheard() == {OTHER: 1}
    assert box.version > before
    listed = {each.call_id: each for each in await box.messages(with_heard=True)}
    assert listed[CallId("c1")].heard_by == KIM
    assert listed[CallId("c2")].heard_by is None
    assert [each.call_id for each in await box.messages(with_heard=False)] == ["c2"]
    assert listed[CallId("c2")].number == NUMBER
    await site.writer.close()


async def test_an_agent_lists_and_marks_the_messages_of_its_queues_only(store: Store) -> None:
    site = Site(store)
    await site.leave("c1", OTHER)
    box = site.box()

    assert await box.messages(with_heard=True, queue_ids={SALES}) == []
    with pytest.raises(UnknownMessageError):
        await box.heard(CallId("c1"), KIM, queue_ids={SALES})
    assert box.unheard() == {OTHER: 1}
    await site.writer.close()


async def test_a_message_that_was_never_left_is_refused(store: Store) -> None:
    with pytest.raises(UnknownMessageError):
        await Site(store).box().heard(CallId("nobody"), KIM)


async def test_an_agent_hears_the_messages_of_its_queues_in_the_order_of_leaving(store: Store) -> None:
    site = Site(store)
    for call, queue in (("c2", SALES), ("c3", OTHER), ("c1", SALES)):
        await site.leave(call, queue)
    box = site.box()

    assert box.for_agent(KIM) == ["c2", "c1"]
    box.unplayable(CallId("c2"))
    assert box.for_agent(KIM) == ["c1"]
    assert box.unheard()[SALES] == 2, "what cannot be played is unheard all the same"
    assert box.for_agent(AgentId("beijing/9")) == []
    await site.writer.close()


async def test_each_new_message_is_told_once_and_those_before_not_again(store: Store, tmp_path: Path) -> None:
    told, program = tmp_path / "told", tmp_path / "notify"
    program.write_text(f"#!/bin/sh\ncat >> {told}; echo >> {told}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    site = Site(store)
    await site.leave("before")
    box = site.box(str(program))
    following = asyncio.create_task(box.follow())

    await site.leave("c1")
    async with asyncio.timeout(10):
        while not told.exists() or not told.read_text(encoding="utf-8").endswith("\n"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await box.heard(CallId("c1"), KIM)
    await site.leave("c2")
    async with asyncio.timeout(10):
        while told.read_text(encoding="utf-8").count("\n") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()

    lines = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    assert [line["call"] for line in lines] == ["c1", "c2"]
    assert lines[0] | {"left": ""} == {
        "site": "beijing",
        "queue": "sales",
        "call": "c1",
        "left": "",
        "number": NUMBER,
        "file": "/var/spool/c1.wav",
    }
    await site.writer.close()


@pytest.mark.parametrize("program", ["/nowhere/at-all", "/bin/false"])
async def test_a_program_that_fails_costs_nobody_the_message(store: Store, program: str) -> None:
    site = Site(store)
    box = site.box(program)
    await site.leave("c1")

    await until(box, {SALES: 1})
    await site.writer.close()
