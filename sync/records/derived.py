"""Records of the fold as rows of their tables and back: field and column have one name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar, get_origin, get_type_hints

from sqlalchemy import Table

from router.ids import CallId, SiteId
from router.records.agent import AgentStateSpan, SessionRecord
from router.records.call import CallRecord
from router.records.fold import Record
from router.records.handoff import HandoffRecord
from router.records.left import CallbackRecord, VoicemailRecord
from router.records.outgoing import LoanRecord, OutboundRecord
from router.records.recording import RecordingRecord
from sync.records.codec import Decode, canonical_json, decoder
from sync.records.tables import (
    AGENT_SESSIONS,
    AGENT_STATES,
    CALLBACKS,
    CALLERS,
    CALLS,
    HANDOFFS,
    LINE_LOANS,
    OUTBOUND_CALLS,
    RECORDINGS,
    VOICEMAILS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRecord:
    """Who called, or was called: the one record of a call that a person may ask to have erased."""

    site_id: SiteId
    call_id: CallId
    business_date: str
    number: str | None
    """E.164; None when it was withheld."""
    dialled: str


SiteRecord = Record | CallerRecord
R = TypeVar("R", bound=SiteRecord)

TABLES: Mapping[type[SiteRecord], Table] = {
    CallRecord: CALLS,
    HandoffRecord: HANDOFFS,
    SessionRecord: AGENT_SESSIONS,
    AgentStateSpan: AGENT_STATES,
    CallbackRecord: CALLBACKS,
    VoicemailRecord: VOICEMAILS,
    RecordingRecord: RECORDINGS,
    OutboundRecord: OUTBOUND_CALLS,
    LoanRecord: LINE_LOANS,
    CallerRecord: CALLERS,
}
"""Where each kind of record stands."""


def record_values(record: SiteRecord) -> dict[str, Any]:
    """The record's values by column name, all but `rev`."""
    return {name: _plain(getattr(record, name)) for name in _NAMES[type(record)]}


def read_record(cls: type[R], values: Mapping[str, Any]) -> R:
    """The record that a table's row was made from.

    Raises:
        ValueError, TypeError: a value that its field cannot have.
    """
    return cls(**{name: decode(values[name]) for name, decode in _DECODERS[cls].items()})


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return canonical_json(value)
    # Drivers know str; what they make of its subclasses is their own affair.
    return str(value) if isinstance(value, StrEnum) else value


def _column_decoder(hint: Any) -> Decode:
    decode = decoder(hint)
    if get_origin(hint) is tuple:
        return lambda text: decode(json.loads(text))
    return decode


_NAMES: Mapping[type[SiteRecord], tuple[str, ...]] = {
    cls: tuple(field.name for field in fields(cls)) for cls in TABLES
}

_DECODERS: Mapping[type[object], Mapping[str, Decode]] = {
    cls: {name: _column_decoder(hint) for name, hint in get_type_hints(cls).items()} for cls in TABLES
}
