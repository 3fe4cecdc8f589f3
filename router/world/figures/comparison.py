"""Variants of one day, played over the same calls and seeds, and what can be said of their differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from router.ids import SiteId
from router.kpi.confidence import Estimate, estimate, paired_difference
from router.world.day.calls import PlannedCall
from router.world.day.variants import Variant
from router.world.figures.tally import DayTally, WaitTally
from router.world.figures.through_day import Interval, ThroughDay
from router.world.figures.what_if import new_tally, play_into

FIGURES = ("sl20_strict", "asa_s", "p95_wait_s", "abandon_rate")
"""Percent and seconds, as in a report."""

OVERFLOW = "overflow"
"""Of the cluster alone: calls answered away from home."""

BETTER_IS_MORE: Mapping[str, bool | None] = {
    "sl20_strict": True,
    "asa_s": False,
    "p95_wait_s": False,
    "abandon_rate": False,
    OVERFLOW: None,
}
"""Which way is good for callers; None: neither."""

Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One play of one variant: small enough to be sent between processes."""

    offered: int
    cluster: Figures
    sites: Mapping[SiteId, Figures]
    through_day: Mapping[int, Interval]
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A variant over all seeds, beside the base over the same."""

    variant: Variant
    plays: tuple[Played, ...]
    """One a seed, in their order."""
    base_plays: tuple[Played, ...]

    @property
    def offered(self) -> int:
        """Callers a play, on average: similar days have more or fewer."""
        return round(fmean(play.offered for play in self.plays))

    @property
    def violations(self) -> tuple[str, ...]:
        return tuple(violation for play in self.plays for violation in play.violations)

    def figure(self, name: str, site_id: SiteId | None = None) -> Estimate | None:
        return estimate(_values(self.plays, name, site_id))

    def difference(self, name: str, site_id: SiteId | None = None) -> Estimate | None:
        """To the base, paired by seed."""
        return paired_difference(_values(self.plays, name, site_id), _values(self.base_plays, name, site_id))

    def mean_wait(self, interval: int) -> Estimate | None:
        return estimate([play.through_day[interval].mean_wait_s for play in self.plays])

    def service_level(self, interval: int) -> Estimate | None:
        return estimate([play.through_day[interval].sl20 for play in self.plays])


def play_variant(variant: Variant, calls: list[PlannedCall], seed: int) -> Played:
    """The same result for the same arguments."""
    tally, through_day = new_tally(variant.scenario), ThroughDay(variant.scenario)
    laws = play_into([tally, through_day], variant.scenario, calls, policy=variant.policy, seed=seed)
    return Played(
        offered=tally.cluster.offered,
        cluster={**_figures(tally.cluster), OVERFLOW: float(tally.overflow.confirmed_count)},
        sites={site_id: _site_figures(tally, site_id) for site_id in tally.sites},
        through_day=through_day.intervals,
        violations=tuple(f"{law.name}: {violation}" for law in laws for violation in law.violations),
    )


def _site_figures(tally: DayTally, site_id: SiteId) -> Figures:
    return {
        **_figures(tally.sites[site_id]),
        "overflow_out": float(tally.overflow.out_of(site_id)),
        "overflow_in": float(tally.overflow.into(site_id)),
    }


def _figures(waits: WaitTally) -> dict[str, float | None]:
    return {name: getattr(waits, name) for name in FIGURES}


def _values(plays: Sequence[Played], name: str, site_id: SiteId | None) -> list[float | None]:
    return [(play.cluster if site_id is None else play.sites[site_id])[name] for play in plays]
