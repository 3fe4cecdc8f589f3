"""Which sites to pull now. Pure: debts, time and randomness are passed in.

"Nightly" is when the window opens; what is due is not a matter of the hour. A day that a
night did not certify stays due: within the next window like any other, outside of it as
a trickle, one site at a time.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """HQ's two clocks, read together."""

    mono_ms: int
    utc_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """A site's business day that has ended and is not certified."""

    site_id: str
    business_date: str
    ended_utc_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When HQ pulls in earnest: from `start` to `end` on HQ's own wall clock, past midnight or not."""

    start: time
    end: time
    zone: ZoneInfo

    def is_open(self, utc_us: int) -> bool:
        now = self._local(utc_us).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def first_start_after(self, utc_us: int) -> int:
        """The moment, from `utc_us` on, at which the window next opens; UTC us."""
        day = self._local(utc_us).date()
        for distance in range(3):
            opens = datetime.combine(day + timedelta(days=distance), self.start, self.zone)
            if (found := (opens - _EPOCH) // _US) >= utc_us:
                return found
        raise AssertionError("a day has a start within the next two")

    def _local(self, utc_us: int) -> datetime:
        return (_EPOCH + utc_us * _US).astimezone(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePolicy:
    """How hard HQ tries."""

    site_limit: int = 16
    """Branches pulled at once within the window."""
    trickle_limit: int = 1
    """The same outside of it."""
    retry_least_ms: int = 60_000
    """The first failure's wait is drawn from 0 to here, each next one's from twice as much."""
    retry_most_ms: int = 30 * 60_000


@dataclass(slots=True)
class _SiteDebts:
    debts: Sequence[Debt] = ()
    is_running: bool = False
    is_asked_for: bool = False
    failure_count: int = 0
    not_before_ms: int = 0
    """On the monotonic clock."""

    @property
    def oldest(self) -> str:
        return min((debt.business_date for debt in self.debts), default="")


@dataclass(slots=True)
class Schedule:
    """Says whom to pull; is told what is due and how each pull ended."""

    policy: SchedulePolicy
    window: Window
    rng: random.Random
    _sites: dict[str, _SiteDebts] = field(default_factory=dict)

    def owe(self, site_id: str, debts: Sequence[Debt]) -> None:
        """Replace what is known to be due at a site."""
        self._of(site_id).debts = tuple(debts)

    def ask(self, site_ids: Iterable[str]) -> None:
        """A person wants these pulled now, whatever the hour and the back-off."""
        for site_id in site_ids:
            site = self._of(site_id)
            site.is_asked_for = True
            site.not_before_ms = 0

    def started(self, site_id: str) -> None:
        """A pull of this site has begun."""
        site = self._of(site_id)
        assert not site.is_running, f"{site_id} is pulled already"
        site.is_running = True
        site.is_asked_for = False

    def ended(self, site_id: str, now: Reading, *, is_good: bool) -> None:
        """A pull has ended; a failed one is tried again after a while, longer each time.

        Full jitter: all branches that came back together must not call together.
        """
        site = self._of(site_id)
        site.is_running = False
        if is_good:
            site.failure_count, site.not_before_ms = 0, 0
            return
        policy = self.policy
        most = min(policy.retry_most_ms, policy.retry_least_ms << min(site.failure_count, 16))
        site.failure_count += 1
        site.not_before_ms = now.mono_ms + int(self.rng.uniform(0, most))

    def running(self) -> list[str]:
        """Sites that are being pulled."""
        return [site_id for site_id, site in self._sites.items() if site.is_running]

    def to_start(self, now: Reading) -> list[str]:
        """Whom to begin with now: those asked for first, then the oldest debt first."""
        is_open = self.window.is_open(now.utc_us)
        asked = [
            site_id for site_id, site in self._sites.items() if site.is_asked_for and not site.is_running
        ]
        limit = self.policy.site_limit if is_open or asked else self.policy.trickle_limit
        room = max(0, limit - len(self.running()))
        due = [site_id for site_id in self._sites if site_id not in asked and self._is_due(site_id, now)]
        due.sort(key=lambda site_id: (self._sites[site_id].oldest, site_id))
        trickle = (
            self.policy.site_limit if is_open else max(0, self.policy.trickle_limit - len(self.running()))
        )
        return [*sorted(asked), *due[:trickle]][:room]

    def _is_due(self, site_id: str, now: Reading) -> bool:
        site = self._sites[site_id]
        if site.is_running or now.mono_ms < site.not_before_ms:
            return False
        return any(self.window.first_start_after(debt.ended_utc_us) <= now.utc_us for debt in site.debts)

    def _of(self, site_id: str) -> _SiteDebts:
        return self._sites.setdefault(site_id, _SiteDebts())
