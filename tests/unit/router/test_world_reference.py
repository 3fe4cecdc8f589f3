import random
from math import factorial

import pytest

from router.ids import QueueId, SiteId, Skill
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from router.world.day.calls import PlannedCall
from router.world.day.faults import SiteOutage
from router.world.day.scenario import RosterChange, Scenario, ScenarioSite
from router.world.figures.what_if import play_what_if
from router.world.reference.day import Served
from router.world.reference.policies import Policy, play_field, play_isolated, play_pooled

A, B = SiteId("a"), SiteId("b")
PS, NW = QueueId("PS"), QueueId("NW")


def two_sites(agents_a: int = 1, agents_b: int = 1, **changes: object) -> Scenario:
    sites = (ScenarioSite(site_id=A, agents=agents_a), ScenarioSite(site_id=B, agents=agents_b))
    return Scenario(**{"duration_ms": 600_000, "ring_ms": 2_000, "sites": sites, **changes})  # type: ignore[arg-type] # a test's shorthand


def call(
    arrive_s: float,
    site: SiteId = A,
    handle_s: float = 60,
    patience_s: float | None = None,
    queue: QueueId = PS,
) -> PlannedCall:
    return PlannedCall(
        arrive_ms=round(arrive_s * 1000),
        site_id=site,
        queue_id=queue,
        handle_ms=round(handle_s * 1000),
        patience_ms=None if patience_s is None else round(patience_s * 1000),
    )


