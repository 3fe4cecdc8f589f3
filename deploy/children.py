"""Processes that this one starts: they end with it, and listen on ports that are free.

A parent-death signal follows the thread that forked, so start a child from a thread that
lives as long as the child must.
"""

import os
import platform
import random
import shutil
import socket
from dataclasses import dataclass
from signal import Signals

from node.troubles import TroubleError
from node.words import text as _

SERVER_PORTS = range(10_240, 32_768)
"""Below the range that Linux takes for outgoing connections: while a server is down, a client
that tries to reach it must not be given its port, nor be connected to itself."""


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


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on now, all different.

    Raises:
        OSError: fewer than `count` are free.
    """
    ports: list[int] = []
    for port in random.sample(SERVER_PORTS, len(SERVER_PORTS)):
        if len(ports) == count:
            return ports
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        ports.append(port)
    raise OSError(f"fewer than {count} of the ports {SERVER_PORTS.start} to {SERVER_PORTS.stop - 1} are free")
