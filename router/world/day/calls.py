"""The calls of a day: `calls.csv`, which fixes every random choice of what-if and lab."""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from router.id_rules import name_fault
from router.ids import CustomerId, QueueId, SiteId
from router.problems import BadInputError, Problem
from router.problems import marked as _
from router.world.day.scenario import Scenario

HEADER = ("arrive_s", "site", "queue", "handle_s", "patience_s", "priority", "customer")

PROBLEM_LIMIT = 50
"""Faults told of one file; a file that is wrong in every line is wrong in one way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """One caller to come, with what will be known of it only afterwards."""

    arrive_ms: int
    site_id: SiteId
    queue_id: QueueId
    handle_ms: int
    """From the answer until the agent is free again, wrap-up included."""
    patience_ms: int | None
    """Hangs up when unanswered for so long; None waits for ever."""
    priority: int = 0
    customer_id: CustomerId | None = None


def parse_calls(lines: Iterable[str], scenario: Scenario) -> list[PlannedCall]:
    """The calls of a file's lines, for the sites and queues of `scenario`.

    Calls after the scenario's end are checked and left out.

    Raises:
        BadInputError: with every fault (at most 50) and its line number.
    """
    reader = csv.reader(lines)
    problems = _Faults()
    header = next(reader, [])
    if [name.lstrip("\ufeff").strip() for name in header] != list(HEADER):
        problems.add(1, _("the header must be {header}"), header=",".join(HEADER))
        raise BadInputError(problems.found)
    check = _LineCheck(scenario, problems)
    calls = [call for row in reader if row and (call := check.call(reader.line_num, row))]
    _check_skills(scenario, check.queues_seen, problems)
    if problems.found:
        raise BadInputError(problems.found)
    return [call for call in calls if call.arrive_ms <= scenario.duration_ms]


def format_calls(calls: Iterable[PlannedCall]) -> Iterator[str]:
    """The lines of the file, header first, each with its line end."""
    yield ",".join(HEADER) + "\n"
    for call in calls:
        patience = "" if call.patience_ms is None else _seconds(call.patience_ms)
        customer = call.customer_id or ""
        yield (
            f"{_seconds(call.arrive_ms)},{call.site_id},{call.queue_id},{_seconds(call.handle_ms)},"
            f"{patience},{call.priority},{customer}\n"
        )


class _Faults:
    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, line_number: int | None, wording: str, /, **values: object) -> None:
        place = "" if line_number else "scenario"
        if len(self.found) < PROBLEM_LIMIT:
            self.found.append(Problem(line=line_number, place=place, wording=wording, values=values))


class _LineCheck:
    """Reads one line after the other and remembers what a single line can't know."""

    def __init__(self, scenario: Scenario, problems: _Faults) -> None:
        self._scenario = scenario
        self._problems = problems
        self._sites = frozenset(scenario.site_ids)
        self._latest_ms = 0
        self.queues_seen: set[QueueId] = set()

    def call(self, line_number: int, row: list[str]) -> PlannedCall | None:
        """The line's call, or None after its faults were noted."""
        before = len(self._problems.found)
        if len(row) != len(HEADER):
            self._fault(
                line_number, _("has {count} fields instead of {wanted}"), count=len(row), wanted=len(HEADER)
            )
            return None
        arrive, site, queue, handle, patience, priority, customer = (item.strip() for item in row)
        call = PlannedCall(
            arrive_ms=self._arrival(line_number, arrive),
            site_id=self._site(line_number, site),
            queue_id=self._queue(line_number, queue),
            handle_ms=self._duration(line_number, "handle_s", handle),
            patience_ms=self._duration(line_number, "patience_s", patience) if patience else None,
            priority=self._priority(line_number, priority),
            customer_id=self._customer(line_number, customer),
        )
        return call if len(self._problems.found) == before else None

    def _arrival(self, line_number: int, text: str) -> int:
        before = len(self._problems.found)
        arrive_ms = self._duration(line_number, "arrive_s", text)
        if arrive_ms < self._latest_ms and len(self._problems.found) == before:
            self._fault(
                line_number,
                _("arrive_s {arrive} comes before {latest} of an earlier line; sort the file by arrive_s"),
                arrive=text,
                latest=_seconds(self._latest_ms),
            )
        self._latest_ms = max(self._latest_ms, arrive_ms)
        return arrive_ms

    def _duration(self, line_number: int, field: str, text: str) -> int:
        if not text:
            self._fault(line_number, _("{field} is empty"), field=field)
            return 0
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < 1e9:
            self._fault(
                line_number, _("{field} must be a number of seconds, is {value!r}"), field=field, value=text
            )
            return 0
        return round(seconds * 1000)

    def _site(self, line_number: int, text: str) -> SiteId:
        if text not in self._sites:
            self._fault(
                line_number,
                _("unknown site {site!r}; the scenario has {known}"),
                site=text,
                known=", ".join(sorted(self._sites)),
            )
        return SiteId(text)

    def _queue(self, line_number: int, text: str) -> QueueId:
        queue_id = QueueId(text)
        if queue_id in self.queues_seen:
            return queue_id
        if text and (fault := name_fault(text)) is not None:
            self._fault(line_number, fault.wording, **fault.values)
        elif not self._is_known(queue_id):
            self._fault(
                line_number,
                _("unknown queue {queue!r}; the scenario's agents serve {known}"),
                queue=text,
                known=", ".join(self._scenario.named_queues()) or "-",
            )
        else:
            self.queues_seen.add(queue_id)
        return queue_id

    def _is_known(self, queue_id: QueueId) -> bool:
        declared = self._scenario.queues
        return (
            bool(queue_id) and (not declared or queue_id in declared) and self._scenario.is_served(queue_id)
        )

    def _customer(self, line_number: int, text: str) -> CustomerId | None:
        if not text:
            return None
        if (fault := name_fault(text)) is not None:
            self._fault(line_number, fault.wording, **fault.values)
        return CustomerId(text)

    def _priority(self, line_number: int, text: str) -> int:
        if len(text) == 1 and text in "0123456789":
            return int(text)
        self._fault(line_number, _("priority must be 0 to 9, is {value!r}"), value=text)
        return 0

    def _fault(self, line_number: int, wording: str, /, **values: object) -> None:
        self._problems.add(line_number, wording, **values)


def _check_skills(scenario: Scenario, seen: set[QueueId], problems: _Faults) -> None:
    """A skill that no call wants is a typing error unless `queues` says that it is meant."""
    if problems.found or not seen:
        return
    for site in scenario.sites:
        for skill in sorted(site.skills or ()):
            if QueueId(skill) not in seen and QueueId(skill) not in scenario.queues:
                problems.add(
                    None,
                    _("site {site}: no call asks for skill {skill!r}, only for {known}; list it in queues"),
                    site=site.site_id,
                    skill=skill,
                    known=", ".join(sorted(seen)),
                )


def _seconds(milliseconds: int) -> str:
    """As few digits as say the same: 12, 12.5, 12.345."""
    return f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
