"""The Asterisk that tests run: found, started, ended, and nothing of it stays."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.asterisk.bundle import OLDEST_MAJOR, AsteriskBinaries
from deploy.asterisk.process import AsteriskProcess, AsteriskStartError
from tests.telephony.bare_asterisk import BareAsterisk


def test_an_asterisk_is_found_that_is_new_and_whole(
    asterisk_binaries: AsteriskBinaries,
) -> None:
    assert asterisk_binaries.version[0] >= OLDEST_MAJOR
    assert (asterisk_binaries.modules / "res_pjsip.so").exists()
    assert (asterisk_binaries.data / "documentation").is_dir()


def test_it_serves_within_5_s_and_comes_back_after_a_kill(
    asterisk_binaries: AsteriskBinaries, tmp_path: Path
) -> None:
    process = BareAsterisk(asterisk_binaries, tmp_path / "etc", 1)
    try:
        started_at = time.monotonic()
        process.start()
        started_s = time.monotonic() - started_at
        process.kill()
        with pytest.raises(ConnectionError):
            process.command("core show uptime")
        process.restart()

        assert started_s < 5
        assert "uptime" in process.command("core show uptime")
    finally:
        process.stop()


def test_one_that_ends_at_once_says_where_to_look(
    asterisk_binaries: AsteriskBinaries, tmp_path: Path
) -> None:
    process = BareAsterisk(asterisk_binaries, tmp_path / "etc", 1)
    (tmp_path / "etc" / "modules.conf").write_text("[modules]\nautoload=no\nrequire=no_such.so\n")

    with pytest.raises(AsteriskStartError, match=r"it ended with status .*output"):
        process.start()

    assert not process.is_running


def test_a_socket_path_that_asterisk_would_cut_off_is_refused(
    asterisk_binaries: AsteriskBinaries, tmp_path: Path
) -> None:
    process = BareAsterisk(asterisk_binaries, tmp_path / ("deep" * 25), 1)

    with pytest.raises(AsteriskStartError, match="more than 107 bytes"):
        process.start()


_PARENT = """
import sys, time
from pathlib import Path
from deploy.asterisk.bundle import default_cache, find_asterisk
from tests.telephony.bare_asterisk import BareAsterisk
process = BareAsterisk(find_asterisk(default_cache()), Path(sys.argv[1]), 1)
process.start()
print(process.pid, flush=True)
time.sleep(60)
"""


def test_nothing_stays_when_the_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path / "etc")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watched = os.pidfd_open(pid)

    parent.send_signal(signal.SIGKILL)

    parent.communicate()
    assert _ends(watched, limit_s=5)
    assert not _processes_of(tmp_path)


def _ends(watched: int, *, limit_s: float) -> bool:
    """A pidfd is readable once its process has ended."""
    ready, _, _ = select.select([watched], [], [], limit_s)
    os.close(watched)
    return bool(ready)


def _processes_of(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return [line for line in lines if str(folder) in line]


def test_a_process_needs_no_start_to_be_stopped(asterisk_binaries: AsteriskBinaries, tmp_path: Path) -> None:
    process = AsteriskProcess(asterisk_binaries, tmp_path, tmp_path / "log")

    process.stop()
    process.kill()

    assert not process.is_running
