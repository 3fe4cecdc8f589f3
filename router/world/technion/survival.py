"""Patience of callers who were answered: known only to be longer than they waited.

The Kaplan-Meier estimate uses both: a hang-up is a patience that ended, an answer one that
was cut off. Beyond the last hang-up the data says nothing; patience goes on there with the
mean rate at which these callers hang up.
"""

import random
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """The share of callers still patient after each time at which somebody hung up."""

    times_s: tuple[float, ...]
    shares: tuple[float, ...]
    """After each of `times_s`; falling."""
    tail_rate_per_s: float
    hang_up_count: int

    def share_after(self, waited_s: float) -> float:
        """Of all callers, those whose patience is longer than this."""
        place = bisect_right(self.times_s, waited_s)
        return self.shares[place - 1] if place else 1.0

    def draw_beyond(self, waited_s: float, rng: random.Random) -> float | None:
        """A patience longer than `waited_s`; None (for ever) where nobody ever hung up."""
        mark = rng.random() * self.share_after(waited_s)
        for place in range(bisect_right(self.times_s, waited_s), len(self.times_s)):
            if self.shares[place] <= mark:
                return self.times_s[place]
        if self.tail_rate_per_s <= 0:
            return None
        last_s = max(waited_s, self.times_s[-1] if self.times_s else 0.0)
        return last_s + rng.expovariate(self.tail_rate_per_s)


def kaplan_meier(waits: Iterable[tuple[float, bool]]) -> Survival:
    """From waits in seconds, each with whether the caller hung up (else: was answered)."""
    sample = sorted(waits)
    times: list[float] = []
    shares: list[float] = []
    share, hang_ups = 1.0, 0
    at_risk = len(sample)
    place = 0
    while place < len(sample):
        time_s = sample[place][0]
        here = [hung_up for wait_s, hung_up in _same_time(sample, place)]
        ended = sum(here)
        if ended:
            share *= 1 - ended / at_risk
            times.append(time_s)
            shares.append(share)
            hang_ups += ended
        at_risk -= len(here)
        place += len(here)
    exposure_s = sum(wait_s for wait_s, _ in sample)
    return Survival(
        times_s=tuple(times),
        shares=tuple(shares),
        tail_rate_per_s=hang_ups / exposure_s if exposure_s else 0.0,
        hang_up_count=hang_ups,
    )


def _same_time(sample: list[tuple[float, bool]], place: int) -> Iterable[tuple[float, bool]]:
    time_s = sample[place][0]
    while place < len(sample) and sample[place][0] == time_s:
        yield sample[place]
        place += 1
