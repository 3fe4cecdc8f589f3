"""What a site's own callers lose by helping stays within its setting, over ten days of other callers each."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from router.ids import SiteId
from router.ledger import CallEnded, LedgerRow
from router.world.cluster import Cluster, Watchers
from router.world.day.busy_hour import generate
from router.world.day.scenario import Scenario, parse_scenario
from router.world.day.variants import Variant, with_max_own_loss
from router.world.figures.comparison import Compared, Played, play_variant
from router.world.figures.helping_cost import HelpingCost, helping_costs, reference_variants
from router.world.reference.policies import Policy
from tests.sim.worlds import World, draw_world, play

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


def day(name: str) -> Scenario:
    return parse_scenario((SCENARIOS / f"{name}.toml").read_text(encoding="utf-8"))


def test_own_loss_stays_within_the_setting_and_one_point_and_the_site_still_helps() -> None:
    (cost,) = measured(day("helping-costs"), SiteId("beijing"), [2.0])

    assert cost.own_loss is not None
    assert cost.own_loss_unlimited is not None
    assert cost.helped is not None
    assert cost.helped_unlimited is not None
    assert cost.cluster_pays is not None
    assert cost.own_loss.count == len(SEEDS)
    assert cost.own_loss.mean <= 2.0 + SLACK_POINTS
    assert cost.own_loss_unlimited.mean > 8
    assert cost.helped.mean > cost.helped_unlimited.mean / 5
    assert cost.cluster_pays.mean > 0


def test_a_site_that_never_helped_has_lost_nothing_by_its_own_count() -> None:
    """Its callers are late and give up as others' do, and none of it is put down to helping."""
    scenario = with_max_own_loss(day("uneven-03-097"), SiteId("beijing"), 0.0)
    rows: list[LedgerRow] = []
    cluster = Cluster(
        scenario,
        generate(scenario, 1),
        seed=1,
        watchers=Watchers(see_row=rows.append, object_to=pytest.fail),
    )

    cluster.play()

    ended = [row.entry for row in rows if isinstance(row.entry, CallEnded) and row.site_id == "beijing"]
    assert sum(each.waited_ms > 20_000 for each in ended) > 50
    floor = cluster.nodes[SiteId("beijing")].floor
    assert floor is not None
    assert floor.own_loss_points == 0


def test_every_law_holds_in_worlds_with_faults_where_sites_limit_their_help() -> None:
    limits = (0.0, 50.0, 100.0)
    overflow_count = 0
    for seed in range(40):
        drawn = draw_world(seed)
        sites = tuple(
            replace(site, max_own_loss=limit)
            for site, limit in zip(drawn.scenario.sites, cycle(limits), strict=False)
        )
        world = World(scenario=replace(drawn.scenario, sites=sites), calls=drawn.calls, faults=drawn.faults)
        played = play(world, seed)
        assert played.violations == [], seed
        overflow_count += played.overflow_count

    assert overflow_count > 10
