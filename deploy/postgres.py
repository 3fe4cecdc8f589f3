"""A real PostgreSQL 18 for the lab and the tests: on loopback, with a password of its own,
gone with the process that started it.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGKILL, Signals

import psycopg
from psycopg import sql

from deploy.children import die_with_parent, last_line
from deploy.ports import free_ports
from deploy.postgres_template import (
    DATABASE,
    ENVIRONMENT,
    HERE,
    USER,
    PostgresNotFoundError,
    PostgresStartError,
    copy_template,
    find_binaries,
    run_as,
    run_single_user,
    template,
)

__all__ = ["PostgresNotFoundError", "PostgresServer", "PostgresStartError", "start_postgres"]

START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
READY_POLL_S = 0.02


class PostgresServer:
    """One server with its data directory; port and password stay over `restart`."""

    def __init__(self, binaries: Path, data_dir: Path, settings: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        (self.port,) = free_ports(1)
        self.password = secrets.token_urlsafe(24)
        self._binaries = binaries
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the database `trunkline`."""
        return self._url(DATABASE)

    @property
    def log_file(self) -> Path:
        """What the server writes."""
        return self.data_dir.with_name(f"{self.data_dir.name}.log")

    @property
    def pid(self) -> int:
        """The running server's process id."""
        assert self._process is not None, "PostgreSQL is not started"
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it serves.

        Raises:
            PostgresStartError: it ended, or did not serve within `START_LIMIT_S`.
        """
        assert self._process is None, "PostgreSQL runs already"
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal is for us, and we decide when it stops.
            self._process = subprocess.Popen(
                [*die_with_parent(SIGINT, run_as()), str(self._binaries / "postgres"), *self._arguments()],
                cwd=self.data_dir,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_ready()

    def stop(self) -> None:
        """End it in order, open connections cut; stopping twice is no fault."""
        self._end(SIGINT, ())

    def kill(self) -> None:
        """End it and its sessions at once, as a power cut would."""
        self._end(SIGKILL, () if self._process is None else _children(self._process.pid))

    def restart(self) -> None:
        """Bring it back with its data, port and password; ends it first when it runs."""
        self.kill()
        self.start()

    def create_database(self, name: str) -> str:
        """Make another, empty database; returns its URL.

        Raises:
            psycopg.Error: the server is down or the name is taken.
        """
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and cut whoever is connected to it."""
        with self._connect() as connection:
            # FORCE would have to end an autovacuum worker too, which is not ours; the plain drop may.
            ours = "FROM pg_stat_activity WHERE datname = %s AND usename = %s"
            connection.execute(f"SELECT pg_terminate_backend(pid) {ours}", (name, USER))
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))

    def set_password(self) -> None:
        """Let `USER` in with this object's password; only while the server does not run."""
        run_single_user(self._binaries, self.data_dir, f"ALTER ROLE {USER} PASSWORD '{self.password}'")

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            dbname=DATABASE,
            connect_timeout=2,
            autocommit=True,
        )

    def _arguments(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            # The template may have been made in another zone.
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return ["-D", HERE, *given]

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while not self._is_ready():
            assert self._process is not None
            ended = self._process.poll()
            if ended is None and time.monotonic() <= deadline:
                time.sleep(READY_POLL_S)
                continue
            self.kill()
            why = (
                f"nothing served after {START_LIMIT_S:.0f} s"
                if ended is None
                else f"it ended with status {ended}: {last_line(self.log_file)}"
            )
            raise PostgresStartError(f"{why}; its log is {self.log_file}")

    def _is_ready(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, number: Signals, sessions: tuple[int, ...]) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        for session in sessions:
            _signal_if_alive(session, number)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _wait_gone(sessions)


def start_postgres(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> PostgresServer:
    """Start a PostgreSQL whose data lie in `data_dir`, made when missing; returns it when it serves.

    `settings` are the server's own (`fsync`, `max_connections`, ...). An existing directory
    keeps its data and gets a new password.

    Raises:
        PostgresNotFoundError: there are no binaries.
        PostgresStartError: it did not come up; nothing runs.
    """
    binaries = find_binaries()
    data_dir = data_dir.absolute()
    if not (data_dir / "PG_VERSION").exists():
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        copy_template(template(binaries), data_dir)
    server = PostgresServer(binaries, data_dir, settings or {})
    server.set_password()
    server.start()
    return server


def _children(pid: int) -> tuple[int, ...]:
    """The server's own processes; where /proc does not say, they notice its death by themselves."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return tuple(map(int, listed.read_text(encoding="ascii").split()))
    except OSError:
        return ()


def _signal_if_alive(pid: int, number: Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait_gone(pids: tuple[int, ...]) -> None:
    """A server refuses to start while a session of the one before still holds its memory."""
    deadline = time.monotonic() + STOP_LIMIT_S
    while any(map(_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(READY_POLL_S)


def _is_alive(pid: int) -> bool:
    """A zombie holds nothing; whether anybody reaps it is up to the machine's init."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
