"""The journal's values between the domain and the wire; refuses what makes no sense."""

from collections.abc import Iterable, Sequence
from datetime import date

from trunkline.journal.v1 import journal_pb2 as pb

from sync.journal.batch import Batch, Payload
from sync.journal.digest import BUCKET_COUNT, Bucket, StreamDigest
from sync.journal.position import Mark, Position
from sync.link import validate
from sync.link.refusals import InvalidFieldError
from sync.records.shape import Field, ValueType

PROTOCOL_VERSION = 1
OLDEST_PROTOCOL_VERSION = 1

_HASH_BYTES = 32
_REV_MAX = 2**63 - 1

_TYPES = {
    ValueType.INT: pb.COLUMN_TYPE_INT,
    ValueType.TEXT: pb.COLUMN_TYPE_TEXT,
    ValueType.BOOL: pb.COLUMN_TYPE_BOOL,
    ValueType.BYTES: pb.COLUMN_TYPE_BYTES,
    ValueType.JSON: pb.COLUMN_TYPE_JSON,
}
_TYPES_BACK = {on_wire: here for here, on_wire in _TYPES.items()}


def position_to(position: Position) -> pb.Position:
    return pb.Position(xid=position.xid, rev=position.rev)


def position_from(field: str, message: pb.Position) -> Position:
    validate.number(f"{field}.xid", message.xid, least=0, most=_REV_MAX)
    validate.number(f"{field}.rev", message.rev, least=0, most=_REV_MAX)
    return Position(message.xid, message.rev)


def hash_from(field: str, value: bytes, *, may_be_empty: bool = False) -> bytes:
    """A BLAKE3; empty where there is nothing yet."""
    if len(value) != _HASH_BYTES and not (may_be_empty and not value):
        raise InvalidFieldError(field, f"has {len(value)} bytes, a hash has {_HASH_BYTES}")
    return value


def day_from(field: str, value: str) -> str:
    """An ISO date in its one canonical form."""
    try:
        is_canonical = date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_canonical = False
    if not is_canonical:
        shown = value[:40]
        raise InvalidFieldError(field, f"{shown!r} is no ISO date", case="DAY", shown=shown)
    return value


def mark_from(state: pb.StreamState) -> Mark:
    """What the branch has kept of a stream."""
    if len(state.nonce) > _HASH_BYTES:
        raise InvalidFieldError(
            "streams.nonce", f"has {len(state.nonce)} bytes, at most {_HASH_BYTES} are taken"
        )
    return Mark(
        position=position_from("streams.kept", state.kept),
        nonce=state.nonce,
        chain=hash_from("streams.chain", state.chain, may_be_empty=True),
    )


def columns_to(fields: Iterable[Field]) -> list[pb.ColumnState]:
    return [
        pb.ColumnState(name=field.name, type=_TYPES[field.type], is_nullable=field.is_nullable)
        for field in fields
    ]


def columns_from(columns: Sequence[pb.ColumnState]) -> tuple[Field, ...]:
    """The branch's columns; an unknown type is a newer branch's."""
    validate.at_most("streams.columns", columns, 200)
    return tuple(
        Field(
            name=validate.text("streams.columns.name", column.name),
            type=_TYPES_BACK[validate.one_of("streams.columns.type", column.type, _TYPES_BACK)],
            is_nullable=column.is_nullable,
        )
        for column in columns
    )


def batch_to(batch: Batch) -> pb.Batch:
    return pb.Batch(
        stream=batch.stream,
        lo=position_to(batch.lo),
        hi=position_to(batch.hi),
        row_count=batch.payload.row_count,
        tombstone_count=batch.payload.tombstone_count,
        codec=pb.CODEC_MSGPACK_ZSTD,
        payload=batch.payload.packed,
        digest=batch.payload.digest,
        previous_chain=batch.previous_chain,
    )


def batch_from(message: pb.Batch) -> Batch:
    validate.one_of("batch.codec", message.codec, (pb.CODEC_MSGPACK_ZSTD,))
    return Batch(
        stream=validate.text("batch.stream", message.stream),
        lo=position_from("batch.lo", message.lo),
        hi=position_from("batch.hi", message.hi),
        payload=Payload(
            packed=message.payload,
            digest=hash_from("batch.digest", message.digest),
            row_count=message.row_count,
            tombstone_count=message.tombstone_count,
        ),
        previous_chain=hash_from("batch.previous_chain", message.previous_chain, may_be_empty=True),
    )


def digest_to(digest: StreamDigest, end: Position) -> pb.StreamDigest:
    return pb.StreamDigest(
        stream=digest.stream,
        end=position_to(end),
        row_count=digest.row_count,
        sums=digest.sums,
        buckets=[pb.Bucket(row_count=each.row_count, hash=each.hash) for each in digest.buckets],
    )


def digest_from(message: pb.StreamDigest) -> StreamDigest:
    if len(message.buckets) != BUCKET_COUNT:
        raise InvalidFieldError("digest.buckets", f"has {len(message.buckets)} entries, not {BUCKET_COUNT}")
    return StreamDigest(
        stream=validate.text("digest.stream", message.stream),
        sums=tuple(message.sums),
        buckets=tuple(
            Bucket(row_count=each.row_count, hash=hash_from("digest.buckets.hash", each.hash))
            for each in message.buckets
        ),
    )


def part_from(part: pb.RepairPart) -> Payload:
    validate.one_of("repair_part.codec", part.codec, (pb.CODEC_MSGPACK_ZSTD,))
    return Payload(
        packed=part.payload,
        digest=hash_from("repair_part.digest", part.digest),
        row_count=part.row_count,
        tombstone_count=0,
    )
