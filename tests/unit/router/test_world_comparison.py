"""Variants of a day, and what may be said of them after a few plays."""

from dataclasses import replace

import pytest

from router.ids import SiteId
from router.problems import BadInputError
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from router.world.day.scenario import RosterChange, Scenario
from router.world.day.variants import Roster, Variant, make_variant
from router.world.figures.comparison import Compared, play_variant
from router.world.figures.through_day import INTERVAL_MS
from router.world.reference.policies import Policy

BEIJING, SHANGHAI = SiteId("beijing"), SiteId("shanghai")
SCENARIO = default_scenario(2, duration_s=2700)
BASE = Variant(name="base", scenario=SCENARIO, policy=Policy.RESERVE_PULL)
CALLS = generate(SCENARIO, 4, BusyHour(occupancy=0.9))


def no_roster(path: str) -> Roster:
    raise AssertionError(path)


def changed(text: str, scenario: Scenario = SCENARIO) -> Variant:
    base = Variant(name="base", scenario=scenario, policy=Policy.RESERVE_PULL)
    return make_variant(base, text, no_roster)


def agents(variant: Variant) -> dict[SiteId, int]:
    return {site.site_id: site.agents for site in variant.scenario.sites}


def rostered(*changes: tuple[SiteId, int, int]) -> Scenario:
    roster = tuple(RosterChange(site_id=s, from_ms=at, agents=n) for s, at, n in changes)
    return replace(SCENARIO, roster=roster)


def test_a_number_replaces_the_roster_and_a_signed_one_shifts_it() -> None:
    scenario = rostered((BEIJING, 1000, 5), (SHANGHAI, 1500, 1), (BEIJING, 2000, 1), (BEIJING, 2500, 0))

    fixed, shifted = changed("beijing=7", scenario), changed("beijing=-2", scenario)

    assert agents(fixed) == {BEIJING: 7, SHANGHAI: 10}
    assert [c.site_id for c in fixed.scenario.roster] == [SHANGHAI]
    assert agents(shifted) == {BEIJING: 18, SHANGHAI: 10}
    later = [(change.site_id, change.agents) for change in shifted.scenario.roster]
    assert later == [(BEIJING, 3), (SHANGHAI, 1), (BEIJING, 0), (BEIJING, 0)]


def test_more_agents_do_not_open_a_site_at_night() -> None:
    variant = changed("beijing=+2", rostered((BEIJING, 1000, 0), (BEIJING, 2000, 4)))

    assert [change.agents for change in variant.scenario.roster] == [0, 6]


def test_a_closed_site_has_nobody_all_day_and_keeps_its_callers() -> None:
    variant = changed("closed=beijing", rostered((BEIJING, 1000, 5)))

    assert agents(variant) == {BEIJING: 0, SHANGHAI: 10}
    assert variant.scenario.roster == ()


def test_a_limit_to_what_helping_may_cost_is_one_site_s_alone() -> None:
    variant = changed("max_own_loss=shanghai:1.5")

    assert [site.max_own_loss for site in variant.scenario.sites] == [None, 1.5]
    assert agents(variant) == {BEIJING: 20, SHANGHAI: 10}


def test_several_changes_make_one_variant_with_a_roster_of_a_file() -> None:
    roster = {
        SHANGHAI: (
            RosterChange(site_id=SHANGHAI, from_ms=-5, agents=3),
            RosterChange(site_id=SHANGHAI, from_ms=9, agents=4),
        )
    }

    variant = make_variant(BASE, "beijing=+1, roster=next week.csv, policy=isolated", lambda _path: roster)

    assert agents(variant) == {BEIJING: 21, SHANGHAI: 3}
    assert [c.agents for c in variant.scenario.roster] == [4]
    assert variant.policy is Policy.ISOLATED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("closed=kashgar", "unknown site 'kashgar'; the day has beijing, shanghai"),
        ("kashgar=+2", "unknown site 'kashgar'"),
        ("beijing=many", "needs a number of agents"),
        ("beijing", "is no change; write closed=SITE"),
        ("", "--with: is no change"),
        ("max_own_loss=beijing", "max_own_loss=beijing: needs a site and 0 to 100 points"),
        ("max_own_loss=beijing:-1", "needs a site and 0 to 100 points, such as max_own_loss=SITE:2"),
        ("max_own_loss=beijing:101", "needs a site and 0 to 100 points"),
        ("max_own_loss=kashgar:2", "unknown site 'kashgar'"),
        ("policy=lottery", "unknown policy 'lottery'; there are reserve\\+pull, isolated"),
    ],
)
def test_a_change_that_is_not_understood_is_told(text: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        changed(text)


def test_every_policy_s_waits_through_the_day_add_up_to_its_day() -> None:
    for policy in (Policy.RESERVE_PULL, Policy.SHORTEST_QUEUE):
        variant = Variant(name="x", scenario=SCENARIO, policy=policy)
        played = play_variant(variant, CALLS, 1)

        intervals = played.through_day.values()
        assert len(played.through_day) == 4
        assert sum(each.offered for each in intervals) == played.offered == len(CALLS)
        within = sum(each.answered_within for each in intervals)
        assert 100 * within / played.offered == pytest.approx(played.cluster["sl20_strict"])


def test_the_warm_up_is_no_part_of_the_day_shown() -> None:
    variant = replace(BASE, scenario=replace(SCENARIO, warmup_ms=INTERVAL_MS))
    played = play_variant(variant, CALLS, 1)

    assert list(played.through_day) == [1, 2, 3]
    assert sum(each.offered for each in played.through_day.values()) == played.offered < len(CALLS)


def test_a_closed_site_costs_and_more_agents_help_by_the_paired_difference() -> None:
    seeds = (1, 2, 3, 4, 5, 6)
    days = {seed: generate(SCENARIO, seed, BusyHour(occupancy=0.9)) for seed in seeds}

    def compared(variant: Variant) -> Compared:
        plays = [tuple(play_variant(each, days[seed], seed) for seed in seeds) for each in (variant, BASE)]
        return Compared(variant=variant, plays=plays[0], base_plays=plays[1])

    worse, better, same = (
        compared(changed("closed=shanghai")),
        compared(changed("beijing=+8")),
        compared(BASE),
    )

    less, more, none = (each.difference("sl20_strict") for each in (worse, better, same))
    assert less is not None
    assert more is not None
    assert none is not None
    assert less.is_clear
    assert less.mean < -20
    assert more.is_clear
    assert more.mean > 5
    assert (none.mean, none.half, none.is_clear) == (0, 0, False)
    assert not worse.violations
