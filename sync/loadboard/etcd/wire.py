"""etcd's messages: requests to bytes, replies to values. The only file that sees etcd's types.

The definitions are those that the package etcd3 ships. They are read from its files, not
imported: its generated code is of 2020 and does not run on the current protobuf. They
live in a descriptor pool of their own, so the names that they take (`kv.proto`,
`auth.proto`, `rpc.proto`) meet nobody else's.
"""

import ast
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory

RANGE = "/etcdserverpb.KV/Range"
PUT = "/etcdserverpb.KV/Put"
WATCH = "/etcdserverpb.Watch/Watch"
TXN = "/etcdserverpb.KV/Txn"
LEASE_GRANT = "/etcdserverpb.Lease/LeaseGrant"
LEASE_REVOKE = "/etcdserverpb.Lease/LeaseRevoke"
LEASE_KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive"
AUTHENTICATE = "/etcdserverpb.Auth/Authenticate"

PROGRESS_REQUEST = b"\x1a\x00"
"""WatchRequest{progress_request {}}: field 3, empty. The definitions of 2020 lack the field."""

_FILES = ("kv_pb2.py", "auth_pb2.py", "rpc_pb2.py")


class EtcdWireMissingError(Exception):
    """The package etcd3 is not installed, or is not the one whose definitions we read."""

    reason = "ETCD_WIRE_MISSING"

    def __init__(self, problem: str) -> None:
        super().__init__(f"etcd's wire definitions cannot be loaded: {problem}; install etcd3 0.12.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which store answered, and how far it was."""

    cluster_id: int
    revision: int
    term: int
    """Grows with every election of a leader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValue:
    """One key as stored."""

    key: bytes
    value: bytes
    mod_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeReply:
    """The keys of a range at `header.revision`."""

    header: Header
    kvs: tuple[KeyValue, ...]
    count: int
    """Of all keys in the range, those that the request left out for their revision included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One change of one key; a removed key has no value."""

    kv: KeyValue
    is_removal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReply:
    """One message of a watch stream.

    `compact_revision` above 0: the revision asked for is compacted away, list again.
    Neither created nor canceled and without events: a progress response.
    """

    header: Header
    created: bool
    canceled: bool
    cancel_reason: str
    compact_revision: int
    events: tuple[WatchEvent, ...]

    @property
    def is_progress(self) -> bool:
        """Whether it only says how far the watch is."""
        return not (self.created or self.canceled or self.compact_revision or self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAliveReply:
    """A lease's beat answered; `ttl_s` 0 or below: the lease is no more."""

    ttl_s: int
    term: int


def range_request(
    key: bytes, *, range_end: bytes = b"", revision: int = 0, min_mod_revision: int = 0
) -> bytes:
    """Ask for one key, or all of [key, range_end), as of a revision (0: now, linearizable).

    Of these only the keys that were written at `min_mod_revision` or later.
    """
    return _serialized(
        "RangeRequest", key=key, range_end=range_end, revision=revision, min_mod_revision=min_mod_revision
    )


def put_request(key: bytes, value: bytes, lease_id: int) -> bytes:
    """Store a key under a lease."""
    return _serialized("PutRequest", key=key, value=value, lease=lease_id)


def guarded_puts_request(
    guards: Mapping[bytes, int], puts: Iterable[tuple[bytes, bytes]], *, lease_id: int = 0
) -> bytes:
    """Put all of these at one revision, if each guard's mod_revision is still this (0: it is not there)."""
    # etcdserverpb.Compare: EQUAL = 0; MOD = 2, which is 0 for a key that is not there.
    compare = [
        {"result": 0, "target": 2, "key": key, "mod_revision": revision} for key, revision in guards.items()
    ]
    operations = [{"request_put": {"key": key, "value": value, "lease": lease_id}} for key, value in puts]
    return _serialized("TxnRequest", compare=compare, success=operations)


def guarded_puts_revision(payload: bytes) -> int | None:
    """The revision at which the puts were made; None: a guard had changed, and nothing was put."""
    message = _class("TxnResponse").FromString(payload)
    return int(message.header.revision) if message.succeeded else None


def watch_request(key: bytes, range_end: bytes, start_revision: int) -> bytes:
    """Watch [key, range_end) from a revision on, that one included."""
    return _serialized(
        "WatchRequest", create_request={"key": key, "range_end": range_end, "start_revision": start_revision}
    )


def lease_grant_request(lease_id: int, ttl_s: int) -> bytes:
    """Ask for a lease with an id of our own, so that asking again cannot leave a second one behind."""
    return _serialized("LeaseGrantRequest", ID=lease_id, TTL=ttl_s)


def lease_revoke_request(lease_id: int) -> bytes:
    """Give a lease back, and with it every key under it."""
    return _serialized("LeaseRevokeRequest", ID=lease_id)


def lease_keep_alive_request(lease_id: int) -> bytes:
    """Renew a lease for its whole TTL."""
    return _serialized("LeaseKeepAliveRequest", ID=lease_id)


def authenticate_request(user: str, password: str) -> bytes:
    """Ask for a token."""
    return _serialized("AuthenticateRequest", name=user, password=password)


def range_reply(payload: bytes) -> RangeReply:
    """Read a RangeResponse."""
    message = _class("RangeResponse").FromString(payload)
    return RangeReply(
        header=_header(message.header),
        kvs=tuple(_key_value(kv) for kv in message.kvs),
        count=message.count,
    )


def watch_reply(payload: bytes) -> WatchReply:
    """Read a WatchResponse."""
    message = _class("WatchResponse").FromString(payload)
    return WatchReply(
        header=_header(message.header),
        created=message.created,
        canceled=message.canceled,
        cancel_reason=message.cancel_reason,
        compact_revision=message.compact_revision,
        # mvccpb.Event.EventType: PUT = 0, DELETE = 1.
        events=tuple(
            WatchEvent(kv=_key_value(event.kv), is_removal=event.type == 1) for event in message.events
        ),
    )


def put_header(payload: bytes) -> Header:
    """The header of a PutResponse; its revision is the key's mod_revision from now on."""
    return _header(_class("PutResponse").FromString(payload).header)


def lease_grant_term(payload: bytes) -> int:
    """The term in a LeaseGrantResponse."""
    return _header(_class("LeaseGrantResponse").FromString(payload).header).term


def keep_alive_reply(payload: bytes) -> KeepAliveReply:
    """Read a LeaseKeepAliveResponse."""
    message = _class("LeaseKeepAliveResponse").FromString(payload)
    return KeepAliveReply(ttl_s=message.TTL, term=_header(message.header).term)


def token(payload: bytes) -> str:
    """The token in an AuthenticateResponse."""
    return str(_class("AuthenticateResponse").FromString(payload).token)


def prefix_end(prefix: bytes) -> bytes:
    """The first key after all that begin with the prefix."""
    stem = prefix.rstrip(b"\xff")
    if not stem:
        raise ValueError("a prefix of nothing, or of 0xff only, has no end")
    return stem[:-1] + bytes([stem[-1] + 1])


def _serialized(name: str, /, **fields: Any) -> bytes:
    return bytes(_class(name)(**fields).SerializeToString())


def _header(header: Any) -> Header:
    return Header(cluster_id=header.cluster_id, revision=header.revision, term=header.raft_term)


def _key_value(kv: Any) -> KeyValue:
    return KeyValue(key=kv.key, value=kv.value, mod_revision=kv.mod_revision)


@cache
def _class(name: str) -> Any:
    """The message class of that name in etcdserverpb; made at run time, so untyped."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"etcdserverpb.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    spec = importlib.util.find_spec("etcd3")  # finds the package without importing it
    if spec is None or not spec.submodule_search_locations:
        raise EtcdWireMissingError("the package is not there")
    folder = Path(spec.submodule_search_locations[0]) / "etcdrpc"
    pool = descriptor_pool.DescriptorPool()
    for name in _FILES:
        pool.AddSerializedFile(_serialized_file(folder / name))
    return pool


def _serialized_file(path: Path) -> bytes:
    """The descriptor that protoc wrote into a module: `serialized_pb=_b('...')`, Latin-1."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except OSError as error:
        raise EtcdWireMissingError(f"{path.name} cannot be read") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "serialized_pb" and isinstance(node.value, ast.Call):
            argument = node.value.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                return argument.value.encode("latin-1")
    raise EtcdWireMissingError(f"{path.name} holds no descriptor")
