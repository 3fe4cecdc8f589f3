"""What helping costs a site with a `max_own_loss`, and what its limit costs the cluster.

A day that has such a site is played twice more: with the site helping nobody, and helping without
a limit. Everything else, callers and seeds too, is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.ids import SiteId
from router.kpi.confidence import Estimate
from router.world.day.variants import Variant, with_max_own_loss
from router.world.figures.comparison import Compared
from router.world.reference.policies import Policy

_SERVICE_LEVEL = "sl20_strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpingCost:
    """Of one site with a limit, in one variant. Points of service level, paired by seed."""

    variant: str
    site_id: SiteId
    max_own_loss: float
    own_loss: Estimate | None
    """What the site's own callers lose against a site that helps nobody."""
    own_loss_unlimited: Estimate | None
    """What they would lose if it helped without a limit."""
    helped: Estimate | None
    """Calls of other sites that it served, a play."""
    helped_unlimited: Estimate | None
    cluster_pays: Estimate | None
    """What the callers of all sites lose by the limit."""


def reference_variants(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """What has to be played beside `variants`, each day once."""
    found: list[Variant] = []
    for variant, site_id, _limit in _limited(variants):
        for reference in (_with_limit(variant, site_id, 0.0), _with_limit(variant, site_id, None)):
            if not any(_is_same_day(reference, other) for other in (*variants, *found)):
                found.append(reference)
    return tuple(found)


def helping_costs(compared: Sequence[Compared], references: Sequence[Compared]) -> tuple[HelpingCost, ...]:
    """Of each site with a limit in each of `compared`; `references` are the plays of `reference_variants`."""
    costs = []
    for variant, site_id, limit in _limited([each.variant for each in compared]):
        limited, helping_nobody, unlimited = (
            next(each for each in (*compared, *references) if _is_same_day(each.variant, wanted))
            for wanted in (variant, _with_limit(variant, site_id, 0.0), _with_limit(variant, site_id, None))
        )
        costs.append(
            HelpingCost(
                variant=variant.name,
                site_id=site_id,
                max_own_loss=limit,
                own_loss=_lost(helping_nobody, limited, site_id),
                own_loss_unlimited=_lost(helping_nobody, unlimited, site_id),
                helped=limited.figure("overflow_in", site_id),
                helped_unlimited=unlimited.figure("overflow_in", site_id),
                cluster_pays=_lost(unlimited, limited, None),
            )
        )
    return tuple(costs)


def _lost(before: Compared, after: Compared, site_id: SiteId | None) -> Estimate | None:
    return replace(before, base_plays=after.plays).difference(_SERVICE_LEVEL, site_id)


def _limited(variants: Sequence[Variant]) -> list[tuple[Variant, SiteId, float]]:
    """Only Trunkline's own routing knows the setting."""
    return [
        (variant, site.site_id, site.max_own_loss)
        for variant in variants
        if variant.policy is Policy.RESERVE_PULL
        for site in variant.scenario.sites
        if site.max_own_loss is not None
    ]


def _with_limit(variant: Variant, site_id: SiteId, limit: float | None) -> Variant:
    return replace(variant, scenario=with_max_own_loss(variant.scenario, site_id, limit))


def _is_same_day(one: Variant, other: Variant) -> bool:
    return one.policy is other.policy and one.scenario == other.scenario
