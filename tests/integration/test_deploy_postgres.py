"""The lab's PostgreSQL: real, closed to whoever lacks the password, and gone with its parent."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.postgres import PostgresServer, start_postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = start_postgres(tmp_path_factory.mktemp("pg") / "a folder 数据" / "pg data")
    yield server
    server.stop()


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), connect_timeout=5, autocommit=True)


def test_it_is_version_18_in_a_folder_with_blanks_and_chinese_characters(server: PostgresServer) -> None:
    with connect(server.url) as connection:
        assert connection.info.server_version // 10_000 == 18


def test_nobody_enters_with_another_password_or_as_superuser(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(server.url.replace(server.password, "guessed")).close()
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        connect(server.url.replace("trunkline:", "postgres:")).close()


def test_rows_survive_a_kill_and_the_url_stays(server: PostgresServer) -> None:
    url = server.create_database("kept")
    with connect(url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('通话')")

    server.restart()

    with connect(url) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("通话",)]


def test_a_data_directory_is_opened_again_with_a_new_password(tmp_path: Path) -> None:
    first = start_postgres(tmp_path / "pg")
    first.stop()

    second = start_postgres(tmp_path / "pg")

    try:
        assert second.password != first.password
        connect(second.url).close()
    finally:
        second.stop()


STARTER = """
import pathlib, sys, time
from deploy.postgres import start_postgres
server = start_postgres(pathlib.Path(sys.argv[1]))
print(server.pid, flush=True)
time.sleep(600)
"""


def test_nothing_is_left_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, tmp_path / "pg"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        postmaster = int(parent.stdout.readline())
        group = {postmaster, *children_of(postmaster)}

        parent.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while any(map(is_running, group)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in group if is_running(pid)] == []


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
