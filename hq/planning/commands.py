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
