"""A branch's records at HQ, over mutual TLS on loopback, SQLite and PostgreSQL on either side."""

import asyncio
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import structlog
from sqlalchemy import create_engine, func, select, update

from hq import commands
from hq.app import DatabaseTroubleError
from hq.serving.client import connect
from hq.store.tables import RECEIVED
from node import pki, words
from sync.clock import ManualClock
from sync.journal.database import open_database, writing
from sync.journal.receiving.pull import open_pull
from sync.journal.tables import CERTIFIED_DAYS
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.refusals import RefusedError
from tests.consolidations import HOUR_US, NEXT_NOON_UTC_US, Keys, hq_file, running_hq, serving
from tests.fakes.command_line import CommandLine
from tests.journals import DAY, Branch, ledger_rows, open_branch


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "pki")


@pytest.fixture(params=["sqlite", "postgres"])
def branch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Branch]:
    url = f"sqlite:///{tmp_path / 'branch.db'}"
    branch = open_branch(url if request.param == "sqlite" else request.getfixturevalue("second_postgres_url"))
    yield branch
    branch.engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def hq_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hq.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_a_day_is_pulled_proved_and_certified(
    tmp_path: Path, keys: Keys, branch: Branch, hq_url: str
) -> None:
    branch.write("ledger", ledger_rows(1, 2_500))
    branch.write("agents", [{"agent_id": "beijing/1", "name": "欧阳", "skills": "[]", "business_date": DAY}])

    async with (
        serving(keys, branch) as nodes,
        running_hq(hq_file(tmp_path, keys, hq_url, nodes, batch_rows=400), keys) as hq,
    ):
        ended = await hq.consolidate()
        (certificate,) = await hq.client.certificates(DAY, "")

    assert ended["beijing"]["phase"] == "DONE", ended
    assert ended["beijing"]["row_count"] == 2_501
    assert certificate["row_count"] == 2_501
    assert certificate["quarantined_count"] == 0
    assert certificate["is_day_over"]
    assert count(hq_url, "ledger") == 2_500


