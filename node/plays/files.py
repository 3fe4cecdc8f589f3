"""A scenario and its calls from files, their faults told in the reader's language."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from node.troubles import TroubleError
from node.words import plural, told
from node.words import text as _
from router.problems import BadInputError, Problem, marked
from router.world.day.calls import PlannedCall, parse_calls
from router.world.day.scenario import Scenario, parse_scenario
from router.world.figures.report import Report, format_report

T = TypeVar("T")


class BadFileError(TroubleError):
    """A file can't be played: every fault of it in words, a line each."""

    reason = "INPUT_INVALID"

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        head = plural("{path} has {count} fault:", "{path} has {count} faults:", len(problems), path=path)
        super().__init__("\n".join([head, *(f"  {told(problem)}" for problem in problems)]))
        self.problems = problems


def read_scenario(path: Path) -> Scenario:
    """Raises:
    BadFileError: with every fault and its place.
    OSError: the file can't be read.
    """
    return _parsed(path, parse_scenario)


def read_calls(path: Path, scenario: Scenario) -> list[PlannedCall]:
    """Raises:
    BadFileError: with every fault and its line.
    OSError: the file can't be read.
    """
    return _parsed(path, lambda text: parse_calls(text.splitlines(), scenario))


def check_report_path(path: Path) -> None:
    """Before a long play whose report could not be written.

    Raises:
        TroubleError: there is no such folder.
    """
    if not path.absolute().parent.is_dir():
        raise TroubleError(
            _("{folder} is no folder; the report cannot be written there", folder=path.absolute().parent)
        )


def write_report(path: Path, report: Report) -> None:
    path.write_text(format_report(report), encoding="utf-8")


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        fault = Problem(place=_("byte {position}", position=error.start), wording=marked("is not UTF-8 text"))
        raise BadFileError(path, (fault,)) from error
    except BadInputError as error:
        raise BadFileError(path, error.problems) from error
