import subprocess
import sys

import pytest

from sync.loadboard.etcd import wire


def test_etcds_definitions_load_without_importing_the_package_and_leave_the_default_pool_alone() -> None:
    script = """
import sys
from google.protobuf import descriptor_pool
from sync.loadboard.etcd import wire
assert wire.range_request(b"k") == b"\\n\\x01k"
assert "etcd3" not in sys.modules
for name in ("kv.proto", "auth.proto", "rpc.proto"):
    try:
        descriptor_pool.Default().FindFileByName(name)
    except KeyError:
        continue
    raise SystemExit(f"{name} was registered for the whole process")
"""

    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )

    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_end_of_a_prefix_is_the_first_key_after_it() -> None:
    assert wire.prefix_end(b"/a/") == b"/a0"
    assert wire.prefix_end(b"a\xff\xff") == b"b"
    with pytest.raises(ValueError, match="no end"):
        wire.prefix_end(b"\xff")


def test_a_watch_reply_without_events_is_progress_unless_it_says_something_else() -> None:
    def reply(**fields: object) -> bytes:
        return wire._serialized("WatchResponse", header={"cluster_id": 7, "revision": 9}, **fields)

    assert wire.watch_reply(reply()).is_progress
    assert wire.watch_reply(reply(watch_id=-1)).is_progress
    assert not wire.watch_reply(reply(created=True)).is_progress
    assert not wire.watch_reply(reply(canceled=True)).is_progress
    assert not wire.watch_reply(reply(compact_revision=3)).is_progress
    assert not wire.watch_reply(reply(events=[{"kv": {"key": b"k"}}])).is_progress


def test_a_removal_and_a_put_are_told_apart() -> None:
    payload = wire._serialized(
        "WatchResponse",
        events=[
            {"type": "PUT", "kv": {"key": b"k", "value": b"v", "mod_revision": 4}},
            {"type": "DELETE", "kv": {"key": b"k", "mod_revision": 5}},
        ],
    )

    events = wire.watch_reply(payload).events

    assert [(event.is_removal, event.kv.mod_revision) for event in events] == [(False, 4), (True, 5)]
