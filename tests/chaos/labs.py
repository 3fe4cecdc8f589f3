"""Labs to break: a small day in which one site has more callers than agents; waits for what shows outside."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.lab.books import Books, read_books
from deploy.lab.display import AGENTS, CALLS, ENDED, HANDOFFS, Looks, look_at_sites
from deploy.lab.lab import Lab
from deploy.lab.looks import Look, is_ready
from deploy.lab.play import Day, conclude, day_over, night_over, open_lab
from deploy.lab.verdict import Verdict
from router.ids import SiteId
from router.world.day.busy_hour import generate
from router.world.day.callers import BusyHour
from router.world.day.scenario import Scenario, ScenarioSite

CROWDED, HELPER, THIRD = SiteId("beijing"), SiteId("shanghai"), SiteId("urumqi")
SPEED = 24.0
"""A branch that takes 10 s to come back was away for 4 minutes of the callers' time: most of them bear it."""
LIMIT_S = 60.0
"""Real seconds that the machine may take for what the lab should do at once."""
_LOOK_INTERVAL_S = 0.02
_CALLERS = BusyHour(occupancy=1.0, swing=0.2, handle_mean_s=300, handle_sigma=0.4, patience_mean_s=240)
_SHORTEST_MS, _LONGEST_MS = 270_000, 480_000
"""Of a talk and of a wait: a restart is shorter, and the lab's midnight comes after the longest of both."""
_DEMAND = {CROWDED: 24, HELPER: 11, THIRD: 9}
_STAFF = {CROWDED: 15, HELPER: 14, THIRD: 13}
"""Agents that the calls would keep busy, and those there are: one site needs the two others all day."""


def crowded_day(*, duration_s: int = 900, seed: int = 1) -> Day:
    """As many callers as the cluster can serve, most of them at one site."""
    demand = Scenario(
        duration_ms=duration_s * 1000,
        ring_ms=10_000,
        sites=tuple(ScenarioSite(site_id=site, agents=agents) for site, agents in _DEMAND.items()),
    )
    staffed = replace(
        demand, sites=tuple(ScenarioSite(site_id=site, agents=agents) for site, agents in _STAFF.items())
    )
    calls = [
        replace(
            call,
            handle_ms=_bounded(call.handle_ms),
            patience_ms=_bounded(call.patience_ms or _LONGEST_MS),
        )
        for call in generate(demand, seed, _CALLERS)
    ]
    return Day(scenario=staffed, calls=calls, speed=SPEED, seed=seed)


def _bounded(length_ms: int) -> int:
    return min(max(length_ms, _SHORTEST_MS), _LONGEST_MS)


class BrokenLab:
    """A running lab, seen from outside, and what became of it."""

    def __init__(self, lab: Lab, day: Day) -> None:
        self.lab = lab
        self._day = day

    async def look(self) -> Looks:
        return await look_at_sites(self.lab.plan)

    async def until(self, is_so: Callable[[Looks], bool], what: str, *, limit_s: float = LIMIT_S) -> Looks:
        """The figures of all sites once `is_so`; a site that is down has none."""
        looks: Looks = {}
        try:
            async with asyncio.timeout(limit_s):
                while not is_so(looks := await self.look()):
                    await self.lab.wait(_LOOK_INTERVAL_S)
        except TimeoutError:
            raise AssertionError(f"never {what}; at last {_told(looks)}; logs: {self._logs()}") from None
        return looks

    async def until_ready_again(self, name: str, port: int) -> None:
        """Wait until the lab has started the process again and it serves."""
        async with asyncio.timeout(LIMIT_S):
            while not (self.lab.processes[name].restart_count and await is_ready(port)):
                await self.lab.wait(_LOOK_INTERVAL_S)

    async def finish(self) -> Verdict:
        """Let the day end and the night fall."""
        await day_over(self.lab)
        certified = await night_over(self.lab, lambda _: None)
        assert certified, f"the night did not end; logs: {self._logs()}"
        # What the same calls would have met elsewhere is no matter here.
        return await conclude(self.lab, self._day, {})

    def books(self) -> Books:
        return read_books(self.lab.plan, self.lab.servers.hq_url)

    def metrics_port(self, site_id: SiteId) -> int:
        return next(site.metrics_port for site in self.lab.plan.sites if site.site_id == site_id)

    def _logs(self) -> Mapping[str, str]:
        return {
            name: self.lab.log_of(name).read_text(encoding="utf-8")[-1500:] for name in self.lab.processes
        }


@asynccontextmanager
async def crowded_lab(folder: Path, *, duration_s: int = 900) -> AsyncIterator[BrokenLab]:
    """A lab whose day has begun."""
    day = crowded_day(duration_s=duration_s)
    async with open_lab(day, folder, lambda _: None) as lab:
        yield BrokenLab(lab, day)


def is_busy(looks: Looks) -> bool:
    """At the crowded site calls wait, ring, and are talked to here and elsewhere, all at this moment."""
    return confirmed(looks) > 0 and (
        all(calls(looks, CROWDED, state) for state in ("QUEUED", "OFFERED", "CONNECTED", "CONNECTED_REMOTE"))
    )


def calls(looks: Looks, site_id: SiteId, *states: str) -> int:
    return _of(looks, site_id, CALLS, *states)


def ended(looks: Looks, site_id: SiteId, *dispositions: str) -> int:
    return _of(looks, site_id, ENDED, *dispositions)


def agents(looks: Looks, site_id: SiteId, *states: str) -> int:
    return _of(looks, site_id, AGENTS, *states)


def confirmed(looks: Looks) -> int:
    """Hand-offs confirmed at all helpers since each process started."""
    return sum(_of(looks, SiteId(site_id), HANDOFFS, "HELPER", "CONFIRMED") for site_id in looks)


def view_age_s(look: Look | None) -> float:
    """Of a branch's view of the others; not a number where there is none, which is neither old nor fresh."""
    return math.nan if look is None else look.figure("trunkline_view_age_seconds")


def goes_on(before: Looks, *site_ids: SiteId) -> Callable[[Looks], bool]:
    """Whether each of the sites has ended more calls since `before`."""
    return lambda looks: all(ended(looks, site) > ended(before, site) for site in site_ids)


def broken(verdict: Verdict) -> dict[str, Any]:
    """Everything in a verdict that should not be there; empty when the lab kept all it promises."""
    faults: dict[str, Any] = {law.name: law.violations for law in verdict.laws if law.violation_count}
    night = verdict.report["consolidation"]
    if night["certified"] != night["due"] or not night["digests_equal"] or night["quarantined"]:
        faults["night"] = night
    if not verdict.are_kpis_equal:
        faults["kpis"] = verdict.report["cluster"]
    return faults


def _of(looks: Looks, site_id: SiteId, name: str, *labels: str) -> int:
    seen = looks.get(site_id)
    return 0 if seen is None else seen.of(name, *labels)


def _told(looks: Looks) -> dict[str, object]:
    names = (CALLS, AGENTS, HANDOFFS)
    return {
        site_id: None if seen is None else [each for each in seen.samples if each[0] in names]
        for site_id, seen in looks.items()
    }
