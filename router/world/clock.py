"""A site's own two clocks over the world's time: what they show is never another site's."""

from router.ids import Instant
from router.world.day.faults import ClockError
from router.world.loop import Loop

START_UTC_US = 1_767_571_200_000_000
"""Midnight of 5 January 2026, a Monday: every world's first instant."""

_MILLION = 1_000_000


class SiteClock:
    """Both go at one rate, as they come from one quartz; only the wall clock is ever set."""

    def __init__(self, loop: Loop, error: ClockError) -> None:
        self._loop = loop
        self._error = error
        self._rate = _MILLION + error.drift_ppm
        self._begun_at = 0
        self._set_by_us = error.ahead_ms * 1000

    def mono_ms(self) -> Instant:
        passed_ms = (self._loop.now - self._begun_at) * self._rate // _MILLION
        return Instant(self._error.booted_ms + passed_ms)

    def utc_us(self) -> int:
        return START_UTC_US + self._set_by_us + self._loop.now * 1000 * self._rate // _MILLION

    def step(self, by_ms: int) -> None:
        self._set_by_us += by_ms * 1000

    def process_starts(self) -> None:
        """Where the machine was booted anew, its monotonic clock begins as it did the first time."""
        if self._error.is_booted_anew:
            self._begun_at = self._loop.now

    def world_time(self, due: Instant) -> int:
        """The world's first instant, now or later, at which the monotonic clock shows at least `due`."""
        left_ms = -(-(due - self._error.booted_ms) * _MILLION // self._rate)
        return max(self._loop.now, self._begun_at + left_ms)
