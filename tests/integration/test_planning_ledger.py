"""`trunkline whatif --from-ledger`: a day of one's own, and what it could have been."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hq.explain.commands import register as register_explain
from hq.planning.commands import register
from node import words
from router.call import Disposition
from router.ledger import CallArrived, CallConnected, HandoffConfirmed, LedgerRow
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from tests.fakes.command_line import CommandLine, Ended
from tests.fakes.ledger_book import LedgerBook, arrived, ended, queued
from tests.fakes.ledger_files import PlayedDay, fill_hq, played_day, write_branch, write_hq
from tests.fakes.pty_child import LIMIT_S, PtyChild

DAY = "2026-01-05"
SCENARIO = default_scenario(3, duration_s=2700)


@pytest.fixture(scope="module")
def day() -> PlayedDay:
    return played_day(SCENARIO, generate(SCENARIO, 4, BusyHour(occupancy=0.92)))


@pytest.fixture(scope="module")
def hq_file(day: PlayedDay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hq(tmp_path_factory.mktemp("hq") / "总部 hq.db", day.rows)


@pytest.fixture
def trunkline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    # What whatif makes of this machine's clock should not hang on this machine.
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    yield CommandLine([register, register_explain], monkeypatch, capsys)
    words.use("en")


def whatif(trunkline: CommandLine, file: object, *more: object, day: str = DAY) -> Ended:
    return trunkline("whatif", "--from-ledger", file, "--day", day, *more)


def test_a_replayed_day_comes_close_to_what_was_measured_and_says_what_a_closed_site_costs(
    trunkline: CommandLine, hq_file: Path, tmp_path: Path
) -> None:
    report, plot = tmp_path / "r.json", tmp_path / "等待.svg"
    variants = ("--with", "closed=urumqi", "--with", "policy=isolated", "--with", "beijing=+4,shanghai=+2")

    told = whatif(trunkline, hq_file, *variants, "--seeds", 3, "--report", report, "--plot", plot, "--json")

    assert told.code == 0, told.err
    assert told.json == json.loads(report.read_text(encoding="utf-8"))
    base, shut, alone, more = told.json["variants"]
    assert [each["offered"] for each in (base, shut, alone, more)] == [base["offered"]] * 4
    assert base["offered"] > 300
    assert not any(each["violations"] for each in told.json["variants"])
    for figure, most in (("sl20_strict", 6), ("asa_s", 2), ("abandon_rate", 2)):
        assert abs(base["cluster"][figure]["mean"] - told.json["measured"][figure]) < most
    assert shut["against_base"]["sl20_strict"]["high"] < -10
    assert alone["against_base"]["abandon_rate"]["low"] > 1
    assert more["against_base"]["asa_s"]["high"] < 0
    assert base["cluster"]["overflow"]["mean"] == pytest.approx(told.json["measured"]["overflow"], rel=0.3)
    assert base["against_base"]["asa_s"] == {"mean": 0, "low": 0, "high": 0, "plays": 3}
    assert [each["clock"] for each in base["through_day"]] == ["08:00", "08:15", "08:30"]
    text = plot.read_text(encoding="utf-8")
    assert all(
        name in text
        for name in ("closed=urumqi", "Waits through the day", "08:30", "Asia/Shanghai, UTC+08:00")
    )


def test_the_roster_is_who_was_on_duty_and_another_one_comes_from_a_table(
    trunkline: CommandLine, hq_file: Path, tmp_path: Path
) -> None:
    """The same agents by hand are the same day; twice as many from 8:15 on are not."""
    same, later = tmp_path / "same.csv", tmp_path / "later.csv"
    same.write_text("site,from,agents\nbeijing,7:00,20\nshanghai,8:00,10\nurumqi,8:00,10\n", encoding="utf-8")
    later.write_text("site,from,agents\nurumqi,8:00,10\nurumqi,8:15,30\n", encoding="utf-8-sig")

    told = whatif(
        trunkline, hq_file, "--seeds", 2, "--json", "--with", f"roster={same}", "--with", f"roster={later}"
    )

    assert told.code == 0, told.err
    base, by_hand, doubled = told.json["variants"]
    assert by_hand["cluster"] == base["cluster"]
    before, *after = zip(doubled["through_day"], base["through_day"], strict=True)
    assert before[0]["mean_wait_s"]["mean"] == pytest.approx(before[1]["mean_wait_s"]["mean"], rel=0.2)
    assert all(ours["mean_wait_s"]["mean"] < theirs["mean_wait_s"]["mean"] for ours, theirs in after)


def test_the_same_seeds_give_the_same_report_and_similar_days_differ_more(
    trunkline: CommandLine, hq_file: Path
) -> None:
    options = ("--seeds", 4, "--policy", "isolated", "--json")
    first, again = (whatif(trunkline, hq_file, *options).json for _ in range(2))
    similar = whatif(trunkline, hq_file, *options, "--similar-days").json

    assert first == again
    wide, narrow = (
        each["variants"][0]["cluster"]["asa_s"]["high"] - each["variants"][0]["cluster"]["asa_s"]["low"]
        for each in (similar, first)
    )
    assert wide > narrow


def test_a_branch_plays_its_own_callers_and_says_what_it_leaves_out(
    trunkline: CommandLine, day: PlayedDay, tmp_path: Path
) -> None:
    file = write_branch(tmp_path / "branch.db", day.of("urumqi"))
    own = sum(isinstance(row.entry, CallArrived) for row in day.of("urumqi"))
    away = sum(map(is_answered_away, day.of("urumqi")))

    shown = whatif(trunkline, file, "--seeds", 2)

    assert shown.code == 0, shown.err
    assert f"{own} calls, 2 plays of each" in shown.out
    assert re.search(r"\d+ calls of other sites were served here and are left out", shown.out)
    assert re.search(rf"as measured .* {away}\.0 │", shown.out)
    assert f"{away} callers were served by other sites" in shown.out
    assert "here the site is alone" in shown.out
    assert "times are this machine's" in shown.out


def is_answered_away(row: LedgerRow) -> bool:
    return isinstance(row.entry, CallConnected) and row.entry.handoff_id is not None


def test_callers_who_asked_for_nobody_are_left_out_and_counted(
    trunkline: CommandLine, day: PlayedDay, tmp_path: Path
) -> None:
    last = day.of("urumqi")[-1]
    book = LedgerBook(last.site_id, first_seq=last.seq + 1)
    book.write(3000, arrived("ivr"), ended("ivr", Disposition.ABANDONED_IN_IVR, queue=None))
    book.write(3000, arrived("late"), queued("late"), ended("late", Disposition.FAILED))
    file = write_branch(tmp_path / "branch.db", [*day.of("urumqi"), *book.rows])

    told = whatif(trunkline, file, "--seeds", 1, "--json").json

    assert told["left_out"] == {"ABANDONED_IN_IVR": 1, "FAILED": 1}


def test_a_png_is_a_picture_and_chinese_without_a_font_for_it_is_told(
    trunkline: CommandLine, hq_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hq.planning.plot._CHINESE_FONTS", ())
    png, svg = tmp_path / "w.png", tmp_path / "w.svg"

    shown = whatif(trunkline, hq_file, "--seeds", 1, "--plot", png, "--lang", "zh-CN")
    drawn = whatif(trunkline, hq_file, "--seeds", 1, "--plot", svg, "--lang", "zh-CN")

    assert (shown.code, drawn.code) == (0, 0)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "没有安装中文字体" in shown.err
    assert "没有安装中文字体" not in drawn.err
    assert "一天中的等待" in svg.read_text(encoding="utf-8")


def test_links_of_a_scenario_file_are_used_with_the_ledger_s_callers(
    trunkline: CommandLine, hq_file: Path, tmp_path: Path
) -> None:
    links, foreign = tmp_path / "links.toml", tmp_path / "foreign.toml"
    sites = "".join(f'[[site]]\nid = "{site}"\nagents = 0\n' for site in ("beijing", "shanghai", "urumqi"))
    pairs = (("beijing", "shanghai"), ("beijing", "urumqi"), ("shanghai", "urumqi"))
    costs = "".join(f'[[link]]\nfrom = "{a}"\nto = "{b}"\ncost_s = 3600\n' for a, b in pairs)
    links.write_text(f"duration_s = 1\n{sites}{costs}", encoding="utf-8")
    foreign.write_text('duration_s = 1\n[[site]]\nid = "kashgar"\nagents = 1\n', encoding="utf-8")

    free = whatif(trunkline, hq_file, "--seeds", 2, "--json").json
    dear = whatif(trunkline, hq_file, "--seeds", 2, "--json", "--scenario", links).json
    wrong = whatif(trunkline, hq_file, "--scenario", foreign)

    away = [each["variants"][0]["cluster"]["overflow"]["mean"] for each in (free, dear)]
    assert away[0] > 20
    assert away[1] == 0, "no line at home saves an hour"
    assert wrong.code == 2
    assert "site kashgar is not in the ledger" in wrong.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--day", "2026-03-02"), "nobody asked for a person on 2026-03-02"),
        (("--day", "yesterday"), "--day yesterday is no date; write it like 2026-03-02"),
        ((), "--from-ledger needs --day too"),
        (("--day", DAY, "--with", "closed=kashgar"), "unknown site 'kashgar'; the day has beijing, shanghai"),
        (("--day", DAY, "--with", "beijing"), "is no change; write closed=SITE"),
        (("--day", DAY, "--seeds", "0"), "--seeds must be 1 to 1000"),
        (("--day", DAY, "--plot", "waits.pdf"), "must end in .png or .svg"),
        (("--day", DAY, "--plot", "/nowhere/waits.png"), "there is no folder /nowhere"),
        (("--day", DAY, "--seeds", "999", "--report", "/nowhere/r.json"), "/nowhere is no folder"),
        (("--day", DAY, "--calls", "calls.csv"), "--from-ledger brings its own calls"),
    ],
)
def test_what_can_t_be_played_is_told_with_what_to_do(
    trunkline: CommandLine, hq_file: Path, options: tuple[str, ...], said: str
) -> None:
    told = trunkline("whatif", "--from-ledger", hq_file, *options)

    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_hq_s_postgresql_answers_like_its_rows_in_a_file(
    trunkline: CommandLine, day: PlayedDay, hq_file: Path, postgres_url: str
) -> None:
    fill_hq(postgres_url, day.rows)
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    call_id = next(row.entry.call_id for row in day.rows if isinstance(row.entry, HandoffConfirmed))

    options = ("--seeds", 1, "--policy", "isolated", "--json")
    by_server, by_file = (whatif(trunkline, where, *options) for where in (plain, hq_file))
    told, filed = (
        trunkline("explain", call_id, "--from-ledger", where, "--json") for where in (plain, hq_file)
    )

    assert by_server.code == 0, by_server.err
    assert by_server.json == by_file.json
    assert told.code == 0, told.err
    assert told.json == filed.json
    assert {row["site"] for row in told.json["rows"]} > {told.json["origin"]}


def test_a_server_that_is_away_is_told_without_its_password(trunkline: CommandLine) -> None:
    away = whatif(trunkline, "postgresql://planner:geheim@127.0.0.1:1/trunkline_hq")

    assert away.code == 2
    assert "can't be read" in away.err
    assert "geheim" not in away.err


def rows_without_answers() -> list[LedgerRow]:
    book = LedgerBook()
    book.write(0, arrived("c"), queued("c"))
    book.write(9, ended("c", Disposition.ABANDONED_IN_QUEUE, waited_ms=9000))
    return book.rows


def test_days_and_files_that_hold_too_little_are_told_apart(trunkline: CommandLine, tmp_path: Path) -> None:
    unanswered = whatif(trunkline, write_branch(tmp_path / "a.db", rows_without_answers()))
    absent = whatif(trunkline, tmp_path / "none.db")
    nothing = trunkline("whatif", "--seeds", 2)
    text = tmp_path / "notes.db"
    text.write_text("no database at all, only words\n" * 40, encoding="utf-8")
    no_database = whatif(trunkline, text)

    assert [done.code for done in (unanswered, absent, nothing, no_database)] == [2, 2, 2, 2]
    assert "nobody was at work on 2026-01-05" in unanswered.err
    assert "there is no database" in absent.err
    assert "give --scenario, with --calls or for a made-up day, or --from-ledger and --day" in nothing.err
    assert "can't be read: file is not a database" in no_database.err


def test_a_roster_s_faults_are_told_with_their_lines(
    trunkline: CommandLine, hq_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("site,from,agents\nbeijing,25:00,4\nbeijing,9:00\nurumqi,9:00,-3\n", encoding="utf-8")

    told = whatif(trunkline, hq_file, "--with", f"roster={file}")

    assert told.code == 2
    assert [line.split(":")[0].strip() for line in told.err.splitlines()[1:4]] == [
        "line 2",
        "line 3",
        "line 4",
    ]


def test_callers_who_never_hang_up_and_whom_nobody_serves_are_refused_before_an_endless_play(
    trunkline: CommandLine, tmp_path: Path
) -> None:
    scenario, calls = tmp_path / "s.toml", tmp_path / "c.csv"
    sites = "".join(f'[[site]]\nid = "{site}"\nagents = 2\n' for site in ("beijing", "urumqi"))
    scenario.write_text(f"duration_s = 600\n{sites}", encoding="utf-8")
    header = "arrive_s,site,queue,handle_s,patience_s,priority,customer\n"
    calls.write_text(header + "1,urumqi,PS,60,,0,\n2,beijing,PS,60,,0,\n", encoding="utf-8")
    base = ("whatif", "--scenario", scenario, "--calls", calls, "--seeds", 2)

    helped = trunkline(*base, "--with", "closed=urumqi", "--json")
    alone = trunkline(*base, "--with", "closed=urumqi,policy=isolated")

    assert helped.code == 0, helped.err
    assert helped.json["variants"][1]["cluster"]["overflow"]["mean"] == 1
    assert alone.code == 2
    assert "callers of PS at urumqi never hang up and nobody would serve them" in alone.err


def test_as_many_processes_as_cores_play_and_none_stays(trunkline: CommandLine, hq_file: Path) -> None:
    assert whatif(trunkline, hq_file, "--seeds", 2).code == 0

    assert children_of(os.getpid()) == set()


async def test_plays_end_with_a_process_that_was_killed(hq_file: Path) -> None:
    child = playing(hq_file)
    try:
        await child.shows("1/900")
        ends = [os.pidfd_open(pid) for pid in children_of(child.pid)]
        assert ends

        child.signal(signal.SIGKILL)

        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*map(readable, ends))
    finally:
        child.close()


async def readable(pidfd: int) -> None:
    """A process's descriptor can be read once it has ended."""
    loop, is_over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pidfd, is_over.set)
    try:
        await is_over.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def playing(hq_file: Path) -> PtyChild:
    """A comparison that lasts for long, on a terminal of its own."""
    command = Path(sys.executable).with_name("trunkline")
    arguments = ("whatif", "--from-ledger", hq_file, "--day", DAY, "--seeds", 900)
    environ = {**os.environ, "LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8"}
    return PtyChild([str(command), *map(str, arguments)], environ)


async def test_ctrl_c_ends_every_play_at_once_and_leaves_the_terminal_as_it_was(hq_file: Path) -> None:
    child = playing(hq_file)
    try:
        await child.shows("推演中")
        await child.shows("1/900")
        workers = children_of(child.pid)
        assert workers

        child.press("\x03")

        assert await child.ended() == 130
        assert child.settings == child.before
        assert "Traceback" not in child.output
        assert not any(is_alive(pid) for pid in workers)
    finally:
        child.close()


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def children_of(pid: int) -> set[int]:
    """Processes that play for this one."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(each.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            command = (each.parent / "cmdline").read_text(encoding="utf-8")
        except OSError:
            continue  # It has ended meanwhile.
        if parent == pid and "spawn_main" in command:
            found.add(int(each.parent.name))
    return found
