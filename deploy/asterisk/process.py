"""One running Asterisk: started on a folder of configuration, watched, ended; nothing of it survives us.

It dies with the thread that launched it (a parent-death signal), so launch from the main
thread, never from a pool; waiting may be done anywhere. `runuser` and `rungroup` must not
be set in its configuration: Linux forgets the signal when a process changes its user.
"""

import configparser
import subprocess
import time
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from deploy.asterisk.bundle import AsteriskBinaries
from deploy.children import die_with_parent, last_line
from node.troubles import TroubleError
from node.words import text as _

START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
COMMAND_LIMIT_S = 10.0
READY_POLL_S = 0.05
_BOOTED = "fully booted"
"""What Asterisk says when every module is loaded."""

SOCKET_PATH_LIMIT = 107
"""Bytes of a Unix socket's path; Asterisk cuts a longer one off and says nothing."""


class AsteriskStartError(TroubleError):
    """An Asterisk was found and did not come up."""

    reason = "ASTERISK_NOT_STARTED"

    def __init__(self, problem: str, log: Path) -> None:
        super().__init__(
            _("Asterisk did not start: {problem}; what it wrote is in {log}", problem=problem, log=log)
        )


class AsteriskProcess:
    """One instance; `restart` brings it back with its configuration and what it stored."""

    def __init__(self, binaries: AsteriskBinaries, config: Path, log_file: Path) -> None:
        self.config = config
        self.log_file = log_file
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running process's id."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return when it serves.

        Raises:
            AsteriskStartError: it ended, or did not serve within `START_LIMIT_S`; it is ended.
        """
        self.launch()
        try:
            self.wait_ready()
        except AsteriskStartError:
            self.kill()
            raise

    def launch(self) -> None:
        """Start the process; `wait_ready` says when it serves.

        Raises:
            AsteriskStartError: its configuration is such that it could not be reached.
        """
        assert not self.is_running, "Asterisk runs already"
        command = self.prepared_command()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal is for us, and we decide when it stops.
            self._process = subprocess.Popen(
                [*die_with_parent(SIGKILL), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def prepared_command(self) -> list[str]:
        """What runs it for somebody else to keep up, once its folders are made, which it does not do itself.

        Raises:
            AsteriskStartError: its configuration is such that it could not be reached.
        """
        for folder in self._folders():
            folder.mkdir(parents=True, exist_ok=True)
        return self._command("-f", "-n")

    def wait_ready(self) -> None:
        """Return when every module is loaded and calls are taken.

        Raises:
            AsteriskStartError: it ended, or was not ready within `START_LIMIT_S`.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while not self._is_booted(max(deadline - time.monotonic(), 1.0)):
            ended = self._running().poll()
            if ended is not None:
                raise AsteriskStartError(
                    f"it ended with status {ended}: {last_line(self.log_file)}", self.log_file
                )
            if time.monotonic() > deadline:
                raise AsteriskStartError(f"not ready after {START_LIMIT_S:.0f} s", self.log_file)
            time.sleep(READY_POLL_S)

    def _is_booted(self, limit_s: float) -> bool:
        """Before its socket is there the command fails at once; one that ends says something else."""
        return _BOOTED in (self._remote("core waitfullybooted", limit_s) or "")

    def command(self, text: str) -> str:
        """What the console command prints.

        Raises:
            ConnectionError: it does not run, or did not answer within `COMMAND_LIMIT_S`.
        """
        answer = self._remote(text, COMMAND_LIMIT_S)
        if answer is None:
            raise ConnectionError(f"Asterisk of {self.config} does not answer {text!r}")
        return answer

    def signal(self, number: Signals) -> None:
        """Send the process a signal: SIGSTOP and SIGCONT freeze and thaw it."""
        self._running().send_signal(number)

    def stop(self) -> None:
        """End it in order, its calls hung up; stopping twice is no fault."""
        self._end(SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(SIGKILL)

    def restart(self) -> None:
        """Bring it back; ends it first when it runs."""
        self.kill()
        self.start()

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"Asterisk of {self.config} is not started"
        return self._process

    def _end(self, number: Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _command(self, *options: str) -> list[str]:
        return [*self._binaries.command, *options, "-C", str(self.config / "asterisk.conf")]

    def _remote(self, text: str, limit_s: float) -> str | None:
        """What a console says to `text`; None when nobody is there or the time is over."""
        try:
            said = subprocess.run(
                self._command("-n", "-r", "-x", text),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        return said.stdout if said.returncode == 0 else None

    def _folders(self) -> list[Path]:
        """Where it writes; it makes none of them itself."""
        parser = configparser.ConfigParser(
            delimiters=("=>", "="),
            comment_prefixes=(";",),
            inline_comment_prefixes=(";",),
            interpolation=None,
        )
        parser.read(self.config / "asterisk.conf", encoding="utf-8")
        named = dict(parser["directories"]) if parser.has_section("directories") else {}
        run = Path(named.get("astrundir", "/var/run/asterisk"))
        if len(bytes(run / "asterisk.ctl")) > SOCKET_PATH_LIMIT:
            raise AsteriskStartError(
                f"its socket's path, {run}/asterisk.ctl, has more than {SOCKET_PATH_LIMIT} bytes",
                self.log_file,
            )
        written = ("astdbdir", "astkeydir", "astlogdir", "astrundir", "astspooldir", "astvarlibdir")
        return [Path(named[name]) for name in written if name in named]