def count(url: str, stream: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found: int = connection.execute(select(func.count()).select_from(RECEIVED[stream])).scalar_one()
    engine.dispose()
    return found


async def test_a_second_night_brings_only_what_is_new(tmp_path: Path, keys: Keys, branch: Branch) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch.write("ledger", ledger_rows(1, 300))

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        await hq.consolidate()
        branch.write("ledger", ledger_rows(301, 20))
        ended = await hq.consolidate()
        certificates = await hq.client.certificates(DAY, "")

    assert ended["beijing"]["row_count"] == 20
    assert [(each["issue"], each["row_count"]) for each in certificates] == [(1, 300), (2, 320)]


async def test_a_branch_writes_its_certificate_down(tmp_path: Path, keys: Keys, branch: Branch) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch.write("ledger", ledger_rows(1, 10))

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        await hq.consolidate()
        (certificate,) = await hq.client.certificates(DAY, "")

    with branch.engine.connect() as connection:
        (kept,) = connection.execute(select(CERTIFIED_DAYS)).all()
    assert (kept.business_date, kept.issue, kept.row_count) == (DAY, 1, 10)
    assert kept.digest.hex() == certificate["digest"]


async def test_today_is_certified_when_asked_and_due_again_when_it_goes_on(
    tmp_path: Path, keys: Keys, branch: Branch
) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch.write("ledger", ledger_rows(1, 10, day="2026-03-03"))

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        await hq.consolidate(today=True)
        (certificate,) = await hq.client.certificates("2026-03-03", "")
        branch.write("ledger", ledger_rows(11, 1, day="2026-03-03"))
        await hq.consolidate()
        (site,) = await hq.client.sites()

    assert (certificate["row_count"], certificate["is_day_over"]) == (10, False)
    assert site["due_days"] == ["2026-03-03"]


async def test_a_copy_of_a_branch_is_frozen_until_a_person_readmits_it(tmp_path: Path, keys: Keys) -> None:
    """Two copies go on from one state; HQ takes the first and must not mix in the second."""
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    original = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    original.write("ledger", ledger_rows(1, 50))
    async with serving(keys, original) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        await hq.consolidate()
    copy = copied(original, tmp_path / "copy.db")
    original.write("ledger", ledger_rows(51, 10))
    async with serving(keys, original) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        for seq in range(61, 80):
            original.write("ledger", ledger_rows(seq, 1))
            await hq.consolidate()
    copy.write("ledger", ledger_rows(51, 40))

    async with serving(keys, copy) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        refused = await hq.consolidate()
        (frozen,) = await hq.client.sites()
        still = await hq.consolidate()
        await hq.client.readmit("beijing")
        ended = await hq.consolidate()
        (site,) = await hq.client.sites()
        certificates = await hq.client.certificates(DAY, "")

    for branch in (original, copy):
        branch.engine.dispose()
    assert refused["beijing"]["problem"].startswith("RESTORED_OR_CLONED")
    assert (frozen["state"], frozen["frozen_reason"]) == ("FROZEN", "RESTORED_OR_CLONED")
    assert still["beijing"]["problem"].startswith("FROZEN")
    assert ended["beijing"]["phase"] == "DONE", ended
    assert site["state"] == "ACTIVE"
    assert certificates[-1]["row_count"] == 90


async def test_a_branch_restored_from_last_nights_backup_is_frozen(tmp_path: Path, keys: Keys) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    backup = copied(branch, tmp_path / "backup.db")
    branch.write("ledger", ledger_rows(1, 500))
    async with (
        serving(keys, branch) as nodes,
        running_hq(hq_file(tmp_path, keys, url, nodes, batch_rows=20), keys) as hq,
    ):
        await hq.consolidate()
    backup.write("ledger", ledger_rows(1, 3))

    async with serving(keys, backup) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        ended = await hq.consolidate()

    for each in (branch, backup):
        each.engine.dispose()
    assert ended["beijing"]["problem"].startswith("RESTORED_OR_CLONED")


async def test_a_row_that_the_table_refuses_does_not_keep_the_day_from_its_certificate(
    tmp_path: Path, keys: Keys, postgres_url: str
) -> None:
    branch = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    branch.write("ledger", ledger_rows(1, 30))
    poison = {"agent_id": "beijing/1", "name": "a\x00b", "skills": "[]", "business_date": DAY}
    branch.write("agents", [poison, {**poison, "agent_id": "beijing/2", "name": "B"}])

    async with (
        serving(keys, branch) as nodes,
        running_hq(hq_file(tmp_path, keys, postgres_url, nodes), keys) as hq,
    ):
        ended = await hq.consolidate()
        (certificate,) = await hq.client.certificates(DAY, "")

    branch.engine.dispose()
    assert ended["beijing"]["phase"] == "DONE", ended
    assert (certificate["row_count"], certificate["quarantined_count"]) == (32, 1)


async def test_a_value_that_a_careless_loader_spoiled_is_found_and_mended(
    tmp_path: Path, keys: Keys, branch: Branch, hq_url: str
) -> None:
    """The digest of the batch was right, the count is right, the sums are right: the text is not."""
    branch.write("ledger", ledger_rows(1, 100))
    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, hq_url, nodes), keys) as hq:
        await hq.consolidate(today=True)
        ledger = RECEIVED["ledger"]
        engine = open_database(hq_url)
        with writing(engine) as connection:
            spoiled = update(ledger).where(ledger.c.seq == 7).values(payload=ledger.c.payload + "\\")
            connection.execute(spoiled)
        branch.write("ledger", ledger_rows(101, 1))

        ended = await hq.consolidate()
        certificates = await hq.client.certificates(DAY, "")

    with engine.connect() as connection:
        (payload,) = connection.execute(select(ledger.c.payload).where(ledger.c.seq == 7)).one()
    engine.dispose()
    assert ended["beijing"]["phase"] == "DONE", ended
    assert certificates[-1]["row_count"] == 101
    assert payload == ledger_rows(7, 1)[0]["payload"]


