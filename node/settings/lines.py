"""Where each key of a TOML text stands, for faults that name their line.

tomllib keeps no positions. A statement (a header, or a key with its value) is complete
when tomllib can read it alone, so multi-line strings and arrays need no grammar of ours.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Place = tuple[str | int, ...]
"""The way to a value: keys of tables, and positions in arrays counted from 0."""


def key_lines(text: str) -> dict[Place, int]:
    """Lines, counted from 1, at which each table and each key starts; `text` is valid TOML."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, statement in _statements(text):
        content = tomllib.loads(statement)
        if not statement.lstrip().startswith("["):
            _note(lines, table, content, number)
            continue
        keys = _header_keys(content)
        table = _table_place(keys, counts, is_array=statement.lstrip().startswith("[["))
        lines.setdefault(table, number)
        lines.setdefault(tuple(keys), number)
    return lines


def line_of(lines: Mapping[Place, int], place: Place) -> int | None:
    """The line of `place`, else of the nearest table around it that is written in the file."""
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    start, pending = 0, ""
    # Split as TOML does: other separators of str.splitlines may stand inside of a string.
    for number, line in enumerate(text.split("\n"), start=1):
        start = start if pending else number
        pending += line + "\n"
        if _is_complete(pending):
            if pending.strip() and not pending.lstrip().startswith("#"):
                yield start, pending
            pending = ""


def _is_complete(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _header_keys(content: Mapping[str, Any]) -> list[str]:
    keys: list[str] = []
    inner: Any = content
    while inner:
        inner = inner[0] if isinstance(inner, list) else inner
        if not inner:
            break
        key = next(iter(inner))
        keys.append(key)
        inner = inner[key]
    return keys


def _table_place(keys: list[str], counts: dict[Place, int], *, is_array: bool) -> Place:
    """The header's keys with the position of each array's current element put between them."""
    place: Place = ()
    for depth, key in enumerate(keys, start=1):
        place = (*place, key)
        if is_array and depth == len(keys):
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def _note(lines: dict[Place, int], table: Place, content: Mapping[str, Any], number: int) -> None:
    for key, value in content.items():
        lines.setdefault((*table, key), number)
        if isinstance(value, dict):
            _note(lines, (*table, key), value, number)
