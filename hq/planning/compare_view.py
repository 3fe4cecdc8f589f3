"""A comparison as people read it at a terminal, and as programs do.

Colour says only what is certain: green where the whole interval is better for callers than the
base, red where it is worse, plain where these plays can't tell.
"""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from hq.explain.reasons import ENDINGS, worded
from hq.planning.day import PlannedDay
from hq.planning.notes import print_notes
from node.terminal import output
from node.words import marked, plural
from node.words import text as _
from router.ids import SiteId
from router.kpi.confidence import Estimate
from router.world.figures.comparison import BETTER_IS_MORE, FIGURES, OVERFLOW, Compared
from router.world.figures.helping_cost import HelpingCost
from router.world.figures.through_day import INTERVAL_MS

SHOWN_SITES = 20

_OPEN = {"OPEN": marked("the call has not ended")}

_UNITS = {"sl20_strict": "%", "abandon_rate": "%", "asa_s": "s", "p95_wait_s": "s", OVERFLOW: ""}


def comparison_tree(
    day: PlannedDay, compared: Sequence[Compared], costs: Sequence[HelpingCost], *, first_seed: int
) -> dict[str, Any]:
    """For programs; every figure with its mean, its 95 % interval and how many plays gave it."""
    tree = {
        "day": day.name,
        "seeds": [first_seed + number for number in range(len(compared[0].plays))],
        "confidence": 0.95,
        "measured": measured_figures(day),
        "left_out": dict(day.left_out),
        "notes": list(day.notes),
        "variants": [_variant_tree(day, each) for each in compared],
    }
    if costs:
        tree["helping"] = [_helping_tree(each) for each in costs]
    return tree


def _helping_tree(cost: HelpingCost) -> dict[str, Any]:
    return {
        "variant": cost.variant,
        "site": cost.site_id,
        "max_own_loss": cost.max_own_loss,
        "own_loss": _estimate_tree(cost.own_loss),
        "own_loss_unlimited": _estimate_tree(cost.own_loss_unlimited),
        "helped": _estimate_tree(cost.helped),
        "helped_unlimited": _estimate_tree(cost.helped_unlimited),
        "cluster_pays": _estimate_tree(cost.cluster_pays),
    }


def _variant_tree(day: PlannedDay, each: Compared) -> dict[str, Any]:
    names = tuple(BETTER_IS_MORE)
    return {
        "name": each.variant.name,
        "policy": each.variant.policy.value,
        "offered": each.offered,
        "violations": len(each.violations),
        "cluster": {name: _estimate_tree(each.figure(name)) for name in names},
        "against_base": {name: _estimate_tree(each.difference(name)) for name in names},
        "sites": {
            site_id: {
                "figures": {name: _estimate_tree(each.figure(name, site_id)) for name in figures},
                "against_base": {name: _estimate_tree(each.difference(name, site_id)) for name in figures},
            }
            for site_id, figures in each.plays[0].sites.items()
        },
        "through_day": [
            {
                "from_s": interval * INTERVAL_MS // 1000,
                "clock": f"{day.clock(interval * INTERVAL_MS):%H:%M}",
                "mean_wait_s": _estimate_tree(each.mean_wait(interval)),
                "sl20_strict": _estimate_tree(each.service_level(interval)),
            }
            for interval in each.plays[0].through_day
        ],
    }


def _estimate_tree(found: Estimate | None) -> dict[str, float | int | None] | None:
    if found is None:
        return None
    return {
        "mean": round(found.mean, 3),
        "low": None if found.low is None else round(found.low, 3),
        "high": None if found.high is None else round(found.high, 3),
        "plays": found.count,
    }


def print_comparison(
    day: PlannedDay, compared: Sequence[Compared], costs: Sequence[HelpingCost], *, seed_count: int
) -> None:
    title = _(
        "{day}: {calls} calls, {plays}",
        day=day.name,
        calls=compared[0].offered,
        plays=plural("{count} play of each", "{count} plays of each", seed_count),
    )
    console = output()
    console.print(_cluster_table(compared, title, measured_figures(day)))
    if len(compared) > 1:
        console.print(_difference_table(compared))
    console.print(_site_table(compared))
    hidden = len(compared[0].plays[0].sites) - SHOWN_SITES
    if hidden > 0:
        more = plural("{count} more site: see --json", "{count} more sites: see --json", hidden)
        console.print(more, markup=False)
    if costs:
        console.print(_helping_table(costs))
        console.print(
            _(
                "Own loss: points within 20 s that the site's own callers lose against a site that helps"
                " nobody; the cluster pays what all callers lose against helping without a limit."
            ),
            markup=False,
        )
    if seed_count > 1:
        console.print(
            _("± is half of the 95 % interval; green and red differences are certain by it, others are not."),
            markup=False,
        )
    else:
        console.print(_("One play says nothing of chance; --seeds 10 shows intervals."), markup=False)
    for ending, count in sorted(day.left_out.items()):
        console.print(
            _("not played, {count}: {ending}", ending=worded(ending, ENDINGS, _OPEN), count=count),
            markup=False,
        )
    print_notes(day.notes)


