"""What has to be played to tell what helping costs, and who pays."""

from dataclasses import replace

from router.ids import SiteId
from router.world.day.busy_hour import default_scenario
from router.world.day.variants import Variant, with_max_own_loss
from router.world.figures.comparison import Compared, Played
from router.world.figures.helping_cost import helping_costs, reference_variants
from router.world.reference.policies import Policy

BEIJING, SHANGHAI = SiteId("beijing"), SiteId("shanghai")
BASE = Variant(name="as it is", scenario=default_scenario(2, duration_s=60), policy=Policy.RESERVE_PULL)


def limited(site_id: SiteId, points: float | None, base: Variant = BASE) -> Variant:
    return replace(
        base, name=f"{site_id}:{points}", scenario=with_max_own_loss(base.scenario, site_id, points)
    )


def limits(variants: tuple[Variant, ...]) -> list[list[float | None]]:
    return [[site.max_own_loss for site in variant.scenario.sites] for variant in variants]


def played(
    variant: Variant, own: tuple[float, ...], all_callers: tuple[float, ...], helped: float
) -> Compared:
    plays = tuple(
        Played(
            offered=1,
            cluster={"sl20_strict": cluster},
            sites={BEIJING: {"sl20_strict": site, "overflow_in": helped}},
            through_day={},
            violations=(),
        )
        for site, cluster in zip(own, all_callers, strict=True)
    )
    return Compared(variant=variant, plays=plays, base_plays=plays)


def test_a_day_without_limits_is_played_for_itself_alone() -> None:
    assert reference_variants((BASE, replace(BASE, policy=Policy.ISOLATED))) == ()


def test_a_limit_needs_the_day_without_help_and_the_one_without_a_limit_each_once() -> None:
    two, five = limited(BEIJING, 2), limited(BEIJING, 5)

    assert limits(reference_variants((BASE, two, five))) == [[0, None]]
    assert limits(reference_variants((two, five))) == [[0, None], [None, None]]


def test_each_of_two_sites_with_limits_is_judged_beside_the_other_s() -> None:
    both = limited(SHANGHAI, 5, limited(BEIJING, 2))

    assert limits(reference_variants((both,))) == [[0, 5], [None, 5], [2, 0], [2, None]]


def test_a_policy_that_does_not_know_the_setting_is_not_judged_by_it() -> None:
    assert reference_variants((replace(limited(BEIJING, 2), policy=Policy.SHORTEST_QUEUE),)) == ()


def test_own_callers_lose_against_no_help_and_the_cluster_against_help_without_a_limit() -> None:
    two = limited(BEIJING, 2)
    (nobody,) = reference_variants((BASE, two))
    plays = [
        played(BASE, (80.0, 84.0), (75.0, 75.0), 200),
        played(two, (89.0, 90.0), (60.0, 62.0), 50),
        played(nobody, (90.0, 92.0), (50.0, 50.0), 0),
    ]

    (cost,) = helping_costs(plays[:2], plays[2:])

    assert (cost.variant, cost.site_id, cost.max_own_loss) == (two.name, BEIJING, 2)
    means = (cost.own_loss, cost.own_loss_unlimited, cost.helped, cost.helped_unlimited, cost.cluster_pays)
    assert [each.mean for each in means if each is not None] == [1.5, 9.0, 50, 200, 14.0]
