"""What a view can find in etcd's keys; each is told once."""

from dataclasses import dataclass

from router.ids import SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.codec import BadLoadRecordError
from sync.loadboard.digest import BadDigestError


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSeen:
    """Another site's record is new or changed."""

    load: SiteLoad
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLeft:
    """Another site's record is gone, or became unreadable, which tells as little."""

    site_id: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefused:
    """A site's record cannot be used; told once until a usable one comes."""

    fault: BadLoadRecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeySeen:
    """This site's own key as the store has it; without payload it is not there.

    `revision` is the change's own; None: it was found by a list.
    """

    payload: bytes | None
    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatHeard:
    """A turn of the digest is complete: the view is as old as the aggregator's was."""

    view_age_ms: int
    site_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnShown:
    """This site's own record as a turn of the digest names it, written at `revision`."""

    order: tuple[int, int] | None
    """(incarnation, version); None: the turn does not name the site."""
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSeen:
    """Who writes the digest, by the revision at which it took the seat; None: nobody does."""

    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestRefused:
    """A key of the digest cannot be used; told once until a turn that can comes."""

    fault: BadDigestError


Sight = SiteSeen | SiteLeft | RecordRefused | OwnKeySeen | OwnShown | BeatHeard | WriterSeen | DigestRefused
