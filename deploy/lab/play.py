"""One lab from first file to verdict: start, a day, a night, the books."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from rich.live import Live

from deploy.lab.books import read_books, read_witness
from deploy.lab.display import line, look_at_sites, picture
from deploy.lab.lab import Lab, start_servers
from deploy.lab.night import NightWatch
from deploy.lab.plan import make_plan
from deploy.lab.verdict import Verdict, judge
from node.terminal import messages, progress
from node.words import text as _
from router.world.calls import PlannedCall
from router.world.report import reference_figures
from router.world.scenario import Scenario

_FRAME_S = 0.25
_LINE_S = 5.0
_NIGHT_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is to be played."""

    scenario: Scenario
    calls: Sequence[PlannedCall]
    speed: float
    seed: int


async def play(day: Day, folder: Path) -> Verdict:
    """Run the lab in `folder`; whatever happens, nothing it started outlives it.

    Raises:
        TroubleError: it did not come up, or did not stay up.
        CancelledError: SIGINT or SIGTERM.
    """
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(SIGTERM, task.cancel)
    reference = await asyncio.to_thread(reference_figures, day.scenario, list(day.calls))
    servers = start_servers(folder)
    lab = Lab(make_plan(folder, day.scenario, day.calls, speed=day.speed, now_s=time.time()), servers)
    try:
        with messages().status(_("starting")) as status:
            await lab.start(status.update)
        await _watch_day(lab)
        await _watch_night(lab)
        await lab.stop_nodes()
        books = await asyncio.to_thread(read_books, lab.plan, servers.hq_url)
    finally:
        await lab.stop_nodes()
        servers.stop()
    witness = {site.site_id: read_witness(site) for site in lab.plan.sites}
    return judge(lab.plan, books, witness, seed=day.seed, reference=reference)


async def _watch_day(lab: Lab) -> None:
    """Show the sites until the business day is over."""
    midnight_s = lab.plan.clock.real_utc_s(lab.plan.midnight_utc_us)
    console = messages()
    if not console.is_terminal:
        while time.time() < midnight_s:
            console.print(line(lab, await look_at_sites(lab.plan), time.time()), markup=False)
            await lab.wait(min(_LINE_S, max(0.0, midnight_s - time.time())))
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while time.time() < midnight_s:
            live.update(picture(lab, await look_at_sites(lab.plan), time.time()), refresh=True)
            await lab.wait(min(_FRAME_S, max(0.0, midnight_s - time.time())))


async def _watch_night(lab: Lab) -> None:
    """Show how far HQ is until every site is certified, or the night has lasted too long."""
    watch = NightWatch(lab.plan, lab.servers.hq_url)
    try:
        with progress() as bar, suppress(TimeoutError):
            task = bar.add_task(_("night falls: HQ consolidates"), total=None)
            async with asyncio.timeout(_NIGHT_LIMIT_S):
                while True:
                    seen = await watch.look()
                    bar.update(task, completed=seen.row_count_at_hq, total=seen.row_count)
                    if seen.certified_count == len(lab.plan.sites):
                        return
                    await lab.wait(_FRAME_S)
    finally:
        watch.close()
