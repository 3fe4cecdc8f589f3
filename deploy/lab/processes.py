"""The lab's processes: started by command, kept running as a service manager would, ended without a trace."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from deploy.children import die_with_parent
from node.troubles import TroubleError
from node.words import text as _

_RESTART_DELAY_S = 0.5
_STOP_LIMIT_S = 10.0
_RESTART_LIMIT = 10
"""A process that ends so often is not coming up; its log says why."""
_BAD_INPUT = 2
"""The status of a command that was given something wrong: again would end alike."""
_LOG_LINES_SHOWN = 8


class ProcessFailedError(TroubleError):
    """A process of the lab does not stay up, or a command of it failed."""

    reason = "PROCESS_FAILED"

    def __init__(self, name: str, status: int, log: Path) -> None:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        super().__init__(
            _(
                "{name} ended with status {status}; the end of {log}:\n{lines}",
                name=name,
                status=status,
                log=log,
                lines="\n".join(lines[-_LOG_LINES_SHOWN:]),
            )
        )


class LabProcess:
    """One command, its log file and its restarts."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.restart_count = 0
        self._command = command
        self._stopped = asyncio.Event()
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def keep_up(self) -> None:
        """Run it, again whenever it ends unasked, until it is stopped. On the main thread's loop.

        Raises:
            ProcessFailedError: it ended too often.
        """
        while not self._stopped.is_set():
            self._process = await _start(self._command, self.log)
            if self._stopped.is_set():
                # Stopped while it was being started: it has done nothing yet.
                self.kill()
            status = await self._process.wait()
            if self._stopped.is_set():
                return
            self.restart_count += 1
            if status == _BAD_INPUT or self.restart_count > _RESTART_LIMIT:
                raise ProcessFailedError(self.name, status, self.log)
            await asyncio.sleep(_RESTART_DELAY_S)

    def kill(self) -> None:
        """As a crash would: no warning. `keep_up` starts it again."""
        self.signal(SIGKILL)

    def signal(self, number: Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self) -> None:
        """End it in order; killed when it takes too long."""
        self._stopped.set()
        if self._process is None:
            return
        self.signal(SIGTERM)
        try:
            async with asyncio.timeout(_STOP_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self.signal(SIGKILL)
            await self._process.wait()


def trunkline(*arguments: str) -> list[str]:
    """The command line of one of our own commands."""
    # The script beside this interpreter, so that a lab runs what it was installed with.
    return [str(Path(sys.executable).with_name("trunkline")), *arguments]


async def run_command(name: str, command: Sequence[str], log: Path) -> None:
    """Run one command to its end.

    Raises:
        ProcessFailedError: it failed.
    """
    process = await _start(command, log)
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        raise
    if status != 0:
        raise ProcessFailedError(name, status, log)


async def _start(command: Sequence[str], log: Path) -> Process:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as target:
        # A session of its own: Ctrl-C in a terminal is for the lab, which ends everybody in order.
        return await asyncio.create_subprocess_exec(
            *die_with_parent(SIGKILL),
            *command,
            stdin=DEVNULL,
            stdout=target,
            stderr=target,
            start_new_session=True,
        )
