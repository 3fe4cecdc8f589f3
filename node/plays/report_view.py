"""The report of a what-if or a lab as people read it: sites, the cluster beside its yardsticks, laws."""

from typing import Any

from node.terminal import Column, output, print_table
from node.words import text as _
from router.world.figures.report import Report


def print_report(report: Report) -> None:
    _print_sites(report)
    _print_comparison(report)
    _print_handoffs(report["cluster"])
    _print_laws(report["laws"])
    if report["consolidation"] is not None:
        _print_consolidation(report["consolidation"])


def _print_sites(report: Report) -> None:
    rows = [
        (
            name,
            site["offered"],
            site["answered"],
            site["abandoned"],
            _percent(site["sl20_strict"]),
            _seconds(site["asa_s"]),
            site["overflow_out"],
            site["overflow_in"],
        )
        for name, site in report["sites"].items()
    ]
    columns: list[Column | str] = [
        _("site"),
        Column(title=_("offered"), is_number=True),
        Column(title=_("answered"), is_number=True),
        Column(title=_("abandoned"), is_number=True),
        Column(title=_("within 20 s"), is_number=True),
        Column(title=_("mean wait"), is_number=True),
        Column(title=_("overflow out"), is_number=True),
        Column(title=_("overflow in"), is_number=True),
    ]
    print_table(columns, rows, title=_("Sites, policy {policy}", policy=report["policy"]))


def _print_comparison(report: Report) -> None:
    cluster, reference = report["cluster"], report["reference"]
    rows = [
        (report["policy"], *_service(cluster), _seconds(cluster["p95_wait_s"])),
        (_("one pooled queue, for comparison"), *_service(reference["pooled"]), ""),
        (_("isolated sites"), *_service(reference["isolated"]), ""),
    ]
    columns: list[Column | str] = [
        _("all sites"),
        Column(title=_("within 20 s"), is_number=True),
        Column(title=_("mean wait"), is_number=True),
        Column(title=_("abandoned"), is_number=True),
        Column(title=_("95 % waited at most"), is_number=True),
    ]
    print_table(columns, rows)


def _service(figures: dict[str, Any]) -> tuple[str, str, str]:
    return (
        _percent(figures["sl20_strict"]),
        _seconds(figures["asa_s"]),
        _percent(figures["abandon_rate"]),
    )


def _print_handoffs(cluster: dict[str, Any]) -> None:
    handoffs = cluster["handoffs"]
    refused = ", ".join(f"{reason} {count}" for reason, count in handoffs["refused"].items()) or "0"
    output().print(
        _(
            "Hand-offs: {confirmed} confirmed of {asked} asked; refused {refused}; expired {expired};"
            " cancelled {cancelled}",
            confirmed=cluster["overflow_confirmed"],
            asked=handoffs["asked"],
            refused=refused,
            expired=handoffs["expired"],
            cancelled=handoffs["cancelled"],
        )
    )


def _print_laws(laws: dict[str, dict[str, int]]) -> None:
    if not laws:
        return
    rows = [(name, f"{law['checked']:,}", law["violations"] or _("none")) for name, law in laws.items()]
    columns: list[Column | str] = [
        _("law"),
        Column(title=_("checked"), is_number=True),
        Column(title=_("broken"), is_number=True),
    ]
    print_table(columns, rows)


def _print_consolidation(night: dict[str, Any]) -> None:
    output().print(
        _(
            "Consolidation: {certified} of {due} site days certified; {rows_hq} of {rows_branches} rows at"
            " HQ; {quarantined} quarantined; digests equal: {equal}",
            certified=night["certified"],
            due=night["due"],
            rows_hq=f"{night['rows_hq']:,}",
            rows_branches=f"{night['rows_branches']:,}",
            quarantined=night["quarantined"],
            equal=_("yes") if night["digests_equal"] else _("no"),
        )
    )


def _percent(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.1f} %"


def _seconds(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.1f} s"
