"""Sites as they run in life: branch processes, each beside an Asterisk of its own, and SIP trunks between."""

import asyncio
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from deploy.asterisk.bundle import AsteriskBinaries
from deploy.phones.callers import Caller, OutgoingCall, dial_code
from deploy.phones.phones import Behaviour, Phone, PhoneCall
from deploy.phones.sip_wire import Address
from node import pki
from router.ledger import CallConnected, LedgerRow
from router.overflow.policy import Media
from tests.fakes.branch_process import BranchProcess, Neighbour
from tests.fakes.ledger_reading import entries, has
from tests.fakes.sip_carrier import Carrier
from tests.telephony.asterisk_pbx import CITY, LINE_NUMBER, AsteriskPbx

LIMIT_S = 60.0
_SILENT_PACKETS = 25

Branch = BranchProcess[AsteriskPbx]


class BranchSite:
    """One site: `branch` with its `pbx`, and the phones of its agents by number."""

    def __init__(self, branch: Branch, agents: Sequence[int]) -> None:
        self.branch = branch
        self.pbx = branch.pbx
        self.agents = agents
        self.phones: dict[int, Phone] = {}
        self._people = AsyncExitStack()

    async def man(self, behaviour: Behaviour | None = None) -> None:
        """Every agent sits down where nobody waits: returns when all are ready."""
        await self.sit_down(behaviour)
        await self.until_agents(READY=len(self.agents))

    async def sit_down(self, behaviour: Behaviour | None = None) -> None:
        """Every agent's phone registers, the agent logs in by it and says ready."""
        await self.plug_in(behaviour)
        await asyncio.gather(*(self.log_in(number) for number in self.agents))

    async def plug_in(self, behaviour: Behaviour | None = None) -> None:
        """Every agent's phone registers; nobody is at it."""
        for number in self.agents:
            self.phones[number] = await self._people.enter_async_context(self.phone(number, behaviour))
            await self.phones[number].register()

    def phone(self, number: int, behaviour: Behaviour | None = None) -> Phone:
        user = str(number)
        password = self.pbx.passwords()[user]
        return Phone(
            user, self.pbx.address, password=password, host=self.pbx.agents_host, behaviour=behaviour
        )

    async def log_in(self, number: int) -> None:
        """By the feature codes, and ready."""
        for code in ("*11", "*13"):
            await self.dial_code(number, code)

    async def dial_code(self, number: int, code: str) -> None:
        """Return when the branch has confirmed the code by hanging up."""
        await dial_code(self.phone(number), code, LIMIT_S)

    async def until_agents(self, **states: int) -> None:
        """Return when the branch counts its agents so."""
        await self._until_status(lambda agents, _calls: agents == states)

    async def until_calls(self, **states: int) -> None:
        """Return when the branch counts its callers so."""
        await self._until_status(lambda _agents, calls: calls == states)

    async def _until_status(self, is_so: Callable[[dict[str, int], dict[str, int]], bool]) -> None:
        seen: object = None
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    status = await self.branch.status()
                    if status is not None:
                        seen = dict(status.agents), dict(status.calls)
                        if is_so(*seen):
                            return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.branch.site} never came there; now {seen}") from None

    async def metric(self, name: str) -> float:
        """A line of its /metrics; 0 while it has none."""

        def read() -> str:
            url = f"http://127.0.0.1:{self.branch.metrics_port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as page:
                text: str = page.read().decode()
                return text

        for line in (await asyncio.to_thread(read)).splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    async def close(self) -> None:
        await self._people.aclose()
        await self.branch.close()
        self.pbx.close()


