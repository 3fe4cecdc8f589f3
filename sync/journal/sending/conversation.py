"""One conversation with HQ, as the branch leads its side of it.

Batches go out while fewer than a window of them are unanswered; then the next answer is
awaited. So memory holds a window of batches, whatever the backlog.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import structlog
from trunkline.journal.v1 import journal_pb2 as pb

from router.ids import SiteId
from sync.journal import wire
from sync.journal.batch import Batch, next_chain
from sync.journal.capture.keeping import CertifiedDay
from sync.journal.capture.reading import Page
from sync.journal.digest import BUCKET_COUNT
from sync.journal.position import UNMARKED, Mark, Position
from sync.journal.refusals import ConversationError
from sync.journal.sending.journal import SiteJournal
from sync.link import validate
from sync.link.refusals import ForeignSiteError

IDLE_LIMIT_S = 300.0
"""HQ's longest silence is a batch and a night's folding; a hung one must not hold the journal for ever."""

NACK_LIMIT = 5
ROW_LIMIT = 50_000
BYTE_LIMIT = 3_000_000
"""Uncompressed; with its frame a batch stays below gRPC's 4 MiB even when nothing compresses."""
WINDOW_LIMIT = 16
PART_ROWS = 5_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A checked plan, and where it has come to."""

    stream: str
    epoch: int
    lo: Position
    to: Position
    chain: bytes
    row_limit: int
    byte_limit: int
    window: int


class Conversation:
    """Answers HQ's steps, one after the other, until HQ ends them."""

    def __init__(
        self,
        journal: SiteJournal,
        requests: AsyncIterator[pb.PullRequest],
        write: Callable[[pb.PullResponse], Awaitable[None]],
    ) -> None:
        self._journal = journal
        self._requests = requests
        self._write = write
        self._epoch = 0

    async def run(self) -> None:
        """Talk until HQ closes its side.

        Raises:
            RouterError: HQ said something that makes no sense here.
        """
        await self._greet(await self._next("open"))
        while (request := await self._next()) is not None:
            await self._answer(request)

    async def _answer(self, request: pb.PullRequest) -> None:
        match request.WhichOneof("step"):
            case "plan":
                await self._send_stream(await self._checked(request.plan))
            case "digest_request":
                await self._send_digest(wire.day_from("business_date", request.digest_request.business_date))
            case "repair_request":
                await self._send_bucket(request.repair_request)
            case "certificate":
                await self._keep_certificate(request.certificate)
            case "reject":
                log.error(
                    "journal_rejected",
                    reason=request.reject.reason[:100],
                    detail=request.reject.detail[:1000],
                )
            case other:
                raise ConversationError(f"{other} came where a plan, a request or a certificate could")

    # ------------------------------------------------------------------ hello

    async def _greet(self, request: pb.PullRequest | None) -> None:
        if request is None:
            return
        site_id = validate.site("open.site_id", request.open.site_id)
        if site_id != self._journal.site_id:
            raise ForeignSiteError(SiteId(site_id), f"addressed to {self._journal.site_id}")
        await self._write(pb.PullResponse(hello=await asyncio.to_thread(self._hello)))

    def _hello(self) -> pb.Hello:
        journal = self._journal
        self._epoch = journal.keeper.open(journal.clock.utc_us())
        marks, end = journal.keeper.marks(), journal.reader.end()
        return pb.Hello(
            site_id=journal.site_id,
            protocol_version=wire.PROTOCOL_VERSION,
            epoch=self._epoch,
            utc_us=journal.clock.utc_us(),
            time_zone=journal.time_zone,
            streams=[
                self._state(stream, marks.get(stream, UNMARKED), end) for stream in journal.reader.shapes
            ],
        )

    def _state(self, stream: str, mark: Mark, end: Position) -> pb.StreamState:
        reader = self._journal.reader
        return pb.StreamState(
            stream=stream,
            kept=wire.position_to(mark.position),
            nonce=mark.nonce,
            chain=mark.chain,
            end=wire.position_to(end),
            columns=wire.columns_to(reader.shapes[stream].fields),
            pending_count=reader.pending_count(stream, mark.position, end),
        )

    # ------------------------------------------------------------------ rows

    async def _checked(self, plan: pb.Plan) -> _Plan:
        stream = validate.one_of("plan.stream", plan.stream, self._journal.reader.shapes)
        validate.one_of("plan.codec", plan.codec, (pb.CODEC_MSGPACK_ZSTD,))
        if plan.epoch < self._epoch:
            raise ConversationError(f"HQ plans for epoch {plan.epoch}, this database is in {self._epoch}")
        if plan.epoch > self._epoch:
            await asyncio.to_thread(
                self._journal.keeper.begin_epoch, plan.epoch, self._journal.clock.utc_us()
            )
            self._epoch = plan.epoch
        return _Plan(
            stream=stream,
            epoch=plan.epoch,
            lo=wire.position_from("plan.from", getattr(plan, "from")),
            to=wire.position_from("plan.to", plan.to),
            chain=wire.hash_from("plan.chain", plan.chain, may_be_empty=True),
            row_limit=validate.number("plan.batch_row_limit", plan.batch_row_limit, least=1, most=ROW_LIMIT),
            byte_limit=validate.number(
                "plan.batch_byte_limit", plan.batch_byte_limit, least=1, most=BYTE_LIMIT
            ),
            window=validate.number("plan.window", plan.window, least=1, most=WINDOW_LIMIT),
        )

    async def _send_stream(self, plan: _Plan) -> None:
        unanswered, is_sent, nack_count = 0, False, 0
        while unanswered or not is_sent:
            if not is_sent and unanswered < plan.window:
                page = await asyncio.to_thread(self._page, plan)
                is_sent = page is None or page.is_last
                if page is not None:
                    plan = await self._send_page(plan, page)
                    unanswered += 1
                continue
            answer = await self._next("ack", "nack")
            if answer is None:
                raise ConversationError(f"HQ closed its side in the middle of {plan.stream}")
            if answer.HasField("ack"):
                await self._keep(plan, answer.ack)
                unanswered -= 1
                continue
            nack_count += 1
            if nack_count > NACK_LIMIT:
                raise ConversationError(f"HQ refused {plan.stream} {nack_count} times")
            # HQ takes nothing more until the stream goes on from there.
            plan, unanswered, is_sent = self._rewound(plan, answer.nack), 0, False
        await self._write(pb.PullResponse(stream_end=pb.StreamEnd(stream=plan.stream)))

    def _page(self, plan: _Plan) -> Page | None:
        return self._journal.reader.page(
            plan.stream, plan.lo, plan.to, row_limit=plan.row_limit, byte_limit=plan.byte_limit
        )

    async def _send_page(self, plan: _Plan, page: Page) -> _Plan:
        batch = Batch(
            stream=plan.stream, lo=plan.lo, hi=page.hi, payload=page.payload, previous_chain=plan.chain
        )
        await self._write(pb.PullResponse(batch=wire.batch_to(batch)))
        chain = next_chain(plan.chain, plan.stream, plan.lo, page.hi, page.payload.digest)
        return replace(plan, lo=page.hi, chain=chain)

    async def _keep(self, plan: _Plan, ack: pb.Ack) -> None:
        mark = Mark(
            position=wire.position_from("ack.hi", ack.hi),
            nonce=ack.nonce,
            chain=wire.hash_from("ack.chain", ack.chain),
        )
        await asyncio.to_thread(self._journal.keeper.keep, plan.stream, plan.epoch, mark)

    def _rewound(self, plan: _Plan, nack: pb.Nack) -> _Plan:
        log.warning("batch_refused", stream=plan.stream, reason=nack.reason[:100])
        return replace(
            plan,
            lo=wire.position_from("nack.expected", nack.expected),
            chain=wire.hash_from("nack.chain", nack.chain, may_be_empty=True),
        )

    # ------------------------------------------------------------------ proof

    async def _send_digest(self, business_date: str) -> None:
        day = await asyncio.to_thread(self._journal.reader.day, business_date)
        streams = [wire.digest_to(each, day.end) for each in day.streams.values()]
        digest = pb.Digest(business_date=business_date, is_settled=day.is_settled, streams=streams)
        await self._write(pb.PullResponse(digest=digest))

    async def _send_bucket(self, request: pb.RepairRequest) -> None:
        reader = self._journal.reader
        stream = validate.one_of("repair_request.stream", request.stream, reader.shapes)
        day = wire.day_from("repair_request.business_date", request.business_date)
        bucket = validate.number("repair_request.bucket", request.bucket, least=0, most=BUCKET_COUNT - 1)
        parts = await asyncio.to_thread(lambda: list(reader.bucket(stream, day, bucket, part_rows=PART_ROWS)))
        for number, part in enumerate(parts, start=1):
            message = pb.RepairPart(
                stream=stream,
                business_date=day,
                bucket=bucket,
                row_count=part.row_count,
                codec=pb.CODEC_MSGPACK_ZSTD,
                payload=part.packed,
                digest=part.digest,
                is_last=number == len(parts),
            )
            await self._write(pb.PullResponse(repair_part=message))

    async def _keep_certificate(self, certificate: pb.Certificate) -> None:
        day = CertifiedDay(
            business_date=wire.day_from("certificate.business_date", certificate.business_date),
            issue=validate.number("certificate.issue", certificate.issue, least=1, most=2**31),
            row_count=certificate.row_count,
            digest=wire.hash_from("certificate.digest", certificate.digest),
            certified_utc_us=certificate.certified_utc_us,
        )
        await asyncio.to_thread(self._journal.keeper.keep_certified, day)
        kept = pb.CertificateKept(business_date=day.business_date, issue=day.issue)
        await self._write(pb.PullResponse(certificate_kept=kept))

    # ------------------------------------------------------------------ what HQ says next

    async def _next(self, *wanted: str) -> pb.PullRequest | None:
        """HQ's next step, or None when it has closed its side.

        Raises:
            ConversationError: it is none of those wanted, or nothing came for too long.
        """
        try:
            async with asyncio.timeout(IDLE_LIMIT_S):
                request = await anext(self._requests, None)
        except TimeoutError:
            raise ConversationError(f"HQ said nothing for {IDLE_LIMIT_S:.0f} s") from None
        if request is not None and wanted and request.WhichOneof("step") not in wanted:
            raise ConversationError(
                f"{request.WhichOneof('step')} came where {' or '.join(wanted)} was wanted"
            )
        return request
