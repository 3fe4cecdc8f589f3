"""Proves that HQ holds a day as the branch does and as its ledger says, and certifies it."""

import asyncio

import structlog

from hq.consolidate.taking import Taking
from hq.consolidate.work import PullWork
from hq.store.days import Certificate
from router.errors import RouterError
from sync.journal.capture.keeping import CertifiedDay
from sync.journal.capture.reading import DayDigest
from sync.journal.digest import StreamDigest, day_digest, differing_buckets
from sync.journal.refusals import ConversationError
from sync.records.business_day import BusinessCalendar
from sync.records.codec import BadRecordError

log = structlog.get_logger()

PROOF_ATTEMPTS = 3
"""A day that changes while it is compared is compared again; one that keeps changing waits."""

UNSETTLED_WAIT_S = 0.5


class DayDiffersError(RouterError):
    """HQ does not hold what the branch holds, or holds records that its ledger does not bear out."""

    reason = "DAY_DIFFERS"

    def __init__(self, business_date: str, what: str) -> None:
        super().__init__(f"{business_date} cannot be certified: {what}")
        self.business_date = business_date


class Proving:
    """The proofs of one conversation."""

    def __init__(self, work: PullWork, taking: Taking) -> None:
        self._work = work
        self._site_id = work.site_id
        self._clock = work.clock
        self._stores = work.stores
        self._run = work.stores.threads.run
        self._meeting = taking.meeting
        self._taking = taking
        self._calendar = BusinessCalendar(work.site.time_zone)
        self._folded_count = 0

    async def certify(self, day: str) -> None:
        """Compare, mend what differs, fold again, write the certificate down on both sides.

        Raises:
            DayDiffersError: the day cannot be certified; it stays due.
        """
        problem = "it keeps changing"
        for _ in range(PROOF_ATTEMPTS):
            theirs = await self._settled_day(day)
            problem = await self._difference(day, theirs)
            if not problem:
                return await self._issue(day, theirs)
            # Rows may have come after our last batch, or between two streams of it.
            for stream in self._meeting.shapes:
                await self._taking.take(stream, theirs.end)
        await self._run(self._stores.days.note_attempt, self._site_id, day, self._clock.utc_us(), problem)
        raise DayDiffersError(day, problem)

    async def _settled_day(self, day: str) -> DayDigest:
        for _ in range(PROOF_ATTEMPTS):
            theirs = await self._work.pull.day(day)
            if theirs.is_settled:
                return theirs
            await asyncio.sleep(UNSETTLED_WAIT_S)
        raise DayDiffersError(day, "transactions at the branch may still change it")

    async def _difference(self, day: str, theirs: DayDigest) -> str:
        """What differs once missing rows are taken and differing buckets mended; "" when nothing does."""
        if differing := _differing(await self._digests(day), theirs):
            for stream in differing:
                await self._taking.take(stream, theirs.end)
            ours = await self._digests(day)
            for stream in _differing(ours, theirs):
                await self._mend(day, stream, ours[stream], theirs.streams[stream])
            differing = _differing(await self._digests(day), theirs)
        if differing:
            return f"HQ holds other rows of {', '.join(differing)} than the branch"
        return await self._unfolded(day)

    async def _digests(self, day: str) -> dict[str, StreamDigest]:
        return await self._run(self._stores.proof.digests, self._site_id, day, self._meeting.shapes)

    async def _mend(self, day: str, stream: str, ours: StreamDigest, theirs: StreamDigest) -> None:
        shape = self._meeting.shapes[stream]
        for bucket in differing_buckets(ours, theirs):
            rows = await self._work.pull.bucket(stream, day, bucket)
            count = await self._run(
                self._stores.proof.repair,
                self._site_id,
                day,
                shape,
                bucket,
                rows,
                epoch=self._meeting.epoch,
                utc_us=self._clock.utc_us(),
            )
            log.error(
                "bucket_repaired", site=self._site_id, stream=stream, day=day, bucket=bucket, row_count=count
            )

    async def _unfolded(self, day: str) -> str:
        """What the ledger does not bear out; quarantined rows excuse it."""
        try:
            result = await self._run(self._stores.folding.check, self._site_id, day, self._calendar)
        except BadRecordError as error:
            raise DayDiffersError(day, str(error)) from error
        self._folded_count = result.record_count - result.differing_count
        quarantined = await self._run(self._stores.proof.quarantined_count, self._site_id, day)
        if result.differing_count == 0 or quarantined:
            return ""
        return f"{result.differing_count} records are not what the ledger says: {', '.join(result.examples)}"

    async def _issue(self, day: str, theirs: DayDigest) -> None:
        now = self._clock.utc_us()
        _, end_us = self._calendar.bounds_us(day)
        certificate = Certificate(
            site_id=self._site_id,
            business_date=day,
            issue=await self._run(self._stores.days.next_issue, self._site_id, day),
            epoch=self._meeting.epoch,
            row_count=sum(each.row_count for each in theirs.streams.values()),
            quarantined_count=await self._run(self._stores.proof.quarantined_count, self._site_id, day),
            folded_count=self._folded_count,
            digest=day_digest(theirs.streams),
            stream_counts={name: each.row_count for name, each in theirs.streams.items()},
            is_day_over=end_us <= now,
            certified_utc_us=now,
        )
        await self._run(self._stores.days.certify, certificate)
        await self._work.pull.certify(
            CertifiedDay(
                business_date=day,
                issue=certificate.issue,
                row_count=certificate.row_count,
                digest=certificate.digest,
                certified_utc_us=now,
            )
        )
        progress = self._work.board.of(self._site_id)
        self._work.board.show(
            self._site_id, due_count=progress.due_count - 1, certified_count=progress.certified_count + 1
        )
        log.info(
            "day_certified",
            site=self._site_id,
            day=day,
            issue=certificate.issue,
            row_count=certificate.row_count,
            quarantined_count=certificate.quarantined_count,
        )


def _differing(ours: dict[str, StreamDigest], theirs: DayDigest) -> list[str]:
    if ours.keys() != theirs.streams.keys():
        raise ConversationError("the branch's digest names other streams than its hello")
    return [stream for stream, digest in ours.items() if digest != theirs.streams[stream]]
