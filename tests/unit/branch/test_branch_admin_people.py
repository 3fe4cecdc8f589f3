"""`trunkline agent` on a site's database."""

import io
from pathlib import Path

import pytest

from branch.admin import agent_commands
from branch.admin.site_records import open_site
from branch.people import passwords
from tests.fakes.command_line import CommandLine, write_site_file


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([agent_commands.register], monkeypatch, capsys)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site 北京"  # Blanks and Chinese characters have to work everywhere.
    folder.mkdir()
    return write_site_file(folder)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("correct horse\n", encoding="utf-8")
    return file


def test_an_agent_is_added_with_its_site_name_skills_and_password(
    run: CommandLine, site: Path, secret: Path
) -> None:
    added = run(
        "agent", "add", "1001", "--site", site, "--name", "王芳", "--skill", "PS", "--skill", "NW",
        "--password-file", secret,
    )  # fmt: skip
    listed = run("agent", "list", "--site", site, "--json")

    assert (added.code, added.err) == (0, "")
    assert listed.json == [
        {
            "id": "beijing/1001",
            "name": "王芳",
            "role": "AGENT",
            "skills": ["NW", "PS"],
            "may_log_in": True,
        }
    ]
    with open_site(site) as records:
        credential = records.people.credential("beijing/1001")
    assert credential is not None
    assert passwords.is_right(credential.secret_hash, "correct horse")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("10 01",), "'10 01' is no agent's id"),
        (("李雷",), "the name may be Chinese"),
        (("shanghai/1001",), "is no agent's id"),
        (("１００１",), "write '1001'"),
        (("1001", "--skill", "P S"), "'P S' is no id"),
        (("the boss", "--role", "supervisor"), "'the boss' is no id"),
    ],
)
def test_an_id_that_is_none_is_refused_with_what_to_write(
    run: CommandLine, site: Path, secret: Path, arguments: tuple[str, ...], problem: str
) -> None:
    refused = run("agent", "add", *arguments, "--password-file", secret, "--site", site)

    assert refused.code == 2
    assert problem in refused.err
    assert run("agent", "list", "--site", site, "--json").json == []


def test_the_list_is_a_table_for_people(run: CommandLine, site: Path) -> None:
    run("agent", "add", "1001", "--site", site, "--name", "王芳", "--phone-only")

    listed = run("--lang", "zh-CN", "agent", "list", "--site", site)

    assert "beijing/1001" in listed.out
    assert "王芳" in listed.out


def test_a_supervisor_has_a_password_and_takes_no_calls(run: CommandLine, site: Path, secret: Path) -> None:
    run("agent", "add", "lee", "--site", site, "--role", "supervisor", "--password-file", secret)

    (lee,) = run("agent", "list", "--site", site, "--json").json
    refused = run("agent", "set", "lee", "--site", site, "--skill", "PS")

    assert (lee["id"], lee["role"], lee["skills"]) == ("lee", "SUPERVISOR", [])
    assert refused.code == 2


def test_an_agent_is_changed_without_losing_the_rest(run: CommandLine, site: Path, secret: Path) -> None:
    run("agent", "add", "1001", "--site", site, "--name", "王芳", "--skill", "PS", "--password-file", secret)

    run("agent", "set", "1001", "--site", site, "--skill", "NW")
    (agent,) = run("agent", "list", "--site", site, "--json").json

    assert (agent["name"], agent["skills"], agent["may_log_in"]) == ("王芳", ["NW"], True)


def test_a_removed_agent_can_not_log_in_any_more(run: CommandLine, site: Path, secret: Path) -> None:
    run("agent", "add", "1001", "--site", site, "--password-file", secret)

    removed = run("agent", "remove", "1001", "--site", site)

    assert removed.code == 0
    assert run("agent", "list", "--site", site, "--json").json == []
    with open_site(site) as records:
        assert records.people.credential("beijing/1001") is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "1001", "--phone-only"), "there already"),
        (("set", "9999", "--name", "x"), "not known"),
        (("remove", "9999"), "not known"),
        (("set", "1001", "--role", "admin"), "stays an agent"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    run: CommandLine, site: Path, arguments: tuple[str, ...], problem: str
) -> None:
    run("agent", "add", "1001", "--site", site, "--phone-only")

    refused = run("agent", *arguments, "--site", site)

    assert refused.code == 2
    assert problem in refused.err
    assert "Traceback" not in refused.err


