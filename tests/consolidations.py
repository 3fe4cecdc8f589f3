"""Branches and an HQ over real gRPC on loopback, for tests of the consolidation."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from hq.app import HqApp, start_hq
from hq.serving.client import HqClient, Plain, connect
from hq.settings import HqSettings
from node import pki
from node.lifecycle import Tasks
from node.settings import load
from sync.clock import Clock, ManualClock
from sync.journal.sending.journal import SiteJournal
from sync.journal.sending.service import SERVICE, JournalService
from sync.link.server import LinkServer
from sync.link.tls import Security, Tls
from tests.journals import DAY_START_UTC_US, Branch

ZONE = "Asia/Shanghai"
HOUR_US = 3_600 * 1_000_000
NEXT_NOON_UTC_US = DAY_START_UTC_US + 36 * HOUR_US
"""Noon of the day after DAY: DAY is over, and no window is open."""


class Keys:
    """A CA in a folder, and certificates from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._issued: dict[tuple[pki.Kind, str], tuple[Path, Path]] = {}
        pki.init_ca(folder, "demo", now=datetime.now(UTC))

    def issue(self, kind: pki.Kind, name: str = "hq") -> tuple[Path, Path]:
        """One for each owner, however often it is asked for."""
        if (kind, name) not in self._issued:
            issued = pki.issue(self.folder, kind, name, [], now=datetime.now(UTC))
            self._issued[kind, name] = (issued.certificate, issued.key)
        return self._issued[kind, name]

    def tls(self, kind: pki.Kind, name: str = "hq") -> Tls:
        return Tls.read(self.folder / "ca.pem", *self.issue(kind, name))


@dataclass(slots=True)
class BranchNode:
    """A branch's journal at a port."""

    branch: Branch
    tls: Security
    clock: Clock
    server: LinkServer | None = None
    port: int = 0

    async def start(self) -> None:
        journal = SiteJournal(
            site_id=self.branch.site_id,
            time_zone=ZONE,
            clock=self.clock,
            reader=self.branch.reader,
            keeper=self.branch.keeper,
        )
        self.server = LinkServer(security=self.tls, registry=CollectorRegistry())
        JournalService(journal).join(self.server.grpc_server)
        self.port = await self.server.start("127.0.0.1", self.port, [SERVICE])

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop(0)
            self.server = None


@asynccontextmanager
async def serving(keys: Keys, *branches: Branch) -> AsyncIterator[list[BranchNode]]:
    """The branches' journals, each at its port."""
    nodes = [
        BranchNode(
            branch=branch,
            tls=keys.tls("site", branch.site_id),
            clock=ManualClock(utc_us=NEXT_NOON_UTC_US),
        )
        for branch in branches
    ]
    try:
        for node in nodes:
            await node.start()
        yield nodes
    finally:
        for node in nodes:
            await node.stop()


def hq_file(
    folder: Path,
    keys: Keys,
    url: str,
    nodes: Iterable[BranchNode],
    *,
    database_wait_s: float = 0,
    **consolidation: object,
) -> Path:
    """HQ's file; its clock stands near noon of the day after DAY, its retries come at once."""
    certificate, key = keys.issue("hq")
    options = {"trickle_limit": 0, **consolidation}
    now_us = int(datetime.now(UTC).timestamp() * 1_000_000)
    lines = [
        "[hq]",
        f'time_zone = "{ZONE}"',
        "[listen]",
        "port = 0",
        "metrics_port = 0",
        "[tls]",
        f'ca = "{keys.folder / "ca.pem"}"',
        f'cert = "{certificate}"',
        f'key = "{key}"',
        "[database]",
        f'url = "{url}"',
        "[limits]",
        f"database_wait_s = {database_wait_s}",
        "[clock]",
        f"started_at_utc_us = {now_us}",
        f"epoch_utc_us = {NEXT_NOON_UTC_US}",
        "[consolidation]",
        *(f"{name} = {value!r}" for name, value in options.items()),
    ]
    for node in nodes:
        lines += [
            "[[site]]",
            f'id = "{node.branch.site_id}"',
            f'address = "127.0.0.1:{node.port}"',
            f'time_zone = "{ZONE}"',
        ]
    file = folder / "hq.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@dataclass(frozen=True, slots=True)
class RunningHq:
    """An HQ in this process, and an operator at its port."""

    app: HqApp
    client: HqClient

    async def consolidate(self, *sites: str, today: bool = False) -> dict[str, Plain]:
        """Pull now; how each site's pull ended."""
        last: list[Plain] = []
        async for shown in self.client.consolidate(sites, includes_today=today):
            last = shown
        return {each["site_id"]: each for each in last}


@asynccontextmanager
async def running_hq(file: Path, keys: Keys) -> AsyncIterator[RunningHq]:
    """HQ, from its file to its close."""
    tasks = Tasks()
    app = await start_hq(load(HqSettings, file, {}), tasks)
    try:
        async with connect("127.0.0.1", app.port, keys.tls("operator", "li")) as client:
            yield RunningHq(app, client)
    finally:
        await app.close()
        await tasks.cancel()
