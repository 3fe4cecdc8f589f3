"""Three busy hours of a real bank's callers, imported and played by real processes with two commands."""

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[3] / "shared/data/anonymous-bank-1999-02-01-to-14.tsv.gz"
IMPORT_LIMIT_S = 60.0
LAB_LIMIT_S = 420.0
"""Three hours at speed 90 are two minutes, and the evening after them half a minute."""

SCENARIO = """
duration_s = 10800
queues = ["PS", "PE", "NE", "NW", "IN", "TT"]
[[site]]
id = "beijing"
agents = 3
[[site]]
id = "shanghai"
agents = 4
[[site]]
id = "urumqi"
agents = 2
"""
"""Nine agents for work of 6.3; beijing has just as many as its callers keep busy."""

pytestmark = [
    pytest.mark.timeout(IMPORT_LIMIT_S + LAB_LIMIT_S + 60),
    pytest.mark.skipif(not DATA.exists(), reason=f"the bank's data are not at {DATA}"),
]


async def trunkline(*arguments: object, limit_s: float) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the installed command."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("trunkline")),
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(limit_s):
            told, complained = await process.communicate()
    except TimeoutError:
        process.kill()
        _, complained = await process.communicate()
        raise AssertionError(f"not over after {limit_s:.0f} s: {complained.decode()[-3000:]}") from None
    return process.returncode or 0, told.decode(), complained.decode()


async def test_three_busy_hours_of_real_callers_keep_every_promise(tmp_path: Path) -> None:
    calls, scenario = tmp_path / "calls.csv", tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    hours = ("--day", "1999-02-02", "--from", "14", "--to", "17")
    status, told, complained = await trunkline(
        *("import", "technion", DATA, "--sites", 3, "--weights", "5,3,2", *hours, "--out", calls),
        limit_s=IMPORT_LIMIT_S,
    )
    assert status == 0, complained
    assert "marked as phantom calls" in told

    status, told, complained = await trunkline(
        *("lab", "--scenario", scenario, "--calls", calls, "--speed", 90),
        *("--keep", tmp_path / "lab", "--json"),
        limit_s=LAB_LIMIT_S,
    )

    assert status == 0, told + complained
    report = json.loads(told)
    planned = len(calls.read_text(encoding="utf-8").splitlines()) - 1
    assert report["lab"] == {"speed": 90.0, "planned": planned, "played": planned, "restarts": {}}
    assert {law: each["violations"] for law, each in report["laws"].items() if each["violations"]} == {}
    unseen = {law for law, each in report["laws"].items() if not each["checked"]}
    nobodys = {"callbacks_never_exceed_idle_agents", "callbacks_end_once", "redirects_arrive_once"}
    assert unseen == nobodys, "nobody was called back, or sent on"
    assert_offered_as_planned(report, calls)
    assert_overflow_went_both_ways(report)
    night = report["consolidation"]
    assert night["certified"] == night["due"] == 3
    assert night["rows_hq"] == night["rows_branches"] > 10 * planned
    assert night["quarantined"] == 0
    assert night["digests_equal"]
    ledgers = [f"--from-ledger={tmp_path}/lab/{site}/branch.db" for site in report["sites"]]
    await assert_a_call_is_explained_across_sites(tmp_path / "lab", ledgers)
    await assert_the_day_can_be_planned_with(ledgers[0], report)


async def assert_a_call_is_explained_across_sites(lab: Path, ledgers: list[str]) -> None:
    """One that was handed off: every kind of row that a real branch writes has its sentence."""
    call_id, helper = overflowed_call(lab / "beijing" / "branch.db")

    status, told, complained = await trunkline("explain", call_id, *ledgers, "--json", limit_s=60)

    assert status == 0, complained
    story = json.loads(told)
    assert story["origin"] == "beijing"
    assert story["silent_sites"] == []
    assert {row["site"] for row in story["rows"]} >= {"beijing", helper}
    assert not [row for row in story["rows"] if row["told"] == row["kind"]]
    decided = [row["decision"] for row in story["rows"] if "decision" in row]
    chosen = {each["chosen"] for each in decided}
    assert chosen & {"beijing", helper}
    scored = [each for each in decided if each["candidates"]]
    assert all(candidate["record_age_ms"] >= 0 for each in scored for candidate in each["candidates"])


def overflowed_call(database: Path) -> tuple[str, str]:
    """The first call of this site that another one answered, and which."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found: tuple[str, str] | None = connection.execute(
            "SELECT call_id, served_by FROM calls WHERE served_by != site_id ORDER BY call_id"
        ).fetchone()
    connection.close()
    assert found is not None
    return found


async def assert_the_day_can_be_planned_with(ledger: str, report: dict[str, Any]) -> None:
    """The branch's own callers, played again alone."""
    with sqlite3.connect(f"file:{ledger.partition('=')[2]}?mode=ro", uri=True) as connection:
        (day,) = connection.execute("SELECT max(business_date) FROM calls").fetchone()
    connection.close()

    status, told, complained = await trunkline(
        "whatif", ledger, "--day", day, "--with", "beijing=+3", "--seeds", 3, "--json", limit_s=120
    )

    assert status == 0, complained
    comparison = json.loads(told)
    base, more = comparison["variants"]
    site = report["sites"]["beijing"]
    assert base["offered"] == site["offered"]
    assert comparison["measured"]["sl20_strict"] == pytest.approx(site["sl20_strict"], abs=1)
    assert more["against_base"]["asa_s"]["mean"] < 0


def assert_offered_as_planned(report: dict[str, Any], calls: Path) -> None:
    """Each site's callers are its lines of the file, but for those who hung up before they were taken."""
    lines = calls.read_text(encoding="utf-8").splitlines()[1:]
    planned = Counter(line.split(",")[1] for line in lines)
    for site, each in report["sites"].items():
        assert 0.95 * planned[site] <= each["offered"] <= planned[site]


def assert_overflow_went_both_ways(report: dict[str, Any]) -> None:
    both = [site for site, each in report["sites"].items() if each["overflow_out"] and each["overflow_in"]]
    assert len(both) >= 2, report["sites"]
    assert sum(each["overflow_out"] for each in report["sites"].values()) == sum(
        each["overflow_in"] for each in report["sites"].values()
    )
