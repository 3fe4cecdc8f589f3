"""Which Asterisk is taken, and how one is fetched: once, whole, and with words when it cannot be.

apt and dpkg are scripts here, which do with files what the real ones do with packages.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.asterisk import bundle
from deploy.asterisk.bundle import AsteriskNotFoundError, default_cache, find_asterisk

APT = """\
#!/bin/sh
echo "$*" >> "$APT_LOG"
case "$*" in
*--print-uris*)
    echo "'https://example.org/other/dists/stable-tools/InRelease' x 0"
    for mirror in $MIRRORS; do
        echo "'$mirror/dists/stable/InRelease' x 0"
        echo "'$mirror-security/dists/stable-security/InRelease' x 0"
    done ;;
*install*)
    state=$(echo "$*" | sed 's/.*--option=Dir::Cache=\\([^ ]*\\).*/\\1/')
    if grep -q "$GOOD_SOURCE" "$state/../sources.list"; then
        touch "$state/archives/asterisk.deb"
    else
        echo "E: Unable to locate package asterisk" >&2
        exit 100
    fi ;;
esac
"""

DPKG = "#!/bin/sh\necho ${ARCHITECTURE:-amd64}\n"

DPKG_DEB = """\
#!/bin/sh
lib="$3/usr/lib/x86_64-linux-gnu"
mkdir -p "$lib/asterisk/modules" "$3/usr/share/asterisk/documentation"
touch "$lib/asterisk/modules/res_pjsip.so"
printf '#!/bin/sh\\necho "Asterisk $UNPACKED_VERSION"\\n' > "$lib/ld-linux-x86-64.so.2"
chmod +x "$lib/ld-linux-x86-64.so.2"
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with a Debian mirror and no Asterisk."""

    tools: Path
    cache: Path
    apt_log: Path

    def apt_calls(self, verb: str) -> list[str]:
        return [line for line in self.apt_log.read_text().splitlines() if f" {verb}" in line]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("apt-get", APT), ("dpkg", DPKG), ("dpkg-deb", DPKG_DEB)):
        write_tool(tools / name, text)
    made = Machine(tools, tmp_path / "cache", tmp_path / "apt.log")
    for name, value in {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "APT_LOG": str(made.apt_log),
        "MIRRORS": "https://example.org/debian",
        "GOOD_SOURCE": "example.org/debian forky main",
        "UNPACKED_VERSION": "22.10.1~dfsg",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bundle, "SYSTEM_PROGRAMS", str(tools))
    return made


def write_tool(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def install(prefix: Path, version: str) -> None:
    """An Asterisk below `prefix` that says it has this version."""
    for folder in ("bin", "lib/asterisk/modules", "share/asterisk/documentation"):
        (prefix / folder).mkdir(parents=True, exist_ok=True)
    (prefix / "lib/asterisk/modules/res_pjsip.so").touch()
    write_tool(prefix / "bin/asterisk", f"#!/bin/sh\necho 'Asterisk {version}'\n")


@pytest.mark.parametrize(
    ("version", "read"),
    [("20.0.0", (20, 0, 0)), ("certified/20.7-cert1", (20, 7)), ("22.10.1~dfsg", (22, 10, 1))],
)
def test_an_installed_one_that_is_new_enough_is_taken(
    version: str, read: tuple[int, ...], machine: Machine, tmp_path: Path
) -> None:
    install(tmp_path, version)

    found = find_asterisk(machine.cache)

    assert (found.command, found.version) == ((str(tmp_path / "bin" / "asterisk"),), read)
    assert found.modules == tmp_path / "lib" / "asterisk" / "modules"
    assert found.data == tmp_path / "share" / "asterisk"
    assert not machine.apt_log.exists()


@pytest.mark.parametrize("version", ["18.26.4", "16.2.1", "unknown"])
def test_an_older_one_is_passed_over_for_debians(version: str, machine: Machine, tmp_path: Path) -> None:
    install(tmp_path, version)

    found = find_asterisk(machine.cache)

    assert found.version == (22, 10, 1)
    assert found.modules.is_relative_to(machine.cache)


def test_what_was_fetched_is_kept(machine: Machine) -> None:
    first = find_asterisk(machine.cache)

    assert find_asterisk(machine.cache) == first
    assert len(machine.apt_calls("install")) == 1
    assert sorted(path.name for path in machine.cache.iterdir()) == ["amd64-1", "amd64-1.lock"]


def test_apt_keeps_its_hands_off_the_machines_own_state(machine: Machine) -> None:
    find_asterisk(machine.cache)

    for call in machine.apt_calls("update") + machine.apt_calls("install"):
        if "--print-uris" not in call:
            assert f"Dir::State={machine.cache}" in call
            assert f"Dir::Cache={machine.cache}" in call
    assert all("--download-only" in call for call in machine.apt_calls("install"))


def test_two_that_look_at_once_fetch_once(machine: Machine) -> None:
    code = "import sys, pathlib, deploy.asterisk.bundle as b; b.find_asterisk(pathlib.Path(sys.argv[1]))"

    both = [subprocess.Popen([sys.executable, "-c", code, str(machine.cache)]) for _ in range(2)]

    assert [process.wait(60) for process in both] == [0, 0]
    assert len(machine.apt_calls("install")) == 1


def test_what_a_killed_one_left_is_no_hindrance(machine: Machine) -> None:
    left = machine.cache / "amd64-1.fresh" / "apt" / "cache" / "archives"
    left.mkdir(parents=True)
    (left / "half.deb").touch()

    assert find_asterisk(machine.cache).version == (22, 10, 1)
    assert not (machine.cache / "amd64-1.fresh").exists()


def test_a_bundle_that_runs_no_more_is_fetched_anew(machine: Machine) -> None:
    Path(find_asterisk(machine.cache).command[0]).unlink()

    assert find_asterisk(machine.cache).version == (22, 10, 1)
    assert len(machine.apt_calls("install")) == 2


def test_unstable_serves_when_testing_has_none(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD_SOURCE", "example.org/debian sid main")

    assert find_asterisk(machine.cache).version == (22, 10, 1)
    assert len(machine.apt_calls("install")) == 2


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MIRRORS", "", "no Debian mirror is in this machine's apt configuration"),
        (
            "GOOD_SOURCE",
            "nowhere",
            "https://example.org/debian sid: apt-get failed: E: Unable to locate package",
        ),
        ("ARCHITECTURE", "riscv64", "this machine is riscv64, not amd64 / arm64"),
        ("UNPACKED_VERSION", "", "does not run here"),
    ],
)
def test_when_there_is_none_the_error_says_why_and_what_to_do(
    name: str, value: str, problem: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(AsteriskNotFoundError) as refusal:
        find_asterisk(machine.cache)

    for part in (problem, "none on the PATH", "install Asterisk 20 or newer"):
        assert part in str(refusal.value)
    assert not (machine.cache / "amd64-1.fresh").exists()


def test_a_machine_without_apt_is_told_so(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("apt-get", "dpkg", "dpkg-deb"):
        (machine.tools / name).unlink()
    monkeypatch.setenv("PATH", str(machine.tools))

    with pytest.raises(AsteriskNotFoundError, match="this machine has no apt-get, dpkg, dpkg-deb"):
        find_asterisk(machine.cache)


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "trunkline" / "asterisk"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "trunkline" / "asterisk"
