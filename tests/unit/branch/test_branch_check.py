"""`trunkline branch check`, and HQ's: what is wrong with a node's file, and what soon will be."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from branch import commands as branch_commands
from hq import commands as hq_commands
from node import pki
from tests.fakes.command_line import CommandLine, write_site_file
from tests.fakes.hq_file import FILE as HQ_FILE

NOW = datetime.now(UTC)
PLAIN = "plaintext = true"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([branch_commands.register, hq_commands.register], monkeypatch, capsys)


@pytest.fixture
def branch_file(tmp_path: Path) -> Path:
    return write_site_file(tmp_path)


@pytest.fixture
def hq_file(tmp_path: Path) -> Path:
    file = tmp_path / "hq.toml"
    file.write_text(HQ_FILE, encoding="utf-8")
    return file


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def certify(file: Path, kind: pki.Kind, name: str, *, days_left: int) -> None:
    """Give the node a certificate of sixty days that ends in so many."""
    folder = file.parent / "pki"
    pki.init_ca(folder, "demo", now=NOW - timedelta(days=90))
    issued = pki.issue(folder, kind, name, [], now=NOW - timedelta(days=60 - days_left), days=60)
    change(file, PLAIN, f'ca = "{folder}/ca.pem"\ncert = "{issued.certificate}"\nkey = "{issued.key}"')


def test_a_certificate_that_has_ended_is_a_fault_of_the_file(
    run: CommandLine, branch_file: Path, hq_file: Path
) -> None:
    certify(branch_file, "site", "beijing", days_left=-3)
    change(hq_file, PLAIN, 'ca = "pki/ca.pem"\ncert = "pki/site-beijing.pem"\nkey = "pki/site-beijing.key"')

    for checked in (run("branch", "check", branch_file), run("hq", "check", hq_file)):
        assert checked.code == 2
        assert "site-beijing.pem: the certificate ended on" in checked.err
        assert checked.out == ""


def test_a_certificate_that_ends_soon_is_told_and_the_file_is_good(
    run: CommandLine, branch_file: Path
) -> None:
    certify(branch_file, "site", "beijing", days_left=10)

    checked = run("branch", "check", branch_file)

    assert checked.code == 0
    assert "site-beijing.pem: the certificate ends in" in checked.err
    assert "site beijing with 1 queue" in checked.out


def test_a_good_file_gets_no_warning(run: CommandLine, branch_file: Path, hq_file: Path) -> None:
    certify(branch_file, "site", "beijing", days_left=50)

    assert run("branch", "check", branch_file).err == ""
    assert run("hq", "check", hq_file).err == ""


def test_routes_of_a_site_without_a_country_are_doubted(run: CommandLine, branch_file: Path) -> None:
    routes = (
        '\n[[outbound.line]]\nname = "line-1"\n'
        '[[outbound.route]]\nprefix = "+86"\nsite = "beijing"\nline = "line-1"\n'
    )
    branch_file.write_text(branch_file.read_text(encoding="utf-8") + routes, encoding="utf-8")

    without = run("branch", "check", branch_file)
    change(branch_file, 'time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Shanghai"\ncountry = "CN"')
    checked = run("branch", "check", branch_file)

    assert (without.code, checked.code) == (0, 0)
    assert "[[outbound.route]] without country in [site]" in without.err
    assert checked.err == ""


def test_callers_whom_nobody_would_hear_of_are_doubted(run: CommandLine, branch_file: Path) -> None:
    change(branch_file, 'driver = "simulated"', 'driver = "asterisk"')
    text = branch_file.read_text(encoding="utf-8") + "\n"

    without = run("branch", "check", branch_file)
    branch_file.write_text(f'{text}[recording]\nfolder = "recordings"\n', encoding="utf-8")
    checked = run("branch", "check", branch_file)

    assert (without.code, checked.code) == (0, 0)
    assert 'driver = "asterisk" without folder in [recording]' in without.err
    assert checked.err == ""
