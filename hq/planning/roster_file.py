"""A roster as people keep it in a table: `site,from,agents`, the times on a clock."""

import csv
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from node.plays import BadFileError
from router.ids import SiteId
from router.problems import Problem, marked
from router.world.day.scenario import RosterChange
from router.world.day.variants import Roster

HEADER = ("site", "from", "agents")

ClockToMs = Callable[[SiteId, int], int]
"""Milliseconds from the scenario's first instant to so many minutes after the site's midnight."""


def read_roster(path: Path, clock_to_ms: ClockToMs) -> Roster:
    """Each named site's agents on duty, from each time on.

    Raises:
        BadFileError: with every fault and its line.
        OSError: the file can't be read.
    """
    problems: list[Problem] = []
    changes: list[RosterChange] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = tuple(name.strip() for name in next(reader, []))
        if header != HEADER:
            wording = marked("the header must be {header}")
            raise BadFileError(path, (Problem(line=1, wording=wording, values={"header": ",".join(HEADER)}),))
        for row in reader:
            if row:
                _read_line(row, reader.line_num, changes, problems, clock_to_ms)
    if problems:
        raise BadFileError(path, tuple(problems))
    changes.sort(key=lambda change: (change.site_id, change.from_ms))
    return {site_id: tuple(own) for site_id, own in groupby(changes, key=lambda change: change.site_id)}


def _read_line(
    row: list[str],
    line: int,
    changes: list[RosterChange],
    problems: list[Problem],
    clock_to_ms: ClockToMs,
) -> None:
    fields = [field.strip() for field in row]
    if len(fields) != len(HEADER):
        wording = marked("has {count} fields instead of {wanted}")
        values = {"count": len(fields), "wanted": len(HEADER)}
        problems.append(Problem(line=line, wording=wording, values=values))
        return
    site, clock, agents = fields
    minutes = _minutes(clock)
    if minutes is None:
        wording = marked("from must be a time of day like 9:00, is {value!r}")
        problems.append(Problem(line=line, wording=wording, values={"value": clock}))
    if not (agents.isdecimal() and len(agents) <= 6):
        wording = marked("agents must be a whole number, is {value!r}")
        problems.append(Problem(line=line, wording=wording, values={"value": agents}))
    elif minutes is not None:
        site_id = SiteId(site)
        changes.append(
            RosterChange(site_id=site_id, from_ms=clock_to_ms(site_id, minutes), agents=int(agents))
        )


def _minutes(clock: str) -> int | None:
    hours, colon, minutes = clock.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2):
        return None
    total = int(hours) * 60 + int(minutes)
    return total if int(minutes) < 60 and total <= 24 * 60 else None
