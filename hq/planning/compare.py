"""The shell of a comparison: a day and its variants in, tables, JSON, a plot and a verdict out."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hq.planning.compare_view import comparison_tree, print_comparison
from hq.planning.day import BadChoiceError, PlannedDay
from hq.planning.parallel import Plan, play_all
from hq.planning.roster_file import read_roster
from node.terminal import messages, print_error, print_json
from node.words import text as _
from router.world.day.variants import Roster, Variant, make_variant
from router.world.figures.helping_cost import helping_costs, reference_variants
from router.world.reference.policies import Policy

SEED_LIMIT = 1000
_SHOWN_VIOLATIONS = 10


def run(
    day: PlannedDay,
    changes: Sequence[str],
    *,
    policy: Policy,
    first_seed: int,
    seed_count: int,
    is_similar: bool,
    report_path: Path | None,
    plot_path: Path | None,
    is_json: bool,
) -> bool:
    """Whether every law held in every play.

    Raises:
        BadChoiceError, BadInputError: an option asks for what can't be had; nothing was played.
        OSError: the report or the plot can't be written.
    """
    if not 1 <= seed_count <= SEED_LIMIT:
        raise BadChoiceError(
            _("--seeds must be 1 to {limit}; it is {count}", limit=SEED_LIMIT, count=seed_count)
        )
    source = day.past or (day.made_up if is_similar else None)
    if is_similar and source is None:
        raise BadChoiceError(
            _("--similar-days draws from a ledger's day or a scenario's callers; a calls file is one day")
        )
    if plot_path is not None:
        from hq.planning.plot import check_plot_path

        check_plot_path(plot_path)
    variants = make_variants(day, changes, policy)
    played = play_all(
        Plan(
            variants=(*variants, *reference_variants(variants)),
            seeds=tuple(range(first_seed, first_seed + seed_count)),
            day=source,
            is_similar=is_similar,
            calls=day.calls,
        )
    )
    compared = played[: len(variants)]
    costs = helping_costs(compared, played[len(variants) :])
    tree = comparison_tree(day, compared, costs, first_seed=first_seed)
    if report_path is not None:
        text = json.dumps(tree, ensure_ascii=False, indent=2) + "\n"
        report_path.write_text(text, encoding="utf-8")
    if plot_path is not None:
        from hq.planning.plot import write_plot

        write_plot(plot_path, day, compared)
        messages().print(_("plot written: {path}", path=plot_path), markup=False, soft_wrap=True)
    if is_json:
        print_json(tree)
    else:
        print_comparison(day, compared, costs, seed_count=seed_count)
    violations = [violation for each in played for violation in each.violations]
    for violation in violations[:_SHOWN_VIOLATIONS]:
        print_error(violation)
    return not violations


def make_variants(day: PlannedDay, changes: Sequence[str], policy: Policy) -> tuple[Variant, ...]:
    """The day as it was, and what it could be.

    Raises:
        BadInputError: a change is not understood.
        BadChoiceError: callers would wait for ever.
    """
    base = Variant(name=_("as it is"), scenario=day.scenario, policy=policy)
    variants = [base, *(make_variant(base, text, partial(_roster, day)) for text in changes)]
    for variant in variants:
        _check_ends(day, variant)
    return tuple(variants)


def _roster(day: PlannedDay, path: str) -> Roster:
    return read_roster(Path(path), day.from_midnight)


def _check_ends(day: PlannedDay, variant: Variant) -> None:
    """Callers who never hang up need an agent, sooner or later."""
    scenario = variant.scenario
    last = {site.site_id: site.agents for site in scenario.sites}
    last |= {change.site_id: change.agents for change in scenario.roster}
    is_alone = variant.policy is Policy.ISOLATED
    able = {site.site_id: site.skills for site in scenario.sites if last[site.site_id] > 0}
    for call in day.calls:
        if call.patience_ms is None and not any(
            (skills is None or str(call.queue_id) in skills) and (not is_alone or site_id == call.site_id)
            for site_id, skills in able.items()
        ):
            raise BadChoiceError(
                _(
                    "{variant}: callers of {queue} at {site} never hang up and nobody would serve them; give"
                    " them a patience_s, or keep agents there",
                    variant=variant.name,
                    queue=call.queue_id,
                    site=call.site_id,
                )
            )
