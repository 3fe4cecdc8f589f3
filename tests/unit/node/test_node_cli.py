import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from node import cli, pki_commands, words
from node.settings import Fault, SettingsError
from router.errors import RouterError, UnknownQueueError
from router.ids import QueueId
from router.problems import BadInputError, Problem
from sync.link.refusals import RefusedError


class WordlessError(RouterError):
    reason = "NEVER_WORDED"


KNOWN = {"site": "moon", "known": "beijing"}

TROUBLES = {
    "settings": SettingsError(Path("site.toml"), [Fault(place="listen.port", problem="is missing", line=3)]),
    "refusal": UnknownQueueError(QueueId("sales")),
    "wordless": WordlessError("the moon is too near"),
    "calls file": BadInputError(
        Problem(line=line, place="queue", wording="{queue} is not known", values={"queue": "XX"})
        for line in (7, 3)
    ),
    "variant": BadInputError(
        [Problem(place="moon=3", wording="unknown site {site!r}; the day has {known}", values=KNOWN)]
    ),
    "nobody listens": RefusedError(
        "LINK_DOWN", "UNAVAILABLE", {"case": "NOBODY_LISTENS", "address": "127.0.0.1:7000", "said": ""}
    ),
    "file": FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "calls.csv"),
    "interrupt": KeyboardInterrupt(),
    "fault": ZeroDivisionError("ours"),
    "pathless": OSError(errno.EIO, "disk on fire"),
}


def register(root: typer.Typer) -> None:
    """A group as branch, hq or deploy would bring it: one command at the root, one below a name."""
    root.command("whatif")(whatif)
    group = typer.Typer()
    group.command("run")(run)
    group.command("check")(check)
    root.add_typer(group, name="branch")


def whatif(trouble: str) -> None:
    raise TROUBLES[trouble]


def run(code: int) -> None:
    raise typer.Exit(code)


def check() -> None:
    typer.echo(words.text("is missing"))


@pytest.fixture(autouse=True)
def _groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cli, "entry_point_groups", lambda: [register, pki_commands.register])
    monkeypatch.setenv("LC_ALL", "C")
    yield
    words.use("en")


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code if isinstance(ended.value.code, int) else 0


def test_groups_bring_commands_at_the_root_and_below() -> None:
    assert code_of("branch", "run", "7") == 7
    assert code_of("branch", "run", "0") == 0


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("settings", "error: site.toml: 1 fault\n  line 3: listen.port: is missing\n"),
        (
            "refusal",
            "error: queue sales is not configured at this site; check [[queue]] in the site's file\n",
        ),
        ("wordless", "error: the moon is too near\n"),
        ("file", "error: calls.csv: No such file or directory\n"),
    ],
)
def test_what_a_person_can_mend_is_one_block_and_no_traceback(
    trouble: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("whatif", trouble) == 2
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("variant", "错误： moon=3：未知站点 'moon'；这一天有 beijing\n"),
        ("nobody listens", "错误： 127.0.0.1:7000 上没有进程在监听；该处的节点是否在运行？\n"),
        ("file", "错误： calls.csv：没有这个文件或文件夹\n"),
    ],
)
def test_what_a_person_can_mend_is_told_in_chinese(
    trouble: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("--lang", "zh-CN", "whatif", trouble) == 2
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("trouble", ["fault", "pathless"])
def test_a_fault_of_ours_is_not_hidden(trouble: str) -> None:
    with pytest.raises(type(TROUBLES[trouble])):
        cli.main(["whatif", trouble])


def test_an_interrupt_ends_with_130() -> None:
    assert code_of("whatif", "interrupt") == 130


def test_a_command_nobody_knows_ends_with_2() -> None:
    assert code_of("brunch") == 2


def test_the_language_is_chosen_before_help_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    code_of("--lang", "zh-CN", "--help")
    chinese = capsys.readouterr().out
    code_of("--help")
    english = capsys.readouterr().out

    assert "分布式呼叫中心" in chinese
    assert "distributed call center" in english


def test_lang_may_be_written_with_an_equals_sign(capsys: pytest.CaptureFixture[str]) -> None:
    code_of("--lang=zh-CN", "branch", "check")

    assert capsys.readouterr().out == "缺失\n"


@pytest.mark.parametrize(
    "arguments", [("branch", "check", "--lang", "zh-CN"), ("branch", "--lang=zh-CN", "check")]
)
def test_lang_may_be_written_anywhere(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(*arguments) == 0

    assert capsys.readouterr().out == "缺失\n"


def test_every_fault_of_a_bad_file_is_told_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("whatif", "calls file") == 2

    told = capsys.readouterr().err
    assert "line 3, queue: XX is not known" in told
    assert "line 7, queue: XX is not known" in told


def test_a_language_nobody_speaks_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("--lang", "tlh", "branch", "check") == 2
    assert "use en or zh-CN" in capsys.readouterr().err


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("--version") == 0
    assert capsys.readouterr().out.startswith("trunkline 0.")


def test_pki_makes_a_cluster_that_show_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "pki")
    assert code_of("pki", "init", "demo", "--dir", folder) == 0
    assert (
        code_of("pki", "issue", "site", "beijing", "--dir", folder, "--host", "127.0.0.1", "--host", "pbx.cn")
        == 0
    )
    assert code_of("pki", "issue", "hq", "--dir", folder) == 0
    capsys.readouterr()

    assert code_of("pki", "show", "--json", f"{folder}/site-beijing.pem", f"{folder}/hq.pem") == 0

    [site, hq] = json.loads(capsys.readouterr().out)
    assert site["names"] == [
        "trunkline://demo/site/beijing",
        "beijing.site.demo.trunkline.internal",
        "127.0.0.1",
        "pbx.cn",
    ]
    assert hq["names"][0] == "trunkline://demo/hq"
    assert site["days_left"] == 396


def test_pki_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("pki", "issue", "site", "beijing", "--dir", str(tmp_path)) == 2
    assert "trunkline pki init" in capsys.readouterr().err


def test_ctrl_c_ends_a_real_process_with_130() -> None:
    program = (
        "import typer\n"
        "from node import cli\n"
        "def wait():\n"
        "    print('waiting', flush=True)\n"
        "    import threading; threading.Event().wait()\n"
        "def register(root):\n"
        "    root.command('wait')(wait)\n"
        "    root.command('other')(wait)\n"
        "cli.entry_point_groups = lambda: [register]\n"
        "cli.main(['wait'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=10)

    assert process.returncode == 130
    assert complaints == ""


def test_ctrl_c_while_the_command_is_still_being_imported_leaves_no_traceback() -> None:
    program = (
        "import os, signal, sys\n"
        "from node import entry\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'node.cli':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "sys.argv = ['trunkline', '--version']\n"
        "entry.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")
