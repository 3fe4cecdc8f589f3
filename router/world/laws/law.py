"""What every law has: a name, rows or moments checked, and violations in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from router.ids import CallId, HandoffId
from router.ledger import Entry, LedgerRow

VIOLATION_LIMIT = 100
"""Violations kept in words; the rest is only counted."""

Seer = Callable[[LedgerRow, Any], None]
"""Takes a row and its entry, which is of the kind that it was registered for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LawResult:
    name: str
    checked: int
    """How often the law could have been broken; 0 says that nothing was shown."""
    violations: list[str]
    """At most 100, in words; `violation_count` has them all."""
    violation_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InSystem:
    """What still lives at the moment of checking; nothing, once a day is over."""

    calls: frozenset[CallId] = frozenset()
    handoffs: frozenset[HandoffId] = frozenset()


class LedgerLaw:
    """One law over ledger rows. Subclasses set `name` and say which kinds they look at."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self._checked = 0
        self._violations: list[str] = []
        self._violation_count = 0

    def interests(self) -> Mapping[type[Entry], Seer]:
        """Which method looks at which kind of entry."""
        raise NotImplementedError

    def settle(self, alive: InSystem) -> None:
        """Check what only the end can show."""

    def result(self, alive: InSystem) -> LawResult:
        """Once, after the last row."""
        self.settle(alive)
        return LawResult(
            name=self.name,
            checked=self._checked,
            violations=self._violations,
            violation_count=self._violation_count,
        )

    def _violate(self, row: LedgerRow | None, text: str) -> None:
        self._violation_count += 1
        if len(self._violations) < VIOLATION_LIMIT:
            place = f"{row.site_id} seq {row.seq} at {row.mono_ms} ms: " if row else ""
            self._violations.append(place + text)


@dataclass(slots=True)
class LawBook:
    """Hands each row to the laws that look at its kind."""

    laws: Iterable[LedgerLaw]
    _seers: dict[type[Entry], list[Seer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.laws = tuple(self.laws)
        for law in self.laws:
            for kind, seer in law.interests().items():
                self._seers.setdefault(kind, []).append(seer)

    def see(self, row: LedgerRow) -> None:
        entry = row.entry
        for seer in self._seers.get(type(entry), ()):
            seer(row, entry)

    def results(self, alive: InSystem) -> list[LawResult]:
        return [law.result(alive) for law in self.laws]