def test_a_weak_password_adds_nobody(run: CommandLine, site: Path, tmp_path: Path) -> None:
    weak = tmp_path / "weak"
    weak.write_text("1234567\n", encoding="utf-8")

    refused = run("agent", "add", "1001", "--site", site, "--password-file", weak)

    assert refused.code == 2
    assert run("agent", "list", "--site", site, "--json").json == []


def test_a_password_file_that_is_no_text_is_named(run: CommandLine, site: Path, secret: Path) -> None:
    secret.write_bytes(b"\xff\xfec\0o\0")  # As an editor on Windows may save it.

    refused = run("agent", "add", "1001", "--site", site, "--password-file", secret)

    assert refused.code == 2
    assert f"{secret}: is not UTF-8 text (byte 0)" in refused.err.replace("\n", "")
    assert run("agent", "list", "--site", site, "--json").json == []


def test_a_password_comes_by_standard_input_too(
    run: CommandLine, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("正确的马 horse\n".encode())))

    assert run("agent", "add", "1001", "--site", site, "--password-file", "-").code == 0

    with open_site(site) as records:
        credential = records.people.credential("beijing/1001")
    assert credential is not None
    assert passwords.is_right(credential.secret_hash, "正确的马 horse")


def test_without_a_terminal_a_password_has_to_come_from_a_file(run: CommandLine, site: Path) -> None:
    refused = run("agent", "add", "1001", "--site", site)

    assert refused.code == 2
    assert "--password-file" in refused.err


def test_a_database_of_another_version_is_not_touched(run: CommandLine, site: Path) -> None:
    run("agent", "list", "--site", site)
    import sqlite3

    with sqlite3.connect(site.parent / "branch.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    connection.close()

    refused = run("agent", "list", "--site", site)

    assert refused.code == 2
    assert "from-the-future" in refused.err


OUTBOUND = """
[[outbound.line]]
name = "line-1"
call_limit = 2

[[outbound.route]]
prefix = "+8613"
site = "beijing"
line = "line-1"
"""


def reached(run: CommandLine, site: Path, *options: object) -> list[dict[str, object]]:
    done = run("agent", "reach", "1001", "--site", site, *options)
    assert (done.code, done.err) == (0, "")
    shown: list[dict[str, object]] = run("agent", "reach", "1001", "--site", site, "--json").json
    return shown


@pytest.fixture
def dialling_site(run: CommandLine, site: Path) -> Path:
    text = site.read_text(encoding="utf-8").replace('id = "beijing"', 'id = "beijing"\ncountry = "CN"', 1)
    site.write_text(text + OUTBOUND, encoding="utf-8")
    run("agent", "add", "1001", "--site", site, "--phone-only")
    return site


def test_an_agent_is_reached_at_places_one_after_the_other(run: CommandLine, dialling_site: Path) -> None:
    at_first = run("agent", "reach", "1001", "--site", dialling_site, "--json").json
    followed = reached(run, dialling_site, "--at", "phone:15", "--at", "13800138000")
    table = run("agent", "reach", "1001", "--site", dialling_site).out
    cleared = reached(run, dialling_site, "--clear")

    own_phone = [{"number": None, "ring_limit_ms": None}]
    assert at_first == own_phone
    assert followed == [
        {"number": None, "ring_limit_ms": 15_000},
        {"number": "+8613800138000", "ring_limit_ms": None},
    ]
    assert "15 s" in table
    assert "+8613800138000" in table
    assert cleared == own_phone


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (["phone:0"], "1 to 120 seconds"),
        (["phone:"], "1 to 120 seconds"),
        (["phone:many"], "1 to 120 seconds"),
        (["13800138000:121"], "1 to 120 seconds"),
        (["nonsense"], "is no number"),
        (["010 6666 1111"], "may not be dialled"),
        (["phone"] * 6, "5 places at most"),
    ],
)
def test_a_place_that_is_none_is_refused_and_nothing_changes(
    run: CommandLine, dialling_site: Path, places: list[str], told: str
) -> None:
    options = [option for place in places for option in ("--at", place)]
    refused = run("agent", "reach", "1001", "--site", dialling_site, *options)

    assert refused.code != 0
    assert told in refused.err
    shown = run("agent", "reach", "1001", "--site", dialling_site, "--json").json
    assert shown == [{"number": None, "ring_limit_ms": None}]


def test_nobody_is_reached_who_is_not_known(run: CommandLine, dialling_site: Path) -> None:
    refused = run("agent", "reach", "1002", "--site", dialling_site, "--at", "phone")

    assert "beijing/1002 is not known" in refused.err
