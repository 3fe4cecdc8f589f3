"""A real etcd for the lab and the tests: starts it, lets nothing survive us.

A member dies with the thread that launched it (a parent-death signal): launch from the
main thread, never from a pool; waiting may be done anywhere. Data directories belong to
the caller; ports are free ones and stay the same over restarts.
"""

import http.client
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from deploy.children import die_with_parent, last_line
from deploy.etcd_binary import EtcdBinary, find_etcd
from deploy.ports import free_ports
from node.troubles import TroubleError
from node.words import text as _

START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
READY_POLL_S = 0.02


class EtcdStartError(TroubleError):
    """An etcd was found and did not come up."""

    reason = "ETCD_NOT_STARTED"

    def __init__(self, name: str, problem: str, log: Path) -> None:
        super().__init__(
            _(
                "etcd member {name} did not start: {problem}; its log is {log}",
                name=name,
                problem=problem,
                log=log,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdServerTls:
    """What a member shows to clients and demands of them: a certificate of the same authority."""

    ca_file: Path
    cert_file: Path
    key_file: Path


class EtcdMember:
    """One etcd process; `restart` brings it back with its data and its ports."""

    def __init__(
        self,
        binary: EtcdBinary,
        name: str,
        data_dir: Path,
        *,
        tls: EtcdServerTls | None,
        extra_args: tuple[str, ...],
    ) -> None:
        self.name = name
        self.data_dir = data_dir
        self.client_port, self.peer_port, self.metrics_port = free_ports(3)
        self._binary = binary
        self._tls = tls
        self._extra_args = extra_args
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where clients reach it, `host:port`."""
        return f"127.0.0.1:{self.client_port}"

    @property
    def peer_url(self) -> str:
        """Where the other members reach it; plain, on loopback only."""
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def log_file(self) -> Path:
        """What the process writes."""
        return self.data_dir.with_suffix(".log")

    @property
    def pid(self) -> int:
        """The running process's id."""
        return self._running().pid

    def launch(self, initial_cluster: str) -> None:
        """Start the process; `wait_ready` says when it serves."""
        arguments = [*die_with_parent(SIGKILL), str(self._binary.path), *self._arguments(initial_cluster)]
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal is for us, and we decide when it stops.
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self) -> None:
        """Return when the member is healthy: it has a leader and can write.

        Raises:
            EtcdStartError: it ended, or was not healthy within `START_LIMIT_S`.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while not self._is_healthy():
            if self._running().poll() is not None:
                why = f"it ended with status {self._running().returncode}: {last_line(self.log_file)}"
                raise EtcdStartError(self.name, why, self.log_file)
            if time.monotonic() > deadline:
                raise EtcdStartError(self.name, f"not healthy after {START_LIMIT_S:.0f} s", self.log_file)
            time.sleep(READY_POLL_S)

    def signal(self, number: Signals) -> None:
        """Send the process a signal: SIGSTOP and SIGCONT freeze and thaw it."""
        self._running().send_signal(number)

    def end(self, number: Signals) -> None:
        """Signal the process to end and wait for it; killed when it takes too long."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"etcd member {self.name} is not started"
        return self._process

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=1)
        try:
            connection.request("GET", "/health")
            return bool(json.loads(connection.getresponse().read())["health"] == "true")
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False
        finally:
            connection.close()

    def _arguments(self, initial_cluster: str) -> list[str]:
        scheme = "http" if self._tls is None else "https"
        arguments = [
            f"--name={self.name}",
            f"--data-dir={self.data_dir}",
            f"--listen-client-urls={scheme}://{self.endpoint}",
            f"--advertise-client-urls={scheme}://{self.endpoint}",
            f"--listen-peer-urls={self.peer_url}",
            f"--initial-advertise-peer-urls={self.peer_url}",
            f"--initial-cluster={initial_cluster}",
            f"--listen-metrics-urls=http://127.0.0.1:{self.metrics_port}",
            # A board needs the last minutes only; without compaction the store grows for ever.
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=5m",
            "--log-level=warn",
        ]
        if self._tls is not None:
            arguments += [
                "--client-cert-auth",
                f"--trusted-ca-file={self._tls.ca_file}",
                f"--cert-file={self._tls.cert_file}",
                f"--key-file={self._tls.key_file}",
            ]
        return [*arguments, *self._extra_args]


class EtcdCluster:
    """A running etcd of one or more members on loopback."""

    def __init__(self, members: tuple[EtcdMember, ...]) -> None:
        self.members = members
        self._initial_cluster = ",".join(f"{member.name}={member.peer_url}" for member in members)

    @property
    def endpoint(self) -> str:
        """The first member's `host:port`."""
        return self.members[0].endpoint

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every member's `host:port`."""
        return tuple(member.endpoint for member in self.members)

    def launch(self) -> None:
        """Start every member and return at once; `wait_ready` says when they serve."""
        for member in self.members:
            member.launch(self._initial_cluster)

    def wait_ready(self) -> None:
        """Return when every member serves.

        Raises:
            EtcdStartError: a member did not come up; all are ended.
        """
        try:
            for member in self.members:
                member.wait_ready()
        except EtcdStartError:
            self.kill()
            raise

    def stop(self) -> None:
        """End every member in order."""
        self._end(SIGTERM)

    def kill(self) -> None:
        """End every member at once, as a power cut would."""
        self._end(SIGKILL)

    def wipe(self) -> None:
        """End every member and throw its data away."""
        self.kill()
        for member in self.members:
            shutil.rmtree(member.data_dir, ignore_errors=True)

    def restart(self) -> None:
        """Bring every member back with the data that it has; ends those that run."""
        self.kill()
        self.launch()
        self.wait_ready()

    def launch_member(self, member: EtcdMember) -> None:
        """Start one ended member again, with its data; its `wait_ready` says when it serves."""
        member.launch(self._initial_cluster)

    def _end(self, number: Signals) -> None:
        for member in self.members:
            member.end(number)


def start_etcd(
    data_dir: Path,
    *,
    members: int = 1,
    tls: EtcdServerTls | None = None,
    extra_args: tuple[str, ...] = (),
    binary: EtcdBinary | None = None,
) -> EtcdCluster:
    """Start an etcd below `data_dir` and return it when it serves.

    Raises:
        EtcdNotFoundError: there is none to start.
        EtcdStartError: it did not come up.
    """
    binary = binary or find_etcd()
    cluster = EtcdCluster(
        tuple(
            EtcdMember(binary, f"etcd{number}", data_dir / f"etcd{number}", tls=tls, extra_args=extra_args)
            for number in range(1, members + 1)
        )
    )
    cluster.launch()
    cluster.wait_ready()
    return cluster
