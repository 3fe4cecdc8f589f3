"""A lab's verdict in a terminal: the report that what-if prints too, and what was broken."""

from deploy.lab.verdict import Verdict
from node.plays import print_report
from node.terminal import output
from node.words import text as _

_VIOLATIONS_SHOWN = 5


def tell_verdict(verdict: Verdict) -> None:
    print_report(verdict.report)
    for law in verdict.laws:
        for violation in law.violations[:_VIOLATIONS_SHOWN]:
            output().print(f"{law.name}: {violation}", markup=False, style="red")
    if verdict.are_kpis_equal:
        output().print(_("The figures recomputed at HQ are those of the branches."), style="green")
    else:
        output().print(_("The figures recomputed at HQ are NOT those of the branches."), style="bold red")
