"""When a site is open: by weekday, and by a calendar of days that are not like others.

Nothing here reads a clock: the moment comes in as the site's own local time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

DAY_MINUTES = 24 * 60

Span = tuple[int, int]
"""Minutes of the day: from the first one, up to but without the second; 1440 is midnight at its end."""


class Opening(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    HOLIDAY = "HOLIDAY"
    """Closed, on a day that the holiday calendar names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """A week, and the days on which other hours hold."""

    week: tuple[tuple[Span, ...], ...]
    """Seven days, Monday first; a day without a span is closed."""
    holidays: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    """What holds on these dates instead of their weekday; without a span: closed all day."""

    def at(self, local: datetime) -> Opening:
        """Whether the site is open at this moment of its own wall clock."""
        minute = local.hour * 60 + local.minute
        spans = self.holidays.get(local.date(), self.week[local.weekday()])
        if any(first <= minute < end for first, end in spans):
            return Opening.OPEN
        return Opening.HOLIDAY if local.date() in self.holidays else Opening.CLOSED
