import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from sync.journal.database import open_database, writing


def modes(folder: Path) -> set[str]:
    return {oct(stat.S_IMODE(file.stat().st_mode)) for file in folder.iterdir()}


def test_a_databases_files_are_its_owners_alone(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'branch.db'}")

    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE callers (number TEXT)")
        assert len(list(tmp_path.iterdir())) == 3
        assert modes(tmp_path) == {"0o600"}
    engine.dispose()


def test_a_database_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "branch.db"
    file.touch(mode=0o640)
    before = file.stat().st_mode
    engine = open_database(f"sqlite:///{file}")

    engine.connect().close()

    assert file.stat().st_mode == before
    engine.dispose()


def test_a_further_connection_gives_up_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "branch.db"
    look = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT * FROM calls'))"
    look_in = (sys.executable, "-c", look, str(file))
    engine = open_database(f"sqlite:///{file}")

    with engine.connect() as first:
        first.exec_driver_sql("CREATE TABLE calls (number INT)")
        first.commit()
        with engine.connect():
            subprocess.run(look_in, check=True)
        first.exec_driver_sql("INSERT INTO calls VALUES (7)")
        first.commit()

        seen = subprocess.run(look_in, check=True, capture_output=True, text=True).stdout

    assert seen == "(7,)\n"
    engine.dispose()


def test_a_folder_that_is_not_there_is_told_by_sqlite(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'nowhere' / 'branch.db'}")

    with pytest.raises(OperationalError, match="unable to open database file"):
        engine.connect()


def test_an_error_does_not_tell_the_values(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'branch.db'}")

    with pytest.raises(OperationalError) as failed, writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (?)", ("+8613800138000",))

    assert "INSERT INTO nowhere" in str(failed.value)
    assert "8613800138000" not in str(failed.value)
    engine.dispose()
