"""`trunkline whatif` and `trunkline import` as a person runs them, and on the real data."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hq.planning.commands import EXIT_LAW_BROKEN, register
from node.cli import build
from node.plays import BadFileError
from node.troubles import TroubleError
from router.world.day.calls import parse_calls
from router.world.day.scenario import parse_scenario

DATA = Path(__file__).parents[2].parent / "shared/data/anonymous-bank-1999-02-01-to-14.tsv.gz"

SCENARIO = """
duration_s = 10800
[[site]]
id = "beijing"
agents = 3
[[site]]
id = "shanghai"
agents = 2
[[site]]
id = "urumqi"
agents = 2
"""

CALLS = """arrive_s,site,queue,handle_s,patience_s,priority,customer
0,beijing,PS,60,,0,
1,beijing,PS,60,,0,
2,beijing,PS,60,,0,
3,beijing,PS,60,30,0,c1
4,urumqi,PS,60,30,0,
"""


@pytest.fixture
def real_data() -> Path:
    if not DATA.exists():
        assert not os.environ.get("CI"), f"{DATA} is missing; CI never skips"
        pytest.skip(f"the real call data is not at {DATA}; see its description in the design")
    return DATA


def run(*arguments: object) -> str:
    """Standard output of a command that ends well; its trouble is raised."""
    done = CliRunner().invoke(build([register]), [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    scenario, calls = tmp_path / "scenario.toml", tmp_path / "calls.csv"
    scenario.write_text(SCENARIO, encoding="utf-8")
    calls.write_text(CALLS, encoding="utf-8")
    return scenario, calls


def test_whatif_writes_the_same_report_twice_to_the_byte(files: tuple[Path, Path], tmp_path: Path) -> None:
    scenario, calls = files

    told = run("whatif", "--scenario", scenario, "--calls", calls, "--report", tmp_path / "1.json", "--json")
    run("whatif", "--scenario", scenario, "--calls", calls, "--report", tmp_path / "2.json")

    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert json.loads(told) == json.loads((tmp_path / "1.json").read_text(encoding="utf-8"))
    assert json.loads(told)["cluster"]["overflow_confirmed"] == 1


def test_a_scenario_alone_is_a_made_up_day_the_same_for_the_same_seed(files: tuple[Path, Path]) -> None:
    first, again, other = [
        json.loads(run("whatif", "--scenario", files[0], "--seed", seed, "--json")) for seed in (1, 1, 2)
    ]

    assert first == again
    assert first["cluster"]["offered"] > 0
    assert first["cluster"] != other["cluster"]


def test_whatif_shows_every_site_and_every_law(files: tuple[Path, Path]) -> None:
    shown = run("whatif", "--scenario", files[0], "--calls", files[1])

    assert all(site in shown for site in ("beijing", "shanghai", "urumqi"))
    laws = [line for line in shown.splitlines() if "no_call_is_lost" in line or "one_owner" in line]
    assert len(laws) == 2
    assert all("none" in line for line in laws)


def test_whatif_ends_with_another_code_when_a_law_is_broken(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A floor that never offers a call: its callers wait beside idle agents."""
    monkeypatch.setattr("router.settling.Settling._serve", lambda _settling, _turn, _call_id: None)
    monkeypatch.setattr("router.world.cluster.REST_LIMIT_MS", 600_000)

    done = CliRunner().invoke(
        build([register]), ["whatif", "--scenario", str(files[0]), "--calls", str(files[1])]
    )

    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == EXIT_LAW_BROKEN
    assert "no_caller_waits_beside_an_idle_agent" in done.output


def test_whatif_tells_every_fault_of_a_file_with_its_line(files: tuple[Path, Path]) -> None:
    files[1].write_text(CALLS + "2,urumqi,PS,60,,0,\n9,kashgar,PS,,,0,\n", encoding="utf-8")

    with pytest.raises(BadFileError) as caught:
        run("whatif", "--scenario", files[0], "--calls", files[1])

    told = str(caught.value).splitlines()
    assert told[0].endswith("calls.csv has 3 faults:")
    assert [line.split(":")[0].strip() for line in told[1:]] == ["line 7", "line 8", "line 8"]


def test_a_file_that_is_no_text_is_told_and_not_a_traceback(files: tuple[Path, Path]) -> None:
    files[0].write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BadFileError, match="is not UTF-8 text"):
        run("whatif", "--scenario", files[0], "--calls", files[1])


def technion(data: Path, out: Path, *more: object) -> str:
    return run(
        "import", "technion", data, "--sites", 3, "--day", "1999-02-03", "--out", out, "--seed", 7, *more
    )


def test_the_real_day_is_imported_alike_for_the_same_seed_and_every_row_is_accounted_for(
    real_data: Path, tmp_path: Path
) -> None:
    shown = technion(real_data, tmp_path / "1.csv")
    technion(real_data, tmp_path / "2.csv")

    counts = [int(line.split("│")[2]) for line in shown.splitlines() if line.startswith("│")]
    in_file, *left_out = counts[: counts.index(1508)]
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert in_file == 1949 == sum(left_out) + 1508
    assert len((tmp_path / "1.csv").read_text(encoding="utf-8").splitlines()) == 1 + 1508


def test_three_real_busy_hours_over_uneven_sites_overflow_both_ways_and_keep_the_laws(
    real_data: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    technion(real_data, tmp_path / "c.csv", "--weights", "5,3,2", "--from", "10", "--to", "13")
    calls = parse_calls(
        (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines(), parse_scenario(SCENARIO)
    )
    told = run("whatif", "--scenario", files[0], "--calls", tmp_path / "c.csv", "--json")

    report = json.loads(told)
    shares = Counter(str(call.site_id) for call in calls)
    assert shares["beijing"] > shares["shanghai"] > shares["urumqi"]
    assert all(site["overflow_out"] and site["overflow_in"] for site in report["sites"].values())
    assert not any(law["violations"] for law in report["laws"].values())


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--day", "1999-03-01", "no day 1999-03-01"),
        ("--weights", "1,2", "must be 3 numbers"),
        ("--weights", "0,0,0", "must be 3 numbers"),
        ("--sites", "0", "must be a number or names"),
        ("--sites", "beijing,beijing", "must be a number or names"),
        ("--sites", "Bei jing", "'Bei jing' is no site id"),
        ("--from", "25", "a time of day is written"),
        ("--from", "23:59", "must come before"),
    ],
)
def test_an_option_that_does_not_fit_is_told(
    real_data: Path, tmp_path: Path, option: str, value: str, message: str
) -> None:
    until = ("--to", "23") if option == "--from" else ()

    with pytest.raises(TroubleError, match=message):
        technion(real_data, tmp_path / "c.csv", option, value, *until)
    assert not (tmp_path / "c.csv").exists()
