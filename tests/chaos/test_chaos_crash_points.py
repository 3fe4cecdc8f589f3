"""A branch process dies by its own hand at every step of a hand-off, as origin and as helper, and comes back.

What was under way is resolved by asking: the caller is served once, every law holds, and the agent
is free again. The steps are those that two undisturbed calls go through.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL

import pytest

from node import pki
from router.ledger import CallArrived, CallEnded, HandoffConfirmed, LedgerRow
from router.records.handoff_stage import HandoffStage
from tests.fakes.branch_process import BranchProcess
from tests.fakes.dying_branch import DIE_AT, STEPS
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.fakes.pbx_process import PbxProcess

LIMIT_S = 60.0
HOME, HELPER = "beijing", "urumqi"
CALLS_TO_DIE = 3
UNDECIDED = {HandoffStage.ASKED, HandoffStage.RESERVED, HandoffStage.DIALED, HandoffStage.RANG}
ASKING = {"left GetHandoff", "left Confirm", "left Cancel"}
"""Orders that ask the other site how a hand-off stands: all three are answered with its state. A helper
asks its PBX, which holds the legs, and has its answer ready for the origin."""

pytestmark = pytest.mark.timeout(900)


class Site:
    """A branch that may die, and its PBX, which does not."""

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

    @property
    def sites(self) -> tuple[Site, Site]:
        return self.home, self.helper

    async def start(self) -> None:
        for site, other in (self.sites, self.sites[::-1]):
            self._stack.push_async_callback(site.pbx.close)
            await site.pbx.start()
            site.branch.write_file([other.branch.neighbour])
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
        for _ in range(CALLS_TO_DIE):
            await self._call()
            served = asyncio.create_task(self.until_served())
            ended = asyncio.create_task(dying.branch.ended(LIMIT_S))
            await asyncio.wait((served, ended), return_when=asyncio.FIRST_COMPLETED)
            served.cancel()
            await asyncio.gather(served, return_exceptions=True)
            if ended.done():
                assert ended.result() == -SIGKILL
                return
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)
        raise AssertionError(f"{dying.name} never came to {step!r}: {dying.steps()[-40:]}")

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
        await self.home.pbx.call(handle_s=0.2)

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


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        yield Pair(tmp_path, stack)


@pytest.mark.parametrize("side", [HOME, HELPER])
async def test_whoever_dies_at_whatever_step_of_a_hand_off_the_caller_is_served_once(
    pair: Pair, side: str
) -> None:
    await pair.start()
    dying = pair.home if side == HOME else pair.helper
    before_any_call = set(dying.steps())
    first, second = [await steps_of_a_call(pair, dying) for _ in range(2)]
    steps = [step for step in first if step in second and step not in before_any_call]
    assert {step.split()[0] for step in steps} == {"decided", "given", "written", "left"}

    for step in steps:
        await pair.call_until_death(dying, step)
        undecided = UNDECIDED & set(dying.branch.open_handoffs().values())
        known = len(dying.steps())
        await dying.come_back()
        await pair.until_served()

        assert broken_laws(pair.rows()) == {}, step
        if undecided and dying is pair.home:
            assert ASKING & set(dying.steps()[known:]), f"{step}: the helper was not asked"

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == pair.call_count
    assert len(entries(rows, HandoffConfirmed)) >= pair.call_count - len(steps)
    assert await pair.connected_twice() == 0


async def steps_of_a_call(pair: Pair, site: Site) -> list[str]:
    """What the site comes to while nothing goes wrong, each step once."""
    known = len(site.steps())
    await pair.serve_one()
    return list(dict.fromkeys(site.steps()[known:]))
