"""The Clock port, and the only place that reads time in sync, branch and hq.

Monotonic milliseconds are for durations and deadlines, UTC microseconds for people
and records. The two are never mixed, and neither is compared between nodes.
"""

import math
import time
from collections.abc import Callable
from typing import Protocol

from router.ids import Instant


class Clock(Protocol):
    """Where a node gets its time from."""

    def mono_ms(self) -> Instant:
        """Milliseconds since an arbitrary start; never goes backwards."""
        ...

    def utc_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z; follows every step of the wall clock."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def mono_ms(self) -> Instant:
        """Milliseconds of the machine's monotonic clock."""
        return Instant(time.monotonic_ns() // 1_000_000)

    def utc_us(self) -> int:
        """Microseconds of the machine's wall clock."""
        return time.time_ns() // 1_000


class ScaledClock:
    """Lab time: a day of calls in minutes.

    Lab UTC is `epoch + (real UTC - started_at) * speed`, so all processes of a lab that
    are given the same numbers agree on it, whatever moment each of them starts.
    Monotonic time is the machine's, as many times faster. Leases and RPC deadlines
    stay real: they are given a SystemClock.
    """

    def __init__(
        self,
        speed: float,
        started_at_utc_us: int,
        epoch_utc_us: int,
        *,
        real_mono_ns: Callable[[], int] = time.monotonic_ns,
        real_utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if not 0 < speed < math.inf:
            raise ValueError(f"a clock's speed must be above 0 and finite, not {speed}")
        self._speed = speed
        self._started_at_utc_us = started_at_utc_us
        self._epoch_utc_us = epoch_utc_us
        self._real_mono_ns = real_mono_ns
        self._real_utc_ns = real_utc_ns

    def mono_ms(self) -> Instant:
        """Lab milliseconds on the machine's monotonic clock."""
        return Instant(int(self._real_mono_ns() * self._speed) // 1_000_000)

    def utc_us(self) -> int:
        """Lab microseconds since 1970-01-01T00:00:00Z."""
        real_us = self._real_utc_ns() // 1_000 - self._started_at_utc_us
        return self._epoch_utc_us + int(real_us * self._speed)


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, *, mono_ms: int = 0, utc_us: int = 0) -> None:
        self._mono_ms = mono_ms
        self._utc_us = utc_us

    def mono_ms(self) -> Instant:
        """Milliseconds, as last set."""
        return Instant(self._mono_ms)

    def utc_us(self) -> int:
        """Microseconds, as last set."""
        return self._utc_us

    def advance_ms(self, duration_ms: int) -> None:
        """Let time pass: both clocks move on together."""
        if duration_ms < 0:
            raise ValueError(
                f"time passes forwards only, not by {duration_ms} ms; use step_utc for the wall clock"
            )
        self._mono_ms += duration_ms
        self._utc_us += duration_ms * 1_000

    def step_utc(self, step_us: int) -> None:
        """Set the wall clock forward, or back with a negative step; no time passes."""
        self._utc_us += step_us


STEP_THRESHOLD_MS = 500
"""Below the smallest step anybody makes by hand, above the gap between reading two clocks."""

SLEW_LIMIT_PPM = 1_000
"""Twice the 500 ppm at which an NTP client slews a clock: slewing is not stepping."""


class StepWatch:
    """Tells when the wall clock was stepped, from pairs of readings.

    Each pair is held against the one before it, so a step is reported once and slow
    drift never. Under a ScaledClock give `threshold_ms` times its speed: the gap
    between the two readings is scaled as well.
    """

    def __init__(self, *, threshold_ms: int = STEP_THRESHOLD_MS) -> None:
        self._threshold_us = threshold_ms * 1_000
        self._last: tuple[Instant, int] | None = None

    def seen(self, mono_ms: Instant, utc_us: int) -> int | None:
        """Take a pair read together; return the step in microseconds, or None without one.

        Negative means that the wall clock was set back.
        """
        last, self._last = self._last, (mono_ms, utc_us)
        if last is None:
            return None
        passed_us = (mono_ms - last[0]) * 1_000
        step_us = (utc_us - last[1]) - passed_us
        tolerated_us = self._threshold_us + passed_us * SLEW_LIMIT_PPM // 1_000_000
        return step_us if abs(step_us) > tolerated_us else None
