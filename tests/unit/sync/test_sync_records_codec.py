import json
import math
from dataclasses import fields, replace
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ids import CallId, HandoffId, Instant, QueueId, SiteId
from router.ledger import (
    KINDS,
    AgentOffered,
    CallArrived,
    CallQueued,
    Decision,
    Entry,
    HandoffAsked,
    LedgerRow,
    PolicyChanged,
    Role,
)
from sync.records.codec import BadRecordError, canonical_json, ledger_record, ledger_row
from sync.records.tables import LEDGER

INT64 = st.integers(-(2**63), 2**63 - 1)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DECISIONS = st.builds(
    Decision,
    rule=st.text(),
    view_age_ms=st.none() | INT64,
    candidates=st.lists(
        st.tuples(st.text(), INT64, st.floats(allow_nan=False, min_value=0.0)), max_size=3
    ).map(tuple),
    seen=st.none() | st.lists(st.tuples(INT64, INT64), max_size=3).map(tuple),
    candidate_count=st.none() | INT64,
    home_wait_ms=st.none() | INT64,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    if hint == get_type_hints(PolicyChanged)["settings"]:
        return st.dictionaries(st.text(), JSON_VALUES, max_size=4)
    if hint is Decision:
        return DECISIONS
    if hint == Decision | None:
        return st.none() | DECISIONS
    return st.from_type(hint)


def entries(cls: type[Entry]) -> st.SearchStrategy[Entry]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{field.name: values(hints[field.name]) for field in fields(cls)})


ROWS = st.builds(
    LedgerRow,
    site_id=st.text(),
    seq=INT64,
    at_utc_us=INT64,
    mono_ms=INT64,
    incarnation=INT64,
    business_date=st.dates().map(str),
    entry=st.one_of([entries(cls) for cls in KINDS.values()]),
)


def row(entry: Entry) -> LedgerRow:
    return LedgerRow(
        site_id=SiteId("beijing"),
        seq=7,
        at_utc_us=1_700_000_000_000_000,
        mono_ms=Instant(12_345),
        incarnation=1_700_000_000_000,
        business_date="2023-11-15",
        entry=entry,
    )


@given(ROWS)
def test_a_row_of_every_kind_comes_back_as_it_was(written: LedgerRow) -> None:
    record = ledger_record(written)

    assert ledger_row(record) == written
    assert set(record) == {column.name for column in LEDGER.c} - {"rev"}


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=st.data())
def test_a_rows_payload_is_plain_ascii_json_with_no_field_that_has_a_column(
    kind: str, data: st.DataObject
) -> None:
    record = ledger_record(row(data.draw(entries(KINDS[kind]))))

    payload = json.loads(record["payload"])
    assert record["kind"] == kind
    assert record["payload"].isascii()
    assert payload.keys().isdisjoint({"call_id", "agent_id", "handoff_id"})


def test_a_row_has_one_text_wherever_it_is_written() -> None:
    entry = CallQueued(
        call_id=CallId("c1"),
        queue_id=QueueId("销售"),
        skills=("b", "a"),  # type: ignore[arg-type]  # plain names read better here
        priority=3,
        customer_id=None,
    )

    assert ledger_record(row(entry))["payload"] == (
        '{"customer_id":null,"priority":3,"queue_id":"\\u9500\\u552e","skills":["b","a"],"waited_before_ms":null}'
    )


def test_an_infinite_score_is_null_in_the_text_and_infinite_when_read() -> None:
    decision = Decision(rule="PUSH_BY_SCORE", view_age_ms=40, candidates=((SiteId("urumqi"), 3, math.inf),))
    asked = HandoffAsked(
        handoff_id=HandoffId("h1"), role=Role.ORIGIN, peer=SiteId("urumqi"), call_id=None, decision=decision
    )

    record = ledger_record(row(asked))

    assert '["urumqi",3,null]' in record["payload"]
    assert ledger_row(record).entry == asked


def test_a_decision_from_before_it_said_what_it_saw_reads_none() -> None:
    decision = Decision(
        rule="PUSH_BY_SCORE",
        view_age_ms=40,
        candidates=((SiteId("urumqi"), 3, 0.0),),
        seen=((120, 2),),
        candidate_count=1,
        home_wait_ms=9_000,
    )
    asked = HandoffAsked(
        handoff_id=HandoffId("h1"), role=Role.ORIGIN, peer=SiteId("urumqi"), call_id=None, decision=decision
    )
    record = ledger_record(row(asked))
    old = dict(record)
    payload = json.loads(record["payload"])
    for added in ("seen", "candidate_count", "home_wait_ms"):
        del payload["decision"][added]
    old["payload"] = json.dumps(payload)

    before = replace(decision, seen=None, candidate_count=None, home_wait_ms=None)
    assert ledger_row(record).entry == asked
    assert ledger_row(old).entry == replace(asked, decision=before)


def test_a_row_from_before_a_nullable_field_was_added_reads_it_as_none() -> None:
    record = ledger_record(row(CallArrived(call_id=CallId("c1"), dialled="10086", customer_id=None)))
    record["payload"] = '{"dialled":"10086"}'

    assert ledger_row(record).entry == CallArrived(call_id=CallId("c1"), dialled="10086", customer_id=None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "CALL_TELEPORTED"}, "the kind is unknown"),
        ({"payload": "{"}, "Expecting property name"),
        ({"payload": "[]"}, "'list' object has no attribute"),
        ({"payload": "{}"}, "expected str, found None"),
        ({"payload": '{"dialled":10086}'}, "expected str, found 10086"),
        ({"call_id": None}, "expected str, found None"),
    ],
)
def test_a_record_that_no_version_can_have_written_is_refused_with_its_place(
    change: dict[str, Any], problem: str
) -> None:
    record = ledger_record(row(CallArrived(call_id=CallId("c1"), dialled="10086", customer_id=None)))

    with pytest.raises(BadRecordError, match=r"ledger row beijing/7 of kind") as raised:
        ledger_row({**record, **change})

    assert problem in raised.value.problem


def test_a_value_without_json_text_is_refused_before_anything_is_written() -> None:
    policy = PolicyChanged(queue_id=QueueId("q"), version=1, settings={"skills": {"a"}})

    with pytest.raises(TypeError, match="set has no place in a ledger row"):
        ledger_record(row(policy))
    with pytest.raises(ValueError, match="not JSON compliant"):
        ledger_record(row(replace(policy, settings={"x": math.nan})))


def test_canonical_json_sorts_keys_at_every_depth() -> None:
    assert canonical_json({"b": {"d": 1, "c": 2}, "a": [1]}) == '{"a":[1],"b":{"c":2,"d":1}}'


def test_ids_with_columns_of_their_own_stand_there() -> None:
    offered = AgentOffered(
        call_id=CallId("c1"),
        leg_id="l1",  # type: ignore[arg-type]  # plain names read better here
        agent_id="beijing/1",  # type: ignore[arg-type]  # as above
        queue_id=QueueId("q"),
        handoff_id=HandoffId("h1"),
    )

    record = ledger_record(row(offered))

    assert (record["call_id"], record["agent_id"], record["handoff_id"]) == ("c1", "beijing/1", "h1")
