"""When customers may be called, by the site's own wall clock; the floor is told of each change."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from router.facts import CallingHoursChanged, Fact
from sync.clock import Clock

_LOOK_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From `begin` to before `end`, on `days`: 1 for Monday to 7 for Sunday."""

    begin: time
    end: time
    days: frozenset[int]

    def covers(self, moment: datetime) -> bool:
        return moment.isoweekday() in self.days and self.begin <= moment.time() < self.end


class CallingHours:
    """The site's hours in its own time zone."""

    def __init__(self, hours: Sequence[Hours], time_zone: str) -> None:
        self._hours = hours
        self._zone = ZoneInfo(time_zone)

    def is_open(self, utc_us: int) -> bool:
        moment = datetime.fromtimestamp(utc_us / 1_000_000, UTC).astimezone(self._zone)
        return any(each.covers(moment) for each in self._hours)


class HoursWatch:
    """Tells the floor whether customers may be called."""

    def __init__(self, hours: CallingHours, clock: Clock, tell: Callable[[Fact], None]) -> None:
        self._hours = hours
        self._clock = clock
        self._tell = tell
        self._told: bool | None = None

    def look(self) -> None:
        """Tell how it is, unless that was told last."""
        is_open = self._hours.is_open(self._clock.utc_us())
        if is_open is not self._told:
            self._told = is_open
            self._tell(CallingHoursChanged(is_open=is_open))

    async def follow(self) -> None:
        """Look again and again, until cancelled: a wall clock may be set."""
        while True:
            self.look()
            await asyncio.sleep(_LOOK_INTERVAL_S)
