"""Command lines that cannot be run, told in both languages."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer

from tests.fakes.command_line import CommandLine


class Pace(StrEnum):
    SLOW = "slow"
    FAST = "fast"


def register(root: typer.Typer) -> None:
    root.command("play")(play)
    root.command("stop")(lambda: None)
    group = typer.Typer(no_args_is_help=True, help="queues")
    group.command("list")(lambda: None)
    root.add_typer(group, name="queue")


def play(
    who: str,
    day: Annotated[str, typer.Option("--day", envvar="TRUNKLINE_TEST_DAY")],
    count: Annotated[int, typer.Option("--count", min=1, max=9)] = 1,
    share: Annotated[float, typer.Option("--share")] = 1.0,
    pace: Annotated[Pace, typer.Option("--pace")] = Pace.SLOW,
    loud: Annotated[bool, typer.Option("--loud")] = False,
    keep: Annotated[Path | None, typer.Option("--keep", file_okay=False)] = None,
) -> None:
    raise typer.BadParameter("ours")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([register], monkeypatch, capsys)


MISTAKES = [
    (["plya"], "there is no command plya; did you mean 'play'?", "没有命令 plya；是否想输入 'play'？"),
    (["xyzzy"], "there is no command xyzzy", "没有命令 xyzzy"),
    (
        ["play", "a", "--cuont", "3"],
        "there is no option --cuont; did you mean --count?",
        "没有选项 --cuont；是否想输入 --count？",
    ),
    (["play", "a", "--zzz"], "there is no option --zzz", "没有选项 --zzz"),
    (["play", "a"], "the option --day is missing", "缺少选项 --day"),
    (["play", "--day", "1"], "the argument who is missing", "缺少参数 who"),
    (["play", "a", "b", "--day", "1"], "this command does not take so much: b", "此命令不接受多余的参数：b"),
    (["play", "a", "--day"], "the option --day needs a value behind it", "选项 --day 后面需要一个值"),
    (["play", "a", "--loud=3"], "the option --loud takes no value", "选项 --loud 不带值"),
    (
        ["play", "a", "--day", "1", "--count", "x"],
        "--count: must be a whole number, got 'x'",
        "--count: 必须是整数，实际为 'x'",
    ),
    (
        ["play", "a", "--day", "1", "--count", "10"],
        "--count: must be at most 9, got '10'",
        "--count: 不得大于 9，实际为 '10'",
    ),
    (
        ["play", "a", "--day", "1", "--share", "x"],
        "--share: must be a number, got 'x'",
        "--share: 必须是数，实际为 'x'",
    ),
    (
        ["play", "a", "--day", "1", "--pace", "x"],
        "--pace: x is not one of 'slow', 'fast'",
        "--pace: x 不在可选值之中：'slow', 'fast'",
    ),
    (
        ["play", "a", "--day", "1", "--keep", __file__],
        f"{__file__} is a file, not a folder",
        f"{__file__} 是文件，不是文件夹",
    ),
    (["play", "a", "--day", "1"], "ours", "ours"),
]


@pytest.mark.parametrize(("arguments", "english", "chinese"), MISTAKES)
def test_a_mistake_is_told_in_the_readers_language(
    arguments: list[str], english: str, chinese: str, run: CommandLine
) -> None:
    in_english = run(*arguments)
    in_chinese = run("--lang", "zh-CN", *arguments)

    assert (in_english.code, in_chinese.code) == (2, 2)
    assert in_english.err.splitlines()[0] == f"error: {english}"
    assert in_chinese.err.splitlines()[0] == f"错误： {chinese}"


def test_a_mistake_is_followed_by_how_the_command_is_called(run: CommandLine) -> None:
    told = run("--lang", "zh-CN", "queue", "list", "--foo").err.splitlines()

    assert told[1:] == ["用法：trunkline queue list [选项]", "详情：trunkline queue list --help"]


def test_a_group_alone_shows_its_help_and_ends_with_2(run: CommandLine) -> None:
    ended = run("queue")

    assert ended.code == 2
    assert "list" in ended.out
    assert ended.err == ""
