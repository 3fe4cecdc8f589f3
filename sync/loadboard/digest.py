"""The digest on the wire: many sites' records in a few keys, and back, refusing what is absurd.

Only what decides a choice is kept: idle agents, waiting callers and the figures of their
queue. A site without either is not named. How much room a site's links have is left out:
both ends count the legs between them, and a helper answers from its live state.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from trunkline.board.v1 import digest_pb2

from router.errors import RouterError
from router.ids import QueueId, SiteId
from router.overflow.load import QueueLoad, SiteLoad
from sync.loadboard.codec import DURATION_LIMIT_MS


class BadDigestError(RouterError):
    """A key of the digest that cannot be used; the view ages until one that can comes."""

    reason = "LOAD_DIGEST_BAD"

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(
            f"the load board's digest is unusable: {key} {problem}; "
            "check who else writes below the board's prefix"
        )
        self.problem = f"{key} {problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The aggregator's turn is complete."""

    view_age_ms: int
    site_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """One site that queue digests may name."""

    site_id: SiteId
    incarnation: int
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The sites by their places."""

    edition: int
    entries: tuple[DirectoryEntry, ...]


def is_worth_naming(queue: QueueLoad) -> bool:
    return bool(queue.agents_idle or queue.calls_waiting)


def is_named(load: SiteLoad) -> bool:
    """Whether queue digests name a site with this record."""
    return load.accepting and any(map(is_worth_naming, load.queues.values()))


def encode_beat(beat: Beat) -> bytes:
    message = digest_pb2.DigestBeat(view_age_ms=beat.view_age_ms, site_count=beat.site_count)
    return message.SerializeToString()


def decode_beat(payload: bytes) -> Beat:
    """Raises: BadDigestError: it is not a beat."""
    try:
        message = digest_pb2.DigestBeat.FromString(payload)
    except DecodeError as error:
        raise BadDigestError("beat", "is not a DigestBeat message") from error
    return Beat(view_age_ms=message.view_age_ms, site_count=message.site_count)


def encode_directory(directory: Directory) -> bytes:
    message = digest_pb2.DigestSites(edition=directory.edition)
    for entry in directory.entries:
        message.sites.add(site_id=entry.site_id, incarnation=entry.incarnation, address=entry.address)
    return message.SerializeToString()


def decode_directory(payload: bytes) -> Directory:
    """Raises: BadDigestError: it is not a directory, or names a site twice."""
    try:
        message = digest_pb2.DigestSites.FromString(payload)
    except DecodeError as error:
        raise BadDigestError("sites", "is not a DigestSites message") from error
    entries = tuple(
        DirectoryEntry(
            site_id=SiteId(site.site_id),
            incarnation=site.incarnation,
            address=site.address if site.HasField("address") else None,
        )
        for site in message.sites
    )
    if len({entry.site_id for entry in entries}) != len(entries):
        raise BadDigestError("sites", "names a site twice")
    return Directory(edition=message.edition, entries=entries)


def encode_queue(edition: int, queue_id: QueueId, rows: Iterable[tuple[int, SiteLoad, int]]) -> bytes:
    """One queue class; each row is a place, its site's record and how long that was held, in ms."""
    message = digest_pb2.DigestQueue(edition=edition)
    for place, load, held_ms in rows:
        queue = load.queues[queue_id]
        message.site.append(place)
        message.version.append(load.version)
        message.agents_staffed.append(queue.agents_staffed)
        message.agents_idle.append(queue.agents_idle)
        message.calls_waiting.append(queue.calls_waiting)
        message.head_wait_ms.append(queue.head_wait_ms + held_ms if queue.calls_waiting else 0)
        message.aht_ms.append(queue.aht_ms)
        message.abandon_rate_per_100_hours.append(min(round(queue.abandon_rate_per_hour * 100), 2**32 - 1))
    return message.SerializeToString()


class QueueColumns:
    """One queue class as read: which site has which version, and a row's load for those that changed."""

    def __init__(self, queue_id: QueueId, payload: bytes) -> None:
        """Raises: BadDigestError: it is not a queue's digest, or its columns differ in length."""
        try:
            self._message = digest_pb2.DigestQueue.FromString(payload)
        except DecodeError as error:
            raise BadDigestError(queue_id, "is not a DigestQueue message") from error
        self._queue_id = queue_id
        message = self._message
        columns = (
            message.version,
            message.agents_staffed,
            message.agents_idle,
            message.calls_waiting,
            message.head_wait_ms,
            message.aht_ms,
            message.abandon_rate_per_100_hours,
        )
        if any(len(column) != len(message.site) for column in columns):
            raise BadDigestError(queue_id, "has columns of different length")
        self.edition = message.edition
        self.versions = dict(zip(message.site, message.version, strict=True))
        """By place in the directory."""
        self._rows = {place: row for row, place in enumerate(message.site)}

    def load(self, place: int) -> QueueLoad | None:
        """What the site at this place has in this queue class; None: it is not named.

        Raises:
            BadDigestError: the figures are absurd.
        """
        row = self._rows.get(place)
        if row is None:
            return None
        message = self._message
        idle, staffed = message.agents_idle[row], message.agents_staffed[row]
        head_wait_ms, aht_ms = message.head_wait_ms[row], message.aht_ms[row]
        if idle > staffed or max(head_wait_ms, aht_ms) > DURATION_LIMIT_MS:
            raise BadDigestError(self._queue_id, f"has absurd figures at place {place}")
        return QueueLoad(
            agents_staffed=staffed,
            agents_idle=idle,
            calls_waiting=message.calls_waiting[row],
            head_wait_ms=head_wait_ms,
            aht_ms=aht_ms,
            abandon_rate_per_hour=message.abandon_rate_per_100_hours[row] / 100,
        )
