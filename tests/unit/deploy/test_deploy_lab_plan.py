from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deploy.lab.plan import TIME_ZONE, DayTooLongError, LabPlan, Shift, begin_day, make_plan, shifts_of
from router.ids import QueueId, SiteId, Skill
from router.world.day.calls import PlannedCall
from router.world.day.scenario import RosterChange, Scenario, ScenarioSite

BEIJING, URUMQI = SiteId("beijing"), SiteId("urumqi")
NOON_S = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo(TIME_ZONE)).timestamp()


def call(
    at_s: float, *, site: SiteId = BEIJING, queue: str = "PS", patience_s: float | None = 60
) -> PlannedCall:
    return PlannedCall(
        arrive_ms=round(at_s * 1000),
        site_id=site,
        queue_id=QueueId(queue),
        handle_ms=100_000,
        patience_ms=None if patience_s is None else round(patience_s * 1000),
        priority=0,
        customer_id=None,
    )


def two_sites(**changes: object) -> Scenario:
    sites = (
        ScenarioSite(site_id=BEIJING, agents=2, skills=frozenset({Skill("PS")})),
        ScenarioSite(site_id=URUMQI, agents=1),
    )
    return Scenario(**{"duration_ms": 3_600_000, "sites": sites, **changes})  # type: ignore[arg-type]  # keywords by name


def plan(*calls: PlannedCall, scenario: Scenario | None = None, speed: float = 60) -> LabPlan:
    return make_plan(Path("lab"), scenario or two_sites(), calls, speed=speed, now_s=NOON_S)


def changes(*steps: tuple[int, int]) -> list[RosterChange]:
    return [RosterChange(site_id=BEIJING, from_ms=at_s * 1000, agents=agents) for at_s, agents in steps]


def spans(agents: int, *steps: tuple[int, int]) -> list[tuple[float, float]]:
    """When each agent is on duty, until 1,000 s at the latest."""
    site = ScenarioSite(site_id=BEIJING, agents=agents)
    return [(shift.from_s, shift.until_s) for shift in shifts_of(site, changes(*steps), 1_000_000)]


def test_without_a_roster_everybody_is_on_duty_all_day() -> None:
    site = ScenarioSite(site_id=BEIJING, agents=2)

    assert shifts_of(site, [], 1_000_000) == (
        Shift(agent_id="beijing/1001", from_s=0, until_s=1000),
        Shift(agent_id="beijing/1002", from_s=0, until_s=1000),
    )


def test_those_who_come_later_and_go_earlier_have_shorter_shifts() -> None:
    assert spans(1, (100, 3), (500, 2)) == [(0, 1000), (100, 1000), (100, 500)]


def test_who_is_called_back_stays_on_duty_in_between() -> None:
    assert spans(2, (100, 1), (500, 2)) == [(0, 1000), (0, 1000)]


def test_a_site_without_agents_has_no_shifts() -> None:
    assert spans(0) == []


def test_the_clock_runs_at_the_lab_speed_from_the_begin_of_the_day() -> None:
    made = plan(call(0))

    assert made.clock.real_utc_s(made.day_start_utc_us) == pytest.approx(NOON_S)
    assert made.clock.real_utc_s(made.day_start_utc_us + 60_000_000) == pytest.approx(NOON_S + 1)


def test_a_day_that_begins_later_keeps_its_date_and_its_length() -> None:
    made = plan(call(0))

    begun = begin_day(made, now_s=NOON_S + 10, lead_s=2)

    assert begun.clock.real_utc_s(begun.day_start_utc_us) == pytest.approx(NOON_S + 12)
    assert (begun.day_start_utc_us, begun.midnight_utc_us) == (made.day_start_utc_us, made.midnight_utc_us)


def test_midnight_is_that_of_the_time_zone_and_comes_after_the_latest_end_of_the_last_call() -> None:
    made = plan(call(3599, patience_s=300))

    midnight = datetime.fromtimestamp(made.midnight_utc_us / 1e6, UTC).astimezone(ZoneInfo(TIME_ZONE))
    assert (midnight.hour, midnight.minute, midnight.second) == (0, 0, 0)
    assert made.business_date == "2026-03-02"
    last_end_us = made.day_start_utc_us + (3599 + 300 + 100) * 1_000_000
    assert made.midnight_utc_us > last_end_us


def test_agents_go_home_after_the_latest_end_of_the_last_call_and_before_midnight() -> None:
    made = plan(call(3599, patience_s=300))

    [home_s] = {shift.until_s for site in made.sites for shift in site.shifts}
    assert 3599 + 300 + 100 < home_s < (made.midnight_utc_us - made.day_start_utc_us) / 1e6


def test_the_evening_of_a_slow_lab_is_short() -> None:
    made = plan(call(3599, patience_s=300), speed=1)

    [home_s] = {shift.until_s for site in made.sites for shift in site.shifts}
    assert home_s == 3599 + 300 + 100 + 10
    assert (made.midnight_utc_us - made.day_start_utc_us) / 1e6 == home_s + 10


def test_calls_after_the_end_are_ignored() -> None:
    made = plan(call(10), call(3600))

    assert [each.arrive_ms for each in made.calls] == [10_000]


def test_a_day_with_its_evening_fits_into_one_business_day() -> None:
    with pytest.raises(DayTooLongError, match=r"24\.\d h.*at most 24 h"):
        plan(call(86_300), scenario=two_sites(duration_ms=86_400_000))


def test_queues_are_those_of_the_skills_and_of_the_calls() -> None:
    made = plan(call(1, queue="NE"))

    assert made.queues == ("NE", "PS")
    assert [site.skills for site in made.sites] == [("PS",), ("NE", "PS")]


def test_no_two_listeners_share_a_port() -> None:
    made = plan(call(1))

    ports = [made.hq_port, made.hq_metrics_port] + [
        port
        for site in made.sites
        for port in (site.grpc_port, site.metrics_port, site.control_port, site.trunk_port)
    ]
    assert len(set(ports)) == len(ports) == 10
