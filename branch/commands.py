"""`trunkline branch`: check a branch's file, run the branch, ask a running one, drain it."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from branch.admin import agent_commands, customer_commands, init_commands, queue_commands, visit_commands
from branch.telephony.asterisk import commands as asterisk_commands
from branch.telephony.simulated import commands as simulated_commands
from branch.terminal import commands as desk_commands
from node.words import plural
from node.words import text as _
from router.ids import SiteId

if TYPE_CHECKING:
    from grpc.aio import Channel

    from branch.settings import BranchSettings

T = TypeVar("T")

SettingsFile = Annotated[Path, typer.Argument(help=_("The branch's TOML file."), show_default=False)]


def register(root: typer.Typer) -> None:
    """Add the `branch` group, and those for what is in a branch."""
    group = typer.Typer(no_args_is_help=True, help=_("A branch: one site's calls and agents."))
    group.command("check", help=_("Say everything that is wrong with a branch's file."))(_check)
    group.command("run", help=_("Run a branch until it is stopped; its live calls finish first."))(_run)
    group.command("status", help=_("Show what a running branch does at this moment."))(_status)
    group.command("drain", help=_("Let a running branch take no new calls; live ones finish."))(_drain)
    root.add_typer(group, name="branch")
    for commands in (
        init_commands,
        agent_commands,
        queue_commands,
        customer_commands,
        visit_commands,
        desk_commands,
        asterisk_commands,
        simulated_commands,
    ):
        commands.register(root)


def _check(file: SettingsFile) -> None:
    from branch import parts
    from node import pki
    from node.terminal import messages, output
    from sync.clock import SystemClock

    settings = _settings(file)
    parts.security(settings)  # The files have to fit each other, and the site.
    parts.flow(settings)
    for warning in (*pki.certificate_warnings(settings.tls, SystemClock().utc_us()), *_doubts(settings)):
        messages().print(warning, markup=False, soft_wrap=True)
    message = plural(
        "{file}: site {site} with {count} queue",
        "{file}: site {site} with {count} queues",
        len(settings.queue),
        file=file,
        site=settings.site.id,
    )
    output().print(message, markup=False)


def _doubts(settings: "BranchSettings") -> list[str]:
    """What may stand in a file and is hardly meant."""
    doubts = []
    if settings.outbound.route and settings.site.country is None:
        doubts.append(
            _(
                "[[outbound.route]] without country in [site]: "
                "nobody can dial a number without its country code"
            )
        )
    if settings.telephony.driver == "asterisk" and settings.recording.folder is None:
        doubts.append(
            _(
                'driver = "asterisk" without folder in [recording]: '
                "nobody is told of callers, or of their messages, while the branch is down"
            )
        )
    return doubts


def _run(file: SettingsFile) -> None:
    from branch import app
    from node import lifecycle, logs

    settings = _settings(file)
    logs.configure(level=settings.log.level, style=settings.log.format, site_id=settings.site.id)
    code = lifecycle.run(
        lambda tasks: app.start(settings, tasks), drain_limit_s=settings.limits.drain_limit_s
    )
    raise typer.Exit(code)


def _status(
    file: SettingsFile,
    as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    from branch.operating.status_report import print_status, status_tree
    from branch.peers.operator import get_status
    from node.terminal import print_json

    status = _asked(file, get_status)
    if as_json:
        print_json(status_tree(status))
    else:
        print_status(status)


def _drain(
    file: SettingsFile,
    reason: Annotated[str, typer.Option("--reason", help=_("Why, for the records."))] = "OPERATOR",
) -> None:
    from branch.peers.operator import drain
    from node.terminal import output

    count = _asked(file, lambda channel: drain(channel, reason))
    message = plural(
        "no new calls are taken; {count} call has still to finish",
        "no new calls are taken; {count} calls have still to finish",
        count,
    )
    output().print(message, markup=False)


def _asked(file: Path, question: "Callable[[Channel], Awaitable[T]]") -> T:
    """The answer of the branch that runs by this file."""
    from branch import parts
    from branch.admin.running import own_address
    from branch.peers.operator import ask

    settings = _settings(file)
    host, port = own_address(settings)
    return ask(host, port, parts.security(settings), SiteId(settings.site.id), question)


def _settings(file: Path) -> "BranchSettings":
    from branch.settings import BranchSettings
    from node.settings import load

    return load(BranchSettings, file, os.environ)
