"""A lab's verdict in a terminal: calls and waits by site, the laws, the night."""

from collections.abc import Mapping
from typing import Any

from deploy.lab.verdict import Verdict
from node.terminal import Column, output, print_table
from node.words import text as _


def tell_verdict(verdict: Verdict) -> None:
    report = verdict.report
    _tell_sites(report)
    _tell_reference(report)
    _tell_laws(verdict)
    _tell_night(verdict)


def _tell_sites(report: Mapping[str, Any]) -> None:
    columns = (
        _("offered"),
        _("answered"),
        _("abandoned"),
        _("service level %"),
        _("mean wait s"),
        _("out"),
        _("in"),
    )
    rows = [
        (name, *_figures(site), site["overflow_out"], site["overflow_in"])
        for name, site in report["sites"].items()
    ]
    confirmed = report["cluster"]["overflow_confirmed"]
    rows.append((_("cluster"), *_figures(report["cluster"]), confirmed, confirmed))
    print_table(
        [Column(title=_("site")), *(Column(title=title, is_number=True) for title in columns)],
        rows,
        title=_("The day"),
    )


def _tell_reference(report: Mapping[str, Any]) -> None:
    names = {"pooled": _("one big room"), "isolated": _("every site alone")}
    print_table(
        [
            Column(title=_("the same calls in")),
            Column(title=_("service level %"), is_number=True),
            Column(title=_("mean wait s"), is_number=True),
            Column(title=_("abandoned %"), is_number=True),
        ],
        [
            (names[name], _shown(each["sl20_strict"]), _shown(each["asa_s"]), _shown(each["abandon_rate"]))
            for name, each in report["reference"].items()
        ],
        title=_("For comparison"),
    )


def _tell_laws(verdict: Verdict) -> None:
    print_table(
        [
            Column(title=_("law")),
            Column(title=_("checked"), is_number=True),
            Column(title=_("violations"), is_number=True),
        ],
        [(law.name, law.checked, law.violation_count) for law in verdict.laws],
        title=_("The laws"),
    )
    for law in verdict.laws:
        for violation in law.violations[:5]:
            output().print(f"{law.name}: {violation}", markup=False, style="red")


def _tell_night(verdict: Verdict) -> None:
    night = verdict.report["consolidation"]
    console = output()
    console.print(
        _(
            "The night: {certified} of {due} sites certified, {rows_hq} of {rows_branches} ledger rows"
            " at HQ, {quarantined} quarantined, digests {digests}, key figures at HQ {figures}.",
            certified=night["certified"],
            due=night["due"],
            rows_hq=night["rows_hq"],
            rows_branches=night["rows_branches"],
            quarantined=night["quarantined"],
            digests=_("equal") if night["digests_equal"] else _("DIFFERENT"),
            figures=_("equal") if verdict.are_kpis_equal else _("DIFFERENT"),
        ),
        style="green" if verdict.is_good else "bold red",
    )


def _figures(part: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        part["offered"],
        part["answered"],
        part["abandoned"],
        _shown(part["sl20_strict"]),
        _shown(part["asa_s"]),
    )


def _shown(figure: float | None) -> str:
    return _("no data") if figure is None else f"{figure:.1f}"
