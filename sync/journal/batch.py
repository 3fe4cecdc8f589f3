"""A batch: rows of one stream in the order of their positions, packed, hashed and chained.

The digest is over typed values (msgpack keeps 4 apart from "4", from 4.0 and from true),
never over their text, which two databases print differently.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack
import zstandard
from blake3 import blake3

from sync.journal.position import Position

Row = tuple[Any, ...]
"""A row's values in the order of its stream's columns, its rev last."""

UNPACKED_LIMIT_BYTES = 64 * 1024 * 1024
"""No batch comes near it: a payload that claims more was made to fill our memory."""


class Tombstone(NamedTuple):
    """A row that the branch no longer has."""

    row_key: str
    """The key's values as a JSON array."""
    removal: str
    business_date: str
    rev: int


class BadPayloadError(ValueError):
    """A payload is not what its digest and counts promise; `reason` goes into the nack."""

    def __init__(self, reason: str, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Packed rows as they travel."""

    packed: bytes
    """msgpack of rows and tombstones, compressed."""
    digest: bytes
    """BLAKE3 of the msgpack."""
    row_count: int
    tombstone_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything that changed in one stream above `lo` up to `hi`."""

    stream: str
    lo: Position
    hi: Position
    payload: Payload
    previous_chain: bytes


class Packing:
    """A payload in the making: knows its size before it is finished."""

    def __init__(self) -> None:
        self._packer = msgpack.Packer()
        self._rows: list[bytes] = []
        self._tombstones: list[bytes] = []
        self.byte_count = 0
        """Of msgpack, before compression."""

    @property
    def row_count(self) -> int:
        return len(self._rows)

    @property
    def count(self) -> int:
        """Rows and tombstones."""
        return len(self._rows) + len(self._tombstones)

    def add_row(self, row: Row) -> None:
        """Take a row.

        Raises:
            TypeError, OverflowError: a value has no place in a batch; no column of ours has such.
        """
        self._add(self._rows, row)

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """Take a tombstone."""
        self._add(self._tombstones, tombstone)

    def payload(self) -> Payload:
        """Everything taken, packed."""
        header = self._packer.pack_array_header
        plain = b"".join(
            (
                header(2),
                header(len(self._rows)),
                *self._rows,
                header(len(self._tombstones)),
                *self._tombstones,
            )
        )
        return Payload(
            packed=zstandard.compress(plain, 1),
            digest=blake3(plain).digest(),
            row_count=len(self._rows),
            tombstone_count=len(self._tombstones),
        )

    def _add(self, packed: list[bytes], values: tuple[Any, ...]) -> None:
        one = self._packer.pack(values)
        packed.append(one)
        self.byte_count += len(one)


def unpack(payload: Payload) -> tuple[list[Row], list[Tombstone]]:
    """The rows, once digest and counts are right.

    Raises:
        BadPayloadError: they are not, or the payload cannot be read at all.
    """
    plain = _decompressed(payload.packed)
    if blake3(plain).digest() != payload.digest:
        raise BadPayloadError("DIGEST", "the payload is not the one that its digest was made of")
    rows, tombstones = _read(plain)
    if (len(rows), len(tombstones)) != (payload.row_count, payload.tombstone_count):
        raise BadPayloadError(
            "COUNT",
            f"{len(rows)} rows and {len(tombstones)} tombstones came, "
            f"{payload.row_count} and {payload.tombstone_count} were announced",
        )
    return rows, tombstones


def next_chain(chain: bytes, stream: str, lo: Position, hi: Position, digest: bytes) -> bytes:
    """The chain with one more batch: two sides that agree on it agree on every batch before."""
    place = msgpack.packb((chain, stream, lo.xid, lo.rev, hi.xid, hi.rev, digest))
    return blake3(place).digest()


def _decompressed(packed: bytes) -> bytes:
    try:
        # `max_output_size` alone is not looked at when the frame says its own size.
        size = zstandard.get_frame_parameters(packed).content_size
        if size > UNPACKED_LIMIT_BYTES:
            raise BadPayloadError("DIGEST", f"the payload says it is {size} bytes long")
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BadPayloadError("DIGEST", f"the payload cannot be decompressed: {error}") from error


def _read(plain: bytes) -> tuple[list[Row], list[Tombstone]]:
    try:
        rows, tombstones = msgpack.unpackb(plain, use_list=False)
        return list(rows), [Tombstone(*each) for each in tombstones]
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise BadPayloadError("COUNT", f"the payload holds no rows and tombstones: {error}") from error
