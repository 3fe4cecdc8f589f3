"""Whose record proves that its site lived lately. No clock: `now` is given.

A key that is there proves that its lease was kept up, so its site lived within the lease's
time: but not across an election, because a new leader gives every lease its whole time again
(etcd, `lessor.Promote`), that of a site which died in the outage too. So every site puts its
record again under each leader, and one that does not is taken for dead.
"""

from collections.abc import Iterable, Iterator

from router.ids import Instant, SiteId
from sync.loadboard.etcd.reign import Reign


class Proofs:
    """The records of one view by the term under which they were put."""

    def __init__(self, reign: Reign) -> None:
        self._reign = reign
        self._now = Instant(0)
        self._terms: dict[SiteId, int] = {}
        self._due: dict[SiteId, Instant] = {}
        """Who has to put again, and by when; a further election gives no more time."""

    def heard(self, term: int, now: Instant, confirmed_at: Instant | None) -> None:
        """An answer came; `confirmed_at` as the reign takes it."""
        self._now = now
        if self._reign.heard(term, now, confirmed_at):
            for site_id, record_term in self._terms.items():
                self._judge(site_id, record_term)

    def put(self, site_id: SiteId, term: int) -> None:
        """The site's record is of this term."""
        self._terms[site_id] = term
        self._judge(site_id, term)

    def gone(self, site_id: SiteId) -> None:
        """The site's record is no more."""
        self._terms.pop(site_id, None)
        self._due.pop(site_id, None)

    @property
    def sites(self) -> Iterable[SiteId]:
        """Everybody whose record is there."""
        return self._terms

    def is_lacking(self, site_id: SiteId) -> bool:
        """Whether the site did not put its record again in time."""
        due_at = self._due.get(site_id)
        return due_at is not None and due_at <= self._now

    def lacking(self) -> Iterator[SiteId]:
        """Every site that did not."""
        return (site_id for site_id in self._due if self.is_lacking(site_id))

    def _judge(self, site_id: SiteId, term: int) -> None:
        # A record without a term is believed as long as it is there. And an answer may come of a member
        # that has not heard of the new leader yet: a higher term than its own is as good.
        if term == 0 or term >= self._reign.term:
            self._due.pop(site_id, None)
        else:
            self._due.setdefault(site_id, self._reign.limit_at)
