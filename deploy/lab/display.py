"""The lab's live picture: sites, queues and hand-offs while the day is played."""

import asyncio
import math
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
HANDOFFS_LIVE = "trunkline_handoffs_live"
WAITING = "trunkline_calls_waiting"
VIEW_AGE = "trunkline_view_age_seconds"

_BUSY = ("RINGING", "TALKING", "ON_HOLD", "WRAP_UP")
_UNDER_WAY = ("ASKING", "RESERVED", "DIALING", "RINGING")
"""Asked for and not answered yet, by either side."""

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
    """One frame: the clock, a row a site, the queues and the hand-offs of all."""
    table = Table(
        _("site"),
        _("waiting"),
        _("talking"),
        _("ready"),
        _("busy"),
        _("ended"),
        _("out"),
        _("in"),
        _("under way"),
        _("view"),
        _("restarts"),
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for site in lab.plan.sites:
        table.add_row(*_cells(lab, site, looks.get(site.site_id)))
    return Group(Text(_clock_line(lab, looks, now_s), style="bold"), table, *_cluster_lines(lab, looks))


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


def _clock_line(lab: Lab, looks: Looks, now_s: float) -> str:
    clock = _(
        "lab clock {time}, speed {speed:g}",
        time=lab_time(lab.plan, now_s).strftime("%H:%M:%S"),
        speed=lab.plan.clock.speed,
    )
    first_s = lab.plan.clock.real_utc_s(lab.plan.day_start_utc_us) - now_s
    if first_s > 0:
        return f"{clock}: " + _("the day begins in {seconds:.0f} s", seconds=first_s)
    return f"{clock}: " + _(
        "{ended} of {planned} calls over, midnight in {seconds:.0f} s",
        ended=_sum(looks, ENDED),
        planned=len(lab.plan.calls),
        seconds=max(0.0, lab.plan.clock.real_utc_s(lab.plan.midnight_utc_us) - now_s),
    )


def _cluster_lines(lab: Lab, looks: Looks) -> list[Text]:
    """Who waits in which queue, and what became of the hand-offs so far."""
    lines = []
    if len(lab.plan.queues) > 1:
        waiting = ", ".join(f"{queue} {_sum(looks, WAITING, queue)}" for queue in lab.plan.queues)
        lines.append(_("waiting by queue: {queues}", queues=waiting))
    lines.append(
        _(
            "hand-offs: {asked} asked, {confirmed} confirmed",
            asked=_sum(looks, HANDOFFS, "ASKED"),
            confirmed=_sum(looks, HANDOFFS, "CONFIRMED"),
        )
    )
    return [Text(line) for line in lines]


def _cells(lab: Lab, site: LabSite, seen: Look | None) -> list[str]:
    restarts = sum(
        lab.processes[name].restart_count for name in (f"branch:{site.site_id}", f"pbx:{site.site_id}")
    )
    if seen is None:
        return [site.site_id, *[_("down")] * 9, str(restarts)]
    figures = (
        _waiting(seen),
        _talking(seen),
        seen.of(AGENTS, "READY"),
        sum(seen.of(AGENTS, state) for state in _BUSY),
        seen.of(ENDED),
        seen.of(HANDOFFS, "ORIGIN", "CONNECTED"),
        seen.of(HANDOFFS, "HELPER", "CONFIRMED"),
        sum(seen.of(HANDOFFS_LIVE, state) for state in _UNDER_WAY),
    )
    return [site.site_id, *(str(figure) for figure in figures), _view(seen), str(restarts)]


def _view(seen: Look) -> str:
    """How old the site's picture of the others is."""
    age_s = seen.figure(VIEW_AGE)
    return _("none") if math.isnan(age_s) else f"{age_s:.1f} s"


def _waiting(seen: Look) -> int:
    return seen.of(CALLS, "QUEUED") + seen.of(CALLS, "OFFERED") + seen.of(CALLS, "OFFERED_REMOTE")


def _talking(seen: Look) -> int:
    return seen.of(CALLS, "CONNECTED") + seen.of(CALLS, "HELD") + seen.of(CALLS, "CONNECTED_REMOTE")


def _sum(looks: Looks, name: str, *labels: str) -> int:
    return sum(seen.of(name, *labels) for seen in looks.values() if seen is not None)
