"""Processes that this one starts, and that end with it.

A parent-death signal follows the thread that forked, so start a child from a thread that
lives as long as the child must.
"""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from node.troubles import TroubleError
from node.words import text as _


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """The user that a child becomes before it starts."""

    uid: int
    gid: int


def die_with_parent(number: Signals, run_as: RunAs | None = None) -> list[str]:
    """The command prefix that sends a child `number` when the thread that started it ends.

    Raises:
        TroubleError: this is Linux and setpriv is missing.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if platform.system() == "Linux":
            raise TroubleError(_("setpriv is not on the PATH; install util-linux"))
        return []
    user = [] if run_as is None else [f"--reuid={run_as.uid}", f"--regid={run_as.gid}", "--clear-groups"]
    dies = [setpriv, *user, "--pdeathsig", number.name.removeprefix("SIG"), "--"]
    return [*dies, "sh", "-c", _ONLY_WITH_PARENT, "sh", str(os.getpid())]


_ONLY_WITH_PARENT = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'
"""Who was started by a process that ended before the signal was set would never get it."""


def last_line(log: Path) -> str:
    """What a child wrote last, for the error that says why it ended; a whole log is not read."""
    with log.open("rb") as written:
        written.seek(max(0, log.stat().st_size - _LAST_BYTES))
        lines = written.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


_LAST_BYTES = 2_000
