"""A made-up busy hour, for when there is no calls file.

Poisson arrivals, lognormal handling, exponential patience. Each site's share of the calls
swings once through the hour, each at another time, so that overflow goes both ways; on top of that
come the surges.
"""

import math
import random
from dataclasses import dataclass

from router.ids import CustomerId, SiteId, Skill
from router.world.day.callers import BusyHour
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario, ScenarioSite

CITIES = (
    "beijing", "shanghai", "urumqi", "guangzhou", "chengdu", "wuhan",
    "shenyang", "xian", "hangzhou", "nanjing", "kunming", "harbin",
)  # fmt: skip


def site_names(count: int) -> tuple[SiteId, ...]:
    """The first so many sites of a lab or an import that names none itself."""
    names = [*CITIES[:count], *(f"site-{number}" for number in range(len(CITIES) + 1, count + 1))]
    return tuple(SiteId(name) for name in names)


def default_scenario(site_count: int, *, duration_s: int = 3600, agents: int = 10) -> Scenario:
    """Uneven sites: the first has twice the agents of the others."""
    sites = tuple(
        ScenarioSite(site_id=name, agents=agents * 2 if number == 0 else agents)
        for number, name in enumerate(site_names(site_count))
    )
    return Scenario(duration_ms=duration_s * 1000, sites=sites)


def generate(scenario: Scenario, seed: int, callers: BusyHour | None = None) -> list[PlannedCall]:
    """The same calls for the same seed, in order of arrival; as the scenario's own `callers` unless given."""
    callers = callers or scenario.callers
    rng = random.Random(seed)
    calls = [
        call
        for number, site in enumerate(scenario.sites)
        for call in _site_calls(scenario, site, number / len(scenario.sites), callers, rng)
    ]
    calls.sort(key=lambda call: call.arrive_ms)
    return calls


@dataclass(frozen=True, slots=True)
class MadeUpDay:
    """The days that a scenario's callers make, another one for each seed."""

    scenario: Scenario

    def draw(self, seed: int, *, is_similar: bool) -> list[PlannedCall]:
        assert is_similar, "no made-up day is one that was"
        return generate(self.scenario, seed)


def _site_calls(
    scenario: Scenario, site: ScenarioSite, phase: float, callers: BusyHour, rng: random.Random
) -> list[PlannedCall]:
    """A thinned Poisson stream: drawn at the highest rate, kept with the share that holds then."""
    mean_rate = site.agents * callers.occupancy / callers.handle_mean_s
    if mean_rate <= 0:
        return []
    calls: list[PlannedCall] = []
    now_s, end_s = 0.0, scenario.duration_ms / 1000
    surges = [each for each in callers.surges if each.site_id == site.site_id]
    most = (1 + callers.swing) * max((each.times for each in surges), default=1.0)
    while (now_s := now_s + rng.expovariate(mean_rate * most)) < end_s:
        share = 1 + callers.swing * math.sin(2 * math.pi * (now_s / end_s + phase))
        for each in surges:
            if each.from_s <= now_s < each.until_s:
                share *= each.times
        if rng.random() * most < share:
            calls.append(_call(site, now_s, callers, rng))
    return calls


def _call(site: ScenarioSite, now_s: float, callers: BusyHour, rng: random.Random) -> PlannedCall:
    served = [queue for queue in callers.queues if site.skills is None or Skill(queue) in site.skills]
    mu = math.log(callers.handle_mean_s) - callers.handle_sigma**2 / 2
    return PlannedCall(
        arrive_ms=round(now_s * 1000),
        site_id=site.site_id,
        queue_id=rng.choice(served or list(callers.queues)),
        handle_ms=max(1000, round(rng.lognormvariate(mu, callers.handle_sigma) * 1000)),
        patience_ms=round(rng.expovariate(1 / callers.patience_mean_s) * 1000),
        priority=3 if rng.random() < callers.vip_share else 0,
        customer_id=CustomerId(f"c{rng.randrange(callers.customer_count):05d}"),
    )
