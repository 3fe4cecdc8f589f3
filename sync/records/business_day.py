"""A site's business day: from midnight to midnight on its own wall clock.

23 or 25 hours long where the clocks change, and never named after UTC's day. Where a
midnight does not exist (clocks that go forward at 00:00) the day starts at the first
moment that has its date.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_DAY = timedelta(days=1)


class BusinessCalendar:
    """The days of one site.

    Rows come in the order of time, so the current day's bounds are kept: asking for the
    day of a moment within them costs two comparisons.
    """

    def __init__(self, time_zone: str) -> None:
        """Take an IANA name, such as `Asia/Shanghai`.

        Raises:
            zoneinfo.ZoneInfoNotFoundError: there is no such time zone.
        """
        self._zone = ZoneInfo(time_zone)
        self._current = ("", 0, 0)

    def date_of(self, utc_us: int) -> str:
        """The ISO date of the day that holds this moment."""
        name, start_us, end_us = self._current
        if start_us <= utc_us < end_us:
            return name
        day = (_EPOCH + utc_us * _US).astimezone(self._zone).date()
        while utc_us >= self._start_us(day + _DAY):
            # Clocks that go back over midnight show yesterday's date once more; the day has begun.
            day += _DAY
        self._current = (day.isoformat(), *self.bounds_us(day.isoformat()))
        return day.isoformat()

    def bounds_us(self, business_date: str) -> tuple[int, int]:
        """UTC us of the day's first moment, and of the next day's.

        Raises:
            ValueError: not an ISO date.
        """
        day = date.fromisoformat(business_date)
        return self._start_us(day), self._start_us(day + _DAY)

    def _start_us(self, day: date) -> int:
        # PEP 495: of a midnight that comes twice the first one (fold=0) starts the day. One
        # that does not exist is mapped by the offset before the gap to the moment of the gap.
        return (datetime.combine(day, time(), self._zone) - _EPOCH) // _US
