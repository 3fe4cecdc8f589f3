"""Which Asterisk to run: one that is installed if it is new enough, else Debian's own packages
unpacked in the user's cache.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.asterisk.fetching import Platform, fetch, platform_here
from node.troubles import TroubleError
from node.words import text as _

OLDEST_MAJOR = 20
"""The oldest that is still mended, and the first long-supported one whose ARI is as the driver has it."""

SYSTEM_PROGRAMS = "/usr/sbin"
"""Where distributions put it, and where only root's PATH leads."""

_BUNDLE_FORMAT = 1
"""Raised when other packages are wanted, so that no old bundle is used."""

_VERSION_LIMIT_S = 10.0


class AsteriskNotFoundError(TroubleError):
    """No usable Asterisk on this machine, and none could be fetched."""

    reason = "ASTERISK_NOT_FOUND"

    def __init__(self, seen: str, problem: str) -> None:
        super().__init__(
            _(
                "no usable Asterisk: {seen}, and none could be fetched: {problem}; "
                "install Asterisk {oldest} or newer and put it on the PATH (Debian 14: the package asterisk)",
                seen=seen,
                problem=problem,
                oldest=OLDEST_MAJOR,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskBinaries:
    """An Asterisk that can be run here, and where its own files are."""

    command: tuple[str, ...]
    """What to run; Asterisk's options follow."""
    version: tuple[int, ...]
    modules: Path
    data: Path
    """Sounds, music on hold, documentation: `astdatadir` of a whole installation."""


def default_cache() -> Path:
    """The user's cache folder for bundles."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "asterisk"


def find_asterisk(cache: Path) -> AsteriskBinaries:
    """The Asterisk to run: an installed one if it is new enough, else the one in `cache`.

    Fetching takes some 10 s and 300 MB, once; others that ask meanwhile wait for it.

    Raises:
        AsteriskNotFoundError: none is there and none could be fetched; says what to do.
    """
    seen = "none on the PATH"
    installed = _installed()
    if installed is not None:
        found = _binaries((str(installed),), installed.parent.parent)
        if found is not None and found.version[0] >= OLDEST_MAJOR:
            return found
        seen = f"{installed} is " + (".".join(map(str, found.version)) if found else "not one that runs here")
    try:
        return _bundled(cache)
    except (TroubleError, OSError) as problem:
        raise AsteriskNotFoundError(seen, str(problem)) from problem


def _installed() -> Path | None:
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("asterisk", path=f"{path}{os.pathsep}{SYSTEM_PROGRAMS}")
    return Path(found) if found else None


def _bundled(cache: Path) -> AsteriskBinaries:
    """The cache's bundle, fetched when it is not there or does not run.

    Raises:
        TroubleError: it cannot be fetched, or does not run.
    """
    platform = platform_here()
    name = f"{platform.architecture}-{_BUNDLE_FORMAT}"
    root = cache / name
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache / f"{name}.lock"):
        found = _unpacked(root, platform)
        if found is None:
            shutil.rmtree(root, ignore_errors=True)
            fetch(platform, cache / f"{name}.fresh", root)
            found = _unpacked(root, platform)
    if found is None:
        raise TroubleError(_("the one in {folder} does not run here", folder=root))
    return found


def _unpacked(root: Path, platform: Platform) -> AsteriskBinaries | None:
    """Run with the C library that it was built for, which may be newer than the machine's."""
    libraries = root / "usr" / "lib" / platform.triplet
    loader = (str(libraries / platform.loader), "--library-path", str(libraries))
    return _binaries((*loader, str(root / "usr" / "sbin" / "asterisk")), root / "usr")


def _binaries(command: tuple[str, ...], prefix: Path) -> AsteriskBinaries | None:
    """Whether this is an Asterisk that runs here, whole, with its files below `prefix`."""
    version = _version_of(command)
    modules = _first_with(
        "res_pjsip.so",
        [
            *sorted(prefix.glob("lib/*/asterisk/modules")),
            *(prefix / each / "asterisk" / "modules" for each in ("lib", "lib64")),
        ],
    )
    data = _first_with(
        "documentation",
        [
            prefix / "share" / "asterisk",
            *(each / "var" / "lib" / "asterisk" for each in (prefix, prefix.parent)),
        ],
    )
    if version is None or modules is None or data is None:
        return None
    return AsteriskBinaries(command=command, version=version, modules=modules, data=data)


def _first_with(name: str, folders: Iterable[Path]) -> Path | None:
    return next((folder for folder in folders if (folder / name).exists()), None)


def _version_of(command: tuple[str, ...]) -> tuple[int, ...] | None:
    try:
        shown = subprocess.run(
            [*command, "-V"], capture_output=True, text=True, timeout=_VERSION_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"Asterisk (?:certified[/-])?(\d+(?:\.\d+)*)", shown.stdout)
    return tuple(map(int, found[1].split("."))) if found else None


@contextmanager
def _only_one(lock_file: Path) -> Iterator[None]:
    with lock_file.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
