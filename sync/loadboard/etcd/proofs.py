"""Whose record proves that its site lived lately. No clock: `now` is given.

A key that is there proves that its lease was kept up, so its site lived within the lease's
time: but not across an election, because a new leader gives every lease its whole time again
(etcd, `lessor.Promote`), that of a site which died in the outage too. So every site puts its
record again under each leader, and one that does not is taken for dead.
"""

from collections.abc import Iterable, Iterator

from router.ids import Instant, SiteId

PROOF_LIMIT_MS = 5_000
"""From the last moment under the old leader. A living site puts again with the next beat of its lease,
after 3.3 s of the default 10; a dead one may have died a lease before, which makes 15 s."""


class Proofs:
    """The records of one view by the term under which they were put."""

    def __init__(self) -> None:
        self._term = 0
        self._now = Instant(0)
        self._limit_at = Instant(0)
        """Until when a record of an older term may be put again."""
        self._terms: dict[SiteId, int] = {}
        self._due: dict[SiteId, Instant] = {}
        """Who has to put again, and by when; a further election gives no more time."""

    def heard(self, term: int, now: Instant, confirmed_at: Instant | None) -> None:
        """An answer came; until `confirmed_at` every record stood under the leader of that time.

        None: nothing was ever known, so a record of an older term may be of any age.
        """
        self._now = now
        if term == self._term:
            return
        self._term = term
        self._limit_at = now if confirmed_at is None else Instant(confirmed_at + PROOF_LIMIT_MS)
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
        if term == 0 or term >= self._term:
            self._due.pop(site_id, None)
        else:
            self._due.setdefault(site_id, self._limit_at)
