import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from node.terminal import Column, print_error, print_json, print_table, progress


def test_a_piped_table_has_whole_rows_and_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["site", Column(title="waiting", is_number=True)], [["北京 " + "x" * 90, 3], ["[red]", None]])

    said = capsys.readouterr().out
    assert "北京 " + "x" * 90 in said
    assert "[red]" in said
    assert "\x1b" not in said


def test_json_is_one_document_with_keys_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": "北京", "a": Path("site.toml")})

    said = capsys.readouterr().out
    assert json.loads(said) == {"a": "site.toml", "b": "北京"}
    assert said.index('"a"') < said.index('"b"')
    assert "北京" in said


def test_an_error_is_shown_as_it_is_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("queue[1].name: [bold]" + "x" * 300 + "\n  [/oops]")

    assert capsys.readouterr() == ("", "error: queue[1].name: [bold]" + "x" * 300 + "\n  [/oops]\n")


def test_progress_is_silent_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as bar:
        bar.advance(bar.add_task("consolidating", total=3))

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("no_color", "has_color"), [("", True), ("1", False)])
def test_a_terminal_gets_colour_unless_it_asks_for_none(no_color: str, has_color: bool) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": no_color, "LC_ALL": "C.UTF-8"}

    subprocess.run(
        [sys.executable, "-c", "from node.terminal import print_error; print_error('no')"],
        stderr=theirs,
        env=environ,
        check=True,
        timeout=30,
    )
    os.close(theirs)
    said = os.read(ours, 4096)
    os.close(ours)

    assert b"no" in said
    assert (b"\x1b[1;31m" in said) is has_color


def test_a_table_cuts_nothing_off_and_wide_characters_stand_straight(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["站点", "说明"], [("beijing", "等待" * 150), ("urumqi", "x" * 250)])

    out = capsys.readouterr().out
    assert (out.count("等"), out.count("待"), out.count("x")) == (150, 150, 250)
    assert len({cell_len(line) for line in out.splitlines()}) == 1