def waits(served: list[Served]) -> dict[int, float]:
    """Waits in seconds of answered calls, by the second of their arrival."""
    return {each.call.arrive_ms // 1000: each.waited_ms / 1000 for each in served if each.is_answered}


def test_a_wait_counts_the_ring_and_the_handling_begins_at_the_answer() -> None:
    served = play_isolated(two_sites(), [call(0, handle_s=60), call(1)])

    assert waits(served) == {0: 2.0, 1: 63.0}


def test_pooled_callers_take_any_agent_in_the_order_in_which_they_came() -> None:
    served = play_pooled(two_sites(), [call(0), call(1), call(2), call(3)])

    assert waits(served) == {0: 2.0, 1: 2.0, 2: 62.0, 3: 62.0}


def cut_off(site: SiteId, from_s: float, until_s: float) -> tuple[SiteOutage, ...]:
    return (SiteOutage(site_id=site, from_ms=round(from_s * 1000), until_ms=round(until_s * 1000)),)


def test_a_pooled_queue_is_two_while_a_site_is_cut_off_and_then_one_again() -> None:
    scenario = two_sites(cut_offs=cut_off(B, 10, 40))
    served = play_pooled(scenario, [call(11), call(12), call(13), call(14, site=B)])

    assert waits(served) == {11: 2.0, 12: 11 + 2 + 60 + 2 - 12, 13: 14 + 2 + 60 + 2 - 13, 14: 2.0}


def test_callers_of_a_pool_in_two_parts_keep_their_order_when_it_is_one_again() -> None:
    scenario = two_sites(agents_a=0, cut_offs=cut_off(B, 10, 40))
    served = play_pooled(scenario, [call(11, handle_s=5), call(12, handle_s=5), call(35, site=B, handle_s=5)])

    assert waits(served) == {35: 2.0, 11: 42 - 11 + 2, 12: 49 - 12 + 2}


@pytest.mark.parametrize("policy", [each for each in Policy if each not in {"reserve+pull", "isolated"}])
def test_no_policy_sends_callers_to_or_from_a_site_that_is_cut_off(policy: Policy) -> None:
    scenario = two_sites(agents_a=0, cut_offs=cut_off(B, 10, 100), board_period_ms=0)
    served = play_field(scenario, [call(11, patience_s=60), call(110)], policy, seed=1)

    assert {each.call.arrive_ms: each.served_by for each in served} == {11_000: None, 110_000: B}


def test_a_caller_whose_patience_ends_while_the_phone_rings_frees_the_agent_at_once() -> None:
    served = play_isolated(two_sites(), [call(0, patience_s=1.5), call(1)])

    assert waits(served) == {1: 2.5}
    assert [each.is_answered for each in served] == [False, True]


def test_an_answer_at_the_very_end_of_patience_counts() -> None:
    assert waits(play_isolated(two_sites(), [call(0, patience_s=2)])) == {0: 2.0}


def test_a_caller_of_another_skill_does_not_block_the_next() -> None:
    only_nw = ScenarioSite(site_id=A, agents=1, skills=frozenset({Skill("NW")}))
    served = play_isolated(
        two_sites(sites=(only_nw,)), [call(0, queue=PS, patience_s=500), call(1, queue=NW)]
    )

    assert waits(served) == {1: 2.0}


def test_a_shift_that_begins_serves_at_once_and_one_that_ends_finishes_its_call() -> None:
    roster = (
        RosterChange(site_id=A, from_ms=10_000, agents=2),
        RosterChange(site_id=A, from_ms=20_000, agents=0),
        RosterChange(site_id=A, from_ms=200_000, agents=1),
    )
    served = play_isolated(two_sites(roster=roster), [call(0), call(1), call(2)])

    assert waits(served) == {0: 2.0, 1: 11.0, 2: 200.0}


def test_timeout_moves_a_caller_once_to_the_next_sites_tail() -> None:
    scenario = two_sites(agents_a=0, link_rtt_ms=60, media_setup_ms=400)
    served = play_field(scenario, [call(0), call(5, site=B)], Policy.TIMEOUT, seed=1)

    assert waits(served) == {5: 2.0, 0: 5 + 2 + 60 + 2}


def test_round_robin_leaves_home_only_when_nobody_is_idle_there() -> None:
    served = play_field(two_sites(), [call(0), call(1)], Policy.ROUND_ROBIN, seed=1)

    assert [(each.served_by, each.waited_ms) for each in served] == [(A, 2_000), (B, 2_430)]


@pytest.mark.parametrize("policy", [Policy.SHORTEST_QUEUE, Policy.MINIMUM_EXPECTED_DELAY])
def test_by_the_board_a_caller_goes_where_somebody_is_idle(policy: Policy) -> None:
    served = play_field(two_sites(board_period_ms=0), [call(0), call(1)], policy, seed=1)

    assert [each.served_by for each in served] == [A, B]


def test_the_pooled_queue_is_erlang_a() -> None:
    """M/M/n+M in closed form, against a long simulated day without rings."""
    agents, handle_s, patience_s, rate = 10, 180.0, 180.0, 10 * 0.95 / 180
    sites = (ScenarioSite(site_id=A, agents=agents),)
    scenario = Scenario(duration_ms=400 * 3_600_000, warmup_ms=3_600_000, ring_ms=0, sites=sites)
    rng = random.Random(7)
    calls, now_s = [], 0.0
    while (now_s := now_s + rng.expovariate(rate)) < 400 * 3600:
        calls.append(
            call(now_s, handle_s=rng.expovariate(1 / handle_s), patience_s=rng.expovariate(1 / patience_s))
        )

    served = play_pooled(scenario, calls)

    abandoned = sum(not each.is_answered for each in served) / len(served)
    assert abandoned == pytest.approx(
        erlang_a_abandonment(agents, rate, 1 / handle_s, 1 / patience_s), abs=0.004
    )


def erlang_a_abandonment(agents: int, rate: float, mu: float, theta: float) -> float:
    """Sum over states of the abandonment flow, over the arrival rate."""
    weights = [(rate / mu) ** n / factorial(n) for n in range(agents + 1)]
    while weights[-1] > 1e-12:
        weights.append(weights[-1] * rate / (agents * mu + (len(weights) - agents) * theta))
    total = sum(weights)
    flow = sum(weight * (n - agents) * theta for n, weight in enumerate(weights) if n > agents)
    return flow / total / rate


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_floors_without_overflow_wait_just_as_the_isolated_reference(seed: int) -> None:
    """Two implementations that share no code but the scenario: one day, the same waits."""
    scenario = default_scenario(3, duration_s=1800)
    calls = generate(scenario, seed, BusyHour(occupancy=1.0, handle_mean_s=90))

    report = play_what_if(scenario, calls, policy=Policy.ISOLATED, seed=seed).report

    assert report["cluster"]["asa_s"] == report["reference"]["isolated"]["asa_s"]
    assert report["cluster"]["sl20_strict"] == report["reference"]["isolated"]["sl20_strict"]
    assert report["cluster"]["abandoned"] > 20
