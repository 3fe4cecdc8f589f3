import random
from typing import Any

import pytest

from sync.loadboard.etcd.errors import ViewOutdatedError, WatchSilentError
from sync.loadboard.etcd.recovery import Recovery
from sync.loadboard.etcd.settings import RETRY_DELAY_MAX_S, EtcdSettings

GOOD: dict[str, Any] = {"endpoints": ("10.0.0.1:2379",), "prefix": "/trunkline/acme/"}


def test_the_load_records_lie_in_one_folder_of_the_prefix() -> None:
    assert EtcdSettings(**GOOD).load_prefix == b"/trunkline/acme/load/"


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(EtcdSettings(**GOOD, user="board", password="hunter2"))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"endpoints": ()}, "at least one"),
        ({"endpoints": ("https://a:2379",)}, "without a scheme"),
        ({"endpoints": ("a",)}, "host:port"),
        ({"prefix": "/"}, "prefix"),
        ({"lease_ttl_s": 1}, "lease_ttl_s 1"),
        ({"lease_ttl_s": 61}, "lease_ttl_s 61"),
        ({"user": "board"}, "both or neither"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_its_reason(fault: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        EtcdSettings(**(GOOD | fault))


def recovery(*endpoints: str) -> Recovery:
    return Recovery(part="watch", endpoints=endpoints, rng=random.Random(7))


def test_each_failure_moves_on_to_the_next_member_and_round_again() -> None:
    session = recovery("a:1", "b:1", "c:1")
    first = session.endpoint

    visited = [first]
    for _ in range(3):
        session.failed(WatchSilentError("silent"))
        visited.append(session.endpoint)

    assert set(visited[:3]) == {"a:1", "b:1", "c:1"}
    assert visited[3] == first


def test_delays_grow_to_a_limit_and_begin_anew_after_a_success() -> None:
    session = recovery("a:1")

    delays = [session.failed(ViewOutdatedError("compacted")) for _ in range(50)]
    session.succeeded()

    assert delays[0] <= 0.1
    assert delays[2] > delays[0]
    assert RETRY_DELAY_MAX_S / 2 <= delays[-1] <= RETRY_DELAY_MAX_S
    assert session.failed(ViewOutdatedError("compacted")) <= 0.1
