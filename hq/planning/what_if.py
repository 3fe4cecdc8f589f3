"""The shell of a what-if: files in, one play, the report out."""

import sys
from pathlib import Path

from node.plays import print_report, read_calls, read_scenario, write_report
from node.terminal import messages, print_error
from node.words import text as _
from router.world.reference.policies import Policy
from router.world.report import format_report
from router.world.what_if import play_what_if

_SHOWN_VIOLATIONS = 10


def run(
    scenario_path: Path,
    calls_path: Path,
    *,
    policy: Policy,
    seed: int,
    report_path: Path | None,
    is_json: bool,
) -> bool:
    """Whether every law held.

    Raises:
        BadFileError, OSError: a file is not as it has to be; nothing was written.
    """
    scenario = read_scenario(scenario_path)
    calls = read_calls(calls_path, scenario)
    with messages().status(_("Playing {count} calls", count=len(calls))):
        played = play_what_if(scenario, calls, policy=policy, seed=seed)
    if report_path is not None:
        write_report(report_path, played.report)
    if is_json:
        sys.stdout.write(format_report(played.report))
    else:
        print_report(played.report)
    for violation in played.violations[:_SHOWN_VIOLATIONS]:
        print_error(violation)
    return not played.violations
