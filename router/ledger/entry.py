"""What every entry and every row of the ledger is."""

from typing import ClassVar

from router.ids import (
    Instant,
    SiteId,
)
from router.values import value


@value
class Entry:
    """One fact of a site. Subclasses set `kind`, the name that the table stores."""

    kind: ClassVar[str]


@value
class LedgerRow:
    """An entry with its place and time. `(site_id, seq)` is the key.

    `mono_ms` is comparable only between rows of one `incarnation` of one site; durations
    that span a restart use `at_utc_us`.
    """

    site_id: SiteId
    seq: int
    at_utc_us: int
    mono_ms: Instant
    incarnation: int
    business_date: str
    """ISO date in the site's own time zone."""
    entry: Entry
