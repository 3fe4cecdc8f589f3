"""`trunkline hq ...`: run the node, check its file, ask a running one."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hq import site_commands
from hq.explain import commands as explaining
from hq.planning import commands as planning
from node.terminal import Column, messages, output, print_json, print_table, progress
from node.words import plural, refusal
from node.words import text as _

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from hq.serving.client import HqClient, Plain
    from hq.settings import HqSettings

T = TypeVar("T")

_EXIT_INCOMPLETE = 1
"""Some site could not be made complete; whoever called this from a script should know."""


def register(root: typer.Typer) -> None:
    """Add the `hq` group, the planner's commands and `explain`."""
    group = typer.Typer(no_args_is_help=True, help=_("The headquarters: every branch's records, complete."))
    group.command("run", help=_("Run HQ until it is told to stop."))(_run)
    group.command("check", help=_("Say everything that is wrong with a file."))(_check)
    group.command("status", help=_("Show every site: what is due, what is wrong."))(_status)
    group.command("certificates", help=_("Show which days HQ holds completely."))(_certificates)
    group.command("report", help=_("Show a day's figures."))(_report)
    group.command("consolidate", help=_("Pull the branches' records now."))(_consolidate)
    group.command("readmit", help=_("Let a frozen site in again and read everything it has anew."))(_readmit)
    site_commands.register(group)
    root.add_typer(group, name="hq")
    planning.register(root)
    explaining.register(root)


_FILE = typer.Argument(help=_("HQ's file (TOML)."), exists=False)
_JSON = typer.Option("--json", help=_("Print JSON."))
_DAY = typer.Option("--day", help=_("A business day, such as 2026-03-02."))
_SITE = typer.Option("--site", help=_("Only this site."))


def _run(file: Annotated[Path, _FILE]) -> None:
    from hq.app import starter
    from node import lifecycle, logs

    settings = _load(file)
    logs.configure(level=settings.log.level, style=settings.log.format, site_id="hq")
    sys.exit(lifecycle.run(starter(settings, file), drain_limit_s=settings.limits.drain_limit_s))


def _check(file: Annotated[Path, _FILE]) -> None:
    from hq.app import security_of
    from node import pki
    from node.settings.file_access import is_open_password
    from sync.clock import SystemClock

    settings = _load(file)
    security_of(settings.tls)  # The files have to fit each other.
    warnings = pki.certificate_warnings(settings.tls, SystemClock().utc_us())
    if is_open_password(file, settings.database.url):
        warnings.append(
            _("{path}: everybody on this machine can read the database's password: chmod 600", path=file)
        )
    for warning in warnings:
        messages().print(warning, markup=False, soft_wrap=True)
    count = len(settings.site)
    output().print(plural("{path}: good, {count} site", "{path}: good, {count} sites", count, path=file))


def _status(file: Annotated[Path, _FILE], as_json: Annotated[bool, _JSON] = False) -> None:
    async def ask(hq: "HqClient") -> list["Plain"]:
        return await hq.sites()

    sites = _with_hq(file, ask)
    if as_json:
        print_json(sites)
        return
    print_table(
        [_("site"), _("state"), Column(title=_("due days"), is_number=True), _("complete at"), _("trouble")],
        (
            (
                site["site_id"],
                site["state"],
                len(site["due_days"]),
                _moment(site["last_success_utc_us"]),
                _trouble(
                    f"{site['frozen_reason']}: {site['frozen_detail']}"
                    if site["frozen_reason"]
                    else site["progress"]["problem"]
                ),
            )
            for site in sites
        ),
    )


