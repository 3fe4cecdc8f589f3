"""Takes a site's rows, batch by batch: each is applied, then acked, or refused and awaited again.

While one is applied and committed, the next one is read and opened, and no more than that: the
branch's window is what bounds the rest.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import structlog

from hq.consolidate.progress import Phase
from hq.consolidate.work import PullWork
from hq.store.applying import Applied
from hq.store.opening import Opened, opened
from hq.store.sites import Meeting
from router.ids import SiteId
from sync.journal.batch import Batch
from sync.journal.position import Mark, Position
from sync.journal.receiving.greeting import Greeting
from sync.journal.receiving.pull import Plan
from sync.journal.refusals import RejectedError

log = structlog.get_logger()

FREEZING = frozenset({"RESTORED_OR_CLONED", "HQ_RESTORED", "QUARANTINE_FULL"})
"""Rejections after which nothing is pulled until a person readmits the site. The others
(a schema, a time zone) end by themselves once somebody has put them right."""


async def meet(work: PullWork) -> "Taking":
    """Greet the branch and see that it is the one HQ knows.

    Raises:
        RejectedError: it is not; it was told so, and the site is frozen where a person has to look.
    """
    asked_us = work.clock.utc_us()
    greeting = await work.pull.greet(work.site_id)
    work.instruments.clocks.note(
        SiteId(work.site_id), greeting.utc_us, asked_us=asked_us, answered_us=work.clock.utc_us()
    )
    try:
        meeting = await work.stores.threads.run(work.stores.sites.meet, greeting)
    except RejectedError as rejection:
        await _reject(work, rejection)
        raise
    expected = sum(offer.pending_count for offer in greeting.streams.values())
    work.board.show(work.site_id, phase=Phase.PULLING, expected_count=expected)
    return Taking(work, meeting, greeting)


class Taking:
    """The rows of one conversation."""

    def __init__(self, work: PullWork, meeting: Meeting, greeting: Greeting) -> None:
        self.meeting = meeting
        self._work = work
        self._run = work.stores.threads.run
        self._ends = {stream: offer.end for stream, offer in greeting.streams.items()}
        self._bare = {
            stream
            for stream, offer in greeting.streams.items()
            if meeting.epoch == greeting.epoch
            and not offer.pending_count
            and offer.kept.position == meeting.begins[stream].position
        }
        """Streams of which the branch has nothing after our own mark, so there is nothing to ask for. An
        epoch that is new to it, it learns only when it is asked."""
        self._marks: dict[str, Mark] = dict(meeting.begins)

    async def take_all(self) -> None:
        """Take everything that the branch had when it said hello."""
        for stream, end in self._ends.items():
            if stream not in self._bare:
                await self.take(stream, end)

    async def take(self, stream: str, to: Position) -> None:
        """Take a stream's rows up to `to`; a batch refused once is awaited again from its begin."""
        begin = self._marks[stream]
        if begin.position >= to:
            return
        plan = Plan(
            stream=stream,
            epoch=self.meeting.epoch,
            begin=begin,
            to=to,
            batch_row_limit=self._work.limits.row_limit,
            batch_byte_limit=self._work.limits.byte_limit,
            window=self._work.limits.window,
        )
        awaited: Position | None = None
        async with aclosing(self._opened(plan)) as batches:
            async for each in batches:
                self._work.check_stop()
                if awaited is not None and each.batch.lo != awaited:
                    continue  # It was on the way when the one before it was refused.
                awaited = await self._answer(stream, each)

    async def _opened(self, plan: Plan) -> AsyncGenerator[Opened]:
        """The stream's batches; each is opened while the one before it is looked at."""
        async with aclosing(self._work.pull.batches(plan)) as batches:
            ahead = asyncio.ensure_future(self._next(plan.stream, batches))
            try:
                while (found := await ahead) is not None:
                    ahead = asyncio.ensure_future(self._next(plan.stream, batches))
                    yield found
            finally:
                # The batches cannot be closed while somebody waits for one of them.
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _next(self, stream: str, batches: AsyncIterator[Batch]) -> Opened | None:
        batch = await anext(batches, None)
        if batch is None:
            return None
        return await self._run(opened, self._work.site_id, self.meeting.shapes[stream], batch)

    async def _answer(self, stream: str, found: Opened) -> Position | None:
        """Apply a batch and say so; returns where the stream has to go on when it was not taken."""
        shape = self.meeting.shapes[stream]
        with self._work.instruments.batch_seconds.time():
            try:
                answer = await self._run(
                    self._work.stores.applier.apply,
                    self._work.site_id,
                    shape,
                    found,
                    epoch=self.meeting.epoch,
                    utc_us=self._work.clock.utc_us(),
                )
            except RejectedError as rejection:
                await _reject(self._work, rejection)
                raise
        if isinstance(answer, Applied):
            self._count(answer)
            self._marks[stream] = max(answer.mark, self._marks[stream], key=lambda mark: mark.position)
            await self._work.pull.ack(stream, answer.mark)
            return None
        log.warning("batch_refused", site=self._work.site_id, stream=stream, reason=answer.reason)
        self._marks[stream] = answer.expected
        await self._work.pull.nack(stream, answer.expected, answer.reason)
        return answer.expected.position

    def _count(self, applied: Applied) -> None:
        site_id = self._work.site_id
        self._work.instruments.rows_total.labels(site_id).inc(applied.row_count)
        self._work.instruments.quarantined_rows_total.labels(site_id).inc(applied.refused_count)
        self._work.board.add_rows(site_id, applied.row_count)
        if applied.refused_count:
            log.warning("rows_quarantined", site=site_id, row_count=applied.refused_count)


async def _reject(work: PullWork, rejection: RejectedError) -> None:
    log.error("journal_rejected", site=work.site_id, reason=rejection.reason, detail=rejection.detail)
    if rejection.reason in FREEZING:
        await work.stores.threads.run(
            work.stores.sites.freeze, work.site_id, rejection.reason, rejection.detail
        )
    await work.pull.reject(rejection.reason, rejection.detail)
    await work.pull.finish()
