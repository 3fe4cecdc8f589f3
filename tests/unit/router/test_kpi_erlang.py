"""Erlang-A against what was printed, against the chain solved step by step, and against simulated rooms."""

import random
from math import exp, inf

import pytest

from router.ids import QueueId, SiteId
from router.kpi.erlang import Demand, agents_needed, highest_share, service
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario, ScenarioSite
from router.world.figures.tally import DayTally
from router.world.reference.policies import play_pooled

TEXTBOOK = Demand(calls_per_s=100 / 1800, handle_s=180, hang_ups_per_s=0)
"""100 calls in half an hour, three minutes each: 10 Erlangs, the example of countless Erlang-C pages."""

GARNETT = Demand(calls_per_s=48 / 60, handle_s=60, hang_ups_per_s=1 / 120)
"""Garnett, Mandelbaum and Reiman, "Designing a Call Center with Impatient Customers" (2002), table 1."""


def test_fourteen_agents_give_the_printed_service_of_the_textbook_and_are_what_80_in_20_needs() -> None:
    found = service(TEXTBOOK, 14, 20)

    assert found.within == pytest.approx(0.8883, abs=0.0001)
    assert found.mean_wait_s == pytest.approx(7.8, abs=0.05)
    assert found.occupancy == pytest.approx(0.714, abs=0.0005)
    assert agents_needed(TEXTBOOK, 0.80, 20) == 14


def test_erlang_a_gives_the_printed_row_beside_the_one_without_abandonment() -> None:
    """50 agents, 48 calls a minute, a minute each, patience two minutes: 3.1 % abandon, 93 % busy."""
    patient = service(Demand(calls_per_s=GARNETT.calls_per_s, handle_s=60, hang_ups_per_s=0), 50, 20)
    found = service(GARNETT, 50, 20)

    assert found.abandoned == pytest.approx(0.031, abs=0.0005)
    assert found.occupancy == pytest.approx(0.93, abs=0.005)
    assert found.abandoned / GARNETT.hang_ups_per_s == pytest.approx(3.7, abs=0.05), "mean wait of all"
    assert patient.mean_wait_s == pytest.approx(20.8, abs=0.05)
    assert patient.occupancy == pytest.approx(0.96)


def chain(demand: Demand, agents: int, target_s: float) -> tuple[float, float, float]:
    """The birth-death chain by its balance equations, and one caller's wait by small steps in time.

    Share within the target, share abandoned, mean wait of the answered; without ringing.
    """
    mu, theta = 1 / demand.handle_s, demand.hang_ups_per_s
    weights = [1.0]
    while len(weights) < agents + 2 or weights[-1] > 1e-14 * max(weights):
        number = len(weights)
        leaving = min(number, agents) * mu + max(0, number - agents) * theta
        weights.append(weights[-1] * demand.calls_per_s / leaving)
    total = sum(weights)
    shares = [weight / total for weight in weights]
    queue = sum((number - agents) * share for number, share in enumerate(shares) if number > agents)
    # place[k]: our caller waits with k callers ahead; they are served, or give up, as we may.
    place = shares[agents:]
    step_s, within, slow, answered = 0.02, sum(shares[:agents]), 0.0, sum(shares[:agents])
    rates = [agents * mu + ahead * theta for ahead in range(len(place))]
    time_s = 0.0
    while sum(place) > 1e-9:
        # The middle of the step is reached first (Runge-Kutta of second order).
        half = later(place, changes(place, rates, theta), step_s / 2)
        served = step_s * rates[0] * half[0]
        place = later(place, changes(half, rates, theta), step_s)
        time_s += step_s
        answered += served
        slow += served * (time_s - step_s / 2)
        if time_s <= target_s + step_s / 2:
            within += served
    return within, theta * queue / demand.calls_per_s, slow / answered


def later(place: list[float], change: list[float], step_s: float) -> list[float]:
    return [each + step_s * rate for each, rate in zip(place, change, strict=True)]


def changes(place: list[float], rates: list[float], theta: float) -> list[float]:
    from_behind = [*(rate * p for rate, p in zip(rates[1:], place[1:], strict=True)), 0.0]
    return [behind - (rate + theta) * p for behind, rate, p in zip(from_behind, rates, place, strict=True)]


@pytest.mark.parametrize(
    ("calls_per_hour", "handle_s", "patience_s", "agents", "target_s"),
    [(200, 180, 180, 10, 20), (200, 180, 60, 6, 10), (30, 300, 90, 1, 20), (400, 120, 600, 14, 30)],
)
def test_the_formulas_are_the_chain_solved_step_by_step(
    calls_per_hour: float, handle_s: float, patience_s: float, agents: int, target_s: float
) -> None:
    demand = Demand(calls_per_s=calls_per_hour / 3600, handle_s=handle_s, hang_ups_per_s=1 / patience_s)

    within, abandoned, wait_s = chain(demand, agents, target_s)

    found = service(demand, agents, target_s)
    assert found.within == pytest.approx(within, abs=2e-4)
    assert found.abandoned == pytest.approx(abandoned, abs=1e-6)
    assert found.mean_wait_s == pytest.approx(wait_s, abs=0.02)


