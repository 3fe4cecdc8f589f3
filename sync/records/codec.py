"""Ledger rows as records of the `ledger` table and back, exactly.

An entry's call_id, agent_id and handoff_id are columns of their own; its other fields are
one JSON text with sorted keys, no blanks and ASCII only, so that a row has one text
wherever it is written and no character can upset a database.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from router.ids import Instant, SiteId
from router.ledger import FIELDS, KINDS, Decision, Entry, LedgerRow

Record = Mapping[Any, Any]
"""A row's values by column name; SQLAlchemy's own mappings, keyed by columns too, are among them."""

_COLUMNS = ("call_id", "agent_id", "handoff_id")
Decode = Callable[[Any], Any]
"""Checks and restores one value; raises TypeError or ValueError at one that its field cannot have."""


class BadRecordError(ValueError):
    """A record is not one that any version of an entry can have written."""

    def __init__(self, record: Record, problem: str) -> None:
        super().__init__(
            f"ledger row {record.get('site_id')}/{record.get('seq')} of kind {record.get('kind')!r}: "
            f"{problem}; it was written by a newer version, or changed by hand"
        )
        self.problem = problem


def canonical_json(value: object) -> str:
    """The one JSON text of a value.

    Raises:
        TypeError, ValueError: the value has no JSON text.
    """
    return _ENCODER.encode(value)


def ledger_record(row: LedgerRow) -> dict[str, Any]:
    """The row's values for the `ledger` table, all columns but `rev`."""
    entry = row.entry
    return {
        "site_id": row.site_id,
        "seq": row.seq,
        "at_utc_us": row.at_utc_us,
        "mono_ms": row.mono_ms,
        "incarnation": row.incarnation,
        "business_date": row.business_date,
        "kind": entry.kind,
        "call_id": getattr(entry, "call_id", None),
        "agent_id": getattr(entry, "agent_id", None),
        "handoff_id": getattr(entry, "handoff_id", None),
        "payload": _ENCODER.encode({name: getattr(entry, name) for name in _PAYLOAD[entry.kind]}),
    }


def ledger_row(record: Record) -> LedgerRow:
    """The row that `record` was made from.

    A payload without a field that may be None was written before the field was added.

    Raises:
        BadRecordError: an unknown kind, or a value that its field cannot have.
    """
    return LedgerRow(
        site_id=SiteId(record["site_id"]),
        seq=record["seq"],
        at_utc_us=record["at_utc_us"],
        mono_ms=Instant(record["mono_ms"]),
        incarnation=record["incarnation"],
        business_date=record["business_date"],
        entry=_entry(record),
    )


def _entry(record: Record) -> Entry:
    decoders = _DECODERS.get(record["kind"])
    if decoders is None:
        raise BadRecordError(record, "the kind is unknown")
    try:
        payload = json.loads(record["payload"])
        values = {
            name: decode((record if name in _COLUMNS else payload).get(name))
            for name, decode in decoders.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise BadRecordError(record, str(error)) from error
    return KINDS[record["kind"]](**values)


def _encoded(value: object) -> object:
    """What JSON has no word for; a score without end (nobody works there) becomes null."""
    if isinstance(value, Decision):
        return {
            "rule": value.rule,
            "view_age_ms": value.view_age_ms,
            "candidates": [
                (site, version, score if math.isfinite(score) else None)
                for site, version, score in value.candidates
            ],
            "seen": value.seen,
            "candidate_count": value.candidate_count,
            "home_wait_ms": value.home_wait_ms,
        }
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a ledger row")


def decoder(hint: Any) -> Decode:
    """How to read back a value of a field declared as `hint`, from JSON or a column."""
    if isinstance(hint, NewType):
        return decoder(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return _optional(decoder(inner))
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _plain(dict)
    if is_dataclass(hint):
        return _dataclass_decoder(hint)
    if issubclass(hint, StrEnum):
        member: type[StrEnum] = hint
        return member
    return _score if hint is float else _plain(hint)


def _optional(decode: Decode) -> Decode:
    return lambda value: None if value is None else decode(value)


def _tuple_decoder(arguments: tuple[Any, ...]) -> Decode:
    if arguments[1:] == (...,):
        each = decoder(arguments[0])
        return lambda value: tuple(map(each, _plain(list)(value)))
    every = [decoder(argument) for argument in arguments]
    return lambda value: tuple(decode(item) for decode, item in zip(every, value, strict=True))


def _dataclass_decoder(cls: Any) -> Decode:
    hints = get_type_hints(cls)
    every = {field.name: decoder(hints[field.name]) for field in fields(cls)}
    return lambda value: cls(**{name: decode(value.get(name)) for name, decode in every.items()})


def _plain(cls: type) -> Decode:
    def checked(value: Any) -> Any:
        if type(value) is not cls:
            raise TypeError(f"expected {cls.__name__}, found {value!r}")
        return value

    return checked


def _score(value: Any) -> float:
    return math.inf if value is None else _plain(float)(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_encoded)

_PAYLOAD: Mapping[str, tuple[str, ...]] = {
    kind: tuple(name for name in names if name not in _COLUMNS) for kind, names in FIELDS.items()
}

_DECODERS: Mapping[str, Mapping[str, Decode]] = {
    kind: {name: decoder(hint) for name, hint in get_type_hints(cls).items() if name in FIELDS[kind]}
    for kind, cls in KINDS.items()
}
