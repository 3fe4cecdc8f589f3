"""Batches and digests: what goes in comes out, and every change on the way is noticed."""

from dataclasses import replace
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sync.journal.batch import (
    BadPayloadError,
    Packing,
    Payload,
    Tombstone,
    next_chain,
    unpack,
)
from sync.journal.digest import DigestSum, bucket_of, day_digest, differing_buckets
from sync.journal.position import CHAIN_START, START, Position
from sync.records.tables import CONSOLIDATED

AGENTS = next(shape for shape in CONSOLIDATED if shape.name == "agents")

values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(), st.binary(max_size=50)
)


def packed(rows: list[tuple[Any, ...]], tombstones: list[Tombstone] | None = None) -> Payload:
    packing = Packing()
    for row in rows:
        packing.add_row(row)
    for tombstone in tombstones or []:
        packing.add_tombstone(tombstone)
    return packing.payload()


@given(st.lists(st.lists(values, min_size=1, max_size=6).map(tuple), max_size=30))
def test_rows_come_out_as_they_went_in(rows: list[tuple[Any, ...]]) -> None:
    tombstones = [Tombstone('["beijing","1"]', "DELETED", "2026-03-02", 7)]

    back, stones = unpack(packed(rows, tombstones))

    assert [tuple(map(type, row)) for row in back] == [tuple(map(type, row)) for row in rows]
    assert back == rows
    assert stones == tombstones


@given(st.data())
def test_no_flipped_bit_of_a_payload_goes_unnoticed(data: st.DataObject) -> None:
    payload = packed([("beijing", number, "text") for number in range(50)])
    place = data.draw(st.integers(0, len(payload.packed) - 1))
    bit = data.draw(st.integers(0, 7))
    broken = bytearray(payload.packed)
    broken[place] ^= 1 << bit

    # Zstandard has bits that mean nothing (its window's size): the rows are the same then.
    assert rows_or_reason(replace(payload, packed=bytes(broken))) in ("DIGEST", "COUNT", unpack(payload))


def rows_or_reason(payload: Payload) -> object:
    try:
        return unpack(payload)
    except BadPayloadError as error:
        return error.reason


def test_a_missing_row_is_noticed_even_with_a_right_digest() -> None:
    payload = packed([("a", 1), ("b", 2)])

    with pytest.raises(BadPayloadError, match="2 rows") as caught:
        unpack(replace(payload, row_count=3))

    assert caught.value.reason == "COUNT"


def test_a_payload_that_would_fill_the_memory_is_refused() -> None:
    bomb = zstandard.compress(bytes(100 * 1024 * 1024), 19)

    with pytest.raises(BadPayloadError, match="104857600 bytes"):
        unpack(Payload(packed=bomb, digest=bytes(32), row_count=1, tombstone_count=0))


def test_the_chain_depends_on_every_part_of_every_batch() -> None:
    digest = packed([("a", 1)]).digest
    first = next_chain(CHAIN_START, "ledger", START, Position(0, 5), digest)

    others = [
        next_chain(CHAIN_START, "calls", START, Position(0, 5), digest),
        next_chain(CHAIN_START, "ledger", Position(0, 1), Position(0, 5), digest),
        next_chain(CHAIN_START, "ledger", START, Position(0, 6), digest),
        next_chain(CHAIN_START, "ledger", START, Position(0, 5), packed([("a", 2)]).digest),
        next_chain(first, "ledger", START, Position(0, 5), digest),
    ]

    assert len({first, *others}) == 6


AGENT = ("beijing", "beijing/1", "欧阳", "[]", "2026-03-02")


def digest_of(*rows: tuple[Any, ...]) -> Any:
    total = DigestSum(AGENTS)
    total.add(rows)
    return total.result()


def test_a_digest_does_not_depend_on_the_order_of_rows() -> None:
    rows = [("beijing", f"beijing/{n}", "A", "[]", "2026-03-02") for n in range(100)]

    assert digest_of(*rows) == digest_of(*reversed(rows))


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param("欧阳 ", id="a blank more"),
        pytest.param("欧\\阳", id="an escape left in"),
        pytest.param("\\N", id="a null written as text"),
        pytest.param("", id="a text lost"),
        pytest.param(None, id="a null for a text"),
        pytest.param(4, id="a number for a text"),
    ],
)
def test_a_spoiled_value_changes_the_digest(spoiled: object) -> None:
    row = (*AGENT[:2], spoiled, *AGENT[3:])

    ours, theirs = digest_of(AGENT), digest_of(row)

    assert differing_buckets(ours, theirs) == [bucket_of(AGENT[:2])]
    assert day_digest({"agents": ours}) != day_digest({"agents": theirs})


def test_a_row_twice_is_not_a_row_once() -> None:
    assert digest_of(AGENT, AGENT) != digest_of(AGENT)
    assert digest_of(AGENT, AGENT) != digest_of()


def test_true_is_not_one_and_four_is_not_four_point_nought() -> None:
    kinds: list[Any] = [1, True, 1.0, "1"]

    hashes = {digest_of((*AGENT[:2], kind, *AGENT[3:])).buckets for kind in kinds}

    assert len(hashes) == len(kinds)
