"""`trunkline queue` on the database of a site whose branch does not run."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch.admin import queue_commands
from branch.admin.site_records import open_site
from router.acd.policy import Distribution
from sync.records.tables import ManagedBy
from tests.fakes.command_line import CommandLine, write_site_file


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([queue_commands.register], monkeypatch, capsys)


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that nobody listens on while the test runs: bound, and refusing."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@pytest.fixture
def site(tmp_path: Path, free_port: int) -> Path:
    return write_site_file(tmp_path, port=free_port)


def test_before_the_first_start_the_files_queues_are_in_force(run: CommandLine, site: Path) -> None:
    (queue,) = run("queue", "list", "--site", site, "--json").json

    assert (queue["queue_id"], queue["version"], queue["skills"], queue["managed_by"]) == (
        "support", 1, ["PS"], "SITE",
    )  # fmt: skip


def test_a_queue_is_changed_key_by_key(run: CommandLine, site: Path) -> None:
    changed = run(
        "queue", "set", "support", "distribution=ring-all", "ring_limit_ms=20000", "skills=PS,NW",
        "--site", site,
    )  # fmt: skip
    (queue,) = run("queue", "list", "--site", site, "--json").json

    assert changed.code == 0
    assert (queue["version"], queue["distribution"], queue["ring_limit_ms"], queue["skills"]) == (
        2, "ring-all", 20_000, ["NW", "PS"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "settings", [(), ("skills=PS",), ("ring_limit_ms=15000", "is_overflow_allowed=true")]
)
def test_a_set_that_changes_nothing_says_so(run: CommandLine, site: Path, settings: tuple[str, ...]) -> None:
    told = run("queue", "set", "support", *settings, "--site", site)
    (queue,) = run("queue", "list", "--site", site, "--json").json

    assert told.code == 0
    assert "nothing was changed" in told.out
    assert queue["version"] == 1


def test_a_queue_is_added_and_removed(run: CommandLine, site: Path) -> None:
    run("queue", "add", "vip", "skills=PS", "is_overflow_allowed=false", "--site", site)
    added = run("queue", "list", "--site", site, "--json").json
    removed = run("queue", "remove", "vip", "--site", site)

    assert [each["queue_id"] for each in added] == ["support", "vip"]
    assert added[1]["is_overflow_allowed"] is False
    assert removed.code == 0
    assert len(run("queue", "list", "--site", site, "--json").json) == 1


def test_every_wrong_setting_is_named_and_nothing_changes(run: CommandLine, site: Path) -> None:
    refused = run(
        "queue", "set", "support", "ring_limit_ms=soon", "distribution=fair", "colour=red", "nonsense",
        "numbers=400", "--site", site,
    )  # fmt: skip

    assert refused.code == 2
    for fault in ("ring_limit_ms", "distribution", "colour", "'nonsense'", "numbers"):
        assert fault in refused.err
    (queue,) = run("queue", "list", "--site", site, "--json").json
    assert queue["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "support"), "there already"),
        (("add", "pre sales"), "'pre sales' is no id"),
        (("add", "vip", "skills=P S"), "'P S' is no id"),
        (("set", "sales", "ring_limit_ms=1"), "not known"),
        (("remove", "sales"), "not known"),
        (("remove", "support"), "last queue"),
    ],
)
def test_what_cannot_be_is_refused(
    run: CommandLine, site: Path, arguments: tuple[str, ...], problem: str
) -> None:
    refused = run("queue", *arguments, "--site", site)

    assert refused.code == 2
    assert problem in refused.err


def test_what_hq_manages_is_changed_at_hq(run: CommandLine, site: Path) -> None:
    run("queue", "list", "--site", site)
    with open_site(site) as records:
        (applied,) = records.queues.in_force()
        records.queues.apply(applied.policy, ManagedBy.HQ)

    refused = run("queue", "set", "support", "ring_limit_ms=1", "--site", site)

    assert refused.code == 2
    assert "HQ" in refused.err


def test_no_queue_is_removed_under_a_running_branch(run: CommandLine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as running:
        site = write_site_file(tmp_path, port=running.getsockname()[1])
        run("queue", "add", "vip", "--site", site, "--offline")

        refused = run("queue", "remove", "vip", "--site", site)

    assert refused.code == 2
    assert "stop it first" in refused.err


def test_with_a_port_that_nobody_knows_somebody_has_to_say_that_the_branch_is_off(
    run: CommandLine, tmp_path: Path
) -> None:
    site = write_site_file(tmp_path, port=0)

    refused = run("queue", "set", "support", "distribution=circular-hunt", "--site", site)
    done = run("queue", "set", "support", "distribution=circular-hunt", "--site", site, "--offline")

    assert refused.code == 2
    assert "listen.port is 0" in refused.err
    assert done.code == 0
    (queue,) = run("queue", "list", "--site", site, "--json").json
    assert queue["distribution"] == Distribution.CIRCULAR_HUNT
