"""`trunkline hq site`: the branches of HQ's file."""

from pathlib import Path

import pytest

from hq import commands
from hq.settings import HqSettings
from node.settings import load
from tests.fakes.command_line import CommandLine
from tests.fakes.hq_file import FILE


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([commands.register], monkeypatch, capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "hq.toml"
    file.write_text(FILE, encoding="utf-8")
    return file


def test_a_branch_is_added_and_the_rest_of_the_file_stays_as_it_was(run: CommandLine, file: Path) -> None:
    added = run(
        "hq", "site", "add", file, "lhasa", "--address", "10.0.0.4:7443", "--time-zone", "Asia/Urumqi",
        "--parent", "beijing",
    )  # fmt: skip

    assert (added.code, added.err) == (0, "")
    assert file.read_text(encoding="utf-8").startswith(FILE)
    lhasa = load(HqSettings, file, {}).site[1]
    assert (lhasa.id, lhasa.address, lhasa.time_zone, lhasa.parent) == (
        "lhasa", "10.0.0.4:7443", "Asia/Urumqi", "beijing",
    )  # fmt: skip
    listed = run("hq", "site", "list", file, "--json").json
    assert [each["id"] for each in listed] == ["beijing", "lhasa"]


@pytest.mark.parametrize(
    ("site", "address", "zone"),
    [
        ("beijing", "10.0.0.4:7443", "Asia/Shanghai"),
        ("lhasa", "nowhere", "Asia/Shanghai"),
        ("lhasa", "10.0.0.4:7443", "Mars/Olympus"),
        ("Not A Slug", "10.0.0.4:7443", "Asia/Shanghai"),
    ],
)
def test_what_would_spoil_the_file_leaves_it_as_it_was(
    run: CommandLine, file: Path, site: str, address: str, zone: str
) -> None:
    refused = run("hq", "site", "add", file, site, "--address", address, "--time-zone", zone)

    assert refused.code == 2
    assert file.read_text(encoding="utf-8") == FILE
    assert [each.name for each in file.parent.iterdir()] == ["hq.toml"]


def test_an_id_that_is_none_is_told_of_the_command_and_not_of_a_file_nobody_has(
    run: CommandLine, file: Path
) -> None:
    refused = run(
        "hq", "site", "add", file, "Cheng Du", "--address", "10.0.0.4:7443", "--time-zone", "Asia/Shanghai"
    )

    assert "'Cheng Du' is no site id" in refused.err
    assert "draft" not in refused.err


def test_a_branch_that_is_in_the_file_already_is_told_of_the_file_itself(
    run: CommandLine, file: Path
) -> None:
    refused = run(
        "hq", "site", "add", file, "beijing", "--address", "10.0.0.4:7443", "--time-zone", "Asia/Shanghai"
    )

    assert "hq.toml: 1 fault" in refused.err
    assert "site beijing is named twice" in refused.err
    assert ".draft" not in refused.err
    assert "line " not in refused.err


# --- who can read the file ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "mode", "is_told"),
    [
        ("postgresql+psycopg://hq:s3cret@db/hq", 0o644, True),
        ("postgresql+psycopg://hq:s3cret@db/hq", 0o640, False),
        ("postgresql+psycopg://hq@db/hq", 0o644, False),
        ("sqlite:///hq.db", 0o644, False),
    ],
)
def test_check_says_that_everybody_can_read_the_databases_password(
    run: CommandLine, file: Path, url: str, mode: int, is_told: bool
) -> None:
    file.write_text(FILE.replace("sqlite:///hq.db", url), encoding="utf-8")
    file.chmod(mode)

    checked = run("hq", "check", file)

    assert checked.code == 0
    assert ("chmod 600" in checked.err) is is_told
    assert "s3cret" not in checked.err + checked.out


def test_check_says_nothing_of_a_password_that_is_not_in_the_file(
    run: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE__DATABASE__URL", "postgresql+psycopg://hq:s3cret@db/hq")
    file.chmod(0o644)

    assert run("hq", "check", file).err == ""
