"""Branch processes killed again and again in the middle of a busy quarter of an hour: every law holds."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from branch.telephony.simulated.wire import Play
from node import pki
from router.call import Disposition
from router.ledger import CallArrived, CallEnded, LedgerRow, NodeStarted
from router.world.day.busy_hour import generate
from router.world.day.callers import BusyHour
from router.world.day.calls import format_calls
from router.world.day.scenario import parse_scenario
from router.world.laws.ledgers import check_ledgers
from tests.fakes.branch_process import BranchProcess
from tests.fakes.pbx_process import PbxProcess

SPEED = 20.0
DAY_S = 600
AGENTS = {"beijing": 4, "urumqi": 3}
SCENARIO = f"duration_s = {DAY_S}\n" + "".join(
    f'[[site]]\nid = "{site}"\nagents = {count}\n' for site, count in AGENTS.items()
)
CALLERS = BusyHour(handle_mean_s=30.0, patience_mean_s=90.0, occupancy=0.9, swing=0.9)
EPOCH_UTC_US = 1_700_000_000_000_000
LIMIT_S = 150.0

pytestmark = pytest.mark.timeout(240)


class Storm:
    """Two sites through a short day, with kills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started_at_utc_us = time.time_ns() // 1_000
        self.branches: list[BranchProcess] = []
        self.stack = AsyncExitStack()
        calls = generate(parse_scenario(SCENARIO), 5, CALLERS)
        self.call_count = len(calls)
        (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
        (folder / "calls.csv").write_text("".join(format_calls(calls)), encoding="utf-8")
        pki.init_ca(folder / "pki", "demo", now=datetime.now(UTC))

    @property
    def clock(self) -> str:
        return (
            f"[clock]\nspeed = {SPEED}\nstarted_at_utc_us = {self.started_at_utc_us}\n"
            f"epoch_utc_us = {EPOCH_UTC_US}\n"
        )

    async def start(self) -> None:
        for site, count in AGENTS.items():
            self.branches.append(await self._add(site, count))
        for branch in self.branches:
            others = [each.neighbour for each in self.branches if each is not branch]
            branch.write_file(others, more=self.clock, queue="general")
        await asyncio.gather(*(branch.start() for branch in self.branches))
        await asyncio.gather(*(branch.pbx.do(Play.BEGIN_DAY) for branch in self.branches))

    async def until_over(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not await self._is_over():  # noqa: ASYNC110 - other processes' state
                await asyncio.sleep(0.2)

    async def kill_now_and_then(self, rng: random.Random) -> None:
        """SIGKILL one branch, start it again, and so on until cancelled."""
        while True:
            await asyncio.sleep(rng.uniform(0.5, 2.0))
            branch = rng.choice(self.branches)
            await branch.kill()
            await branch.start()

    async def seen(self) -> dict[str, Any]:
        """Stop the PBXes; what they have seen of their callers, by call."""
        stories: dict[str, Any] = {}
        for branch in self.branches:
            assert await branch.pbx.stop() == 0
            counts = json.loads((branch.pbx.folder / "counts.json").read_text(encoding="utf-8"))
            assert counts["connected_twice"] == 0
            stories |= counts["calls"]
        return stories

    async def _add(self, site: str, count: int) -> BranchProcess:
        certificates = self.folder / "pki"
        pki.issue(certificates, "site", site, [], now=datetime.now(UTC))
        agents = "".join(f'[[people.agent]]\nid = "{site}/{1_000 + n}"\n' for n in range(count))
        calls = (
            f"[calls]\nscenario = '{self.folder / 'scenario.toml'}'\nfile = '{self.folder / 'calls.csv'}'\n"
            "waits = true\n"
        )
        pbx = PbxProcess(
            self.folder / f"{site}-pbx", site, people=f"ring_s = 2\n{agents}", more=calls + self.clock
        )
        self.stack.push_async_callback(pbx.close)
        await pbx.start()
        branch = BranchProcess(self.folder / site, certificates, pbx)
        self.stack.push_async_callback(branch.close)
        branch.add_agents(*range(1_000, 1_000 + count))
        return branch

    async def _is_over(self) -> bool:
        counts = [await branch.pbx.do(Play.COUNT) for branch in self.branches]
        is_all_told = sum(each["offered"] for each in counts) == self.call_count
        return is_all_told and not any(each["in_system"] for each in counts)


@pytest.fixture
async def storm(tmp_path: Path) -> AsyncIterator[Storm]:
    made = Storm(tmp_path)
    yield made
    await made.stack.aclose()


def endings(rows: list[LedgerRow]) -> dict[str, CallEnded]:
    return {row.entry.call_id: row.entry for row in rows if isinstance(row.entry, CallEnded)}


async def test_branches_killed_at_any_moment_lose_no_call_and_deliver_none_twice(storm: Storm) -> None:
    rng = random.Random(11)
    await storm.start()

    killing = asyncio.create_task(storm.kill_now_and_then(rng))
    await storm.until_over()
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    for branch in storm.branches:
        await branch.close()
        await branch.start()
        branch.terminate()
        assert await branch.ended() == 0, branch.log()[-2_000:]
    rows = [row for branch in storm.branches for row in branch.rows()]
    seen = await storm.seen()

    start_count = sum(isinstance(row.entry, NodeStarted) for row in rows)
    kill_count = start_count - 2 * len(storm.branches)
    assert kill_count >= 2, "too few kills to show anything"
    ended, arrived = endings(rows), {r.entry.call_id for r in rows if isinstance(r.entry, CallArrived)}
    assert arrived == ended.keys()
    assert {result.name: result.violations for result in check_ledgers(rows) if result.violations} == {}
    taken = {call_id for call_id, story in seen.items() if story["taken"]}
    assert taken <= ended.keys(), "the PBX answered a caller whom no ledger knows"
    talked = {call_id for call_id, story in seen.items() if story["conversations"] > 0}
    answered = {call_id for call_id, end in ended.items() if end.disposition is Disposition.ANSWERED}
    assert talked <= answered, "somebody talked and the ledger does not say so"
