"""What a lab will be: sites with their agents and ports, the clock they share, the day they play."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.ports import free_ports
from node.troubles import TroubleError
from node.words import text as _
from router.ids import QueueId, SiteId
from router.world.day.calls import PlannedCall
from router.world.day.scenario import RosterChange, Scenario, ScenarioSite

TIME_ZONE = "Asia/Shanghai"
HQ_ID = "hq"
CLUSTER = "lab"

_PATIENCE_CAP_MS = 1_200_000
"""Nobody's wait in a lab lasts longer than so, in practice; only the midnight depends on it."""
_BUSINESS_DAY_MS = 24 * 3_600_000
_EVENING_MS = 120_000
"""Between the last call's latest end and the agents' going home, and again before midnight."""
_EVENING_LIMIT_S = 10.0
"""No more real seconds than so: in a slow lab people would wait for nothing."""
_FIRST_NUMBER = 4001


class DayTooLongError(TroubleError):
    """The played day does not fit into one business day."""

    reason = "DAY_TOO_LONG"

    def __init__(self, length_ms: int) -> None:
        super().__init__(
            _(
                "the calls and their evening last {hours:.1f} h; a lab plays one business day, at most 24 h:"
                " lower duration_s in the scenario",
                hours=length_ms / 3_600_000,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabClock:
    """At real `started_at_utc_us` all nodes' clocks show `epoch_utc_us`, and run at `speed`."""

    speed: float
    started_at_utc_us: int
    epoch_utc_us: int

    def real_utc_s(self, lab_utc_us: int) -> float:
        """When, in real seconds since 1970, the lab's clocks show `lab_utc_us`."""
        return (self.started_at_utc_us + (lab_utc_us - self.epoch_utc_us) / self.speed) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One agent on duty, in seconds from the day's first instant."""

    agent_id: str
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSite:
    site_id: SiteId
    folder: Path
    skills: tuple[str, ...]
    home_reserve: int
    max_own_loss: float | None
    shifts: tuple[Shift, ...]
    grpc_port: int
    metrics_port: int
    control_port: int
    trunk_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlan:
    """Everything that is fixed before the first process starts."""

    folder: Path
    scenario: Scenario
    calls: Sequence[PlannedCall]
    sites: tuple[LabSite, ...]
    queues: tuple[QueueId, ...]
    clock: LabClock
    day_start_utc_us: int
    """The scenario's first instant on the lab's clock."""
    midnight_utc_us: int
    """When the played business day ends and the night begins."""
    hq_port: int
    hq_metrics_port: int

    def number_of(self, queue_id: QueueId) -> str:
        """What callers of the queue dial, at every site."""
        return str(_FIRST_NUMBER + self.queues.index(queue_id))

    @property
    def business_date(self) -> str:
        """The played day, ISO."""
        noon = datetime.fromtimestamp(self.midnight_utc_us / 1e6 - 1, UTC).astimezone(ZoneInfo(TIME_ZONE))
        return noon.date().isoformat()


def make_plan(
    folder: Path, scenario: Scenario, calls: Sequence[PlannedCall], *, speed: float, now_s: float
) -> LabPlan:
    """Lay out a lab whose day begins at `now_s` (real seconds since 1970).

    Args:
        folder: where everything is kept.
        scenario: the sites; calls after its duration are ignored.
        calls: in order of arrival.
        speed: lab seconds a real second.
        now_s: the real time.

    Raises:
        DayTooLongError: it does not fit between two midnights.
        OSError: too few ports are free.
    """
    played = [call for call in calls if call.arrive_ms < scenario.duration_ms]
    queues = _queues(scenario, played)
    end_ms = _evening_ms(scenario, played)
    today = datetime.fromtimestamp(now_s, ZoneInfo(TIME_ZONE)).date()
    midnight = datetime.combine(today + timedelta(days=1), time(), ZoneInfo(TIME_ZONE))
    midnight_utc_us = round(midnight.timestamp() * 1e6)
    evening_ms = round(min(_EVENING_MS, _EVENING_LIMIT_S * 1000 * speed))
    length_ms = end_ms + 2 * evening_ms
    if length_ms > _BUSINESS_DAY_MS:
        raise DayTooLongError(length_ms)
    day_start_utc_us = midnight_utc_us - length_ms * 1000
    clock = LabClock(speed=speed, started_at_utc_us=round(now_s * 1e6), epoch_utc_us=day_start_utc_us)
    ports = free_ports(4 * len(scenario.sites) + 2)
    sites = tuple(
        _site(folder, scenario, site, queues, end_ms + evening_ms, ports[4 * n : 4 * n + 4])
        for n, site in enumerate(scenario.sites)
    )
    return LabPlan(
        folder=folder,
        scenario=scenario,
        calls=played,
        sites=sites,
        queues=queues,
        clock=clock,
        day_start_utc_us=day_start_utc_us,
        midnight_utc_us=midnight_utc_us,
        hq_port=ports[-2],
        hq_metrics_port=ports[-1],
    )


def begin_day(plan: LabPlan, *, now_s: float, lead_s: float) -> LabPlan:
    """The same plan with a clock on which the day begins `lead_s` real seconds after `now_s`."""
    lead_us = round(lead_s * plan.clock.speed * 1e6)
    clock = LabClock(
        speed=plan.clock.speed,
        started_at_utc_us=round(now_s * 1e6),
        epoch_utc_us=plan.day_start_utc_us - lead_us,
    )
    return replace(plan, clock=clock)


def _queues(scenario: Scenario, calls: Sequence[PlannedCall]) -> tuple[QueueId, ...]:
    return tuple(sorted({*scenario.named_queues(), *(call.queue_id for call in calls)}))


def _evening_ms(scenario: Scenario, calls: Sequence[PlannedCall]) -> int:
    """By when every call has ended, from the day's first instant."""
    ends = (
        call.arrive_ms + min(call.patience_ms or _PATIENCE_CAP_MS, _PATIENCE_CAP_MS) + call.handle_ms
        for call in calls
    )
    return max(ends, default=scenario.duration_ms)


def _site(
    folder: Path,
    scenario: Scenario,
    site: ScenarioSite,
    queues: Sequence[QueueId],
    until_ms: int,
    ports: Sequence[int],
) -> LabSite:
    changes = [change for change in scenario.roster if change.site_id == site.site_id]
    grpc_port, metrics_port, control_port, trunk_port = ports
    return LabSite(
        site_id=site.site_id,
        folder=folder / site.site_id,
        skills=tuple(sorted(site.skills)) if site.skills is not None else tuple(queues),
        home_reserve=site.home_reserve,
        max_own_loss=site.max_own_loss,
        shifts=shifts_of(site, changes, until_ms),
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        control_port=control_port,
        trunk_port=trunk_port,
    )


def shifts_of(site: ScenarioSite, changes: Sequence[RosterChange], until_ms: int) -> tuple[Shift, ...]:
    """One shift an agent: those with low numbers come first and stay longest.

    A roster that falls and rises again keeps the agents it calls back on duty from their
    first instant to their last: a phone has one shift a day.
    """
    steps = [(0, site.agents), *((change.from_ms, change.agents) for change in changes)]
    shifts = []
    for number in range(max(agents for _from_ms, agents in steps)):
        on_duty = [index for index, (_from_ms, agents) in enumerate(steps) if agents > number]
        last = on_duty[-1] + 1
        ends_ms = steps[last][0] if last < len(steps) else until_ms
        shifts.append(
            Shift(
                agent_id=f"{site.site_id}/{1001 + number}",
                from_s=steps[on_duty[0]][0] / 1000,
                until_s=ends_ms / 1000,
            )
        )
    return tuple(shifts)
