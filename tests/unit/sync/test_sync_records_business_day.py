from datetime import UTC, datetime
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.records.business_day import BusinessCalendar

HOUR_US = 3_600_000_000


def utc_us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("time_zone", "business_date", "hours"),
    [
        ("Asia/Shanghai", "2024-05-05", 24),
        ("Europe/Berlin", "2024-03-31", 23),
        ("Europe/Berlin", "2024-10-27", 25),
        ("America/Sao_Paulo", "2018-11-04", 23),  # its midnight did not exist
        ("America/Havana", "2024-11-03", 25),  # its midnight came twice
        ("America/St_Johns", "2010-11-07", 25),  # a minute after midnight it was yesterday again
        ("Australia/Lord_Howe", "2024-04-07", 24.5),
        ("Pacific/Apia", "2011-12-30", 0),  # the day that Samoa left out
    ],
)
def test_a_day_is_as_long_as_its_site_lives_it(time_zone: str, business_date: str, hours: float) -> None:
    start_us, end_us = BusinessCalendar(time_zone).bounds_us(business_date)

    assert (end_us - start_us) / HOUR_US == hours


def test_the_day_is_the_sites_own_and_not_utcs() -> None:
    moment_us = utc_us("2024-05-05T17:30:00")

    assert BusinessCalendar("Asia/Shanghai").date_of(moment_us) == "2024-05-06"
    assert BusinessCalendar("America/New_York").date_of(moment_us) == "2024-05-05"


@pytest.mark.parametrize(
    "time_zone", ["Europe/Berlin", "America/St_Johns", "America/Havana", "Asia/Shanghai"]
)
@given(moments_us=st.lists(st.integers(utc_us("1985-01-01"), utc_us("2037-01-01")), min_size=1, max_size=5))
def test_every_moment_lies_within_the_bounds_of_its_day(time_zone: str, moments_us: list[int]) -> None:
    calendar = BusinessCalendar(time_zone)

    for moment_us in moments_us:
        start_us, end_us = calendar.bounds_us(calendar.date_of(moment_us))
        assert start_us <= moment_us < end_us


def test_a_minute_that_shows_yesterdays_date_again_belongs_to_the_day_that_has_begun() -> None:
    calendar = BusinessCalendar("America/St_Johns")
    start_us, end_us = calendar.bounds_us("2010-11-07")

    dates = [
        BusinessCalendar("America/St_Johns").date_of(start_us + second * 1_000_000) for second in (0, 59, 61)
    ]

    assert dates == ["2010-11-07"] * 3
    assert calendar.date_of(start_us - 1) == "2010-11-06"
    assert calendar.date_of(end_us) == "2010-11-08"


def test_a_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError, match="Asia/Bejing"):
        BusinessCalendar("Asia/Bejing")
