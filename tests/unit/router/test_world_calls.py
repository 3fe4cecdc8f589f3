import pytest

from router.ids import CustomerId, QueueId, SiteId, Skill
from router.problems import BadInputError
from router.world.day.busy_hour import default_scenario, generate, site_names
from router.world.day.callers import BusyHour, Surge
from router.world.day.calls import PROBLEM_LIMIT, PlannedCall, format_calls, parse_calls
from router.world.day.scenario import Scenario, ScenarioSite

HEADER = "arrive_s,site,queue,handle_s,patience_s,priority,customer"

TWO_SITES = Scenario(
    duration_ms=100_000,
    sites=(
        ScenarioSite(site_id=SiteId("a"), agents=1, skills=frozenset({Skill("PS")})),
        ScenarioSite(site_id=SiteId("b"), agents=1, skills=frozenset({Skill("PS")})),
    ),
)


def problems_of(*lines: str, header: str = HEADER, scenario: Scenario = TWO_SITES) -> list[str]:
    with pytest.raises(BadInputError) as caught:
        parse_calls([header, *lines], scenario)
    return [str(problem) for problem in caught.value.problems]


def test_a_line_is_a_call() -> None:
    calls = parse_calls([HEADER, "1.5,a,PS,60,,9,c7", "2,b,PS,0.25,30,0,"], TWO_SITES)

    assert calls == [
        PlannedCall(
            arrive_ms=1500,
            site_id=SiteId("a"),
            queue_id=QueueId("PS"),
            handle_ms=60_000,
            patience_ms=None,
            priority=9,
            customer_id=CustomerId("c7"),
        ),
        PlannedCall(
            arrive_ms=2000, site_id=SiteId("b"), queue_id=QueueId("PS"), handle_ms=250, patience_ms=30_000
        ),
    ]


def test_what_is_written_reads_the_same() -> None:
    calls = generate(default_scenario(3), seed=5)

    assert parse_calls(format_calls(calls), default_scenario(3)) == calls


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert len(parse_calls(["\ufeff" + HEADER + "\r\n", "1,a,PS,60,,0,\r\n"], TWO_SITES)) == 1


def test_calls_after_the_end_are_left_out() -> None:
    assert parse_calls([HEADER, "100,a,PS,60,,0,", "100.001,a,PS,60,,0,"], TWO_SITES)[-1].arrive_ms == 100_000


def test_another_header_is_refused() -> None:
    assert problems_of("1,a,PS,60,,0,", header="arrive,site") == [f"line 1: the header must be {HEADER}"]


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BadInputError, match="line 1: the header"):
        parse_calls([], TWO_SITES)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,a,PS,,,0,", "line 3: handle_s is empty"),
        ("1,a,PS,60,,0", "line 3: has 6 fields instead of 7"),
        ("x,a,PS,60,,0,", "line 3: arrive_s must be a number of seconds, is 'x'"),
        ("1,a,PS,-1,,0,", "line 3: handle_s must be a number of seconds, is '-1'"),
        ("1,a,PS,nan,,0,", "line 3: handle_s must be a number of seconds, is 'nan'"),
        ("1,a,PS,inf,,0,", "line 3: handle_s must be a number of seconds, is 'inf'"),
        ("1,a,PS,60,soon,0,", "line 3: patience_s must be a number of seconds, is 'soon'"),
        ("1,a,PS,60,,10,", "line 3: priority must be 0 to 9, is '10'"),
        ("1,a,PS,60,,,", "line 3: priority must be 0 to 9, is ''"),
        ("1,c,PS,60,,0,", "line 3: unknown site 'c'; the scenario has a, b"),
        ("1,a,XX,60,,0,", "line 3: unknown queue 'XX'; the scenario's agents serve PS"),
        (
            "0.5,a,PS,60,,0,",
            "line 3: arrive_s 0.5 comes before 1 of an earlier line; sort the file by arrive_s",
        ),
    ],
)
def test_a_bad_line_is_told_by_its_number(line: str, problem: str) -> None:
    assert problems_of("1,a,PS,60,,0,", line) == [problem]


def test_all_bad_lines_are_told_at_once_up_to_a_limit() -> None:
    assert len(problems_of("1,a,PS,,,0,", "2,a,PS,,,0,")) == 2
    assert len(problems_of(*["1,a,PS,,,0,"] * 500)) == PROBLEM_LIMIT


def test_a_skill_that_no_call_asks_for_is_a_typing_error_unless_queues_lists_it() -> None:
    skills = frozenset({Skill("PS"), Skill("PSS")})
    sites = (ScenarioSite(site_id=SiteId("a"), agents=1, skills=skills),)
    declared = Scenario(duration_ms=1000, sites=sites, queues=(QueueId("PS"), QueueId("PSS")))

    problems = problems_of("1,a,PS,60,,0,", scenario=Scenario(duration_ms=1000, sites=sites))

    assert problems == ["scenario: site a: no call asks for skill 'PSS', only for PS; list it in queues"]
    assert len(parse_calls([HEADER, "1,a,PS,60,,0,"], declared)) == 1


def test_the_same_seed_makes_the_same_hour_and_another_seed_another() -> None:
    scenario = default_scenario(3)

    assert generate(scenario, seed=1) == generate(scenario, seed=1)
    assert generate(scenario, seed=1) != generate(scenario, seed=2)


def test_the_made_up_hour_offers_the_work_it_promises_and_swings_between_sites() -> None:
    scenario = default_scenario(4, duration_s=20 * 3600)
    calls = generate(scenario, seed=3, callers=BusyHour(occupancy=0.9))

    offered = sum(call.handle_ms for call in calls) / scenario.duration_ms
    halves = [
        sum(
            call.site_id == site and (call.arrive_ms < scenario.duration_ms / 2) == is_first for call in calls
        )
        for site in site_names(4)
        for is_first in (True, False)
    ]

    assert offered / 50 == pytest.approx(0.9, rel=0.05)
    assert halves[0] > 1.5 * halves[1]
    assert halves[5] > 1.5 * halves[4]


def test_a_surge_brings_so_many_times_the_calls_to_its_site_for_its_time() -> None:
    scenario = default_scenario(4, duration_s=20 * 3600)
    site = site_names(4)[2]
    surge = Surge(site_id=site, from_s=36_000, until_s=39_600, times=5)

    usual, surged = [
        generate(scenario, seed=3, callers=BusyHour(swing=0, surges=surges)) for surges in ((), (surge,))
    ]

    def count(calls: list[PlannedCall], from_s: float, until_s: float) -> int:
        return sum(call.site_id == site and from_s <= call.arrive_ms / 1000 < until_s for call in calls)

    assert count(surged, 36_000, 39_600) == pytest.approx(5 * count(usual, 36_000, 39_600), rel=0.2)
    assert count(surged, 0, 36_000) == pytest.approx(count(usual, 0, 36_000), rel=0.1)


def test_site_names_go_on_after_the_cities() -> None:
    assert site_names(14)[-2:] == ("site-13", "site-14")
