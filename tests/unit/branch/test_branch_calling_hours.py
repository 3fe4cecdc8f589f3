"""When customers may be called: by the site's wall clock, told once a change."""

from datetime import UTC, datetime, time

import pytest

from branch.people.calling_hours import CallingHours, Hours, HoursWatch
from router.facts import CallingHoursChanged, Fact
from sync.clock import ManualClock

WORKDAYS = frozenset(range(1, 6))


def us(day: int, hour: int, minute: int = 0) -> int:
    """UTC; 5 January 2026 is a Monday."""
    return round(datetime(2026, 1, day, hour, minute, tzinfo=UTC).timestamp() * 1_000_000)


def office(time_zone: str = "Asia/Shanghai") -> CallingHours:
    return CallingHours([Hours(begin=time(9), end=time(20), days=WORKDAYS)], time_zone)


@pytest.mark.parametrize(
    ("utc_us", "is_open"),
    [
        (us(5, 0, 59), False),
        (us(5, 1), True),
        (us(5, 11, 59), True),
        (us(5, 12), False),
        (us(10, 3), False),
    ],
)
def test_hours_are_the_sites_own_from_their_first_minute_to_before_their_last(
    utc_us: int, is_open: bool
) -> None:
    assert office().is_open(utc_us) is is_open


def test_the_same_moment_is_another_hour_elsewhere() -> None:
    assert not office("Europe/Berlin").is_open(us(5, 1))


def test_without_hours_nobody_may_be_called() -> None:
    assert not CallingHours([], "Asia/Shanghai").is_open(us(5, 3))


def test_the_floor_is_told_at_once_and_then_of_changes_only() -> None:
    told: list[Fact] = []
    clock = ManualClock(utc_us=us(5, 0, 59))
    watch = HoursWatch(office(), clock, told.append)

    watch.look()
    watch.look()
    clock.advance_ms(60_000)
    watch.look()

    assert told == [CallingHoursChanged(is_open=False), CallingHoursChanged(is_open=True)]
