"""Taking a stream: the next batch is opened beside the commit of the one before it, and no further one."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from hq.consolidate.instruments import ConsolidationInstruments
from hq.consolidate.progress import ProgressBoard
from hq.consolidate.taking import Taking
from hq.consolidate.work import BatchLimits, PullWork, Stores
from hq.store.applying import Applied, Applier, NotTaken
from hq.store.days import DayBook
from hq.store.folding import Folding
from hq.store.opening import Opened
from hq.store.proof import Proof
from hq.store.schema import migrate
from hq.store.sites import Meeting, Site, SiteBook
from hq.store.tables import RECEIVED
from hq.store.threads import StoreThreads
from sync.clock import ManualClock
from sync.journal.batch import Batch, Packing, next_chain
from sync.journal.database import open_database
from sync.journal.position import UNMARKED, Mark, Position
from sync.journal.receiving.greeting import Greeting, StreamOffer
from sync.journal.receiving.pull import Plan, Pull
from sync.journal.refusals import RejectedError
from sync.records.shape import ConsolidatedTable
from sync.records.tables import CONSOLIDATED
from tests.journals import DAY

AGENTS = next(shape for shape in CONSOLIDATED if shape.name == "agents")
BEIJING = Site(
    site_id="beijing", address="127.0.0.1:1", time_zone="Asia/Shanghai", parent=None, first_business_date=DAY
)
COUNT = 5


class Conversation:
    """A branch that has a few batches ready, and says what became of them."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches
        self._spoilt: list[int] = []
        self._nacked: Position | None = None
        self.given = 0
        self.acked: list[int] = []
        self.steps: list[str] = []
        self.asked: list[str] = []
        self.is_closed = False

    def spoil_once(self, *revs: int) -> None:
        """Those batches are damaged on their way when they come for the first time."""
        self._spoilt += revs

    async def batches(self, plan: Plan) -> AsyncGenerator[Batch]:
        self.asked.append(plan.stream)
        place = 0
        try:
            while len(self.acked) < len(self._batches):
                if self._nacked is not None:
                    # What was sent before the nack was heard is on the way already.
                    place, self._nacked = self._nacked.rev, None
                if place < len(self._batches):
                    self.given += 1
                    yield self._sent(self._batches[place])
                    place += 1
                await asyncio.sleep(0)
        finally:
            self.is_closed = True

    def _sent(self, batch: Batch) -> Batch:
        if batch.hi.rev not in self._spoilt:
            return batch
        self._spoilt.remove(batch.hi.rev)
        return replace(batch, payload=replace(batch.payload, digest=bytes(32)))

    async def ack(self, _stream: str, mark: Mark) -> None:
        self.acked.append(mark.position.rev)

    async def nack(self, _stream: str, expected: Mark, reason: str) -> None:
        self.steps.append(f"nack {reason} {expected.position.rev}")
        self._nacked = expected.position

    async def reject(self, reason: str, _detail: str) -> None:
        self.steps.append(f"reject {reason}")

    async def finish(self) -> None:
        self.steps.append("finish")


class GatedApplier(Applier):
    """Tells that a batch has come, and takes it when it may."""

    may_take: threading.Semaphore
    come: threading.Semaphore

    def apply(
        self, site_id: str, shape: ConsolidatedTable, opened: Opened, *, epoch: int, utc_us: int
    ) -> Applied | NotTaken:
        self.come.release()
        self.may_take.acquire()
        return super().apply(site_id, shape, opened, epoch=epoch, utc_us=utc_us)


def batches(count: int, *, name: object = "A") -> Iterator[Batch]:
    """One agent each."""
    lo, chain = UNMARKED.position, UNMARKED.chain
    for rev in range(1, count + 1):
        packing = Packing()
        packing.add_row(("beijing", f"beijing/{rev}", name, "[]", DAY, rev))
        hi, payload = Position(0, rev), packing.payload()
        yield Batch(stream="agents", lo=lo, hi=hi, payload=payload, previous_chain=chain)
        lo, chain = hi, next_chain(chain, "agents", lo, hi, payload.digest)


