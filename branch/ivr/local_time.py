"""What the site's wall clock shows at a moment of the floor's own clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from router.ids import Instant
from sync.clock import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(clock: Clock, time_zone: str) -> Callable[[Instant], datetime]:
    """Follows every step of the wall clock, since opening hours are people's time."""
    zone = ZoneInfo(time_zone)

    def at(now: Instant) -> datetime:
        utc_us = clock.utc_us() + (now - clock.mono_ms()) * 1_000
        return (_EPOCH + timedelta(microseconds=utc_us)).astimezone(zone)

    return at