def measured_figures(day: PlannedDay) -> dict[str, float | None] | None:
    """Of a ledger's day, by its own rows; None for one that has not been."""
    if day.past is None:
        return None
    tally = day.past.measured()
    figures = {name: getattr(tally, name) for name in FIGURES}
    return {**figures, OVERFLOW: float(day.past.answered_away_count)}


def _cluster_table(
    compared: Sequence[Compared], title: str, measured: dict[str, float | None] | None
) -> Table:
    table = _table(title, [_("variant"), _("routing")], _figure_titles())
    if measured is not None:
        cells = [_plain(measured[name], _UNITS[name]) for name in BETTER_IS_MORE]
        table.add_row(Text(_("as measured")), Text("-"), *cells, style="dim")
    for each in compared:
        cells = [_valued(each.figure(name), _UNITS[name]) for name in BETTER_IS_MORE]
        table.add_row(Text(each.variant.name), Text(each.variant.policy), *cells)
    return table


def _difference_table(compared: Sequence[Compared]) -> Table:
    title = _("Difference to {base}, over the same calls and seeds", base=compared[0].variant.name)
    table = _table(title, [_("variant")], _figure_titles())
    for each in compared[1:]:
        cells = [_changed(each.difference(name), name) for name in BETTER_IS_MORE]
        table.add_row(Text(each.variant.name), *cells)
    return table


def _site_table(compared: Sequence[Compared]) -> Table:
    """Each site's service level under each variant, and what changed."""
    titles = [each.variant.name for each in compared]
    table = _table(_("Answered within 20 s, by the site that was called"), [_("site")], titles)
    for site_id in list(compared[0].plays[0].sites)[:SHOWN_SITES]:
        table.add_row(Text(site_id), *(_site_cell(each, site_id, compared[0]) for each in compared))
    return table


def _helping_table(costs: Sequence[HelpingCost]) -> Table:
    """Each site with a limit: what helping costs its callers, and what the limit costs all."""
    titles = [
        _("may lose"),
        _("own loss"),
        _("without a limit"),
        _("calls helped"),
        _("without a limit"),
        _("cluster pays"),
    ]
    table = _table(_("What helping costs, over the same calls and seeds"), [_("variant"), _("site")], titles)
    for each in costs:
        table.add_row(
            Text(each.variant),
            Text(each.site_id),
            Text(f"{each.max_own_loss:g}"),
            _valued(each.own_loss, ""),
            _valued(each.own_loss_unlimited, ""),
            _valued(each.helped, ""),
            _valued(each.helped_unlimited, ""),
            _valued(each.cluster_pays, ""),
        )
    return table


def _site_cell(each: Compared, site_id: SiteId, base: Compared) -> Text:
    cell = _valued(each.figure(FIGURES[0], site_id), "%")
    if each is not base:
        cell.append("  ").append_text(_changed(each.difference(FIGURES[0], site_id), FIGURES[0]))
    return cell


def _figure_titles() -> list[str]:
    return [
        _("within 20 s"),
        _("mean wait"),
        _("95 % waited at most"),
        _("abandoned"),
        _("answered away"),
    ]


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=Text(title), title_justify="left", header_style="bold")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    for number in numbers:
        table.add_column(Text(number), justify="right", overflow="fold")
    return table


def _valued(found: Estimate | None, unit: str) -> Text:
    if found is None:
        return Text("-")
    half = "" if found.half is None else f" ±{found.half:.1f}"
    return Text(f"{found.mean:.1f}{half} {unit}".rstrip())


def _plain(value: float | None, unit: str) -> Text:
    return Text("-" if value is None else f"{value:.1f} {unit}".rstrip())


def _changed(found: Estimate | None, name: str) -> Text:
    if found is None:
        return Text("-")
    half = "" if found.half is None else f" ±{found.half:.1f}"
    text = f"{found.mean:+.1f}{half}"
    is_more_better = BETTER_IS_MORE[name]
    if not found.is_clear or is_more_better is None:
        return Text(text)
    return Text(text, style="bold green" if (found.mean > 0) == is_more_better else "bold red")