class Room:
    """HQ's side of a conversation, on a SQLite file."""

    def __init__(
        self, folder: Path, sent: list[Batch], *, epoch: int = 1, pending_count: int = COUNT
    ) -> None:
        """`epoch` is HQ's; the branch says that it is in its first."""
        engine = open_database(f"sqlite:///{folder / 'hq.db'}")
        migrate(engine)
        SiteBook(engine).enter([BEIJING])
        self.conversation = Conversation(sent)
        self.applier = GatedApplier(engine, quarantine_limit=0)
        self.applier.may_take, self.applier.come = threading.Semaphore(0), threading.Semaphore(0)
        self.threads = StoreThreads(4)
        stores = Stores(
            sites=SiteBook(engine),
            days=DayBook(engine),
            applier=self.applier,
            proof=Proof(engine),
            folding=Folding(engine),
            threads=self.threads,
        )
        work = PullWork(
            site=BEIJING,
            pull=cast("Pull", self.conversation),
            stores=stores,
            clock=ManualClock(),
            limits=BatchLimits(),
            board=ProgressBoard(),
            instruments=ConsolidationInstruments(CollectorRegistry()),
            is_stopping=lambda: False,
        )
        end = Position(0, len(sent))
        offer = StreamOffer(kept=UNMARKED, end=end, columns=AGENTS.fields, pending_count=pending_count)
        greeting = Greeting(
            site_id="beijing", epoch=1, utc_us=0, time_zone=BEIJING.time_zone, streams={"agents": offer}
        )
        meeting = Meeting(epoch=epoch, begins={"agents": UNMARKED}, shapes={"agents": AGENTS})
        self.engine = engine
        self.taking = Taking(work, meeting, greeting)

    async def has_come(self) -> None:
        """A batch waits to be applied."""
        await asyncio.to_thread(self.applier.come.acquire)

    def held(self) -> list[str]:
        """The agents that HQ has."""
        agents = RECEIVED["agents"]
        with self.engine.connect() as connection:
            return list(connection.execute(select(agents.c.agent_id).order_by(agents.c.rev)).scalars())


async def test_one_batch_is_ahead_while_another_is_applied_and_acks_follow_the_commits(
    tmp_path: Path,
) -> None:
    room = Room(tmp_path, list(batches(COUNT)))
    taking = asyncio.create_task(room.taking.take_all())

    for number in range(1, COUNT + 1):
        await room.has_come()
        for _ in range(20):
            await asyncio.sleep(0)
        assert room.conversation.given <= number + 1, "more is read than can be taken"
        assert room.conversation.acked == list(range(1, number)), "an ack came before the commit"
        room.applier.may_take.release()
    await taking
    room.threads.close()

    assert room.conversation.acked == list(range(1, COUNT + 1))


async def test_a_rejected_batch_ends_the_conversation_and_what_was_ahead_is_dropped(tmp_path: Path) -> None:
    room = Room(tmp_path, list(batches(COUNT, name=7)))
    room.applier.may_take.release()

    with pytest.raises(RejectedError):
        await room.taking.take_all()
    room.threads.close()

    assert room.conversation.steps == ["reject QUARANTINE_FULL", "finish"]
    assert room.conversation.acked == []
    assert room.conversation.given <= 2


@pytest.mark.parametrize("spoilt", [(1,), (2,), (COUNT,), (1, 3)])
async def test_a_damaged_batch_is_awaited_again_and_what_was_opened_behind_it_is_not_taken(
    tmp_path: Path, spoilt: tuple[int, ...]
) -> None:
    room = Room(tmp_path, list(batches(COUNT)))
    room.conversation.spoil_once(*spoilt)
    room.applier.may_take.release(10 * COUNT)

    await room.taking.take_all()
    room.threads.close()

    assert room.conversation.acked == list(range(1, COUNT + 1))
    assert room.conversation.steps == [f"nack DIGEST {rev - 1}" for rev in spoilt]
    assert room.held() == [f"beijing/{rev}" for rev in range(1, COUNT + 1)]


async def test_a_pull_that_is_cancelled_leaves_no_reader_behind(tmp_path: Path) -> None:
    room = Room(tmp_path, list(batches(COUNT)))
    before = asyncio.all_tasks()
    taking = asyncio.create_task(room.taking.take_all())
    await room.has_come()

    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    left = asyncio.all_tasks() - before
    room.applier.may_take.release(COUNT)
    room.threads.close()

    assert taking.cancelled()
    assert left == set()
    assert room.conversation.is_closed
    assert room.conversation.acked == []
    # Its transaction was under way, and is whole: the branch will send it once more.
    assert room.held() == ["beijing/1"]


@pytest.mark.parametrize(
    ("epoch", "pending_count", "asked"), [(1, 0, []), (2, 0, ["agents"]), (1, COUNT, ["agents"])]
)
async def test_a_branch_is_asked_for_what_it_has_and_to_begin_an_epoch(
    tmp_path: Path, epoch: int, pending_count: int, asked: list[str]
) -> None:
    room = Room(tmp_path, list(batches(COUNT)), epoch=epoch, pending_count=pending_count)
    room.applier.may_take.release(COUNT)

    await room.taking.take_all()
    room.threads.close()

    assert room.conversation.asked == asked
