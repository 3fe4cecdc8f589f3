"""Where a change stands in a branch's journal, and how far HQ has come in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place of one change; compared by xid, then by rev.

    On SQLite, where writers take turns, xid is 0 and rev alone is the order of commits. On
    PostgreSQL rev alone is not: a row with a smaller one may become visible later.
    """

    xid: int
    rev: int


START = Position(0, 0)
"""Before the first change: both counters begin at 1."""

CHAIN_START = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What HQ has of a stream: all up to `position`.

    HQ draws the nonce when it commits a batch, and both sides write it down with the
    position: a branch that shows a pair HQ never gave is not the database HQ spoke to.
    """

    position: Position
    nonce: bytes
    """Empty before the first batch."""
    chain: bytes
    """BLAKE3 over all batches so far (`sync.journal.batch.next_chain`); empty before the first."""


UNMARKED = Mark(position=START, nonce=b"", chain=CHAIN_START)