def test_the_formulas_are_what_a_simulated_room_shows() -> None:
    """Two hundred hours of 16 agents, ringing included: the same yardstick that overflow is measured by."""
    demand = Demand(calls_per_s=300 / 3600, handle_s=180, hang_ups_per_s=1 / 120, ring_s=2)
    rng = random.Random(7)
    arrivals_s, now_s = [], 0.0
    while now_s < 200 * 3600:
        now_s += rng.expovariate(demand.calls_per_s)
        arrivals_s.append(now_s)
    calls = [
        PlannedCall(
            arrive_ms=round(at_s * 1000),
            site_id=SiteId("a"),
            queue_id=QueueId("q"),
            handle_ms=round(rng.expovariate(1 / demand.handle_s) * 1000),
            patience_ms=round(rng.expovariate(demand.hang_ups_per_s) * 1000),
        )
        for at_s in arrivals_s
    ]
    site = ScenarioSite(site_id=SiteId("a"), agents=16)
    scenario = Scenario(duration_ms=calls[-1].arrive_ms, sites=(site,))
    tally = DayTally([site.site_id])
    tally.add_served(play_pooled(scenario, calls), warmup_ms=0)

    found = service(demand, 16, 20)

    assert tally.cluster.sl20_strict == pytest.approx(100 * found.within, abs=1.5)
    assert tally.cluster.abandon_rate == pytest.approx(100 * found.abandoned, abs=1.0)
    assert tally.cluster.asa_s == pytest.approx(found.mean_wait_s, abs=1.0)


def test_the_least_number_that_suffices_is_found_and_one_less_does_not() -> None:
    for calls_per_hour in (1, 20, 300, 5_000, 200_000):
        demand = Demand(calls_per_s=calls_per_hour / 3600, handle_s=180, hang_ups_per_s=1 / 180, ring_s=2)

        needed = agents_needed(demand, 0.85, 20)

        assert needed is not None
        assert service(demand, needed, 20).within >= 0.85
        assert service(demand, needed - 1, 20).within < 0.85


def test_more_agents_never_serve_worse_and_one_room_needs_fewer_than_two() -> None:
    half = Demand(calls_per_s=0.05, handle_s=200, hang_ups_per_s=0.005)
    both = Demand(calls_per_s=0.10, handle_s=200, hang_ups_per_s=0.005)

    shares = [service(half, agents, 20).within for agents in range(40)]

    assert shares == sorted(shares)
    in_one, in_two = agents_needed(both, 0.85, 20), agents_needed(half, 0.85, 20)
    assert in_one is not None
    assert in_two is not None
    assert in_one < 2 * in_two


def test_very_patient_callers_are_erlang_c_s() -> None:
    patient = service(Demand(calls_per_s=0.8, handle_s=60, hang_ups_per_s=1e-9), 50, 20)
    forever = service(Demand(calls_per_s=0.8, handle_s=60, hang_ups_per_s=0), 50, 20)

    assert patient.within == pytest.approx(forever.within, abs=1e-5)
    assert patient.mean_wait_s == pytest.approx(forever.mean_wait_s, abs=1e-2)


def test_what_nobody_can_promise_is_refused() -> None:
    rung = Demand(calls_per_s=0.1, handle_s=100, hang_ups_per_s=0.05, ring_s=4)

    assert highest_share(rung, 20) == pytest.approx(exp(-0.2))
    assert agents_needed(rung, 0.85, 20) is None
    assert agents_needed(TEXTBOOK, 1.0, 20) is None
    assert agents_needed(rung, 0.1, 3) is None, "the phone still rings"


def test_rooms_without_calls_or_agents_have_plain_answers() -> None:
    quiet = Demand(calls_per_s=0, handle_s=100, hang_ups_per_s=0.01, ring_s=2)
    crowded = Demand(calls_per_s=1, handle_s=100, hang_ups_per_s=0)

    assert agents_needed(quiet, 0.85, 20) == 0
    assert service(quiet, 0, 20).within == 1.0
    assert service(crowded, 50, 20).mean_wait_s == inf
    assert service(Demand(calls_per_s=0.01, handle_s=100, hang_ups_per_s=0.01), 900, 20).within == 1.0
    assert service(GARNETT, 0, 20).abandoned == 1.0
    assert service(Demand(calls_per_s=50, handle_s=180, hang_ups_per_s=1 / 180), 3000, 20).abandoned == (
        pytest.approx(2 / 3)
    )
