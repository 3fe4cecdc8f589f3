"""Reads a settings file into a frozen model, or says everything that is wrong with it at once."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from node.settings.lines import Place, key_lines, line_of
from node.settings.overrides import lay_over
from node.settings.places import holds_secret, known_keys, written_place
from node.settings.problems import describe, unknown_key
from node.troubles import TroubleError
from node.words import plural, told_os_error
from node.words import text as _

T = TypeVar("T", bound=BaseModel)

_SHOWN_VALUE_CHARS = 60
"""Enough to recognise a value; a whole table in an error message hides the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, and where: a line of the file, or an environment variable."""

    place: str
    problem: str
    line: int | None = None
    variable: str | None = None

    def __str__(self) -> str:
        if self.variable:
            return _("{variable}: {problem}", variable=self.variable, problem=self.problem)
        where = f"{self.place}: " if self.place else ""
        if self.line is None:
            return f"{where}{self.problem}"
        return _("line {line}: {where}{problem}", line=self.line, where=where, problem=self.problem)


class SettingsError(TroubleError):
    """A settings file cannot be used; the message lists every fault of it."""

    reason = "SETTINGS_FAULTY"

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        header = plural("{path}: {count} fault", "{path}: {count} faults", len(faults), path=path)
        super().__init__("\n".join([header, *(f"  {fault}" for fault in faults)]))
        self.path = path
        self.faults = tuple(faults)


def load(model: type[T], path: Path, environ: Mapping[str, str]) -> T:
    """Read `path` and the `TRUNKLINE__SECTION__KEY` variables of `environ` into `model`.

    Paths in the file count from the file's own folder.

    Raises:
        SettingsError: the file cannot be read, or has faults: all of them, each with its place.
    """
    text = _read(path)
    tree = _parse(path, text)
    variables, misfits = lay_over(model, tree, environ)
    faults = [Fault(place="", variable=name, problem=_("fits nowhere in this file")) for name in misfits]
    try:
        settings = model.model_validate(tree, context={"folder": path.absolute().parent})
    except ValidationError as error:
        lines = key_lines(text)
        faults += [_fault(model, each, lines, variables) for each in _told(error.errors(include_url=False))]
        raise SettingsError(path, sorted(faults, key=_order)) from None
    if faults:
        raise SettingsError(path, faults)
    return settings


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        problem = _("cannot be read: {reason}", reason=told_os_error(error))
    except UnicodeDecodeError as error:
        problem = _("is not UTF-8 text (byte {position})", position=error.start)
    raise SettingsError(path, [Fault(place="", problem=problem)])


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        problem = _("not TOML: {reason}", reason=str(error))
        fault = Fault(place="", problem=problem, line=int(line[1]) if line else None)
        raise SettingsError(path, [fault]) from None


def _told(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without arrays that are too short only because their faulty entries were not counted."""
    inner = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
    return [each for each in errors if each["type"] != "too_short" or each["loc"] not in inner]


def _fault(
    model: type[BaseModel], details: ErrorDetails, lines: Mapping[Place, int], variables: Mapping[Place, str]
) -> Fault:
    location = details["loc"]
    place = written_place(model, location)
    if details["type"] == "extra_forbidden":
        problem = unknown_key(_similar(str(location[-1]), known_keys(model, location[:-1])))
    else:
        problem = describe(details, _shown(model, location, details["input"]))
    variable = _variable(variables, place)
    return Fault(place=_dotted(place), problem=problem, line=line_of(lines, place), variable=variable)


def _order(fault: Fault) -> tuple[str, float]:
    """As somebody works through the file from its top, and then through the environment."""
    return (fault.variable or "", float("inf") if fault.line is None else fault.line)


def _dotted(place: Place) -> str:
    """`("queues", 1, "name")` as people write it: `queues[1].name`."""
    return re.sub(r"\.\[", "[", ".".join(f"[{part}]" if isinstance(part, int) else part for part in place))


def _similar(key: str, known: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(key, known, n=1)), None)


def _shown(model: type[BaseModel], location: Place, value: Any) -> str | None:
    """The refused value for people, or None where it is a secret or a whole table."""
    if holds_secret(model, location) or isinstance(value, (dict, list)):
        return None
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_VALUE_CHARS else shown[:_SHOWN_VALUE_CHARS] + "..."


def _variable(variables: Mapping[Place, str], place: Place) -> str | None:
    """The variable that set the value at `place`, whole or in part."""
    around = [place[:length] for length in range(len(place), 0, -1)]
    inside = [other for other in variables if other[: len(place)] == place]
    return next((variables[each] for each in (*around, *inside) if each in variables), None)
