"""The shell of a single what-if: one play of a day, its report out."""

import sys
from pathlib import Path

from hq.planning.day import PlannedDay
from node.plays import print_report, write_report
from node.terminal import messages, print_error
from node.words import text as _
from router.world.figures.report import format_report
from router.world.figures.what_if import play_what_if
from router.world.reference.policies import Policy

_SHOWN_VIOLATIONS = 10


def run(
    day: PlannedDay,
    *,
    policy: Policy,
    seed: int,
    report_path: Path | None,
    is_json: bool,
) -> bool:
    """Whether every law held.

    Raises:
        OSError: the report can't be written.
    """
    with messages().status(_("Playing {count} calls", count=len(day.calls))):
        played = play_what_if(day.scenario, day.calls, policy=policy, seed=seed)
    if report_path is not None:
        write_report(report_path, played.report)
    if is_json:
        sys.stdout.write(format_report(played.report))
    else:
        print_report(played.report)
    for violation in played.violations[:_SHOWN_VIOLATIONS]:
        print_error(violation)
    return not played.violations
