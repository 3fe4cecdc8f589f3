"""The calls that a simulated PBX plays, as its file names them."""

from pathlib import Path

import pytest

from branch.telephony.simulated import commands
from tests.fakes.command_line import CommandLine

PBX = """\
[site]
id = "beijing"
[control]
port = 7003
password_file = "password"
[trunk]
port = 7004
[witness]
journal = "witness.jsonl"
counts = "counts.json"
[calls]
scenario = "scenario.toml"
file = "calls.csv"
"""

SCENARIO = """\
duration_s = 60
queues = ["support"]
[[site]]
id = "beijing"
agents = 1
"""


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("calls.csv", "arrive_s,site,queue\n", "line 1: the header must be"),
        ("scenario.toml", SCENARIO.replace("60", "0"), "duration_s"),
    ],
)
def test_a_fault_in_the_calls_names_the_file_it_is_in(
    name: str, text: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "password").write_text("a password of the PBX's\n", encoding="utf-8")
    (tmp_path / "pbx.toml").write_text(PBX, encoding="utf-8")
    (tmp_path / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "calls.csv").write_text("", encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")

    refused = CommandLine([commands.register], monkeypatch, capsys)("simpbx", "run", tmp_path / "pbx.toml")

    assert refused.code == 2
    assert f"{tmp_path / name} has 1 fault:" in refused.err
    assert fault in refused.err
