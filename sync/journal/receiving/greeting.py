"""Is this the database that HQ spoke to last time? Pure: from what each side remembers.

Each ack carries a random nonce; both sides write it down with the position. A branch
whose last pair HQ never gave has been restored from a backup, or is a copy of one that
went on without it: its new rows may carry revisions that HQ has already gone past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.journal.position import UNMARKED, Mark, Position
from sync.journal.refusals import RejectedError
from sync.records.shape import Field

MARKS_KEPT = 17
"""HQ remembers as many pairs as can be unanswered at a time, and the one before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOffer:
    """What a branch says of one stream."""

    kept: Mark
    end: Position
    columns: tuple[Field, ...]
    pending_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a branch says of itself."""

    site_id: str
    epoch: int
    utc_us: int
    time_zone: str
    streams: Mapping[str, StreamOffer]


def resume_at(stream: str, kept: Mark, given: Sequence[Mark]) -> Mark:
    """Where a stream goes on, from what the branch kept and HQ gave (the newest last).

    The branch may lack the last few pairs: their acks were on the way when it stopped. Then
    it sends from its own, and rows that HQ has are not applied again.

    Raises:
        RejectedError: RESTORED_OR_CLONED, or HQ_RESTORED when it is HQ that went back.
    """
    given = given or (UNMARKED,)
    for mark in reversed(given):
        if (mark.position, mark.nonce) == (kept.position, kept.nonce):
            return mark
    newest = given[-1].position
    if kept.position > newest:
        raise RejectedError(
            "HQ_RESTORED",
            f"{stream}: the branch remembers HQ's confirmation of {_shown(kept.position)}, HQ itself only "
            f"{_shown(newest)}; HQ's database is older than it was, readmit the site to read all again",
        )
    raise RejectedError(
        "RESTORED_OR_CLONED",
        f"{stream}: HQ gave no such confirmation at {_shown(kept.position)} (its last is {_shown(newest)}); "
        "the branch's database was restored from a backup, or two copies of it are in use",
    )


def check_epoch(theirs: int, ours: int) -> None:
    """The branch must be in the life of its database that HQ knows.

    Raises:
        RejectedError: RESTORED_OR_CLONED.
    """
    if theirs != ours:
        raise RejectedError(
            "RESTORED_OR_CLONED",
            f"the branch's database is in epoch {theirs}, HQ knows {ours}: "
            "it was restored, or moved to another server",
        )


def _shown(position: Position) -> str:
    return f"{position.xid}/{position.rev}" if position.xid else str(position.rev)
