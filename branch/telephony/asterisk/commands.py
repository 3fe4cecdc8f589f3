"""`trunkline asterisk`: what a site's Asterisk needs to know and to say, from the site's file."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from branch.admin.options import AsJson, SiteFile
from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add the `asterisk` group."""
    group = typer.Typer(no_args_is_help=True, help=_("The Asterisk beside a branch."))
    group.command("config", help=_("Write the configuration of a site's Asterisk."))(_config)
    group.command("sounds", help=_("List the sounds that callers hear, and which are missing."))(_sounds)
    root.add_typer(group, name="asterisk")


def _config(
    site: SiteFile,
    out: Annotated[
        Path, typer.Option("--out", file_okay=False, help=_("Where asterisk.conf and the others go."))
    ],
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            file_okay=False,
            help=_("Where Asterisk keeps logs, recordings and its database."),
            show_default=False,
        ),
    ] = None,
    modules: Annotated[
        Path | None,
        typer.Option(
            "--modules", file_okay=False, help=_("Where Asterisk's modules are."), show_default=False
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", file_okay=False, help=_("Where Asterisk's sounds are."), show_default=False),
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


def _sounds(
    site: SiteFile,
    out: Annotated[
        Path,
        typer.Option("--out", file_okay=False, help=_("Where `trunkline asterisk config` has written to.")),
    ],
    speak: Annotated[
        bool, typer.Option("--speak", help=_("Make what is missing with espeak-ng and sox."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from branch.telephony.asterisk import sounds
    from branch.telephony.asterisk.config.planning import LANGUAGES
    from node.terminal import EXIT_BAD_INPUT, print_json, print_table, progress

    prompts = _prompts_of(site)
    found = sounds.sounds_of(out, LANGUAGES, prompts)
    if speak:
        lacking = [each for each in found if not each.is_there and each.text is not None]
        with progress() as bar:
            for each in bar.track(lacking, description=_("sounds")):
                sounds.speak(out, each)
        found = sounds.sounds_of(out, LANGUAGES, prompts)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_table(
            (_("language"), _("sound"), _("there"), _("text")),
            (
                (each.language, each.name, _("yes") if each.is_there else _("no"), each.text or "")
                for each in found
            ),
        )
    if not all(each.is_there for each in found):
        raise typer.Exit(EXIT_BAD_INPUT)


def _prompts_of(site: Path) -> Iterable[str]:
    import os

    from branch import parts
    from branch.settings import BranchSettings
    from node.settings import load
    from router.flow.nodes import prompts_of

    read = parts.flow(load(BranchSettings, site, os.environ))
    return () if read is None else prompts_of(read.flow)
