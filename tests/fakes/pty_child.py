"""A command on a terminal of its own, as a person would have it."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence

LIMIT_S = 20.0


_OWN_THE_TERMINAL = """
import os, sys
# The leader of a new session that opens a terminal gets its signals: Ctrl-C is for it. Done
# in the child's own program: between fork and exec, gRPC's threads in the test forbid it.
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class PtyChild:
    """A child process on a pseudo-terminal; what it writes is collected as it comes."""

    def __init__(self, command: Sequence[str], environ: dict[str, str]) -> None:
        self._master, self._slave = pty.openpty()
        termios.tcsetwinsize(self._slave, (50, 160))
        self.before = termios.tcgetattr(self._slave)
        self.output = ""
        self._news = asyncio.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _OWN_THE_TERMINAL, *command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=environ,
            start_new_session=True,
        )
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def settings(self) -> list[object]:
        """The terminal's settings at this moment."""
        return termios.tcgetattr(self._slave)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def shows(self, text: str) -> None:
        """Wait until the text was written; what was written before is then forgotten."""
        try:
            await self.until(lambda: text in self.output)
        except TimeoutError:
            raise AssertionError(f"{text!r} was not shown, but {self.output!r}") from None
        self.output = self.output[self.output.index(text) + len(text) :]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def ended(self, limit_s: float = LIMIT_S) -> int:
        """The exit code, after everything was read."""
        exits = os.pidfd_open(self._process.pid)
        is_over = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(exits, is_over.set)
        try:
            async with asyncio.timeout(limit_s):
                await is_over.wait()
        except TimeoutError:
            raise AssertionError(f"it did not end, after {self.output[-1200:]!r}") from None
        finally:
            loop.remove_reader(exits)
            os.close(exits)
        self._read()
        return self._process.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except (BlockingIOError, OSError):
            return
        self.output += data.decode(errors="replace")
        self._news.set()


def trunkline(*arguments: object) -> list[str]:
    """The command line that runs the desk's commands in a process of their own."""
    program = (
        "import sys; from node import cli; from branch.terminal.commands import register; "
        "cli.entry_point_groups = lambda: [register]; cli.main(sys.argv[1:])"
    )
    return [sys.executable, "-c", program, *map(str, arguments)]
