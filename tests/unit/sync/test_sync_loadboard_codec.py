import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline.board.v1 import board_pb2

from router.ids import QueueId, SiteId
from router.overflow.load import QueueLoad, SiteLoad
from sync.loadboard.codec import (
    DURATION_LIMIT_MS,
    RECORD_LIMIT_BYTES,
    BadLoadRecordError,
    LoadRecord,
    decode,
    decode_record,
    encode,
    stamped,
)
from tests.fakes.board import site_load

BEIJING = SiteId("beijing")
COUNTS = st.integers(min_value=0, max_value=2**31)
NAMES = st.text(min_size=1, max_size=12)


@st.composite
def queue_loads(draw: st.DrawFn) -> QueueLoad:
    staffed = draw(COUNTS)
    return QueueLoad(
        agents_staffed=staffed,
        agents_idle=draw(st.integers(min_value=0, max_value=staffed)),
        calls_waiting=draw(COUNTS),
        head_wait_ms=draw(st.integers(min_value=0, max_value=DURATION_LIMIT_MS)),
        aht_ms=draw(st.integers(min_value=0, max_value=DURATION_LIMIT_MS)),
        abandon_rate_per_hour=draw(st.floats(min_value=0, allow_nan=False, allow_infinity=False)),
    )


@given(
    accepting=st.booleans(),
    version=st.integers(min_value=1, max_value=2**63),
    queues=st.dictionaries(NAMES.map(QueueId), queue_loads(), max_size=5),
    link_headroom=st.dictionaries(NAMES.map(SiteId), st.integers(min_value=0, max_value=2**53), max_size=5),
)
def test_every_load_comes_back_as_it_was(
    accepting: bool, version: int, queues: dict[QueueId, QueueLoad], link_headroom: dict[SiteId, int]
) -> None:
    load = SiteLoad(
        site_id=BEIJING,
        incarnation=1_790_000_000_000,
        version=version,
        accepting=accepting,
        queues=queues,
        link_headroom=link_headroom,
    )

    assert decode(BEIJING, encode(load)) == load


@pytest.mark.parametrize("address", [None, "10.0.0.4:7443", "[::1]:7443", "beijing.example:1"])
def test_an_address_comes_back_with_its_load(address: str | None) -> None:
    load = site_load("beijing", 1)

    read = decode_record(BEIJING, encode(load, address))
    assert read == LoadRecord(load=load, address=address, store_term=0)


def test_a_stamp_is_read_back_and_changes_nothing_else_of_the_largest_record() -> None:
    load = site_load("beijing", 1)
    largest = 2**64 - 1

    read = decode_record(BEIJING, stamped(encode(load, "10.0.0.4:7443"), largest))

    assert read == LoadRecord(load=load, address="10.0.0.4:7443", store_term=largest)


@pytest.mark.parametrize(
    "address", ["", "nowhere", ":7443", "host:", "host:0", "host:65536", "a\n:1", "x" * 400]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadLoadRecordError):
        decode_record(BEIJING, record(address=address).SerializeToString())


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_or_read_but_never_crash(payload: bytes) -> None:
    with suppress(BadLoadRecordError):
        assert decode(BEIJING, payload).site_id == BEIJING


def test_equal_loads_give_equal_bytes_whatever_order_their_queues_were_made_in() -> None:
    load = site_load("beijing", 1)
    queue = next(iter(load.queues.values()))
    forward = {QueueId("a"): queue, QueueId("b"): queue}
    backward = {QueueId("b"): queue, QueueId("a"): queue}

    def with_queues(queues: dict[QueueId, QueueLoad]) -> bytes:
        return encode(
            SiteLoad(
                site_id=BEIJING, incarnation=1, version=1, accepting=True, queues=queues, link_headroom={}
            )
        )

    assert with_queues(forward) == with_queues(backward)


def record(**changes: object) -> board_pb2.SiteLoad:
    message = board_pb2.SiteLoad.FromString(encode(site_load("beijing", 1)))
    for name, value in changes.items():
        holder = message if name in message.DESCRIPTOR.fields_by_name else message.queues["sales"]
        setattr(holder, name, value)
    return message


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"site_id": "urumqi"}, "names site 'urumqi'"),
        ({"site_id": ""}, "names site ''"),
        ({"incarnation": 0}, "incarnation"),
        ({"version": 0}, "version"),
        ({"agents_idle": 11}, "11 agents idle of 10"),
        ({"abandon_rate_per_hour": math.nan}, "abandon_rate_per_hour"),
        ({"abandon_rate_per_hour": -1.0}, "abandon_rate_per_hour"),
        ({"head_wait_ms": DURATION_LIMIT_MS + 1}, "above a week"),
        ({"aht_ms": 2**63}, "above a week"),
    ],
)
def test_an_absurd_record_is_refused_with_what_is_wrong(fault: dict[str, object], said: str) -> None:
    with pytest.raises(BadLoadRecordError, match=said):
        decode(BEIJING, record(**fault).SerializeToString())


def test_a_record_above_the_limit_is_refused_on_both_sides() -> None:
    load = site_load("beijing", 1)
    queue = next(iter(load.queues.values()))
    huge = SiteLoad(
        site_id=BEIJING,
        incarnation=1,
        version=1,
        accepting=True,
        queues={QueueId(f"queue-{number:05}"): queue for number in range(3_000)},
        link_headroom={},
    )

    with pytest.raises(BadLoadRecordError, match="the limit is"):
        encode(huge)
    with pytest.raises(BadLoadRecordError, match=f"the limit is {RECORD_LIMIT_BYTES}"):
        decode(BEIJING, b"\x00" * (RECORD_LIMIT_BYTES + 1))
