"""A shift that begins within a quarter of an hour is neither there from its start nor missing to its end."""

from hq.planning.day import PlannedDay
from hq.planning.demand import demand_of_day
from hq.planning.plot import on_duty
from router.ids import QueueId, SiteId
from router.world.day.calls import PlannedCall
from router.world.day.scenario import RosterChange, Scenario, ScenarioSite

BEIJING, URUMQI = SiteId("beijing"), SiteId("urumqi")
MINUTE_MS = 60_000
SCENARIO = Scenario(
    duration_ms=30 * MINUTE_MS,
    sites=(ScenarioSite(site_id=BEIJING, agents=0), ScenarioSite(site_id=URUMQI, agents=2)),
    roster=(
        RosterChange(site_id=BEIJING, from_ms=12 * MINUTE_MS, agents=10),
        RosterChange(site_id=URUMQI, from_ms=20 * MINUTE_MS, agents=5),
    ),
)


def planned_day() -> PlannedDay:
    calls = [
        PlannedCall(
            arrive_ms=minute * MINUTE_MS,
            site_id=BEIJING,
            queue_id=QueueId("sales"),
            handle_ms=MINUTE_MS,
            patience_ms=MINUTE_MS,
            priority=0,
            customer_id=None,
        )
        for minute in range(30)
    ]
    return PlannedDay(name="day", scenario=SCENARIO, past=None, calls=calls, zones={}, left_out={})


def test_staff_is_told_how_many_were_there_on_average() -> None:
    first, second = demand_of_day(planned_day(), 15).intervals

    assert first.on_duty == {BEIJING: 2.0, URUMQI: 2.0}
    assert second.on_duty == {BEIJING: 10.0, URUMQI: 4.0}


def test_the_plot_steps_at_the_moment_at_which_somebody_comes() -> None:
    moments, staffed = on_duty(SCENARIO, 0, 2)

    assert moments == [0, 12 / 15, 20 / 15, 2]
    assert staffed == [2, 12, 15, 15]
