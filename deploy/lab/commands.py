"""`trunkline lab`: a whole cluster on this machine, a day played fast, and a night."""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.lab.telephony import Telephony
from node.terminal import messages, print_json
from node.troubles import TroubleError
from node.words import text as _

if TYPE_CHECKING:
    from deploy.lab.play import Day
    from deploy.lab.verdict import Verdict
    from router.world.day.scenario import Scenario

_EXIT_BROKEN = 1
"""A promise was not kept."""
_SPEED = 60.0
_MINUTES, _REAL_MINUTES = 60, 2
_REAL_AGENTS = 3
"""At every site but the first, which has twice as many."""


def register(root: typer.Typer) -> None:
    """Add the `lab` command."""
    root.command("lab", help=_("Run HQ and several sites on this machine and play a day of calls."))(_lab)


def _lab(
    sites: Annotated[
        int, typer.Option("--sites", min=1, max=12, help=_("How many sites, without --scenario."))
    ] = 3,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help=_("The sites: a scenario.toml."), show_default=False)
    ] = None,
    calls: Annotated[
        Path | None,
        typer.Option("--calls", help=_("Who calls: a calls.csv; a busy hour is made up without it.")),
    ] = None,
    minutes: Annotated[
        int | None,
        typer.Option(
            "--minutes",
            min=1,
            max=600,
            help=_("How long calls are made up for, without --scenario: 60, with Asterisk 2."),
            show_default=False,
        ),
    ] = None,
    telephony: Annotated[
        Telephony,
        typer.Option(
            "--telephony", help=_("The PBX of every site; with Asterisk everybody has a SIP phone.")
        ),
    ] = Telephony.SIMULATED,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed",
            min=1,
            max=600,
            help=_("Seconds of calls a real second: 60, with Asterisk always 1."),
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help=_("Of the made-up busy hour."))] = 1,
    report: Annotated[Path | None, typer.Option("--report", help=_("Write the report to this file."))] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep",
            file_okay=False,
            help=_("Keep everything in this new folder: files, logs, databases."),
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("Print the report as JSON."))] = False,
) -> None:
    from deploy.lab.play import Day
    from deploy.lab.telling import tell_verdict
    from node.plays import check_report_path, read_calls, read_scenario, write_report
    from router.world.day.busy_hour import generate

    played_speed = _speed(telephony, speed)
    planned = read_scenario(scenario) if scenario is not None else _made_up(telephony, sites, minutes)
    _check_playable(planned)
    arrivals = read_calls(calls, planned) if calls is not None else generate(planned, seed)
    if report is not None:
        check_report_path(report)
    folder = _folder(keep)
    verdict = _played(
        Day(scenario=planned, calls=arrivals, speed=played_speed, seed=seed, telephony=telephony),
        folder,
        is_kept=bool(keep),
    )
    if report is not None:
        write_report(report, verdict.report)
    if as_json:
        print_json(verdict.report)
    else:
        tell_verdict(verdict)
    if keep is None and verdict.is_good:
        shutil.rmtree(folder)
    else:
        messages().print(_("everything is kept in {folder}", folder=folder), markup=False, soft_wrap=True)
    if not verdict.is_good:
        raise typer.Exit(_EXIT_BROKEN)


def _speed(telephony: Telephony, asked: float | None) -> float:
    """Raises:
    TroubleError: real sound is to be hurried.
    """
    if telephony is Telephony.SIMULATED:
        return _SPEED if asked is None else asked
    if asked not in {None, 1}:
        raise TroubleError(
            _(
                "--telephony asterisk plays at speed 1, not {speed:g}: sound cannot be hurried; "
                "leave --speed out, or play on the simulated PBX",
                speed=asked,
            )
        )
    return 1.0


def _check_playable(scenario: "Scenario") -> None:
    """Raises:
    TroubleError: the scenario asks for what one machine cannot do.
    """
    if scenario.cut_offs:
        raise TroubleError(
            _(
                "a lab's sites are on one machine and cannot be cut off from each other: take [[cut_off]] "
                "out, or play the scenario with trunkline whatif"
            )
        )


def _made_up(telephony: Telephony, sites: int, minutes: int | None) -> "Scenario":
    """A busy hour; with real phones a few minutes, of fewer people who talk shorter."""
    from router.world.day.busy_hour import default_scenario
    from router.world.day.callers import BusyHour

    if telephony is Telephony.SIMULATED:
        return default_scenario(sites, duration_s=60 * (minutes or _MINUTES))
    scenario = default_scenario(sites, duration_s=60 * (minutes or _REAL_MINUTES), agents=_REAL_AGENTS)
    callers = BusyHour(handle_mean_s=15, handle_sigma=0.4, patience_mean_s=20)
    return replace(scenario, ring_ms=1_000, callers=callers)


def _played(day: "Day", folder: Path, *, is_kept: bool) -> "Verdict":
    """Play it to its end; who is told to stop leaves no folder that nobody asked for.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        typer.Exit: SIGTERM.
        TroubleError: it did not come up, or did not stay up; the folder says why, if there is anything in it.
    """
    try:
        return asyncio.run(_until_terminated(day, folder))
    except (asyncio.CancelledError, KeyboardInterrupt) as stopped:
        if not is_kept:
            shutil.rmtree(folder)
        if isinstance(stopped, KeyboardInterrupt):
            raise
        raise typer.Exit(128 + SIGTERM) from None
    except TroubleError:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise


async def _until_terminated(day: "Day", folder: Path) -> "Verdict":
    from deploy.lab.play import play

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(SIGTERM, task.cancel)
    return await play(day, folder)


def _folder(keep: Path | None) -> Path:
    """A folder of the lab's own.

    Raises:
        TroubleError: `keep` exists and is not empty.
    """
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="trunkline-lab-"))
    if keep.exists() and any(keep.iterdir()):
        raise TroubleError(_("{folder} is not empty; name a new folder for --keep", folder=keep))
    keep.mkdir(parents=True, exist_ok=True)
    return keep
