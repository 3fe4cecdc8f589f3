"""What tests ask of ledgers that real processes have written."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from router.ledger import Entry, LedgerRow
from router.world.laws.ledgers import check_ledgers

E = TypeVar("E", bound=Entry)


def entries(rows: Iterable[LedgerRow], kind: type[E]) -> list[E]:
    return [row.entry for row in rows if isinstance(row.entry, kind)]


def has(kind: type[Entry], count: int = 1) -> Callable[[list[LedgerRow]], bool]:
    return lambda rows: len(entries(rows, kind)) >= count


def broken_laws(rows: Iterable[LedgerRow]) -> dict[str, object]:
    return {result.name: result.violations for result in check_ledgers(rows) if result.violations}
