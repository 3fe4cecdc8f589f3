"""One lab from first file to verdict: start, a day, a night, the books."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.live import Live

from deploy.lab.asterisks import AsteriskTelephony
from deploy.lab.books import read_books
from deploy.lab.display import line, look_at_sites, picture
from deploy.lab.lab import Lab, start_servers
from deploy.lab.night import NightWatch, Progress
from deploy.lab.plan import make_plan
from deploy.lab.simulated import SimulatedTelephony
from deploy.lab.telephony import Telephony
from deploy.lab.verdict import Staging, Verdict, judge
from node.terminal import messages, progress
from node.words import text as _
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario
from router.world.figures.report import reference_figures

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
    telephony: Telephony = Telephony.SIMULATED


async def play(day: Day, folder: Path) -> Verdict:
    """Run the lab in `folder` and show it; whatever happens, nothing it started outlives it.

    Raises:
        TroubleError: it did not come up, or did not stay up.
    """
    with messages().status(_("starting")) as status:
        reference = await asyncio.to_thread(reference_figures, day.scenario, list(day.calls))
        async with open_lab(day, folder, status.update) as lab:
            status.stop()
            await _watch_day(lab)
            await _watch_night(lab)
            return await conclude(lab, day, reference)
    raise AssertionError("a context swallows nothing")


@asynccontextmanager
async def open_lab(day: Day, folder: Path, tell: Callable[[str], None]) -> AsyncIterator[Lab]:
    """A lab whose nodes are ready and whose day begins; it is gone when the block ends.

    Raises:
        TroubleError: it did not come up, or did not stay up.
    """
    servers = start_servers(folder)
    plan = make_plan(folder, day.scenario, day.calls, speed=day.speed, now_s=time.time())
    telephony = (
        SimulatedTelephony() if day.telephony is Telephony.SIMULATED else AsteriskTelephony(plan.sites)
    )
    lab = Lab(plan, servers, telephony)
    try:
        await lab.start(tell)
        yield lab
    finally:
        await lab.stop_nodes()
        telephony.close()
        servers.stop()


async def day_over(lab: Lab) -> None:
    """Return at the lab's midnight."""
    while (left_s := midnight_s(lab) - time.time()) > 0:
        await lab.wait(left_s)


async def night_over(lab: Lab, tell: Callable[[Progress], None], *, limit_s: float = _NIGHT_LIMIT_S) -> bool:
    """Whether HQ certified every site within the limit, in real seconds."""
    watch = NightWatch(lab.plan, lab.servers.hq_url)
    try:
        async with asyncio.timeout(limit_s):
            while True:
                seen = await watch.look()
                tell(seen)
                if seen.certified_count == len(lab.plan.sites):
                    return True
                await lab.wait(_FRAME_S)
    except TimeoutError:
        return False
    finally:
        watch.close()


async def conclude(lab: Lab, day: Day, reference: Mapping[str, Any]) -> Verdict:
    """Stop the nodes and judge what their databases and their PBXes hold.

    Raises:
        OSError: a PBX has not written its account.
    """
    await lab.stop_nodes()
    lab.check_people()
    books = await asyncio.to_thread(read_books, lab.plan, lab.servers.hq_url)
    return judge(
        lab.plan,
        books,
        {site.site_id: lab.telephony.account(site) for site in lab.plan.sites},
        Staging(
            speed=day.speed,
            seed=day.seed,
            restarts={
                name: process.restart_count
                for name, process in lab.processes.items()
                if process.restart_count
            },
        ),
        reference,
    )


def midnight_s(lab: Lab) -> float:
    """When the played day ends, in real seconds since 1970."""
    return lab.plan.clock.real_utc_s(lab.plan.midnight_utc_us)


async def _watch_day(lab: Lab) -> None:
    """Show the sites until the business day is over."""
    console = messages()
    if not console.is_terminal:
        while (left_s := midnight_s(lab) - time.time()) > 0:
            console.print(line(lab, await look_at_sites(lab.plan), time.time()), markup=False, soft_wrap=True)
            await lab.wait(min(_LINE_S, left_s))
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while (left_s := midnight_s(lab) - time.time()) > 0:
            live.update(picture(lab, await look_at_sites(lab.plan), time.time()), refresh=True)
            await lab.wait(min(_FRAME_S, left_s))


async def _watch_night(lab: Lab) -> None:
    """Show how far HQ is until every site is certified, or the night has lasted too long."""
    with progress() as bar:
        task = bar.add_task(_("night falls: HQ consolidates"), total=None)

        def show(seen: Progress) -> None:
            bar.update(task, completed=seen.row_count_at_hq, total=seen.row_count)

        if not await night_over(lab, show):
            text = _("the night has lasted {seconds:.0f} s and is not over", seconds=_NIGHT_LIMIT_S)
            bar.console.print(text, markup=False)
