"""`trunkline agent import`: many agents at once, or none."""

from pathlib import Path

import pytest

from branch.admin import agent_commands
from tests.fakes.command_line import CommandLine, write_site_file


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([agent_commands.register], monkeypatch, capsys)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site_file(tmp_path)


def test_agents_of_a_file_are_added_and_known_ones_changed(
    run: CommandLine, site: Path, tmp_path: Path
) -> None:
    run("agent", "add", "1001", "--site", site, "--name", "old", "--phone-only")
    file = tmp_path / "agents.csv"
    file.write_text("id,name,skills\n1001,王芳,PS NW\nbeijing/1002,,PS\n", encoding="utf-8")

    taken = run("agent", "import", file, "--site", site)
    listed = run("agent", "list", "--site", site, "--json")

    assert (taken.code, taken.err) == (0, "")
    assert [(each["id"], each["name"], each["skills"]) for each in listed.json] == [
        ("beijing/1001", "王芳", ["NW", "PS"]),
        ("beijing/1002", "beijing/1002", ["PS"]),
    ]


def test_every_fault_is_told_with_its_line_and_nobody_is_added(
    run: CommandLine, site: Path, tmp_path: Path
) -> None:
    file = tmp_path / "agents.csv"
    file.write_text(
        "id,name,skills\n1001,a,PS\n1001,b,PS\nurumqi/7,c,PS\n1003,d\n10 04,e,\n1005,f,P/S\n",
        encoding="utf-8",
    )

    refused = run("agent", "import", file, "--site", site)

    assert refused.code == 2
    for line in ("line 3", "line 4", "line 5", "line 6: '10 04' is no", "line 7: 'P/S' is no"):
        assert line in refused.err
    assert run("agent", "list", "--site", site, "--json").json == []
