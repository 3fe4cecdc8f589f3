"""Which columns a branch of another version may have, and whether its values fit them. Pure.

HQ is upgraded first. So a branch may lack columns, but only nullable ones, and has none
that HQ does not know; types never widen by themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sync.journal.batch import Row
from sync.journal.refusals import RejectedError
from sync.records.shape import ConsolidatedTable, Field, ValueType

_PYTHON_TYPES: Mapping[ValueType, type] = {
    ValueType.INT: int,
    ValueType.TEXT: str,
    ValueType.BOOL: bool,
    ValueType.BYTES: bytes,
    ValueType.JSON: str,
}
_REV_TYPES: frozenset[type] = frozenset((int,))


def agree(ours: ConsolidatedTable, theirs: Sequence[Field]) -> ConsolidatedTable:
    """The stream's shape as the branch sends it: ours without the columns that it lacks.

    Raises:
        RejectedError: SCHEMA, with what does not fit.
    """
    offered = {field.name: field for field in theirs}
    known = {field.name for field in ours.fields}
    problems = [f"column {name} is not known at HQ" for name in offered if name not in known]
    for field in ours.fields:
        problems += _misfit(field, offered.get(field.name))
    values = tuple(field for field in ours.values if field.name in offered)
    agreed = replace(ours, values=values)
    if not problems and [field.name for field in agreed.fields] != list(offered):
        problems = ["its columns are in another order"]
    if problems:
        raise RejectedError(
            "SCHEMA", f"{ours.name}: {'; '.join(problems)}; upgrade HQ first, then the branch"
        )
    return agreed


def fits(shape: ConsolidatedTable, rows: Sequence[Row]) -> bool:
    """Whether every value is exactly of its column's type: true is no 1, and 4.0 no 4.

    A database with loose types would take more, and store something else.
    """
    if not rows:
        return True
    allowed = [*(_allowed(field) for field in shape.fields), _REV_TYPES]
    if set(map(len, rows)) != {len(allowed)}:
        return False
    columns = zip(*rows, strict=True)
    return all(types.issuperset(map(type, column)) for column, types in zip(columns, allowed, strict=True))


def _allowed(field: Field) -> frozenset[type]:
    wanted = _PYTHON_TYPES[field.type]
    return frozenset((wanted, type(None))) if field.is_nullable else frozenset((wanted,))


def _misfit(ours: Field, theirs: Field | None) -> list[str]:
    if theirs is None:
        return [] if ours.is_nullable else [f"column {ours.name} is missing and may not be null"]
    if theirs.type is not ours.type:
        return [f"column {ours.name} is {theirs.type} there and {ours.type} here"]
    if theirs.is_nullable and not ours.is_nullable:
        return [f"column {ours.name} may be null there and not here"]
    return []
