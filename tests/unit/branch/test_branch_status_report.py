"""What `trunkline branch status` tells somebody who was woken up for it."""

from dataclasses import replace

import pytest

from branch.operating.operations import SiteIdentity, SiteStatus, StoreHealth
from branch.operating.status_report import print_status, status_tree
from branch.store.ballast import MissingRoom
from router.ids import QueueId, SiteId
from router.overflow.load import QueueLoad

IDLE = QueueLoad(
    calls_waiting=0, head_wait_ms=0, agents_staffed=0, agents_idle=0, aht_ms=0, abandon_rate_per_hour=0.0
)
WELL = SiteStatus(
    identity=SiteIdentity(site_id=SiteId("chengdu"), name="成都", version="0.1.0", config_digest="d"),
    incarnation=1,
    utc_us=1,
    uptime_ms=1,
    is_accepting=True,
    is_pbx_connected=True,
    queues={QueueId("support"): (1, IDLE)},
    agents={},
    calls={},
    handoffs={},
    view_age_ms=400,
    peers={SiteId("urumqi"): False},
    peer_problems={},
    store=StoreHealth(state="OK", committed_seq=1),
    last_seq=1,
    outbox_depth=0,
)


def told(status: SiteStatus, capsys: pytest.CaptureFixture[str]) -> str:
    print_status(status)
    return capsys.readouterr().out


def test_a_site_that_is_well_takes_calls(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(WELL, capsys)

    assert "takes calls" in said
    assert "PBX: connected" in said
    assert "view: 0.4 s\n" in said


def test_without_its_pbx_a_site_does_not_say_that_it_takes_calls(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(replace(WELL, is_pbx_connected=False), capsys)

    assert "gets no calls: its PBX is away" in said
    assert "PBX: away" in said
    assert "takes calls" not in said
    assert status_tree(replace(WELL, is_pbx_connected=False))["is_pbx_connected"] is False


def test_a_drained_site_says_that_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert "takes no new calls" in told(replace(WELL, is_accepting=False, is_pbx_connected=False), capsys)


@pytest.mark.parametrize("age_ms", [None, 15_001])
def test_a_view_that_is_not_used_any_more_says_so(
    age_ms: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is etcd named in the file, and up?" in told(replace(WELL, view_age_ms=age_ms), capsys)


def test_why_there_is_no_tls_with_a_peer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    ended = replace(WELL, peer_problems={SiteId("urumqi"): "certificate has expired"})

    assert "no TLS with urumqi: certificate has expired" in told(ended, capsys)
    assert "no TLS" not in told(WELL, capsys)


def test_how_much_room_the_ballast_wants_is_told_while_it_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    room = MissingRoom(wanted_bytes=192 * 2**20, free_bytes=71 * 2**20 + 5)
    short = replace(WELL, store=replace(WELL.store, state="BALLAST_RELEASED", missing_room=room))

    assert "when 192 MB of its disk are free; 71 MB are" in told(short, capsys)
    assert "ballast" not in told(WELL, capsys)