async def test_records_that_the_ledger_does_not_bear_out_are_not_certified(
    tmp_path: Path, keys: Keys, branch: Branch
) -> None:
    """Branch and HQ agree on them, row by row; they are wrong all the same."""
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch.write(
        "callbacks",
        [
            {
                "call_id": "c1",
                "queue_id": "sales",
                "requested_utc_us": 1,
                "try_count": 0,
                "done_utc_us": None,
                "outcome": None,
                "business_date": DAY,
            }
        ],
    )

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        ended = await hq.consolidate()
        certificates = await hq.client.certificates(DAY, "")

    assert ended["beijing"]["problem"].startswith("DAY_DIFFERS")
    assert "callbacks beijing/c1" in ended["beijing"]["problem"]
    assert certificates == []


async def test_a_branch_that_is_down_holds_up_nobody_else(tmp_path: Path, keys: Keys) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    beijing = open_branch(f"sqlite:///{tmp_path / 'beijing.db'}", "beijing")
    lisbon = open_branch(f"sqlite:///{tmp_path / 'lisbon.db'}", "lisbon")
    lisbon.write("ledger", ledger_rows(1, 10))

    async with (
        serving(keys, beijing, lisbon) as nodes,
        running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq,
    ):
        await nodes[0].stop()
        ended = await hq.consolidate()
        await nodes[0].start()
        again = await hq.consolidate("beijing")

    for branch in (beijing, lisbon):
        branch.engine.dispose()
    assert ended["beijing"]["problem"].startswith("LINK_DOWN")
    assert ended["lisbon"]["phase"] == "DONE", ended
    assert again["beijing"]["phase"] == "DONE", again


