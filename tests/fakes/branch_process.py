"""A branch as a real process beside its PBX: its file, its database, its ports."""

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Generic, Protocol, Self

import grpc
from sqlalchemy import select
from typing_extensions import TypeVar

from branch.operating.operations import SiteStatus
from branch.peers.operator import get_status
from branch.people.login import AgentRecord
from branch.store.store import Store, open_store
from branch.store.voicemails import Voicemail
from deploy.children import die_with_parent
from deploy.ports import free_ports
from router.ids import AgentId, CallId, HandoffId, SiteId
from router.ledger import LedgerRow
from router.records.handoff_stage import OVER, HandoffStage
from sync.clock import SystemClock
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.tls import Tls
from sync.records.business_day import BusinessCalendar
from sync.records.codec import ledger_row
from sync.records.tables import HANDOFFS, LEDGER
from tests.fakes.pbx_process import PASSWORD, PbxProcess

ZONE = "Asia/Shanghai"

_COMMAND = """
from branch.commands import register
from node import cli
cli.entry_point_groups = lambda: [register]
cli.main()
"""

_START_LIMIT_S = 90.0
"""A busy machine imports slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Where a peer is found."""

    site: str
    port: int
    trunk: str
    media: str = "bridge"


class BesideBranch(Protocol):
    """What a branch has to know of its PBX; its control's password is `PASSWORD`."""

    @property
    def site(self) -> str: ...

    @property
    def trunk_address(self) -> str:
        """What other sites' PBXes dial."""
        ...

    @property
    def telephony(self) -> str:
        """The branch's [telephony] in TOML; its password lies in pbx.password."""
        ...


P = TypeVar("P", bound=BesideBranch, default=PbxProcess)


class BranchProcess(Generic[P]):
    """One site's branch; certificates lie in `pki` as `trunkline pki issue` made them."""

    def __init__(self, folder: Path, pki: Path, pbx: P) -> None:
        self.site = pbx.site
        self.folder = folder
        self.pki = pki
        self.pbx = pbx
        self.port, self.metrics_port = free_ports(2)
        self.file = folder / "branch.toml"
        self.entry: tuple[str, ...] = ("-c", _COMMAND)
        """How Python comes to the command line."""
        self._process: asyncio.subprocess.Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pbx.password").write_text(PASSWORD + "\n", encoding="utf-8")

    @property
    def neighbour(self) -> Neighbour:
        return Neighbour(site=self.site, port=self.port, trunk=self.pbx.trunk_address)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'branch.db'}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def write_file(
        self,
        neighbours: Iterable[Neighbour] = (),
        *,
        etcd: Sequence[str] = (),
        queue: str = "sales",
        more: str = "",
    ) -> None:
        """Write the branch's file; `more` is TOML at its end."""
        board = f"[etcd]\nendpoints = {list(etcd)}\n" if etcd else ""
        peers = "".join(
            f'[[overflow.peer]]\nsite = "{each.site}"\naddress = "127.0.0.1:{each.port}"\n'
            f'trunk = "{each.trunk}"\nmedia = "{each.media}"\n'
            for each in neighbours
        )
        self.file.write_text(
            f"""
[site]
id = "{self.site}"
name = "{self.site}"
time_zone = "{ZONE}"
[listen]
port = {self.port}
metrics_port = {self.metrics_port}
[tls]
ca = "{self.pki / "ca.pem"}"
cert = "{self.pki / f"site-{self.site}.pem"}"
key = "{self.pki / f"site-{self.site}.key"}"
[database]
url = "{self.url}"
{self.pbx.telephony}
[limits]
ballast_mb = 1
{board}{peers}
[[queue]]
id = "{queue}"
{more}
""",
            encoding="utf-8",
        )

    def add_agents(self, *numbers: int) -> None:
        """Set agents `SITE/NUMBER` up in the database."""
        store = self._store()
        for number in numbers:
            agent_id = AgentId(f"{self.site}/{number}")
            store.people.set_agent(AgentRecord(agent_id=agent_id, name=str(number), skills=frozenset()))
        store.close()

    def rows(self) -> list[LedgerRow]:
        """What the ledger holds now."""
        store = self._store()
        with store.database.reading() as connection:
            query = select(LEDGER).order_by(LEDGER.c.seq)
            rows = [ledger_row(record) for record in connection.execute(query).mappings()]
        store.close()
        return rows

    def messages(self) -> Sequence[Voicemail]:
        """What callers have left, heard or not, newest first."""
        store = self._store()
        found = store.voicemails.messages(with_heard=True, row_limit=100)
        store.close()
        return found

    def number_of(self, call_id: CallId) -> str | None:
        """Of the call's caller; None when withheld."""
        store = self._store()
        number = store.caller_number(call_id)
        store.close()
        return number

    def open_handoffs(self) -> dict[HandoffId, HandoffStage]:
        """The hand-offs that are not over, and how far each of them came."""
        store = self._store()
        with store.database.reading() as connection:
            query = select(HANDOFFS.c.handoff_id, HANDOFFS.c.stage)
            found = {HandoffId(row.handoff_id): HandoffStage(row.stage) for row in connection.execute(query)}
        store.close()
        return {handoff_id: stage for handoff_id, stage in found.items() if stage not in OVER}

    async def start(self) -> Self:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *die_with_parent(SIGKILL),
                *(sys.executable, *self.entry, "branch", "run", str(self.file)),
                stderr=log,
                env=_environ(),
            )
        async with asyncio.timeout(_START_LIMIT_S):
            while await self.status() is None:
                assert self._process.returncode is None, self.log()
                await asyncio.sleep(0.05)
        return self

    async def status(self) -> SiteStatus | None:
        """What it says of itself; None while it does not answer."""
        tls = self.tls()
        expected = Peer(cluster=tls.owner.cluster, kind="site", name=self.site)
        async with open_channel("127.0.0.1", self.port, tls, expected=expected) as channel:
            try:
                return await get_status(channel)
            except grpc.aio.AioRpcError:
                return None

    def tls(self) -> Tls:
        name = f"site-{self.site}"
        return Tls.read(self.pki / "ca.pem", self.pki / f"{name}.pem", self.pki / f"{name}.key")

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run `trunkline branch ...` on this branch's file: exit code and output."""
        return await self.run("branch", *arguments, str(self.file))

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run any `trunkline ...` of a branch: exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COMMAND, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_environ(),
        )
        async with asyncio.timeout(_START_LIMIT_S):
            said, _none = await process.communicate()
        return process.returncode or 0, said.decode()

    def terminate(self) -> None:
        """SIGTERM: drain."""
        assert self._process is not None
        self._process.terminate()

    async def ended(self, limit_s: float = 20.0) -> int:
        assert self._process is not None
        async with asyncio.timeout(limit_s):
            return await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        await self.ended()

    async def close(self) -> None:
        """Leave nothing behind, whatever a test left running."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def _store(self) -> Store:
        clock = SystemClock()
        return open_store(self.url, site_id=SiteId(self.site), calendar=BusinessCalendar(ZONE), clock=clock)


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE__")}
