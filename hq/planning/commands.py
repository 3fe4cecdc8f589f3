"""`trunkline whatif` and `trunkline import`."""

from pathlib import Path
from typing import Annotated

import typer

from node.words import text as _
from router.world.reference.policies import Policy

EXIT_LAW_BROKEN = 1


def register(root: typer.Typer) -> None:
    """Add the planner's commands."""
    _register_whatif(root)
    _register_import(root)


def _register_whatif(root: typer.Typer) -> None:
    @root.command(
        help=_("Play a day of calls through a cluster on virtual time, under a policy of your choice.")
    )
    def whatif(
        scenario: Annotated[Path, typer.Option(help=_("The sites: a scenario.toml."))],
        calls: Annotated[Path, typer.Option(help=_("The day: a calls.csv."))],
        policy: Annotated[Policy, typer.Option(help=_("How calls find agents."))] = Policy.RESERVE_PULL,
        seed: Annotated[int, typer.Option(help=_("The same seed gives the same report."))] = 1,
        report: Annotated[Path | None, typer.Option(help=_("Write the report here as JSON."))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=_("Print the report as JSON."))] = False,
    ) -> None:
        from hq.planning.what_if import run

        is_lawful = run(scenario, calls, policy=policy, seed=seed, report_path=report, is_json=as_json)
        if not is_lawful:
            raise typer.Exit(EXIT_LAW_BROKEN)


def _register_import(root: typer.Typer) -> None:
    imports = typer.Typer(no_args_is_help=True, help=_("Turn real call data into a calls file."))

    # Without a callback a group of one command would be that command.
    @imports.callback()
    def group() -> None:
        pass

    @imports.command(help=_("The Anonymous Bank's data of 1999, published by the Technion in Haifa."))
    def technion(
        file: Annotated[Path, typer.Argument(help=_("The tab-separated rows, packed with gzip or not."))],
        sites: Annotated[str, typer.Option(help=_("How many sites, or their names: beijing,urumqi."))],
        day: Annotated[str, typer.Option(help=_("Which day: 1999-02-03."))],
        out: Annotated[Path, typer.Option(help=_("The calls file to write."))],
        weights: Annotated[str | None, typer.Option(help=_("Each site's share of the calls: 5,3,2."))] = None,
        begin: Annotated[str, typer.Option("--from", help=_("Only calls from this hour on."))] = "0",
        end: Annotated[str, typer.Option("--to", help=_("Only calls before this hour."))] = "24",
        seed: Annotated[int, typer.Option(help=_("The same seed writes the same file."))] = 1,
        priorities: Annotated[
            bool, typer.Option(help=_("Priority customers go ahead, as they did in 1999."))
        ] = True,
    ) -> None:
        from hq.planning.import_technion import run

        run(
            file,
            sites=sites,
            weights=weights,
            day=day,
            begin=begin,
            end=end,
            seed=seed,
            out=out,
            has_priorities=priorities,
        )

    root.add_typer(imports, name="import")
