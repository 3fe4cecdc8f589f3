"""When HQ pulls whom: the window, the oldest debt first, a trickle by day, back-off with full jitter."""

import random
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from hq.consolidate.schedule import Debt, Reading, Schedule, SchedulePolicy, Window

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = Window(start=time(1), end=time(6), zone=SHANGHAI)
MINUTE_MS = 60_000


def utc_us(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000


def at(text: str, mono_ms: int = 0) -> Reading:
    return Reading(mono_ms=mono_ms, utc_us=utc_us(text))


def owes(site_id: str, day: str, ended: str) -> Debt:
    return Debt(site_id=site_id, business_date=day, ended_utc_us=utc_us(ended))


@pytest.fixture
def schedule() -> Schedule:
    return Schedule(policy=SchedulePolicy(site_limit=2), window=NIGHT, rng=random.Random(7))


def test_a_day_waits_for_the_window_after_its_end(schedule: Schedule) -> None:
    schedule.owe("beijing", [owes("beijing", "2026-03-02", "2026-03-03T00:00")])

    assert schedule.to_start(at("2026-03-03T00:59:59")) == []
    assert schedule.to_start(at("2026-03-03T01:00")) == ["beijing"]


def test_a_day_that_ends_inside_the_window_waits_for_the_next_one(schedule: Schedule) -> None:
    schedule.owe("lisbon", [owes("lisbon", "2026-03-02", "2026-03-03T02:00")])

    assert schedule.to_start(at("2026-03-03T05:00")) == []
    assert schedule.to_start(at("2026-03-04T01:00")) == ["lisbon"]


def test_the_oldest_debt_goes_first_and_no_more_than_the_limit(schedule: Schedule) -> None:
    for site, day in [("a", "2026-03-02"), ("b", "2026-02-27"), ("c", "2026-02-28")]:
        schedule.owe(site, [owes(site, day, f"{day}T23:59")])

    assert schedule.to_start(at("2026-03-04T02:00")) == ["b", "c"]


def test_running_sites_count_against_the_limit_and_are_not_begun_again(schedule: Schedule) -> None:
    for site in "abc":
        schedule.owe(site, [owes(site, "2026-03-02", "2026-03-03T00:00")])

    schedule.started("a")

    assert schedule.to_start(at("2026-03-03T02:00")) == ["b"]


def test_what_a_night_left_over_goes_on_by_day_one_site_at_a_time(schedule: Schedule) -> None:
    for site in "abc":
        schedule.owe(site, [owes(site, "2026-03-02", "2026-03-03T00:00")])

    assert schedule.to_start(at("2026-03-03T12:00")) == ["a"]
    schedule.started("a")
    assert schedule.to_start(at("2026-03-03T12:01")) == []


def test_a_person_is_served_at_any_hour_before_what_is_due(schedule: Schedule) -> None:
    schedule.owe("a", [owes("a", "2026-02-01", "2026-02-02T00:00")])

    schedule.ask(["z"])

    assert schedule.to_start(at("2026-03-03T12:00")) == ["z", "a"]
    schedule.started("z")
    assert schedule.to_start(at("2026-03-03T12:00")) == []


def test_asking_for_a_site_that_is_pulled_has_it_pulled_once_more(schedule: Schedule) -> None:
    schedule.started("a")
    schedule.ask(["a"])

    assert schedule.to_start(at("2026-03-03T12:00")) == []
    schedule.ended("a", at("2026-03-03T12:01"), is_good=True)
    assert schedule.to_start(at("2026-03-03T12:01")) == ["a"]


def test_waits_after_failures_grow_to_half_an_hour_and_are_drawn_from_all_of_it() -> None:
    waits: dict[int, list[int]] = {}
    for seed in range(200):
        schedule = Schedule(policy=SchedulePolicy(), window=NIGHT, rng=random.Random(seed))
        schedule.owe("a", [owes("a", "2026-03-02", "2026-03-03T00:00")])
        for failure in range(8):
            schedule.started("a")
            schedule.ended("a", at("2026-03-03T02:00"), is_good=False)
            waits.setdefault(failure, []).append(first_start_ms(schedule))

    for failure, most in enumerate([1, 2, 4, 8, 16, 30, 30, 30]):
        assert max(waits[failure]) <= most * MINUTE_MS
        assert max(waits[failure]) > most * MINUTE_MS * 0.9
        assert min(waits[failure]) < most * MINUTE_MS * 0.1


def first_start_ms(schedule: Schedule) -> int:
    """To the second, when the only site is begun again."""
    low, high = 0, 31 * MINUTE_MS
    while low < high:
        middle = (low + high) // 2
        if schedule.to_start(at("2026-03-03T02:00", mono_ms=middle)):
            high = middle
        else:
            low = middle + 1
    return low


def test_a_success_ends_the_back_off(schedule: Schedule) -> None:
    debt = owes("a", "2026-03-02", "2026-03-03T00:00")
    schedule.owe("a", [debt])
    for is_good in (False, False, True):
        schedule.started("a")
        schedule.ended("a", at("2026-03-03T02:00"), is_good=is_good)

    assert schedule.to_start(at("2026-03-03T02:00")) == ["a"]


def test_nothing_due_is_nothing_to_do(schedule: Schedule) -> None:
    schedule.owe("a", [])

    assert schedule.to_start(at("2026-03-03T02:00")) == []


def test_a_window_may_cross_midnight() -> None:
    window = Window(start=time(22), end=time(4), zone=SHANGHAI)

    assert window.is_open(utc_us("2026-03-03T23:00"))
    assert window.is_open(utc_us("2026-03-03T03:59"))
    assert not window.is_open(utc_us("2026-03-03T04:00"))


def test_the_window_opens_once_on_a_day_whose_clocks_skip_its_hour() -> None:
    # Berlin, 2026-03-29: 02:00 becomes 03:00.
    window = Window(start=time(2, 30), end=time(6), zone=ZoneInfo("Europe/Berlin"))
    midnight = utc_us("2026-03-29T00:00", ZoneInfo("Europe/Berlin"))

    opens = window.first_start_after(midnight)

    assert midnight < opens <= midnight + 3 * 3_600 * 1_000_000
