"""The `trunkline` command in the test's own process, with the groups that a test names."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from node import cli, words
from node.cli import Register

SITE_FILE = """\
[site]
id = "beijing"
name = "北京"
time_zone = "Asia/Shanghai"

[listen]
port = {port}
metrics_port = 0

[tls]
plaintext = true

[database]
url = "sqlite:///{folder}/branch.db"

[telephony]
driver = "simulated"
address = "127.0.0.1:7000"
password_file = "pbx.password"

[[queue]]
id = "support"
skills = ["PS"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands one after the other."""

    def __init__(
        self,
        groups: Iterable[Register],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._capsys = capsys
        known = list(groups)
        monkeypatch.setattr(cli, "entry_point_groups", lambda: known)
        monkeypatch.setenv("LC_ALL", "C")

    def __call__(self, *arguments: object) -> Ended:
        self._capsys.readouterr()
        try:
            cli.main([str(each) for each in arguments])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            words.use("en")
        captured = self._capsys.readouterr()
        return Ended(code=code, out=captured.out, err=captured.err)


def write_site_file(folder: Path, *, port: int = 0) -> Path:
    """A site's file in a folder of its own, whose database does not exist yet."""
    (folder / "pbx.password").write_text("secret\n", encoding="utf-8")
    file = folder / "branch.toml"
    file.write_text(SITE_FILE.format(folder=folder, port=port), encoding="utf-8")
    return file