def _certificates(
    file: Annotated[Path, _FILE],
    day: Annotated[str, _DAY] = "",
    site: Annotated[str, _SITE] = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    async def ask(hq: "HqClient") -> list["Plain"]:
        return await hq.certificates(day, site)

    found = _with_hq(file, ask)
    if as_json:
        print_json(found)
        return
    numbers = [_("issue"), _("rows"), _("in quarantine"), _("records folded")]
    print_table(
        [
            _("day"),
            _("site"),
            *(Column(title=n, is_number=True) for n in numbers),
            _("certified at"),
            _("digest"),
        ],
        (
            (
                each["business_date"],
                each["site_id"],
                each["issue"],
                each["row_count"],
                each["quarantined_count"],
                each["folded_count"],
                _moment(each["certified_utc_us"]),
                each["digest"][:16],
            )
            for each in found
        ),
    )


def _report(
    file: Annotated[Path, _FILE],
    day: Annotated[str, _DAY],
    interval: Annotated[
        int, typer.Option(help=_("Through the day, too: minutes of an interval, 15, 30 or 60."))
    ] = 0,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    from router.kpi.service_level import INTERVALS_MIN

    if interval not in (0, *INTERVALS_MIN):
        raise typer.BadParameter(_("--interval must be 15, 30 or 60; it is {minutes}", minutes=interval))

    async def ask(hq: "HqClient") -> "Plain":
        return await hq.day_report(day, interval)

    report = _with_hq(file, ask)
    if as_json:
        print_json(report)
        return
    from hq.reports.printed import print_report

    print_report(report)


def _consolidate(
    file: Annotated[Path, _FILE],
    now: Annotated[bool, typer.Option("--now", help=_("Do not wait for the window."))] = False,
    site: Annotated[list[str] | None, _SITE] = None,
    today: Annotated[
        bool,
        typer.Option("--today", help=_("Certify the day that is not over, too; it will be due again.")),
    ] = False,
) -> None:
    if not now:
        raise typer.BadParameter(_("HQ pulls by itself when its window opens; --now asks for it at once"))

    async def ask(hq: "HqClient") -> list["Plain"]:
        return await _watched(hq, site or [], includes_today=today)

    sites = _with_hq(file, ask)
    failed = [each for each in sites if each["phase"] != "DONE"]
    for each in failed:
        problem = _trouble(each["problem"])
        messages().print(_("{site}: {problem}", site=each["site_id"], problem=problem), markup=False)
    rows = sum(each["row_count"] for each in sites)
    days = sum(each["certified_count"] for each in sites)
    output().print(_("rows taken: {rows}; days certified: {days}", rows=rows, days=days))
    if failed:
        sys.exit(_EXIT_INCOMPLETE)


async def _watched(hq: "HqClient", site_ids: Sequence[str], *, includes_today: bool) -> list["Plain"]:
    """Show a bar for each site until all are over; returns how each ended."""
    shown: list[Plain] = []
    with progress() as bars:
        tasks: dict[str, TaskID] = {}
        async with aclosing(hq.consolidate(site_ids, includes_today=includes_today)) as stages:
            async for shown in stages:
                for each in shown:
                    _show(bars, tasks, each)
    return shown


def _show(bars: "Progress", tasks: "dict[str, TaskID]", each: "Plain") -> None:
    site_id = each["site_id"]
    if site_id not in tasks:
        tasks[site_id] = bars.add_task(site_id, total=None)
    total = max(each["expected_count"], each["row_count"]) or None
    bars.update(tasks[site_id], completed=each["row_count"], total=total)


def _readmit(
    file: Annotated[Path, _FILE], site: Annotated[str, typer.Argument(help=_("The site's id."))]
) -> None:
    async def ask(hq: "HqClient") -> None:
        await hq.readmit(site)

    _with_hq(file, ask)
    output().print(_("{site} is readmitted; everything it has will be read anew", site=site), markup=False)


def _load(file: Path) -> "HqSettings":
    from hq.settings import HqSettings
    from node.settings import load

    return load(HqSettings, file, os.environ)


def _with_hq(file: Path, ask: Callable[["HqClient"], Coroutine[Any, Any, T]]) -> T:
    """Ask the running HQ that `file` describes, with the certificate that the file names."""
    from hq.app import security_of
    from hq.serving.client import connect

    settings = _load(file)

    async def asked() -> T:
        security = security_of(settings.tls)
        async with connect(settings.listen.host, settings.listen.port, security) as hq:
            return await ask(hq)

    return asyncio.run(asked())


def _trouble(problem: str) -> str:
    """A pull's problem, `REASON: words`, in the language in use where the reason has a sentence."""
    reason, _colon, said = problem.partition(": ")
    return refusal(reason, said=said, problem=said) or problem


def _moment(utc_us: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(utc_us // 1_000_000, UTC).isoformat(sep=" ") if utc_us else ""
