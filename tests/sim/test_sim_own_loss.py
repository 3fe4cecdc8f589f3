"""What a site's own callers lose by helping stays within its setting, over ten days of other callers each."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from router.ids import SiteId
from router.world.busy_hour import generate
from router.world.comparison import Compared, Played, play_variant
from router.world.helping_cost import HelpingCost, helping_costs, reference_variants
from router.world.reference.policies import Policy
from router.world.scenario import Scenario, parse_scenario
from router.world.variants import Variant, with_max_own_loss

SCENARIOS = Path(__file__).parents[1] / "scenarios"
SEEDS = range(1, 11)
SLACK_POINTS = 1.0


def measured(scenario: Scenario, site_id: SiteId, limits: Sequence[float]) -> list[HelpingCost]:
    """Each of `limits`, over the same ten days."""
    variants = tuple(
        Variant(
            name=f"{limit:g}",
            scenario=with_max_own_loss(scenario, site_id, limit),
            policy=Policy.RESERVE_PULL,
        )
        for limit in limits
    )
    played = [compared(each, scenario) for each in (*variants, *reference_variants(variants))]
    assert not any(each.violations for each in played)
    return list(helping_costs(played[: len(variants)], played[len(variants) :]))


def compared(variant: Variant, scenario: Scenario) -> Compared:
    plays: tuple[Played, ...] = tuple(play_variant(variant, generate(scenario, seed), seed) for seed in SEEDS)
    return Compared(variant=variant, plays=plays, base_plays=plays)


@pytest.mark.parametrize(
    ("day", "site", "least_unlimited"), [("helping-costs", "beijing", 8.0), ("uneven-03-097", "beijing", 3.0)]
)
def test_own_loss_stays_within_the_setting_and_one_point(day: str, site: str, least_unlimited: float) -> None:
    scenario = parse_scenario((SCENARIOS / f"{day}.toml").read_text(encoding="utf-8"))

    costs = measured(scenario, SiteId(site), (2.0, 5.0))

    for cost in costs:
        assert cost.own_loss is not None
        assert cost.own_loss_unlimited is not None
        assert cost.helped is not None
        assert cost.cluster_pays is not None
        assert cost.own_loss.count == len(SEEDS)
        assert cost.own_loss.mean <= cost.max_own_loss + SLACK_POINTS
        assert cost.own_loss_unlimited.mean > least_unlimited
        assert cost.helped.mean > 50
