"""Proof that two databases hold the same rows of a day: counts, sums and hashes of typed values.

Hashes are added up, so the order in which a database returns its rows (and how it sorts
text) does not matter. A key's hash chooses one of 16 buckets, so a difference is narrowed
down to a sixteenth of a table's day before anything is sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
from blake3 import blake3

from sync.records.shape import ConsolidatedTable, ValueType

BUCKET_COUNT = 16
_HASH_MODULUS = 1 << 256
_SUM_MODULUS = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The rows whose key falls into it."""

    row_count: int
    hash: bytes
    """32 bytes: the sum of each row's BLAKE3, modulo 2^256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDigest:
    """One stream's rows of one business day."""

    stream: str
    sums: tuple[int, ...]
    """Of each integer column, modulo 2^64; null counts as 0."""
    buckets: tuple[Bucket, ...]

    @property
    def row_count(self) -> int:
        """All rows of the stream and day."""
        return sum(bucket.row_count for bucket in self.buckets)


def differing_buckets(ours: StreamDigest, theirs: StreamDigest) -> list[int]:
    """The buckets in which two databases do not hold the same rows."""
    pairs = zip(ours.buckets, theirs.buckets, strict=True)
    return [number for number, (mine, yours) in enumerate(pairs) if mine != yours]


def bucket_of(key: Sequence[Any]) -> int:
    """Which bucket a row with this key falls into."""
    return blake3(msgpack.packb(tuple(key))).digest()[0] % BUCKET_COUNT


class DigestSum:
    """Adds up rows of one stream; each row is its values in the order of `shape.fields`."""

    def __init__(self, shape: ConsolidatedTable) -> None:
        self._stream = shape.name
        self._key_size = len(shape.key)
        self._integers = [place for place, field in enumerate(shape.fields) if field.type is ValueType.INT]
        self._sums = [0] * len(self._integers)
        self._counts = [0] * BUCKET_COUNT
        self._hashes = [0] * BUCKET_COUNT

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take more rows."""
        for row in rows:
            values = tuple(row)
            bucket = bucket_of(values[: self._key_size])
            self._counts[bucket] += 1
            self._hashes[bucket] += int.from_bytes(blake3(msgpack.packb(values)).digest(), "big")
            for place, column in enumerate(self._integers):
                # A row that was refused for its types counts too, so anything may stand here.
                value = values[column]
                self._sums[place] += value if isinstance(value, int) else 0

    def result(self) -> StreamDigest:
        """The digest of all rows taken."""
        pairs = zip(self._counts, self._hashes, strict=True)
        return StreamDigest(
            stream=self._stream,
            sums=tuple(total % _SUM_MODULUS for total in self._sums),
            buckets=tuple(
                Bucket(row_count=count, hash=(total % _HASH_MODULUS).to_bytes(32, "big"))
                for count, total in pairs
            ),
        )


def day_digest(streams: Mapping[str, StreamDigest]) -> bytes:
    """One BLAKE3 over a whole day: what a certificate carries."""
    parts = [
        (name, streams[name].sums, [(bucket.row_count, bucket.hash) for bucket in streams[name].buckets])
        for name in sorted(streams)
    ]
    return blake3(msgpack.packb(parts)).digest()


def rows_in_bucket(
    shape: ConsolidatedTable, rows: Iterable[Sequence[Any]], bucket: int
) -> Iterator[Sequence[Any]]:
    """Those whose key falls into `bucket`."""
    key_size = len(shape.key)
    return (row for row in rows if bucket_of(tuple(row[:key_size])) == bucket)
