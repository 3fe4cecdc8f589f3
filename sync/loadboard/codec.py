"""The load record on the wire: SiteLoad to bytes and back, refusing what is absurd.

Other sites may run another version of this program or none of ours at all, so a
record read from the store is checked before anything is decided by it.
"""

import math
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from trunkline.board.v1 import board_pb2

from router.errors import RouterError
from router.ids import QueueId, SiteId
from router.overflow.load import QueueLoad, SiteLoad

RECORD_LIMIT_BYTES = 64 * 1024
"""About 600 queue classes and links; a record is rewritten whole with every change."""

DURATION_LIMIT_MS = 7 * 24 * 3_600_000
"""No caller waits and no call is handled for a week."""


class BadLoadRecordError(RouterError):
    """A load record that cannot be used; its site counts as gone until the next one."""

    reason = "LOAD_RECORD_BAD"

    def __init__(self, site_id: SiteId, problem: str) -> None:
        super().__init__(
            f"the load record of site {site_id!r} is unusable: {problem}; "
            "check that site's version and who else writes below the board's prefix"
        )
        self.site_id = site_id
        self.problem = problem


ADDRESS_LIMIT_CHARS = 300
"""A DNS name of 253, a colon and a port, with room to spare."""

_STAMP_LIMIT_BYTES = 11
"""A field's key and the largest 64-bit count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRecord:
    """What a site's key says."""

    load: SiteLoad
    address: str | None
    """Where the site says that it listens."""
    store_term: int
    """The term of the store's leader when it was put; 0: its writer does not tell."""


def encode(load: SiteLoad, address: str | None = None) -> bytes:
    """The record's bytes; equal loads give equal bytes. `address` is where the site's node listens.

    Raises:
        BadLoadRecordError: the record is larger than `RECORD_LIMIT_BYTES`.
        ValueError: a figure is negative or too large for its field.
    """
    record = board_pb2.SiteLoad(
        site_id=load.site_id,
        incarnation=load.incarnation,
        version=load.version,
        accepting=load.accepting,
        link_headroom={str(peer): legs for peer, legs in load.link_headroom.items()},
        address=address,
    )
    for queue_id, queue in load.queues.items():
        record.queues[queue_id].CopyFrom(_encode_queue(queue))
    payload = record.SerializeToString(deterministic=True)
    limit_bytes = RECORD_LIMIT_BYTES - _STAMP_LIMIT_BYTES
    if len(payload) > limit_bytes:
        raise BadLoadRecordError(load.site_id, f"{len(payload)} bytes, the limit is {limit_bytes}")
    return payload


def stamped(payload: bytes, store_term: int) -> bytes:
    """The record with the term under which it is about to be put."""
    # Messages that follow each other are read as one (protobuf.dev, Encoding, "Last One Wins").
    return payload + board_pb2.SiteLoad(store_term=store_term).SerializeToString()


def decode(site_id: SiteId, payload: bytes) -> SiteLoad:
    """The load in a record that was found under this site's key.

    Raises:
        BadLoadRecordError: not a record, another site's, or with absurd figures.
    """
    return decode_record(site_id, payload).load


def decode_record(site_id: SiteId, payload: bytes) -> LoadRecord:
    """Everything in a record that was found under this site's key.

    Raises:
        BadLoadRecordError: not a record, another site's, or with absurd figures.
    """
    if len(payload) > RECORD_LIMIT_BYTES:
        raise BadLoadRecordError(site_id, f"{len(payload)} bytes, the limit is {RECORD_LIMIT_BYTES}")
    try:
        record = board_pb2.SiteLoad.FromString(payload)
    except DecodeError as error:
        raise BadLoadRecordError(site_id, "it is not a SiteLoad message") from error
    if record.site_id != site_id:
        raise BadLoadRecordError(site_id, f"it names site {record.site_id!r}")
    if record.incarnation == 0 or record.version == 0:
        raise BadLoadRecordError(site_id, "incarnation or version is missing")
    load = SiteLoad(
        site_id=site_id,
        incarnation=record.incarnation,
        version=record.version,
        accepting=record.accepting,
        queues={QueueId(key): _decode_queue(site_id, key, queue) for key, queue in record.queues.items()},
        link_headroom={SiteId(peer): legs for peer, legs in record.link_headroom.items()},
    )
    return LoadRecord(
        load=load,
        address=_decode_address(site_id, record),
        store_term=record.store_term,
    )


def _encode_queue(queue: QueueLoad) -> board_pb2.QueueLoad:
    return board_pb2.QueueLoad(
        agents_staffed=queue.agents_staffed,
        agents_idle=queue.agents_idle,
        calls_waiting=queue.calls_waiting,
        head_wait_ms=queue.head_wait_ms,
        aht_ms=queue.aht_ms,
        abandon_rate_per_hour=queue.abandon_rate_per_hour,
    )


def _decode_address(site_id: SiteId, record: board_pb2.SiteLoad) -> str | None:
    if not record.HasField("address"):
        return None
    host, colon, port = record.address.rpartition(":")
    is_one = host and colon and port.isdecimal() and 0 < int(port) < 65536 and record.address.isprintable()
    if not is_one or len(record.address) > ADDRESS_LIMIT_CHARS:
        raise BadLoadRecordError(site_id, f"its address is {record.address[:40]!r}")
    return record.address


def _decode_queue(site_id: SiteId, queue_id: str, queue: board_pb2.QueueLoad) -> QueueLoad:
    rate = queue.abandon_rate_per_hour
    if not (math.isfinite(rate) and rate >= 0):
        raise BadLoadRecordError(site_id, f"abandon_rate_per_hour of queue {queue_id!r} is {rate}")
    if queue.agents_idle > queue.agents_staffed:
        problem = f"queue {queue_id!r} has {queue.agents_idle} agents idle of {queue.agents_staffed} staffed"
        raise BadLoadRecordError(site_id, problem)
    if max(queue.head_wait_ms, queue.aht_ms) > DURATION_LIMIT_MS:
        raise BadLoadRecordError(site_id, f"queue {queue_id!r} has a wait or handling time above a week")
    return QueueLoad(
        agents_staffed=queue.agents_staffed,
        agents_idle=queue.agents_idle,
        calls_waiting=queue.calls_waiting,
        head_wait_ms=queue.head_wait_ms,
        aht_ms=queue.aht_ms,
        abandon_rate_per_hour=rate,
    )
