"""How sure a mean over a few plays is: Student's interval, for figures and for paired differences.

Two variants that were played over the same calls and seeds are compared seed by seed: what
the day did to both of them falls out, and a small difference shows with few plays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import atan, cos, pi, sin, sqrt
from statistics import fmean, stdev

LEVEL = 0.95
"""Of a hundred such intervals, 95 hold the mean that endless plays would have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over plays, with its 95 % interval; `half` is None for a single play."""

    mean: float
    half: float | None
    count: int

    @property
    def low(self) -> float | None:
        return None if self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        return None if self.half is None else self.mean + self.half

    @property
    def is_clear(self) -> bool:
        """The interval does not hold 0: a difference that is no accident of these plays."""
        return self.half is not None and abs(self.mean) > self.half


def estimate(values: Sequence[float | None]) -> Estimate | None:
    """Of the plays that gave the figure; None when none did."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    count = len(known)
    half = student_quantile(count - 1) * stdev(known) / sqrt(count) if count > 1 else None
    return Estimate(mean=fmean(known), half=half, count=count)


def paired_difference(ours: Sequence[float | None], theirs: Sequence[float | None]) -> Estimate | None:
    """Ours less theirs, play by play; plays where one of them has no figure are left out."""
    pairs = zip(ours, theirs, strict=True)
    return estimate([a - b for a, b in pairs if a is not None and b is not None])


@cache
def student_quantile(degrees: int) -> float:
    """The t that 95 % of a Student distribution lies within, on both sides of 0."""
    assert degrees >= 1
    low, high = 0.0, 1000.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if _share_within(middle, degrees) < LEVEL:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _share_within(t: float, degrees: int) -> float:
    """P(|T| <= t). Source: Abramowitz and Stegun, 26.7.3 and 26.7.4, exact for whole degrees."""
    angle = atan(t / sqrt(degrees))
    is_odd = degrees % 2 == 1
    term = cos(angle) if is_odd else 1.0
    total = term if degrees > 1 else 0.0
    for number in range(3 if is_odd else 2, degrees - 1, 2):
        term *= cos(angle) ** 2 * (number - 1) / number
        total += term
    return 2 / pi * (angle + sin(angle) * total) if is_odd else sin(angle) * total
