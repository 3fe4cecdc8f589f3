"""The lab's live picture: sites, queues and hand-offs while the day is played."""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.table import Table
from rich.text import Text

from deploy.lab.lab import Lab
from deploy.lab.looks import Look, look
from deploy.lab.plan import TIME_ZONE, LabPlan, LabSite
from node.words import text as _

CALLS = "trunkline_calls"
AGENTS = "trunkline_agents"
ENDED = "trunkline_calls_ended_total"
HANDOFFS = "trunkline_handoffs_total"

Looks = dict[str, Look | None]
"""By site; None for a site whose branch does not answer."""


async def look_at_sites(plan: LabPlan) -> Looks:
    found = await asyncio.gather(*(look(site.metrics_port) for site in plan.sites))
    return {site.site_id: seen for site, seen in zip(plan.sites, found, strict=True)}


def lab_time(plan: LabPlan, now_s: float) -> datetime:
    """What the lab's clocks show at the real time `now_s`."""
    clock = plan.clock
    utc_us = clock.epoch_utc_us + (now_s * 1e6 - clock.started_at_utc_us) * clock.speed
    return datetime.fromtimestamp(utc_us / 1e6, UTC).astimezone(ZoneInfo(TIME_ZONE))


def picture(lab: Lab, looks: Looks, now_s: float) -> Group:
    """One frame: the clock and a row a site."""
    table = Table(
        _("site"),
        _("waiting"),
        _("talking"),
        _("ready"),
        _("busy"),
        _("ended"),
        _("out"),
        _("in"),
        _("restarts"),
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for site in lab.plan.sites:
        table.add_row(*_cells(lab, site, looks.get(site.site_id)))
    clock = Text(
        _(
            "lab clock {time}, speed {speed:g}",
            time=lab_time(lab.plan, now_s).strftime("%H:%M:%S"),
            speed=lab.plan.clock.speed,
        ),
        style="bold",
    )
    return Group(clock, table)


def line(lab: Lab, looks: Looks, now_s: float) -> str:
    """The same for a log: one line."""
    parts = [lab_time(lab.plan, now_s).strftime("%H:%M")]
    for site_id, seen in looks.items():
        if seen is None:
            parts.append(_("{site}: down", site=site_id))
        else:
            parts.append(
                _(
                    "{site}: {waiting} waiting, {talking} talking, {ended} ended",
                    site=site_id,
                    waiting=_waiting(seen),
                    talking=_talking(seen),
                    ended=seen.of(ENDED),
                )
            )
    return "  |  ".join(parts)


def _cells(lab: Lab, site: LabSite, seen: Look | None) -> list[str]:
    restarts = sum(
        lab.processes[name].restart_count for name in (f"branch:{site.site_id}", f"pbx:{site.site_id}")
    )
    if seen is None:
        return [site.site_id, *[_("down")] * 7, str(restarts)]
    busy = seen.of(AGENTS, "TALKING") + seen.of(AGENTS, "ON_HOLD") + seen.of(AGENTS, "WRAP_UP")
    figures = (
        _waiting(seen),
        _talking(seen),
        seen.of(AGENTS, "READY"),
        busy,
        seen.of(ENDED),
        seen.of(HANDOFFS, "ORIGIN", "CONNECTED"),
        seen.of(HANDOFFS, "HELPER", "CONFIRMED"),
    )
    return [site.site_id, *(str(figure) for figure in figures), str(restarts)]


def _waiting(seen: Look) -> int:
    return seen.of(CALLS, "QUEUED") + seen.of(CALLS, "OFFERED") + seen.of(CALLS, "OFFERED_REMOTE")


def _talking(seen: Look) -> int:
    return seen.of(CALLS, "CONNECTED") + seen.of(CALLS, "HELD") + seen.of(CALLS, "CONNECTED_REMOTE")
