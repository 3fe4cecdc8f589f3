"""A site whose clock is elsewhere books its calls on another day: its peers tell of it."""

import asyncio

import pytest
import structlog
from prometheus_client import CollectorRegistry

from branch.peers.looking import look_in_turn
from router.ids import SiteId
from sync.clock import ManualClock
from sync.clock_comparison import ClockComparison

URUMQI, LHASA = SiteId("urumqi"), SiteId("lhasa")
HOUR_US = 3_600 * 1_000_000


class Compared:
    """A comparison, and what it shows and tells."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self.registry = CollectorRegistry()
        self.comparison = ClockComparison(self.registry, speed=speed)

    def told(self, *ahead_us: int, trip_us: int = 0) -> list[int]:
        """In ms, for each time that it was told, when urumqi is ahead by so much in turn."""
        with structlog.testing.capture_logs() as said:
            for ahead in ahead_us:
                asked_us = HOUR_US
                self.comparison.note(
                    URUMQI, asked_us + ahead, asked_us=asked_us, answered_us=asked_us + trip_us
                )
        assert {each["event"] for each in said} <= {"clock_differs"}
        return [each["ahead_ms"] for each in said]

    @property
    def shown_s(self) -> float | None:
        return self.registry.get_sample_value("trunkline_peer_clock_difference_seconds", {"site": URUMQI})


@pytest.mark.parametrize("ahead_us", [26 * HOUR_US, -6_000_000])
def test_a_clock_that_is_elsewhere_is_told_once_and_shown(ahead_us: int) -> None:
    compared = Compared()

    assert compared.told(ahead_us, ahead_us) == [ahead_us // 1_000]
    assert compared.shown_s == ahead_us / 1_000_000


def test_a_clock_that_was_set_right_is_told_of_again_when_it_is_wrong_again() -> None:
    assert Compared().told(HOUR_US, 0, HOUR_US) == [3_600_000, 3_600_000]


def test_a_slow_answer_is_no_difference() -> None:
    compared = Compared()

    assert compared.told(20_000_000, trip_us=30_000_000) == []
    assert compared.shown_s == 0


def test_a_labs_clock_may_differ_as_much_in_real_time() -> None:
    assert Compared(speed=120).told(500_000_000) == []


class Line:
    """A peer that shows a clock, or none."""

    def __init__(self, site_id: SiteId, utc_us: int | None) -> None:
        self.site_id = site_id
        self._utc_us = utc_us

    async def look(self) -> int | None:
        return self._utc_us


async def test_every_peer_is_looked_at_and_one_that_is_away_is_passed_over() -> None:
    compared, rounds = Compared(), 0

    def lines() -> list[Line]:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            raise asyncio.CancelledError
        return [Line(LHASA, None), Line(URUMQI, 9_000_000)]

    with pytest.raises(asyncio.CancelledError), structlog.testing.capture_logs() as said:
        await look_in_turn(lines, ManualClock(), compared.comparison, interval_s=0)

    assert [(each["event"], each["peer"], each["ahead_ms"]) for each in said] == [
        ("clock_differs", URUMQI, 9_000)
    ]
