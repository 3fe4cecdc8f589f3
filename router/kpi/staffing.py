"""How many agents each site needs through a day, alone and as a part of one room of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.ids import SiteId
from router.kpi.erlang import Demand, Service, agents_needed, service


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service level: so large a share of the offered calls answered in so many seconds."""

    share: float
    within_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNeed:
    """One site in one interval."""

    demand: Demand
    alone: int
    """Agents, were there no other site."""
    pooled: int
    """Its part of what one room of all sites needs, by its part of the work."""
    service: Service
    """Of `alone` agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalNeed:
    """All sites in one interval."""

    sites: Mapping[SiteId, SiteNeed]
    demand: Demand
    """Of one room."""
    alone: int
    pooled: int
    service: Service
    """Of `pooled` agents in one room."""


class UnreachableTargetError(Exception):
    """No number of agents meets the target for this demand."""

    def __init__(self, site_id: SiteId, demand: Demand) -> None:
        super().__init__(site_id)
        self.site_id = site_id
        self.demand = demand


def interval_need(demands: Mapping[SiteId, Demand], target: Target) -> IntervalNeed:
    """What the sites' demands need.

    Raises:
        UnreachableTargetError: a site's callers can't be served that well.
    """
    alone = {site_id: _needed(site_id, demand, target) for site_id, demand in demands.items()}
    together = one_room(list(demands.values()))
    pooled = min(_pooled(demands, together, target), sum(alone.values()))
    parts = shared_out(pooled, {site_id: demand.work for site_id, demand in demands.items()})
    return IntervalNeed(
        sites={
            site_id: SiteNeed(
                demand=demand,
                alone=alone[site_id],
                pooled=parts[site_id],
                service=service(demand, alone[site_id], target.within_s),
            )
            for site_id, demand in demands.items()
        },
        demand=together,
        alone=sum(alone.values()),
        pooled=pooled,
        service=service(together, pooled, target.within_s),
    )


def one_room(demands: Sequence[Demand]) -> Demand:
    """All callers in one room: rates add up, means are weighted by calls."""
    calls_per_s = sum(demand.calls_per_s for demand in demands)
    if calls_per_s <= 0:
        return demands[0]

    def mean(values: Sequence[float]) -> float:
        weighted = zip(demands, values, strict=True)
        return sum(demand.calls_per_s * value for demand, value in weighted) / calls_per_s

    return Demand(
        calls_per_s=calls_per_s,
        handle_s=mean([demand.handle_s for demand in demands]),
        hang_ups_per_s=mean([demand.hang_ups_per_s for demand in demands]),
        ring_s=mean([demand.ring_s for demand in demands]),
    )


def shared_out(count: int, weights: Mapping[SiteId, float]) -> dict[SiteId, int]:
    """`count` in whole parts by weight: the largest remainders get what is left over."""
    total = sum(weights.values())
    if total <= 0:
        return dict.fromkeys(weights, 0)
    exact = {site_id: count * weight / total for site_id, weight in weights.items()}
    parts = {site_id: int(part) for site_id, part in exact.items()}
    by_remainder = sorted(exact, key=lambda site_id: (parts[site_id] - exact[site_id], site_id))
    for site_id in by_remainder[: count - sum(parts.values())]:
        parts[site_id] += 1
    return parts


def _needed(site_id: SiteId, demand: Demand, target: Target) -> int:
    needed = agents_needed(demand, target.share, target.within_s)
    if needed is None:
        raise UnreachableTargetError(site_id, demand)
    return needed


def _pooled(demands: Mapping[SiteId, Demand], together: Demand, target: Target) -> int:
    busiest = max(demands, key=lambda site_id: demands[site_id].calls_per_s)
    return _needed(busiest, together, target)