async def test_why_a_site_was_not_read_is_told_in_the_readers_language(
    tmp_path: Path,
    keys: Keys,
    branch: Branch,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = CommandLine([commands.register], monkeypatch, capsys)
    async with serving(keys, branch) as nodes:
        file = hq_file(tmp_path, keys, f"sqlite:///{tmp_path / 'hq.db'}", nodes)
        async with running_hq(file, keys) as hq:
            await nodes[0].stop()
            await hq.consolidate()
            monkeypatch.setenv("TRUNKLINE__LISTEN__PORT", str(hq.app.port))

            status = await asyncio.to_thread(run, "hq", "status", file, "--lang", "zh-CN")
            pulled = await asyncio.to_thread(run, "hq", "consolidate", file, "--now", "--lang", "zh-CN")

    assert status.code == 0
    assert "连不上该节点：" in status.out
    assert pulled.code == 1
    assert "beijing：连不上该节点：" in pulled.err


async def test_another_site_at_a_branchs_address_is_not_taken_for_it(tmp_path: Path, keys: Keys) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    lisbon = open_branch(f"sqlite:///{tmp_path / 'lisbon.db'}", "lisbon")

    async with serving(keys, lisbon) as nodes:
        file = hq_file(tmp_path, keys, url, nodes)
        file.write_text(file.read_text().replace('id = "lisbon"', 'id = "beijing"'))
        async with running_hq(file, keys) as hq:
            ended = await hq.consolidate()

    lisbon.engine.dispose()
    assert ended["beijing"]["problem"].startswith("LINK_TLS_FAILED")


@pytest.mark.parametrize(("kind", "name"), [("site", "lisbon"), ("operator", "li"), ("site", "beijing")])
async def test_nobody_but_hq_pulls_a_journal(
    tmp_path: Path, keys: Keys, branch: Branch, kind: pki.Kind, name: str
) -> None:
    async with serving(keys, branch) as (node,):
        beijing = Peer(cluster="demo", kind="site", name="beijing")
        async with open_channel("127.0.0.1", node.port, keys.tls(kind, name), expected=beijing) as channel:
            reasons = [await refusal_of_a_pull(channel) for _ in range(10)]

    # gRPC loses the reason of a refusal that overtakes the caller's first message.
    assert set(reasons) - {"PEER_FAULT"} == {"PEER_IS_NOT_HQ"}


async def refusal_of_a_pull(channel: grpc.aio.Channel) -> str:
    async with open_pull(channel) as pull:
        with pytest.raises(RefusedError) as caught:
            await pull.greet("beijing")
    return caught.value.reason


async def test_no_branch_asks_hq_for_reports(tmp_path: Path, keys: Keys, branch: Branch) -> None:
    url, tls = f"sqlite:///{tmp_path / 'hq.db'}", keys.tls("site", "beijing")
    async with (
        serving(keys, branch) as nodes,
        running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq,
        connect("127.0.0.1", hq.app.port, tls) as client,
    ):
        with pytest.raises(RefusedError) as caught:
            await client.sites()

    assert caught.value.reason == "PEER_IS_NO_OPERATOR"


async def test_absurd_requests_are_refused_by_the_fields_name(
    tmp_path: Path, keys: Keys, branch: Branch
) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        with pytest.raises(RefusedError, match="business_date") as caught:
            await hq.client.day_report("yesterday")
        with pytest.raises(RefusedError, match="interval_min"):
            await hq.client.day_report("2026-03-02", 7)
        with pytest.raises(RefusedError, match="not known") as unknown:
            await hq.consolidate("atlantis")

    assert caught.value.reason == "FIELD_INVALID"
    assert unknown.value.reason == "SITE_UNKNOWN"
    told = words.refusal(unknown.value.reason, **unknown.value.values)
    assert told == "site atlantis is not known to HQ; `trunkline hq site list` shows the sites of its file"


async def test_what_hq_did_is_counted(tmp_path: Path, keys: Keys, branch: Branch) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch.write("ledger", ledger_rows(1, 30))

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        await hq.consolidate()
        branch.write("ledger", ledger_rows(31, 5))
        await hq.consolidate()
        page = await asyncio.to_thread(metrics, hq.app.metrics_port)

    assert 'trunkline_consolidation_rows_total{site="beijing"} 35.0' in page
    assert 'trunkline_consolidation_pulls_total{outcome="complete",site="beijing"} 2.0' in page
    assert "trunkline_consolidation_batch_seconds_count 2.0" in page
    assert "trunkline_consolidation_last_success_timestamp_seconds" in page


async def test_hq_tells_of_a_branch_whose_clock_is_a_day_ahead(
    tmp_path: Path, keys: Keys, branch: Branch
) -> None:
    url = f"sqlite:///{tmp_path / 'hq.db'}"

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        nodes[0].clock = ManualClock(utc_us=NEXT_NOON_UTC_US + 26 * HOUR_US)
        await nodes[0].stop()
        await nodes[0].start()
        with structlog.testing.capture_logs() as said:
            await hq.consolidate()
        page = await asyncio.to_thread(metrics, hq.app.metrics_port)

    (told,) = [each for each in said if each["event"] == "clock_differs"]
    assert told["peer"] == "beijing"
    assert 25 * 3_600_000 < told["ahead_ms"] <= 26 * 3_600_000
    assert 'trunkline_peer_clock_difference_seconds{site="beijing"} 9' in page


@pytest.mark.parametrize(
    ("url", "problem", "exit_code"),
    [
        ("nonsense", "its URL is none", 2),
        ("mysql://u:secret@127.0.0.1/x", "its URL is none", 2),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "refused", 1),
        ("sqlite:////no/such/folder/hq.db", "unable to open", 2),
    ],
)
async def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, keys: Keys, url: str, problem: str, exit_code: int
) -> None:
    with pytest.raises(DatabaseTroubleError, match=problem) as caught:
        async with running_hq(hq_file(tmp_path, keys, url, []), keys):
            raise AssertionError("it must not start")

    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == exit_code


def metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        text: str = response.read().decode()
    return text


def copied(branch: Branch, file: Path) -> Branch:
    """A copy of a branch's SQLite file, as `cp` or a backup makes it."""
    with branch.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(str(branch.engine.url.database), file)
    return open_branch(f"sqlite:///{file}", branch.site_id)
