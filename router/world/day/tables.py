"""Reads one table of a TOML text key by key and collects every fault instead of stopping at the first."""

import math
import re
from collections.abc import Mapping
from typing import Any

from router.id_rules import name_fault, site_fault
from router.problems import Problem
from router.problems import marked as _

_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")

Lines = Mapping[tuple[str, int, str], int]
"""Line numbers by (table, its number from 1, key); the table's own line under the key ''."""


def line_numbers(text: str) -> Lines:
    """Where each table and key stands; keys written inline are missing and keep their table's line."""
    found: dict[tuple[str, int, str], int] = {}
    table, number = "", 1
    counts: dict[str, int] = {}
    for line_number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = header[1]
            number = counts[table] = counts.get(table, 0) + 1
            found.setdefault((table, number, ""), line_number)
        elif key := _KEY.match(line):
            found.setdefault((table, number, key[1]), line_number)
    return found


class TableReader:
    """One table's values, checked as they are taken; `finish` reports the keys nobody took.

    A faulty value is reported to `problems` and read as its default, so that reading goes on.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        problems: list[Problem],
        lines: Lines,
        *,
        table: str = "",
        number: int = 1,
    ) -> None:
        self._values = values
        self._problems = problems
        self._lines = lines
        self._table = table
        self._number = number
        self._taken: set[str] = set()

    def number(self, key: str, default: float | None, *, least: float = 0.0) -> float:
        value = self._take(key, default)
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.fault(key, _("must be a number, is {value!r}"), value=value)
        elif value < least:
            self.fault(key, _("must be at least {least}, is {value}"), least=least, value=value)
        else:
            return float(value)
        return default if default is not None else least

    def number_if_given(self, key: str, *, least: float, most: float) -> float | None:
        """None when the key is absent."""
        if key not in self._values:
            self._taken.add(key)
            return None
        value = self.number(key, None, least=least)
        if value > most:
            self.fault(key, _("must be at most {most}, is {value}"), most=most, value=value)
        return value

    def milliseconds(self, key: str, default_s: float | None, *, least_s: float = 0.0) -> int:
        """A number of seconds, as whole milliseconds."""
        return round(self.number(key, default_s, least=least_s) * 1000)

    def whole(self, key: str, default: int | None, *, least: int = 0) -> int:
        value = self._take(key, default)
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(key, _("must be a whole number, is {value!r}"), value=value)
        elif value < least:
            self.fault(key, _("must be at least {least}, is {value}"), least=least, value=value)
        else:
            return value
        return default if default is not None else least

    def text(self, key: str) -> str:
        value = self._take(key, None)
        if isinstance(value, str) and value.strip():
            return value
        if value is not None:
            self.fault(key, _("must be text in quotes, is {value!r}"), value=value)
        return ""

    def site_id(self, key: str) -> str:
        """A text that can be a site's id; empty after a fault."""
        value = self.text(key)
        return value if not value or self._obeys(key, site_fault(value)) else ""

    def names(self, key: str) -> tuple[str, ...] | None:
        """As `texts`, of queues or skills."""
        values = self.texts(key)
        for value in values or ():
            self._obeys(key, name_fault(value))
        return values

    def _obeys(self, key: str, fault: Problem | None) -> bool:
        if fault is not None:
            self.fault(key, fault.wording, **fault.values)
        return fault is None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """An array of texts; None when the key is absent."""
        self._taken.add(key)
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, list) and value and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        self.fault(key, _("must be an array of texts with at least one in it, is {value!r}"), value=value)
        return None

    def table(self, key: str) -> "TableReader | None":
        """The table `[key]`; None when it is absent."""
        self._taken.add(key)
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(key, _("must be written as a [{key}] table"), key=key)
            return None
        return TableReader(value, self._problems, self._lines, table=key)

    def tables(self, key: str) -> list["TableReader"]:
        """The tables of `[[key]]`."""
        self._taken.add(key)
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fault(key, _("must be written as [[{key}]] tables"), key=key)
            return []
        return [
            TableReader(item, self._problems, self._lines, table=key, number=number)
            for number, item in enumerate(value, start=1)
        ]

    def fault(self, key: str, wording: str, /, **values: object) -> None:
        self._problems.append(
            Problem(line=self._line(key), place=self._place(key), wording=wording, values=values)
        )

    def finish(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self._values:
            if key not in self._taken:
                self.fault(
                    key, _("is not a known key; known here: {known}"), known=", ".join(sorted(self._taken))
                )

    def _take(self, key: str, default: float | None) -> Any:
        self._taken.add(key)
        if key not in self._values and default is None:
            self.fault(key, _("is missing"))
            return None
        return self._values.get(key, default)

    def _line(self, key: str) -> int | None:
        table = (self._table, self._number)
        return self._lines.get((*table, key)) or self._lines.get((*table, ""))

    def _place(self, key: str) -> str:
        if not self._table:
            return key
        name = self._values.get("id")
        return (
            f"[[{self._table}]] {self._number}" + (f" ({name})" if isinstance(name, str) else "") + f", {key}"
        )
