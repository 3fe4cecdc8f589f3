"""`trunkline init`: a whole new site, or nothing."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch import parts
from branch.admin import agent_commands, init_commands
from branch.admin.site_records import open_site
from branch.admin.site_text import PBX_PASSWORD_FILE
from branch.people import passwords
from branch.settings import BranchSettings
from branch.telephony.simulated.pbx.settings import PbxSettings
from node import pki
from node.settings import load
from sync.records.tables import PersonRole
from tests.fakes.command_line import CommandLine, write_site_file


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([init_commands.register, agent_commands.register], monkeypatch, capsys)


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    pki.init_ca(tmp_path / "pki", "acme", now=datetime.now(UTC))
    return tmp_path / "pki"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("correct horse\n", encoding="utf-8")
    return file


@pytest.fixture
def common(ca: Path, secret: Path) -> list[object]:
    return [
        "--site", "lhasa", "--address", "127.0.0.1:7543", "--ca", ca, "--cluster", "acme",
        "--etcd", "127.0.0.1:2379", "--time-zone", "Asia/Shanghai", "--password-file", secret,
    ]  # fmt: skip


def test_a_new_site_is_ready_to_run(run: CommandLine, tmp_path: Path, common: list[object]) -> None:
    folder = tmp_path / "拉萨 site"

    made = run("init", folder, *common, "--name", "拉萨", "--queue", "support:PS", "--phone", "1001")

    assert (made.code, made.err) == (0, "")
    settings = load(BranchSettings, folder / "branch.toml", {})
    assert str(parts.security(settings)).find("lhasa") > 0
    assert (settings.site.name, settings.overflow.address) == ("拉萨", "127.0.0.1:7543")
    assert settings.overflow.trunk == "127.0.0.1:7547"
    assert load(PbxSettings, folder / "pbx.toml", {}).people.agent[0].id == "lhasa/1001"
    assert (folder / "branch.db.ballast").stat().st_size == settings.limits.ballast_mb * 2**20
    for private in ("site-lhasa.key", PBX_PASSWORD_FILE, "branch.toml", "pbx.toml", "branch.db"):
        assert (folder / private).stat().st_mode & 0o777 == 0o600, private
    assert folder.stat().st_mode & 0o777 == 0o700
    with open_site(folder / "branch.toml") as records:
        admin = records.people.credential("admin")
        queues = [each.policy.queue_id for each in records.queues.in_force()]
    assert admin is not None
    assert (admin.role, queues) == (PersonRole.ADMIN, ["support"])
    assert passwords.is_right(admin.secret_hash, "correct horse")
    assert "trunkline hq site add" in made.out


@pytest.mark.parametrize(
    ("wishes", "first_agent"),
    [
        (("--phone", "2001", "--phone", "2002", "--queue", "support"), "agent add 2001 --name NAME --site"),
        (
            ("--queue", "a:PS,NW", "--queue", "b:PS"),
            "agent add NUMBER --name NAME --skill NW --skill PS --site",
        ),
    ],
)
def test_what_comes_next_names_a_phone_that_is_there_and_skills_that_queues_want(
    run: CommandLine, tmp_path: Path, common: list[object], wishes: tuple[str, ...], first_agent: str
) -> None:
    made = run("init", tmp_path / "lhasa", *common, *wishes)

    assert first_agent in made.out


def test_the_file_explains_itself_in_the_language_asked_for(
    run: CommandLine, tmp_path: Path, common: list[object]
) -> None:
    run("init", tmp_path / "en", *common)
    english = (tmp_path / "en" / "branch.toml").read_text(encoding="utf-8")

    assert english.count("# ") >= 7
    assert tomllib.loads(english)["site"]["id"] == "lhasa"


def test_without_the_cas_key_the_person_is_told_what_to_do_where_it_is(
    run: CommandLine, tmp_path: Path, common: list[object], ca: Path
) -> None:
    common[common.index(ca)] = ca / "ca.pem"

    made = run("init", tmp_path / "lhasa", *common)

    assert made.code == 0
    assert "trunkline pki issue site lhasa --host 127.0.0.1" in made.out
    assert not (tmp_path / "lhasa" / "site-lhasa.key").exists()


def test_a_site_like_another_has_its_queues_etcd_clock_and_rules(
    run: CommandLine, tmp_path: Path, common: list[object]
) -> None:
    other = write_site_file(tmp_path)
    text = other.read_text(encoding="utf-8")
    text += "[clock]\nspeed = 60.0\nstarted_at_utc_us = 1\nepoch_utc_us = 2\n[overflow]\nhome_reserve = 2\n"
    text += '[etcd]\nendpoints = ["10.0.0.9:2379"]\n'
    other.write_text(text, encoding="utf-8")
    place = common.index("--etcd")

    made = run("init", tmp_path / "lhasa", *common[:place], *common[place + 2 :], "--like", other)

    assert (made.code, made.err) == (0, "")
    settings = load(BranchSettings, tmp_path / "lhasa" / "branch.toml", {})
    assert settings.clock.speed == 60.0
    assert settings.overflow.home_reserve == 2
    assert settings.queue[0].skills == ("PS",)
    assert settings.etcd is not None
    assert settings.etcd.endpoints == ("10.0.0.9:2379",)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--cluster", "other"], "cluster acme"),
        (["--address", "nowhere"], "no address"),
        (["--address", "127.0.0.1:65536"], "no address"),
        (["--address", "127.0.0.1:65532"], "write a port up to 65531"),
        (["--site", "Not A Slug"], "'Not A Slug' is no site id"),
        (["--queue", "pre sales"], "'pre sales' is no id"),
        (["--phone", "10 01"], "'10 01' is no agent's id"),
        (["--peer", "urumqi"], "site=host:port,host:port"),
        (["--time-zone", "Mars/Olympus"], "time zone"),
        (["--etcd", "localhost"], "'localhost' is no address; write host:port"),
    ],
)
def test_what_cannot_be_leaves_nothing_behind(
    run: CommandLine, tmp_path: Path, common: list[object], ca: Path, arguments: list[str], problem: str
) -> None:
    refused = run("init", tmp_path / "lhasa", *common, *arguments)

    assert refused.code == 2
    assert problem in refused.err
    assert not (tmp_path / "lhasa").exists()
    assert not (ca / "site-lhasa.key").exists()


def test_nothing_is_written_over(run: CommandLine, tmp_path: Path, common: list[object]) -> None:
    run("init", tmp_path / "lhasa", *common)
    before = (tmp_path / "lhasa" / "branch.toml").read_bytes()

    refused = run("init", tmp_path / "lhasa", *common)

    assert refused.code == 2
    assert "not written over" in refused.err
    assert (tmp_path / "lhasa" / "branch.toml").read_bytes() == before


def test_a_weak_first_password_makes_no_site(
    run: CommandLine, tmp_path: Path, common: list[object], secret: Path
) -> None:
    secret.write_text("short\n", encoding="utf-8")

    refused = run("init", tmp_path / "lhasa", *common)

    assert refused.code == 2
    assert not (tmp_path / "lhasa").exists()


def test_no_default_password_exists(run: CommandLine, tmp_path: Path, common: list[object]) -> None:
    place = common.index("--password-file")

    refused = run("init", tmp_path / "lhasa", *common[:place], *common[place + 2 :])

    assert refused.code == 2
    assert "--password-file" in refused.err
