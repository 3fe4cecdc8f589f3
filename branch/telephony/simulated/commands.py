"""`trunkline simpbx`: run the simulated PBX of one site."""

import os
from pathlib import Path
from typing import Annotated

import typer

from node.words import text as _

DRAIN_LIMIT_S = 1.0
"""There is nothing to wait for: whoever stops a PBX cuts its calls off."""


def register(root: typer.Typer) -> None:
    """Add the `simpbx` group."""
    group = typer.Typer(
        no_args_is_help=True, help=_("A PBX with people on its phones, for trying out without telephones.")
    )
    group.callback()(_simpbx)
    group.command("run", help=_("Run a site's simulated PBX until it is stopped, then write what it saw."))(
        _run
    )
    root.add_typer(group, name="simpbx")


def _simpbx() -> None:
    """Keeps `run` a command with a name: typer drops the name of a group's only command."""


def _run(file: Annotated[Path, typer.Argument(help=_("The PBX's TOML file."), show_default=False)]) -> None:
    from branch.telephony.simulated.pbx.process import SimulatedPbx, calls_of
    from branch.telephony.simulated.pbx.settings import PbxSettings
    from node import lifecycle, logs
    from node.settings import load

    settings = load(PbxSettings, file, os.environ)
    calls = calls_of(settings)
    logs.configure(level=settings.log.level, style=settings.log.format, site_id=settings.site.id)

    async def start(_tasks: lifecycle.Tasks) -> SimulatedPbx:
        pbx = SimulatedPbx(settings, calls)
        try:
            await pbx.start()
        except BaseException:
            await pbx.close()
            raise
        return pbx

    raise typer.Exit(lifecycle.run(start, drain_limit_s=DRAIN_LIMIT_S))