class AsteriskCluster:
    """All sites of a test; each is the others' peer."""

    def __init__(self, folder: Path, binaries: AsteriskBinaries) -> None:
        self.sites: dict[str, BranchSite] = {}
        self._folder = folder
        self._binaries = binaries
        self._pki = folder / "pki"
        self._trunks: Mapping[str, Address] = {}
        self._media = Media.BRIDGE
        self._stack = AsyncExitStack()
        pki.init_ca(self._pki, "demo", now=datetime.now(UTC))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def add(self, name: str, *agents: int) -> BranchSite:
        """A site with its agents set up; nothing of it runs yet."""
        pki.issue(self._pki, "site", name, [], now=datetime.now(UTC))
        pbx = AsteriskPbx(name, len(self.sites) + 1)
        branch = Branch(self._folder / name, self._pki, pbx)
        branch.add_agents(*agents)
        site = self.sites[name] = BranchSite(branch, agents)
        return site

    async def start(
        self,
        *,
        etcd: Sequence[str] = (),
        more: str = "",
        trunks: Mapping[str, Address] | None = None,
        media: Media = Media.BRIDGE,
    ) -> None:
        """Configure and start every Asterisk and every branch, and wait until all know each other.

        `trunks` are sites whose trunk is somewhere else than at their own PBX.
        """
        self._trunks = trunks or {}
        self._media = media
        for site in self.sites.values():
            site.branch.write_file(self._neighbours(site), etcd=etcd, more=more)
            await site.pbx.configure(site.branch, self._binaries)
            self._stack.push_async_callback(site.close)
            await site.pbx.start()
        await asyncio.gather(*(site.branch.start() for site in self.sites.values()))
        for site in self.sites.values():
            await self.until_connected(site)

    async def until_connected(self, site: BranchSite) -> None:
        """Return when its branch has every peer on the line."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                status = await site.branch.status()
                if status is not None and all(status.peers.values()):
                    return
                await asyncio.sleep(0.05)

    async def caller(self, site: BranchSite, number: str = "13800138000") -> Caller:
        """Somebody in the city who can call the site until the test ends."""
        return await self._stack.enter_async_context(Caller(number, site.pbx.address, host=CITY))

    async def carrier(self, site: BranchSite, number: str = "13800138000") -> Carrier:
        """The city's network, which moves this caller of the site's when it is asked to."""
        return await self._stack.enter_async_context(Carrier(number, site.pbx.address, host=CITY))

    async def call(self, site: BranchSite, number: str = "13800138000") -> OutgoingCall:
        """Somebody calls the site, and sends sound while the call is on."""
        return await (await self.caller(site, number)).call(LINE_NUMBER, sends_rtp=True)

    async def answer(self, phone: Phone) -> PhoneCall:
        """The agent answers what rings; returns when the caller's site has written that the two talk.

        A caller who hangs up before has not been answered, whatever the phone saw.
        """
        before = len(entries(self.rows(), CallConnected))
        phone.answer()
        talk = await phone.wait_talking()
        await self.until(has(CallConnected, before + 1))
        return talk

    def rows(self) -> list[LedgerRow]:
        return [row for site in self.sites.values() for row in site.branch.rows()]

    async def until(self, is_so: Callable[[list[LedgerRow]], bool]) -> list[LedgerRow]:
        """The rows of all sites once `is_so`."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not is_so(rows := self.rows()):  # noqa: ASYNC110 - other processes' databases
                    await asyncio.sleep(0.1)
        except TimeoutError:
            kinds = [(row.site_id, row.entry.kind) for row in self.rows()]
            logs = {name: site.branch.log()[-3_000:] for name, site in self.sites.items()}
            raise AssertionError(f"never so; rows: {kinds}; logs: {logs}") from None
        return rows

    def _neighbours(self, site: BranchSite) -> list[Neighbour]:
        others = [each.branch.neighbour for each in self.sites.values() if each is not site]
        moved = {name: f"{host}:{port}" for name, (host, port) in self._trunks.items()}
        return [replace(each, trunk=moved.get(each.site, each.trunk), media=self._media) for each in others]


async def falls_silent(call: OutgoingCall) -> None:
    """Return when the caller has heard nothing but silence for half a second."""
    heard = -1
    while heard != call.sound.sounding_count:
        heard = call.sound.sounding_count
        await call.wait_sound(call.sound.received_count + _SILENT_PACKETS)
