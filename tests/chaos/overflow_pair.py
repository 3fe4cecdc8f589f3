"""A site where nobody works and one that helps, as real processes; either may be told where to die."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL, SIGSTOP, Signals

from node import pki
from router.ledger import CallEnded, LedgerRow
from tests.fakes.branch_process import BranchProcess
from tests.fakes.dying_branch import DIE_AT, STEPS
from tests.fakes.ledger_reading import has
from tests.fakes.pbx_process import PbxProcess

LIMIT_S = 60.0
HOME, HELPER = "beijing", "urumqi"
CALLS_TO_DIE = 3


class Site:
    """A branch that may die, or kill, and its PBX."""

    def __init__(self, folder: Path, certificates: Path, name: str, people: str) -> None:
        self.name = name
        self.pbx = PbxProcess(folder / f"{name}-pbx", name, people=people)
        self.branch = BranchProcess(folder / name, certificates, self.pbx)
        self.branch.entry = ("-m", "tests.fakes.dying_branch", str(self.branch.folder))

    def steps(self) -> list[str]:
        file = self.branch.folder / STEPS
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def die_at(self, step: str) -> None:
        (self.branch.folder / DIE_AT).write_text(step, encoding="utf-8")

    def kill_at(self, step: str, pid: int, signal: Signals = SIGKILL) -> None:
        """This branch goes on, and that process does not."""
        (self.branch.folder / DIE_AT).write_text(f"{step}\n{pid} {signal:d}", encoding="utf-8")

    async def come_back(self) -> None:
        """Once it is dead."""
        (self.branch.folder / DIE_AT).unlink()
        await self.branch.start()


class Pair:
    """A site where nobody works, and one with an agent who helps."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        certificates = folder / "pki"
        pki.init_ca(certificates, "demo", now=datetime.now(UTC))
        for name in (HOME, HELPER):
            pki.issue(certificates, "site", name, [], now=datetime.now(UTC))
        agent = f'ring_s = 0.1\n[[people.agent]]\nid = "{HELPER}/1"\n'
        self.home = Site(folder, certificates, HOME, "ring_s = 0.1\n")
        self.helper = Site(folder, certificates, HELPER, agent)
        self.helper.branch.add_agents(1)
        self._stack = stack
        self.call_count = 0
        self.talk_s = 0.2
        """Of each call; a call that is answered ends then."""

    @property
    def sites(self) -> tuple[Site, Site]:
        return self.home, self.helper

    async def start(self, trunk_to_helper: str | None = None) -> None:
        """`trunk_to_helper` is where the helper's trunk is dialled, if not at its PBX."""
        there = self.helper.branch.neighbour
        there = replace(there, trunk=trunk_to_helper or there.trunk)
        for site, neighbour in ((self.home, there), (self.helper, self.home.branch.neighbour)):
            self._stack.push_async_callback(site.pbx.close)
            await site.pbx.start()
            site.branch.write_file([neighbour])
            self._stack.push_async_callback(site.branch.close)
        await asyncio.gather(*(site.branch.start() for site in self.sites))
        await self.until_idle()

    async def serve_one(self) -> None:
        """Somebody calls, waits for an answer however long it takes, and talks for a moment."""
        await self._call()
        await self.until_served()

    async def call_until_death(self, dying: Site, step: str) -> None:
        """A step comes with every call, but which rows share a turn may depend on the moment."""
        dying.die_at(step)
        assert await self._call_until(dying, step, lambda: dying.branch.ended(LIMIT_S)) == -SIGKILL

    async def call_until_pbx_death(self, noticing: Site, step: str) -> None:
        """The helper's PBX is killed when a branch, its own or its origin's, comes to the step."""
        noticing.kill_at(step, self.helper.pbx.pid)
        assert await self._call_until(noticing, step, self.helper.pbx.ended) == -SIGKILL

    async def call_until_frozen(self, frozen: Site, noticing: Site, step: str) -> None:
        """A PBX stops, with all its connections up, when a branch comes to the step."""
        noticing.kill_at(step, frozen.pbx.pid, SIGSTOP)
        assert await self._call_until(noticing, step, frozen.pbx.stopped) == SIGSTOP

    async def _call_until(self, site: Site, step: str, ended: Callable[[], Awaitable[int]]) -> int:
        for _ in range(CALLS_TO_DIE):
            await self._call()
            served = asyncio.ensure_future(self.until_served())
            dead = asyncio.ensure_future(ended())
            await asyncio.wait((served, dead), return_when=asyncio.FIRST_COMPLETED)
            served.cancel()
            await asyncio.gather(served, return_exceptions=True)
            if dead.done():
                return dead.result()
            dead.cancel()
            await asyncio.gather(dead, return_exceptions=True)
        raise AssertionError(f"{site.name} never came to {step!r}: {site.steps()[-40:]}")

    async def connected_twice(self) -> int:
        """Ends the PBXes: how many callers were with two agents, as they have seen it."""
        count = 0
        for site in self.sites:
            assert await site.pbx.stop() == 0
            counts = json.loads((site.pbx.folder / "counts.json").read_text(encoding="utf-8"))
            count += counts["connected_twice"]
        return count

    async def _call(self) -> None:
        self.call_count += 1
        await self.home.pbx.call(handle_s=self.talk_s)

    async def until_served(self) -> None:
        """All who have called have been served, and nothing is going on any more."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not self._are_all_ended():  # noqa: ASYNC110 - other processes' databases
                    await asyncio.sleep(0.05)
        except TimeoutError:
            told = {site.name: (site.steps()[-30:], site.branch.log()[-2_000:]) for site in self.sites}
            raise AssertionError(f"a call has not ended; {told}") from None
        await self.until_idle()

    async def until_idle(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not await self._is_idle():  # noqa: ASYNC110 - other processes' state
                await asyncio.sleep(0.05)

    async def _is_idle(self) -> bool:
        home, helper = [await site.branch.status() for site in self.sites]
        if home is None or helper is None or home.calls or helper.calls:
            return False
        is_connected = all(home.peers.values()) and all(helper.peers.values())
        return is_connected and dict(helper.agents) == {"READY": 1}

    def _are_all_ended(self) -> bool:
        is_open = any(site.branch.open_handoffs() for site in self.sites)
        return has(CallEnded, self.call_count)(self.rows()) and not is_open

    def rows(self) -> list[LedgerRow]:
        return [row for site in self.sites for row in site.branch.rows()]
