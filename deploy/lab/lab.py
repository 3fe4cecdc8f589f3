"""A running lab: its processes in the order they need each other, and back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.etcd import EtcdCluster, start_etcd
from deploy.lab import files
from deploy.lab.looks import is_ready
from deploy.lab.plan import LabPlan, LabSite, begin_day
from deploy.lab.processes import LabProcess, run_command, trunkline
from deploy.lab.telephony import LabTelephony
from deploy.postgres import PostgresServer, start_postgres
from node.troubles import TroubleError
from node.words import text as _

_READY_LIMIT_S = 60.0
_POLL_S = 0.1
_LEAD_S = 2.0
_LEAD_FACTOR = 3.0
"""Real seconds that the nodes get to start before the day begins: 2, and three times what a
command a site took. Callers who come before their PBX are not played."""


class LabNotReadyError(TroubleError):
    """The nodes did not come up in time."""

    reason = "LAB_NOT_READY"


@dataclass(slots=True, kw_only=True)
class Servers:
    """What the nodes need before they start; both die with this process."""

    etcd: EtcdCluster
    postgres: PostgresServer
    hq_url: str

    def stop(self) -> None:
        self.etcd.stop()
        self.postgres.stop()


def start_servers(folder: Path) -> Servers:
    """Real etcd and real PostgreSQL on free loopback ports; from the main thread.

    Raises:
        EtcdStartError, OSError: one of them did not come up; the other is stopped.
    """
    etcd = start_etcd(folder / "etcd")
    try:
        postgres = start_postgres(folder / "postgres")
    except BaseException:
        etcd.stop()
        raise
    return Servers(etcd=etcd, postgres=postgres, hq_url=postgres.create_database("trunkline_hq"))


@dataclass(slots=True)
class Lab:
    """All processes of one plan, by name: `branch:beijing`, `pbx:beijing`, `hq`."""

    plan: LabPlan
    servers: Servers
    telephony: LabTelephony
    processes: dict[str, LabProcess] = field(default_factory=dict)
    _keepers: list[asyncio.Task[None]] = field(default_factory=list)
    _people: asyncio.Task[None] | None = None

    async def start(self, tell: Callable[[str], None]) -> None:
        """Write the files, fill the branches with their agents, start everybody, wait until ready.

        Raises:
            ProcessFailedError, LabNotReadyError: with the end of the log that says why.
        """
        tell(_("writing certificates and files"))
        ground = files.write_ground(self.plan, self.servers.etcd.endpoint, self.servers.hq_url)
        files.write_nodes(self.plan, ground, self.telephony)
        tell(_("adding the agents"))
        started_s = time.monotonic()
        await asyncio.gather(*(self._fill(site) for site in self.plan.sites))
        fill_s = time.monotonic() - started_s
        await self.telephony.configure(self.plan, self.log_of, tell)
        # The commands just run say how fast this machine starts processes at this moment.
        lead_s = _LEAD_S + _LEAD_FACTOR * fill_s + self.telephony.lead_s
        self.plan = begin_day(self.plan, now_s=time.time(), lead_s=lead_s)
        files.write_nodes(self.plan, ground, self.telephony)
        tell(_("starting the nodes"))
        for name, command in self._commands():
            process = LabProcess(name, command, self.log_of(name))
            self.processes[name] = process
            self._keepers.append(asyncio.create_task(process.keep_up(), name=name))
        await self._wait_ready()
        self._people = asyncio.create_task(self.telephony.play(self.plan), name="people")
        self._keepers.append(self._people)

    async def wait(self, seconds: float) -> None:
        """Let time pass, unless a process does not stay up.

        Raises:
            ProcessFailedError: one that ends whenever it is started.
            TroubleError: a phone of somebody's does not work.
        """
        done, _pending = await asyncio.wait(
            self._keepers, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for keeper in done:
            keeper.result()

    async def stop_nodes(self) -> None:
        """End every node in order; etcd and PostgreSQL go on. Safe to call at any point, and again."""
        if self._people is not None:
            self._people.cancel()
        await asyncio.gather(*(process.stop() for process in self.processes.values()))
        await asyncio.gather(*self._keepers, return_exceptions=True)

    def check_people(self) -> None:
        """Once they are stopped: raise what went wrong at somebody's phone and showed only then."""
        if self._people is not None and not self._people.cancelled():
            self._people.result()

    def log_of(self, name: str) -> Path:
        return self.plan.folder / "logs" / f"{name.replace(':', '-')}.log"

    def _commands(self) -> list[tuple[str, list[str]]]:
        folder = self.plan.folder
        commands = [("hq", trunkline("hq", "run", str(folder / files.HQ_FILE)))]
        for site in self.plan.sites:
            branch = str(site.folder / files.BRANCH_FILE)
            commands.append((f"branch:{site.site_id}", trunkline("branch", "run", branch)))
            commands.append((f"pbx:{site.site_id}", self.telephony.command(site)))
        return commands

    async def _fill(self, site: LabSite) -> None:
        branch, agents = site.folder / files.BRANCH_FILE, site.folder / files.AGENTS_FILE
        name = f"agents:{site.site_id}"
        command = trunkline("agent", "import", str(agents), "--site", str(branch))
        await run_command(name, command, self.log_of(name))

    async def _wait_ready(self) -> None:
        ports = {f"branch:{site.site_id}": site.metrics_port for site in self.plan.sites}
        ports["hq"] = self.plan.hq_metrics_port
        late = list(ports)
        for _attempt in range(round(_READY_LIMIT_S / _POLL_S)):
            await self.wait(_POLL_S)
            late = [name for name in late if not await is_ready(ports[name])]
            if not late:
                return
        raise LabNotReadyError(
            _(
                "not ready after {seconds:.0f} s: {names}; see {logs}",
                seconds=_READY_LIMIT_S,
                names=", ".join(late),
                logs=", ".join(str(self.log_of(name)) for name in late),
            )
        )
