"""`trunkline staff` as a person runs it: from calls an hour, a calls file, and a ledger's day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hq.explain.commands import register as register_explain
from hq.planning.commands import register
from node import words
from router.kpi.erlang import Demand, agents_needed
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from router.world.day.calls import format_calls
from tests.fakes.command_line import CommandLine
from tests.fakes.ledger_files import played_day, write_branch, write_hq

LOADS = ("--load", "beijing=300", "--load", "urumqi=120", "--aht", 180, "--patience", 180)


@pytest.fixture
def staff(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    line = CommandLine([register, register_explain], monkeypatch, capsys)
    yield lambda *arguments: line("staff", *arguments)
    words.use("en")


def test_calls_an_hour_give_the_agents_of_each_site_alone_and_pooled(staff: Any) -> None:
    told = staff(*LOADS, "--json").json
    shown = staff(*LOADS)

    (hour,) = told["intervals"]
    expected = agents_needed(
        Demand(calls_per_s=300 / 3600, handle_s=180, hang_ups_per_s=1 / 180, ring_s=2), 0.85, 20
    )
    assert hour["sites"]["beijing"]["alone"] == expected
    assert hour["alone"] == sum(site["alone"] for site in hour["sites"].values())
    assert hour["pooled"] == sum(site["pooled"] for site in hour["sites"].values()) < hour["alone"]
    assert hour["pooled_service"]["within"] >= 0.85
    assert told["agent_hours"] == {"alone": hour["alone"], "pooled": hour["pooled"]}
    assert "all sites" in shown.out
    assert f"{hour['alone'] - hour['pooled']:.1f} agent-hours less" in shown.out


def test_more_is_needed_for_more_and_patient_callers_make_it_erlang_c(staff: Any) -> None:
    textbook = ("--load", "a=200", "--aht", 180, "--ring", 0, "--json")

    (eighty,), (ninety,) = (staff(*textbook, "--target", each).json["intervals"] for each in (80, 95))

    assert eighty["alone"] == 14, "the printed example of Erlang-C: 100 calls in half an hour"
    assert ninety["alone"] > 14


def test_a_ledger_s_day_has_a_need_for_every_half_hour_beside_who_was_on_duty(
    staff: Any, tmp_path: Path
) -> None:
    scenario = default_scenario(3, duration_s=3600)
    calls = generate(scenario, 4, BusyHour(occupancy=0.9))
    file = write_hq(tmp_path / "hq.db", played_day(scenario, calls).rows)

    told = staff("--from-ledger", file, "--day", "2026-01-05", "--json").json
    shown = staff("--from-ledger", file, "--day", "2026-01-05", "--lang", "zh-CN")

    assert [each["clock"] for each in told["intervals"]] == ["08:00", "08:30"]
    assert sum(s["calls"] for each in told["intervals"] for s in each["sites"].values()) == len(calls)
    for each in told["intervals"]:
        assert each["on_duty"] == 40
        assert 30 < each["pooled"] < each["alone"] < 60
        for site in each["sites"].values():
            assert 120 < site["handle_s"] < 260
            assert 1 / 400 < site["hang_ups_per_s"] < 1 / 90, "180 s, of which hang-ups show a part"
    assert "各自独立座席" in shown.out
    assert "08:30" in shown.out
    assert "时间：Asia/Shanghai, UTC+08:00" in shown.out
    assert told["clock"] == "Asia/Shanghai, UTC+08:00"


def test_what_a_branch_s_ledger_does_not_know_is_told_in_the_words_of_whatif(
    staff: Any, tmp_path: Path
) -> None:
    scenario = default_scenario(3, duration_s=3600)
    calls = generate(scenario, 4, BusyHour(occupancy=0.9))
    file = write_branch(tmp_path / "branch.db", played_day(scenario, calls).of("beijing"))

    told = staff("--from-ledger", file, "--day", "2026-01-05", "--json").json
    shown = " ".join(staff("--from-ledger", file, "--day", "2026-01-05").out.split())

    assert any(
        "were served by other sites, which this ledger does not know" in each for each in told["notes"]
    )
    assert told["notes"][-1] == "times are this machine's; HQ's database knows each site's time zone"
    assert shown.endswith("".join(f" note: {each}" for each in told["notes"]))


def test_a_calls_file_says_its_patience_itself(staff: Any, tmp_path: Path) -> None:
    scenario_file, calls_file = tmp_path / "s.toml", tmp_path / "c.csv"
    scenario = default_scenario(1, duration_s=7200, agents=10)
    scenario_file.write_text('duration_s = 7200\n[[site]]\nid = "beijing"\nagents = 20\n', encoding="utf-8")
    calls = generate(scenario, 4, BusyHour(occupancy=0.9))
    calls_file.write_text("".join(format_calls(calls)), encoding="utf-8")

    told = staff("--scenario", scenario_file, "--calls", calls_file, "--interval", 60, "--json").json
    assert told["clock"] == "since the scenario's start"

    mean_s = sum(call.patience_ms or 0 for call in calls) / len(calls) / 1000
    site = told["intervals"][0]["sites"]["beijing"]
    assert len(told["intervals"]) == 2
    assert site["hang_ups_per_s"] == pytest.approx(1 / mean_s, rel=0.001)
    assert site["on_duty"] == 20
    assert site["alone"] == site["pooled"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((*LOADS, "--target", 100), "no number of agents can promise every call; give less than 100"),
        ((*LOADS, "--target", 0), "must be a percentage above 0"),
        (
            (*LOADS, "--target", 99.9),
            "can't be met at beijing: so many hang up while a phone rings that 98.9 % is the most",
        ),
        ((*LOADS, "--within", 1), "phones ring 2.0 s until they are answered"),
        ((*LOADS, "--within", -1), "must be a number of seconds"),
        ((*LOADS, "--interval", 7), "--interval must be 15, 30 or 60"),
        ((*LOADS, "--day", "2026-01-05"), "--load says it all"),
        (("--load", "beijing=300"), "--load needs --aht"),
        (("--load", "beijing", "--aht", 180), "is no SITE=CALLS_PER_HOUR"),
        (("--load", "a=1", "--load", "a=2", "--aht", 180), "once a site"),
        (("--load", "a=1", "--aht", 180, "--patience", 0), "--patience must be a number of seconds"),
        (("--aht", 180), "--aht and --patience belong to --load"),
        ((), "give --scenario, with --calls or for a made-up day, or --from-ledger and --day"),
    ],
)
def test_what_can_t_be_answered_is_told_with_what_to_do(
    staff: Any, options: tuple[object, ...], said: str
) -> None:
    told = staff(*options)

    assert told.code == 2
    assert said in " ".join(told.err.split())
