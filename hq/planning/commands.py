"""`trunkline whatif` and `trunkline import`."""

from pathlib import Path
from typing import Annotated

import typer

from node.words import text as _
from router.world.reference.policies import Policy

EXIT_LAW_BROKEN = 1

_Ledger = Annotated[
    str | None,
    typer.Option(help=_("A branch's or HQ's database: a SQLite file or postgresql://USER@HOST/NAME.")),
]
_Day = Annotated[str | None, typer.Option(help=_("Which day of the ledger: 2026-03-02."))]
_Variants = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        help=_(
            "One variant: closed=SITE, SITE=12, SITE=+2, max_own_loss=SITE:2, policy=NAME,"
            " roster=FILE, several with commas; repeatable."
        ),
    ),
]
_SimilarDays = Annotated[
    bool,
    typer.Option(
        help=_(
            "Each play is another day like the ledger's, or of the scenario's callers; intervals say"
            " what other such days bring."
        )
    ),
]


def register(root: typer.Typer) -> None:
    """Add the planner's commands."""
    _register_whatif(root)
    _register_staff(root)
    _register_import(root)


def _register_whatif(root: typer.Typer) -> None:
    @root.command(
        help=_(
            "Play a day on virtual time, a made one or one of your own ledger's, and compare what could be:"
            " other agents, a closed site, another policy."
        )
    )
    def whatif(
        scenario: Annotated[
            Path | None,
            typer.Option(help=_("The sites: a scenario.toml; with --from-ledger, its links alone.")),
        ] = None,
        calls: Annotated[
            Path | None,
            typer.Option(help=_("The day: a calls.csv; without it one is made up from the scenario.")),
        ] = None,
        from_ledger: _Ledger = None,
        day: _Day = None,
        changes: _Variants = None,
        policy: Annotated[Policy, typer.Option(help=_("How calls find agents."))] = Policy.RESERVE_PULL,
        seed: Annotated[int, typer.Option(help=_("The same seed gives the same report."))] = 1,
        seeds: Annotated[
            int | None, typer.Option(help=_("How many plays of each variant, from --seed on; else 10."))
        ] = None,
        similar_days: _SimilarDays = False,
        plot: Annotated[
            Path | None, typer.Option(help=_("Draw waits through the day: a .png or .svg file."))
        ] = None,
        report: Annotated[Path | None, typer.Option(help=_("Write the report here as JSON."))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=_("Print the report as JSON."))] = False,
    ) -> None:
        from hq.planning.day import read_day
        from node.plays import check_report_path

        if report is not None:
            check_report_path(report)
        planned = read_day(from_ledger=from_ledger, day=day, scenario=scenario, calls=calls, seed=seed)
        if from_ledger is None and not changes and seeds is None and plot is None and not similar_days:
            from hq.planning import what_if

            is_lawful = what_if.run(planned, policy=policy, seed=seed, report_path=report, is_json=as_json)
        else:
            from hq.planning import compare

            is_lawful = compare.run(
                planned,
                changes or [],
                policy=policy,
                first_seed=seed,
                seed_count=10 if seeds is None else seeds,
                is_similar=similar_days,
                report_path=report,
                plot_path=plot,
                is_json=as_json,
            )
        if not is_lawful:
            raise typer.Exit(EXIT_LAW_BROKEN)


def _register_staff(root: typer.Typer) -> None:
    @root.command(
        help=_(
            "How many agents each site needs for a service level, alone and pooled, by Erlang-A: from a"
            " ledger's day, a calls file, or calls an hour that you give."
        )
    )
    def staff(
        scenario: Annotated[Path | None, typer.Option(help=_("The sites: a scenario.toml."))] = None,
        calls: Annotated[Path | None, typer.Option(help=_("The day: a calls.csv."))] = None,
        from_ledger: _Ledger = None,
        day: _Day = None,
        load: Annotated[
            list[str] | None, typer.Option(help=_("SITE=CALLS_PER_HOUR, with --aht; repeatable."))
        ] = None,
        aht: Annotated[float | None, typer.Option(help=_("Seconds that a call takes an agent."))] = None,
        patience: Annotated[
            float | None, typer.Option(help=_("Seconds until callers hang up, on average; else never."))
        ] = None,
        ring: Annotated[float, typer.Option(help=_("Seconds that a phone rings, with --load."), min=0)] = 2.0,
        target: Annotated[
            float, typer.Option(help=_("Per cent of all calls to be answered in time."))
        ] = 85.0,
        within: Annotated[float, typer.Option(help=_("Seconds that are in time."))] = 20.0,
        interval: Annotated[int, typer.Option(help=_("Minutes of an interval: 15, 30 or 60."))] = 30,
        as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
    ) -> None:
        from hq.planning import demand, staff
        from hq.planning.day import BadChoiceError, read_day
        from router.kpi.service_level import INTERVALS_MIN

        wanted = staff.target_of(target, within)
        if interval not in INTERVALS_MIN:
            raise BadChoiceError(_("--interval must be 15, 30 or 60; it is {minutes}", minutes=interval))
        if load:
            if any(given is not None for given in (scenario, calls, from_ledger, day)):
                raise BadChoiceError(_("--load says it all; leave the other sources out"))
            demanded = demand.demand_given(load, aht_s=aht, patience_s=patience, ring_s=ring)
        else:
            if aht is not None or patience is not None:
                raise BadChoiceError(_("--aht and --patience belong to --load; a day has its own"))
            planned = read_day(from_ledger=from_ledger, day=day, scenario=scenario, calls=calls)
            demanded = demand.demand_of_day(planned, interval)
        staff.run(demanded, wanted, is_json=as_json)


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
