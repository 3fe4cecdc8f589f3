"""Fetches Asterisk from Debian's packages without installing anything.

apt works on a state of its own and fetches a whole system's worth of libraries, so that what
is unpacked runs on a distribution that has no Asterisk, or an older C library. The address of
the mirror, proxies and certificates are those of the machine's own apt.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from platform import freedesktop_os_release
from signal import SIGKILL

from deploy.children import die_with_parent
from node.troubles import TroubleError
from node.words import text as _

PACKAGES = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "asterisk-moh-opsound-gsm")

SUITES = ("forky", "sid")
"""Debian 12 and 13 have no Asterisk; 14 has one, and unstable when 14 lets it go for a while."""

_STEP_LIMIT_S = 240.0
"""For each of update, download and unpack; 10 s together on a good line."""

_NETWORK_LIMIT_S = 20
_KEYRINGS = tuple(Path("/usr/share/keyrings") / f"debian-archive-keyring.{kind}" for kind in ("pgp", "gpg"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What Debian calls this kind of machine."""

    architecture: str
    triplet: str
    loader: str


_PLATFORMS = {
    each.architecture: each
    for each in (
        Platform(architecture="amd64", triplet="x86_64-linux-gnu", loader="ld-linux-x86-64.so.2"),
        Platform(architecture="arm64", triplet="aarch64-linux-gnu", loader="ld-linux-aarch64.so.1"),
    )
}


def platform_here() -> Platform:
    """This machine's kind.

    Raises:
        TroubleError: Debian's packages cannot be fetched or do not run here.
    """
    missing = [tool for tool in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise TroubleError(_("this machine has no {tool}", tool=", ".join(missing)))
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    if architecture not in _PLATFORMS:
        raise TroubleError(
            _(
                "this machine is {architecture}, not {known}",
                architecture=architecture,
                known=" / ".join(_PLATFORMS),
            )
        )
    return _PLATFORMS[architecture]


def fetch(platform: Platform, fresh: Path, root: Path) -> None:
    """Unpack Asterisk and all that it needs into `root`, which appears whole or not at all.

    `fresh` is a work folder beside it; what an earlier, killed attempt left there is removed.

    Raises:
        TroubleError: the machine knows no Debian mirror, or none of them has an Asterisk.
    """
    problems = []
    for mirror in _mirrors():
        for suite in SUITES:
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                _unpack(_download(platform, mirror, suite, fresh), fresh / "root")
            except TroubleError as problem:
                problems.append(f"{mirror} {suite}: {problem}")
                continue
            (fresh / "root").rename(root)
            shutil.rmtree(fresh)
            return
    shutil.rmtree(fresh, ignore_errors=True)
    raise TroubleError(
        " | ".join(problems) or _("no Debian mirror is in this machine's apt configuration (sources.list)")
    )


def _mirrors() -> list[str]:
    """Addresses from which the machine's apt takes Debian itself, in its own order.

    apt reads its sources for us, in either format; printing addresses needs neither the
    network nor a right to write.
    """
    own = freedesktop_os_release().get("VERSION_CODENAME", "stable")
    suites = {own, "oldstable", "stable", "testing", "unstable", *SUITES}
    listed = re.findall(
        r"^'([^']+?)/dists/([^/']+)/InRelease'", _run(["apt-get", "--print-uris", "update"]), re.MULTILINE
    )
    return list(dict.fromkeys(mirror for mirror, suite in listed if suite in suites))


def _download(platform: Platform, mirror: str, suite: str, fresh: Path) -> Path:
    """The folder with every package."""
    apt = fresh / "apt"
    archives = apt / "cache" / "archives"
    for folder in (apt / "state" / "lists" / "partial", archives / "partial"):
        folder.mkdir(parents=True)
    (apt / "status").touch()
    keyring = next((each for each in _KEYRINGS if each.exists()), None)
    signed_by = "" if keyring is None else f" signed-by={keyring}"
    (apt / "sources.list").write_text(
        f"deb [arch={platform.architecture}{signed_by}] {mirror} {suite} main\n", encoding="utf-8"
    )
    options = [f"--option={name}={value}" for name, value in _apt_options(apt).items()]
    _run(["apt-get", *options, "update"])
    _run(["apt-get", *options, "install", "--yes", "--no-install-recommends", "--download-only", *PACKAGES])
    return archives


def _apt_options(apt: Path) -> dict[str, str]:
    """Nothing of the machine's state, pins and locks; its proxies and certificates stay."""
    return {
        "Dir::Etc::sourcelist": f"{apt}/sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": f"{apt}/state",
        # Nothing is installed, says this one: so every library comes along.
        "Dir::State::status": f"{apt}/status",
        "Dir::Cache": f"{apt}/cache",
        "APT::Default-Release": "",
        "APT::Sandbox::User": "",
        "APT::Update::Error-Mode": "any",
        "APT::Keep-Downloaded-Packages": "true",
        # A frozen mirror's release file may be out of date; its signature is still checked.
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": str(_NETWORK_LIMIT_S),
        "Acquire::https::Timeout": str(_NETWORK_LIMIT_S),
        "Debug::NoLocking": "true",
    }


def _unpack(archives: Path, root: Path) -> None:
    for package in sorted(archives.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(root)])


def _run(command: Iterable[str]) -> str:
    """What the command prints; it ends with us.

    Raises:
        TroubleError: it failed or took too long; says the last of what it wrote.
    """
    arguments = list(command)
    try:
        done = subprocess.run(
            [*die_with_parent(SIGKILL), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_STEP_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TroubleError(
            _("{command} took more than {limit} s", command=arguments[0], limit=int(_STEP_LIMIT_S))
        ) from None
    if done.returncode != 0:
        written = (done.stderr or done.stdout).strip().splitlines()
        raise TroubleError(
            _("{command} failed: {problem}", command=arguments[0], problem="; ".join(written[-3:]))
        )
    return done.stdout
