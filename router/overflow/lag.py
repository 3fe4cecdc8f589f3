"""Whether the board's records are behind: what they show is not so, and no newer ones come.

Neither the view's age nor a record's tells it. A site that was asked in vain for an agent whom
its record shows has published since; where that record still stands a while later, records lag.
"""

from router.ids import Instant, SiteId
from router.overflow.policy import OverflowPolicy


class RecordLag:
    def __init__(self, policy: OverflowPolicy) -> None:
        self._policy = policy
        self._refuted: dict[SiteId, Instant] = {}
        """Since when a site's record is known to be wrong, the longest first."""
        self._until: Instant | None = None

    def refute(self, site_id: SiteId, now: Instant) -> None:
        """The site itself answered otherwise than its record said."""
        self._refuted.setdefault(site_id, now)

    def replace(self, site_id: SiteId, now: Instant) -> None:
        """Another record came, or what it showed was taken back."""
        self._look(now)
        self._refuted.pop(site_id, None)

    def lose(self, site_id: SiteId) -> None:
        """The site is gone, and its record with it."""
        self._refuted.pop(site_id, None)

    def is_on(self, now: Instant) -> bool:
        """Whether records were found to be behind lately; one that is right tells nothing."""
        self._look(now)
        return self._until is not None and now < self._until

    def _look(self, now: Instant) -> None:
        refuted_at = next(iter(self._refuted.values()), now)
        if now - refuted_at > self._policy.record_lag_ms:
            self._until = Instant(now + self._policy.record_lag_memory_ms)
