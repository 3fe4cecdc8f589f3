"""`trunkline asterisk config`: what a site's Asterisk needs to know, written from the site's file."""

from pathlib import Path
from typing import Annotated

import typer

from branch.admin.options import SiteFile
from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add the `asterisk` group."""
    group = typer.Typer(no_args_is_help=True, help=_("The Asterisk beside a branch."))
    group.callback()(_asterisk)
    group.command("config", help=_("Write the configuration of a site's Asterisk."))(_config)
    root.add_typer(group, name="asterisk")


def _asterisk() -> None:
    """Keeps `config` a command with a name: typer drops the name of a group's only command."""


def _config(
    site: SiteFile,
    out: Annotated[Path, typer.Option("--out", help=_("Where asterisk.conf and the others go."))],
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", help=_("Where Asterisk keeps logs, recordings and its database."), show_default=False
        ),
    ] = None,
    modules: Annotated[
        Path | None, typer.Option("--modules", help=_("Where Asterisk's modules are."), show_default=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help=_("Where Asterisk's sounds are."), show_default=False)
    ] = None,
) -> None:
    from branch.admin.site_records import open_site
    from branch.telephony.asterisk.config.plan import Places
    from branch.telephony.asterisk.config.planning import make_plan
    from branch.telephony.asterisk.config.writing import PHONES_FILE, installed, write_configuration
    from node.terminal import output

    found = installed()
    config = out.absolute()
    places = Places(
        config=config,
        state=(state or config / "state").absolute(),
        modules=(modules or found[0]).absolute(),
        data=(data or found[1]).absolute(),
    )
    with open_site(site) as records:
        agents = [agent.agent_id for agent in records.people.agents()]
        plan = make_plan(records.settings, agents, places)
    write_configuration(plan)
    output().print(
        _(
            "{folder}: Asterisk of {site} with {phones} phones and {trunks} trunks; "
            "passwords of the phones are in {file}",
            folder=config,
            site=plan.site_id,
            phones=len(plan.phones),
            trunks=len(plan.peers),
            file=config / PHONES_FILE,
        ),
        markup=False,
        soft_wrap=True,
    )
