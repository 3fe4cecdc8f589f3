"""A lab's verdict in a terminal: the report that what-if prints too, and what was broken."""

from deploy.lab.verdict import Verdict
from node.plays import print_report
from node.terminal import output
from node.words import plural
from node.words import text as _

_VIOLATIONS_SHOWN = 5


def tell_verdict(verdict: Verdict) -> None:
    print_report(verdict.report)
    _tell_staging(verdict)
    for law in verdict.laws:
        for violation in law.violations[:_VIOLATIONS_SHOWN]:
            output().print(f"{law.name}: {violation}", markup=False, style="red")
    if verdict.are_kpis_equal:
        output().print(_("The figures recomputed at HQ are those of the branches."), style="green")
    else:
        output().print(_("The figures recomputed at HQ are NOT those of the branches."), style="bold red")


def _tell_staging(verdict: Verdict) -> None:
    """How much of the plan was played: a day that half of its callers missed shows less than it seems to."""
    played = verdict.report["lab"]
    is_expected = verdict.is_all_played or verdict.was_pbx_down
    output().print(
        plural(
            "{played} of {count} planned caller reached a PBX, at speed {speed:g}.",
            "{played} of {count} planned callers reached a PBX, at speed {speed:g}.",
            played["planned"],
            played=played["played"],
            speed=played["speed"],
        ),
        style=None if is_expected else "bold red",
    )
    if played["restarts"]:
        names = ", ".join(f"{name} ({count})" for name, count in played["restarts"].items())
        output().print(_("Started again: {names}", names=names), markup=False)
