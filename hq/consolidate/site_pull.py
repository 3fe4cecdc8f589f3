"""The pull of one site: rows first, then the proof of each due day, then its certificate.

Stops between batches when asked to: every batch is a transaction, so nothing is half done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from hq.consolidate.instruments import ConsolidationInstruments
from hq.consolidate.progress import Phase, ProgressBoard
from hq.store.applying import Applied, Applier
from hq.store.days import Certificate, DayBook
from hq.store.folding import Folding
from hq.store.proof import Proof
from hq.store.sites import Meeting, Site, SiteBook
from router.errors import RouterError
from sync.clock import Clock
from sync.journal.batch import Batch
from sync.journal.capture.keeping import CertifiedDay
from sync.journal.capture.reading import DayDigest
from sync.journal.digest import StreamDigest, day_digest, differing_buckets
from sync.journal.position import Mark, Position
from sync.journal.receiving.pull import Plan, Pull
from sync.journal.refusals import ConversationError, RejectedError
from sync.records.business_day import BusinessCalendar
from sync.records.codec import BadRecordError

T = TypeVar("T")
log = structlog.get_logger()

PROOF_ATTEMPTS = 3
"""A day that changes while it is compared is compared again; one that keeps changing waits."""

UNSETTLED_WAIT_S = 0.5

FREEZING = frozenset({"RESTORED_OR_CLONED", "HQ_RESTORED", "QUARANTINE_FULL"})
"""Rejections after which nothing is pulled until a person readmits the site. The others
(a schema, a time zone) end by themselves once somebody has put them right."""


class DayDiffersError(RouterError):
    """HQ does not hold what the branch holds, or holds records that its ledger does not bear out."""

    reason = "DAY_DIFFERS"

    def __init__(self, business_date: str, what: str) -> None:
        super().__init__(f"{business_date} cannot be certified: {what}")
        self.business_date = business_date


class StoppedError(RouterError):
    """HQ drains; the rest is taken up where it was left."""

    reason = "STOPPED"

    def __init__(self) -> None:
        super().__init__("the pull was stopped because this node drains")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """HQ's database as a pull needs it; each call blocks, so `run` takes it to a thread."""

    sites: SiteBook
    days: DayBook
    applier: Applier
    proof: Proof
    folding: Folding
    run: Callable[[Callable[[], T]], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How much is on the way at a time."""

    row_limit: int = 10_000
    byte_limit: int = 2_000_000
    window: int = 4


class SitePull:
    """One conversation's work."""

    def __init__(
        self,
        site: Site,
        pull: Pull,
        stores: Stores,
        *,
        clock: Clock,
        limits: BatchLimits,
        board: ProgressBoard,
        instruments: ConsolidationInstruments,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._site = site
        self._pull = pull
        self._stores = stores
        self._clock = clock
        self._limits = limits
        self._board = board
        self._instruments = instruments
        self._is_stopping = is_stopping
        self._calendar = BusinessCalendar(site.time_zone)
        self._marks: dict[str, Mark] = {}

    async def run(self, due_days: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Take all rows, then certify what `due_days` then says, the oldest day first.

        Raises:
            RouterError: what stood in the way; everything taken so far stays.
        """
        meeting = await self._meet()
        await self._take_all(meeting)
        days = await due_days()
        self._board.show(self._site.site_id, phase=Phase.VERIFYING, due_count=len(days))
        for day in days:
            self._check_stop()
            await self._certify(meeting, day)
        await self._pull.finish()

    # ------------------------------------------------------------------ rows

    async def _meet(self) -> Meeting:
        greeting = await self._pull.greet(self._site.site_id)
        try:
            meeting = await self._stores.run(lambda: self._stores.sites.meet(greeting))
        except RejectedError as rejection:
            await self._reject(rejection)
            raise
        self._marks = dict(meeting.begins)
        self._ends = {stream: offer.end for stream, offer in greeting.streams.items()}
        expected = sum(offer.pending_count for offer in greeting.streams.values())
        self._board.show(self._site.site_id, phase=Phase.PULLING, expected_count=expected)
        return meeting

    async def _reject(self, rejection: RejectedError) -> None:
        log.error(
            "journal_rejected", site=self._site.site_id, reason=rejection.reason, detail=rejection.detail
        )
        if rejection.reason in FREEZING:
            await self._stores.run(
                lambda: self._stores.sites.freeze(self._site.site_id, rejection.reason, rejection.detail)
            )
        await self._pull.reject(rejection.reason, rejection.detail)
        await self._pull.finish()

    async def _take_all(self, meeting: Meeting) -> None:
        for stream in meeting.shapes:
            await self._take(meeting, stream, self._ends[stream])

    async def _take(self, meeting: Meeting, stream: str, to: Position) -> None:
        """Take a stream's rows up to `to`; a batch refused once is awaited again from its begin."""
        begin = self._marks[stream]
        if begin.position >= to:
            return
        plan = Plan(
            stream=stream,
            epoch=meeting.epoch,
            begin=begin,
            to=to,
            batch_row_limit=self._limits.row_limit,
            batch_byte_limit=self._limits.byte_limit,
            window=self._limits.window,
        )
        awaited: Position | None = None
        async for batch in self._pull.batches(plan):
            self._check_stop()
            if awaited is not None and batch.lo != awaited:
                continue  # It was on the way when the one before it was refused.
            awaited = await self._answer(meeting, stream, batch)

    async def _answer(self, meeting: Meeting, stream: str, batch: Batch) -> Position | None:
        """Apply a batch and say so; returns where the stream has to go on when it was not taken."""
        shape = meeting.shapes[stream]
        with self._instruments.batch_seconds.time():
            try:
                answer = await self._stores.run(
                    lambda: self._stores.applier.apply(
                        self._site.site_id, shape, batch, epoch=meeting.epoch, utc_us=self._clock.utc_us()
                    )
                )
            except RejectedError as rejection:
                await self._reject(rejection)
                raise
        if isinstance(answer, Applied):
            self._count(answer)
            self._marks[stream] = max(answer.mark, self._marks[stream], key=lambda mark: mark.position)
            await self._pull.ack(stream, answer.mark)
            return None
        log.warning("batch_refused", site=self._site.site_id, stream=stream, reason=answer.reason)
        self._marks[stream] = answer.expected
        await self._pull.nack(stream, answer.expected, answer.reason)
        return answer.expected.position

    def _count(self, applied: Applied) -> None:
        site_id = self._site.site_id
        self._instruments.rows_total.labels(site_id).inc(applied.row_count)
        self._instruments.quarantined_rows_total.labels(site_id).inc(applied.refused_count)
        self._board.add_rows(site_id, applied.row_count)
        if applied.refused_count:
            log.warning("rows_quarantined", site=site_id, row_count=applied.refused_count)

    # ------------------------------------------------------------------ proof

    async def _certify(self, meeting: Meeting, day: str) -> None:
        site_id = self._site.site_id
        problem = "it keeps changing"
        for _ in range(PROOF_ATTEMPTS):
            theirs = await self._settled_day(day)
            problem = await self._difference(meeting, day, theirs)
            if not problem:
                return await self._issue(meeting, day, theirs)
            # Rows may have come after our last batch, or between two streams of it.
            for stream in meeting.shapes:
                await self._take(meeting, stream, theirs.end)
        await self._stores.run(
            lambda: self._stores.days.note_attempt(site_id, day, self._clock.utc_us(), problem)
        )
        raise DayDiffersError(day, problem)

    async def _settled_day(self, day: str) -> DayDigest:
        for _ in range(PROOF_ATTEMPTS):
            theirs = await self._pull.day(day)
            if theirs.is_settled:
                return theirs
            await asyncio.sleep(UNSETTLED_WAIT_S)
        raise DayDiffersError(day, "transactions at the branch may still change it")

    async def _difference(self, meeting: Meeting, day: str, theirs: DayDigest) -> str:
        """What differs once missing rows are taken and differing buckets mended; "" when nothing does."""
        ours = await self._digests(meeting, day)
        for stream in _differing(ours, theirs):
            await self._take(meeting, stream, theirs.end)
        ours = await self._digests(meeting, day)
        for stream in _differing(ours, theirs):
            await self._mend(meeting, day, stream, ours[stream], theirs.streams[stream])
        differing = _differing(await self._digests(meeting, day), theirs)
        if differing:
            return f"HQ holds other rows of {', '.join(differing)} than the branch"
        return await self._unfolded(day)

    async def _digests(self, meeting: Meeting, day: str) -> dict[str, StreamDigest]:
        site_id = self._site.site_id
        return await self._stores.run(lambda: self._stores.proof.digests(site_id, day, meeting.shapes))

    async def _mend(
        self, meeting: Meeting, day: str, stream: str, ours: StreamDigest, theirs: StreamDigest
    ) -> None:
        site_id, shape = self._site.site_id, meeting.shapes[stream]
        for bucket in differing_buckets(ours, theirs):
            rows = await self._pull.bucket(stream, day, bucket)
            count = await self._stores.run(
                lambda: self._stores.proof.repair(
                    site_id,
                    day,
                    shape,
                    bucket,  # noqa: B023 - awaited before the loop goes on
                    rows,  # noqa: B023 - likewise
                    epoch=meeting.epoch,
                    utc_us=self._clock.utc_us(),
                )
            )
            log.error("bucket_repaired", site=site_id, stream=stream, day=day, bucket=bucket, row_count=count)

    async def _unfolded(self, day: str) -> str:
        """What the ledger does not bear out; quarantined rows excuse it."""
        site_id = self._site.site_id
        try:
            result = await self._stores.run(lambda: self._stores.folding.check(site_id, day, self._calendar))
        except BadRecordError as error:
            raise DayDiffersError(day, str(error)) from error
        self._folded_count = result.record_count - result.differing_count
        quarantined = await self._stores.run(lambda: self._stores.proof.quarantined_count(site_id, day))
        if result.differing_count == 0 or quarantined:
            return ""
        return f"{result.differing_count} records are not what the ledger says: {', '.join(result.examples)}"

    async def _issue(self, meeting: Meeting, day: str, theirs: DayDigest) -> None:
        site_id, now = self._site.site_id, self._clock.utc_us()
        _, end_us = self._calendar.bounds_us(day)
        certificate = Certificate(
            site_id=site_id,
            business_date=day,
            issue=await self._stores.run(lambda: self._stores.days.next_issue(site_id, day)),
            epoch=meeting.epoch,
            row_count=sum(each.row_count for each in theirs.streams.values()),
            quarantined_count=await self._stores.run(
                lambda: self._stores.proof.quarantined_count(site_id, day)
            ),
            folded_count=self._folded_count,
            digest=day_digest(theirs.streams),
            stream_counts={name: each.row_count for name, each in theirs.streams.items()},
            is_day_over=end_us <= now,
            certified_utc_us=now,
        )
        await self._stores.run(lambda: self._stores.days.certify(certificate))
        await self._pull.certify(
            CertifiedDay(
                business_date=day,
                issue=certificate.issue,
                row_count=certificate.row_count,
                digest=certificate.digest,
                certified_utc_us=now,
            )
        )
        progress = self._board.of(site_id)
        self._board.show(
            site_id, due_count=progress.due_count - 1, certified_count=progress.certified_count + 1
        )
        log.info(
            "day_certified",
            site=site_id,
            day=day,
            issue=certificate.issue,
            row_count=certificate.row_count,
            quarantined_count=certificate.quarantined_count,
        )

    def _check_stop(self) -> None:
        if self._is_stopping():
            raise StoppedError


def _differing(ours: dict[str, StreamDigest], theirs: DayDigest) -> list[str]:
    if ours.keys() != theirs.streams.keys():
        raise ConversationError("the branch's digest names other streams than its hello")
    return [stream for stream, digest in ours.items() if digest != theirs.streams[stream]]
