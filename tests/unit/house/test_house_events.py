"""The guide to running a site names every warning and error that a node logs, and none that no node does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("router", "sync", "node", "branch", "hq", "deploy")
TOLD = ("warning", "error", "exception", "critical")
"""The levels at which somebody is told."""

GUIDE = ROOT / "docs" / "operating.md"
TABLE = "| Event |"


def trees() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"), str(path))


def told_by(tree: ast.Module) -> list[str]:
    """The events that a module logs as warnings or errors.

    A logger's method is called where it stands, or chosen first, with a name or without, as in
    `note = log.info if ... else log.error`. An event is written out: nobody could look up one
    that is put together.
    """
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    called = {id(call.func) for call in calls}
    choosing = {node for node in nodes if _is_level(node) and id(node) not in called}
    names = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and choosing.intersection(ast.walk(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def is_telling(method: ast.expr) -> bool:
        has_name = isinstance(method, ast.Name) and method.id in names
        return has_name or _is_level(method) or bool(choosing.intersection(ast.walk(method)))

    return [_event(call) for call in calls if call.args and is_telling(call.func)]


def _is_level(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in TOLD


def _event(call: ast.Call) -> str:
    match call.args[0]:
        case ast.Constant(value=str(event)):
            return event
    raise AssertionError(f"an event is written out: {ast.unparse(call)}")


def written_out(tree: ast.Module) -> set[str]:
    """Whatever a call gets first as words: an event of any level is among them."""
    firsts = (node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return {each.value for each in firsts if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def guided() -> list[str]:
    """The events in the first column of the guide's table."""
    table = GUIDE.read_text(encoding="utf-8").partition(TABLE)[2].partition("\n\n")[0]
    return [event for row in table.splitlines()[2:] for event in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.mark.parametrize(
    ("source", "events"),
    [
        ('log.warning("disk_slow", by_ms=3)', ["disk_slow"]),
        ('log.exception("disk_gone")', ["disk_gone"]),
        ('note = log.info if is_good else log.error\nnote("disk_changed")', ["disk_changed"]),
        ('(log.info if is_good else log.error)("disk_changed")', ["disk_changed"]),
        ('log.info("disk_there")\nraise task.exception()', []),
    ],
)
def test_warnings_and_errors_are_found_however_they_are_logged(source: str, events: list[str]) -> None:
    assert told_by(ast.parse(source)) == events


def test_an_event_that_is_put_together_is_refused() -> None:
    with pytest.raises(AssertionError, match="written out"):
        told_by(ast.parse('log.error(f"disk_{state}")'))


def test_the_guide_names_every_warning_and_error() -> None:
    told = {event for tree in trees() for event in told_by(tree)}

    assert len(told) > 50
    assert sorted(told - set(guided())) == []


def test_the_guide_names_each_event_once_and_none_that_nobody_logs() -> None:
    events = guided()

    assert len(events) == len(set(events))
    assert sorted(set(events) - {word for tree in trees() for word in written_out(tree)}) == []
