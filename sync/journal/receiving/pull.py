"""HQ's side of one conversation with a branch, step by step; each has a deadline of its own."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from trunkline.journal.v1 import journal_pb2 as pb
from trunkline.journal.v1.journal_pb2_grpc import JournalServiceStub

from sync.journal import wire
from sync.journal.batch import BadPayloadError, Batch, Row, unpack
from sync.journal.capture.keeping import CertifiedDay
from sync.journal.capture.reading import DayDigest
from sync.journal.position import Mark, Position
from sync.journal.receiving.greeting import Greeting, StreamOffer
from sync.journal.refusals import ConversationError
from sync.link import validate
from sync.link.status import refusal_from

STEP_LIMIT_S = 120.0
"""The longest answer is a day's digest over millions of rows; a dead link is noticed by keepalive."""

STREAM_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What HQ asks of a stream."""

    stream: str
    epoch: int
    begin: Mark
    """The stream goes on after it."""
    to: Position
    batch_row_limit: int = 10_000
    batch_byte_limit: int = 2_000_000
    window: int = 4


class Pull:
    """An open conversation. Made by `open_pull`."""

    def __init__(self, call: "grpc.aio.StreamStreamCall[pb.PullRequest, pb.PullResponse]") -> None:
        self._call = call
        self._unanswered_count = 0
        """Batches for whose answers the branch may wait, and say nothing meanwhile."""
        self._resumes_at: Position | None = None
        """After a nack: what comes before it was on the way, and is answered no more."""
        self._silence: asyncio.Timeout | None = None
        """The limit of the read that is going on."""

    async def greet(self, site_id: str) -> Greeting:
        """Say hello, and hear it.

        Raises:
            RouterError: the branch refused, the link failed, or the answer made no sense.
        """
        await self._say(open=pb.Open(site_id=site_id, protocol_version=wire.PROTOCOL_VERSION))
        hello = (await self._hear("hello")).hello
        validate.number(
            "hello.protocol_version",
            hello.protocol_version,
            least=wire.OLDEST_PROTOCOL_VERSION,
            most=wire.PROTOCOL_VERSION,
        )
        if hello.site_id != site_id:
            raise ConversationError(f"site {hello.site_id[:40]!r} answered where {site_id!r} was called")
        return _greeting(hello)

    async def reject(self, reason: str, detail: str) -> None:
        """Tell the branch that HQ will not take its journal."""
        await self._say(reject=pb.Reject(reason=reason, detail=detail))

    async def batches(self, plan: Plan) -> AsyncGenerator[Batch]:
        """The stream's batches as they come; each has to be answered with `ack` or `nack`.

        The next one may be asked for before that: up to the plan's window are on the way at once.
        """
        request = pb.Plan(
            stream=plan.stream,
            epoch=plan.epoch,
            to=wire.position_to(plan.to),
            batch_row_limit=plan.batch_row_limit,
            batch_byte_limit=plan.batch_byte_limit,
            codec=pb.CODEC_MSGPACK_ZSTD,
            window=plan.window,
            chain=plan.begin.chain,
            **{"from": wire.position_to(plan.begin.position)},
        )
        self._unanswered_count, self._resumes_at = 0, None
        await self._say(plan=request)
        while (response := await self._hear("batch", "stream_end")).HasField("batch"):
            batch = wire.batch_from(response.batch)
            if batch.stream != plan.stream:
                raise ConversationError(
                    f"rows of {batch.stream[:40]!r} came where {plan.stream} was asked for"
                )
            if self._resumes_at in (None, batch.lo):
                self._resumes_at = None
                self._unanswered_count += 1
            yield batch

    async def ack(self, stream: str, mark: Mark) -> None:
        """Everything up to `mark` is durable here."""
        hi = wire.position_to(mark.position)
        self._unanswered_count -= 1
        self._limit_silence()
        await self._say(ack=pb.Ack(stream=stream, hi=hi, nonce=mark.nonce, chain=mark.chain))

    async def nack(self, stream: str, expected: Mark, reason: str) -> None:
        """The stream has to go on after `expected`; what is on the way is not taken."""
        place = wire.position_to(expected.position)
        self._unanswered_count, self._resumes_at = 0, expected.position
        self._limit_silence()
        await self._say(nack=pb.Nack(stream=stream, expected=place, chain=expected.chain, reason=reason))

    async def day(self, business_date: str) -> DayDigest:
        """What the branch holds of a day."""
        await self._say(digest_request=pb.DigestRequest(business_date=business_date))
        digest = (await self._hear("digest")).digest
        if digest.business_date != business_date or not digest.streams:
            raise ConversationError(f"a digest of {digest.business_date[:40]!r} came for {business_date}")
        return DayDigest(
            end=min(wire.position_from("digest.end", each.end) for each in digest.streams),
            is_settled=digest.is_settled,
            streams={each.stream: wire.digest_from(each) for each in digest.streams},
        )

    async def bucket(self, stream: str, business_date: str, bucket: int) -> list[Row]:
        """All rows of a bucket as the branch holds them, each with its rev at the end."""
        request = pb.RepairRequest(stream=stream, business_date=business_date, bucket=bucket)
        await self._say(repair_request=request)
        rows: list[Row] = []
        while True:
            part = (await self._hear("repair_part")).repair_part
            try:
                rows += unpack(wire.part_from(part))[0]
            except BadPayloadError as error:
                raise ConversationError(str(error)) from error
            if part.is_last:
                return rows

    async def certify(self, day: CertifiedDay) -> None:
        """Give the branch its certificate; it has written it down when this returns."""
        certificate = pb.Certificate(
            business_date=day.business_date,
            issue=day.issue,
            row_count=day.row_count,
            digest=day.digest,
            certified_utc_us=day.certified_utc_us,
        )
        await self._say(certificate=certificate)
        await self._hear("certificate_kept")

    async def finish(self) -> None:
        """Close our side in order."""
        await self._call.done_writing()

    async def _say(self, **step: Any) -> None:
        try:
            async with asyncio.timeout(STEP_LIMIT_S):
                await self._call.write(pb.PullRequest(**step))
        except TimeoutError:
            raise ConversationError(f"the branch took nothing for {STEP_LIMIT_S:.0f} s") from None
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error
        except asyncio.InvalidStateError:
            raise await self._ended() from None

    async def _hear(self, *wanted: str) -> pb.PullResponse:
        try:
            response = await self._read()
        except TimeoutError:
            raise ConversationError(f"the branch said nothing for {STEP_LIMIT_S:.0f} s") from None
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error
        if not isinstance(response, pb.PullResponse):  # grpc.aio.EOF
            raise await self._ended()
        step = response.WhichOneof("step")
        if step not in wanted:
            raise ConversationError(f"{step} came where {' or '.join(wanted)} was wanted")
        return response

    async def _read(self) -> object:
        """A read that is given up ends the call, so one that waits for an answer of ours has no limit."""
        try:
            async with asyncio.timeout_at(self._silence_ends()) as self._silence:
                return await self._call.read()
        finally:
            self._silence = None

    def _limit_silence(self) -> None:
        """An answer of ours is on its way: from now on the branch may have nothing to wait for."""
        if self._silence is not None and not self._silence.expired():
            self._silence.reschedule(self._silence_ends())

    def _silence_ends(self) -> float | None:
        return None if self._unanswered_count else asyncio.get_running_loop().time() + STEP_LIMIT_S

    async def _ended(self) -> Exception:
        """Why the branch ended the conversation."""
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            return ConversationError("the branch closed its side too early")
        return refusal_from(
            grpc.aio.AioRpcError(
                code,
                await self._call.initial_metadata(),
                await self._call.trailing_metadata(),
                details=await self._call.details(),
            )
        )


@asynccontextmanager
async def open_pull(channel: grpc.aio.Channel) -> AsyncIterator[Pull]:
    """A conversation over `channel`; nothing of it is left when the block ends."""
    call = JournalServiceStub(channel).Pull()
    try:
        yield Pull(call)
    finally:
        call.cancel()


def _greeting(hello: pb.Hello) -> Greeting:
    validate.at_most("hello.streams", hello.streams, STREAM_LIMIT)
    return Greeting(
        site_id=hello.site_id,
        epoch=validate.number("hello.epoch", hello.epoch, least=1, most=2**31),
        utc_us=hello.utc_us,
        time_zone=validate.text("hello.time_zone", hello.time_zone, most_chars=64),
        streams={
            validate.text("streams.stream", state.stream): StreamOffer(
                kept=wire.mark_from(state),
                end=wire.position_from("streams.end", state.end),
                columns=wire.columns_from(state.columns),
                pending_count=state.pending_count,
            )
            for state in hello.streams
        },
    )
