"""Memory of a branch's process: idle beside its etcd and its PBX, and with 1,000 live calls."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.etcd import start_etcd
from node import pki
from tests.fakes.branch_process import BranchProcess
from tests.fakes.pbx_process import PbxProcess

CALL_COUNT = 1_000
AGENT_COUNT = 100
IDLE_GOAL_MB = 120.0
SETTLE_S = 3.0
"""Long enough for the first rounds of everything that comes back by the clock."""
LIMIT_S = 120.0
COMMAND = "make bench"


async def _measure(folder: Path) -> tuple[float, float]:
    async with AsyncExitStack() as stack:
        etcd = start_etcd(folder / "etcd")
        stack.callback(etcd.kill)
        branch = await _start(folder, etcd.endpoints, stack)
        await asyncio.sleep(SETTLE_S)
        idle_mb = _resident_mb(branch.pid)
        for _ in range(CALL_COUNT):
            await branch.pbx.call(handle_s=3_600.0)
        await _until_live(branch, CALL_COUNT)
        await asyncio.sleep(SETTLE_S)
        return idle_mb, _resident_mb(branch.pid)


async def _start(folder: Path, etcd: tuple[str, ...], stack: AsyncExitStack) -> BranchProcess:
    certificates = folder / "pki"
    pki.init_ca(certificates, "bench", now=datetime.now(UTC))
    pki.issue(certificates, "site", "beijing", [], now=datetime.now(UTC))
    agents = "".join(f'[[people.agent]]\nid = "beijing/{number}"\n' for number in range(AGENT_COUNT))
    pbx = PbxProcess(folder / "pbx", "beijing", people=f"ring_s = 0.1\n{agents}")
    stack.push_async_callback(pbx.close)
    await pbx.start()
    branch = BranchProcess(folder / "branch", certificates, pbx)
    stack.push_async_callback(branch.close)
    branch.add_agents(*range(AGENT_COUNT))
    branch.write_file(etcd=etcd)
    return await branch.start()


async def _until_live(branch: BranchProcess, count: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            status = await branch.status()
            if status is not None and sum(status.calls.values()) == count:
                return
            await asyncio.sleep(0.2)


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_024
    raise RuntimeError(f"/proc/{pid}/status tells no VmRSS")


def results() -> list[dict[str, Any]]:
    """Measure and return the rows of the report."""
    with tempfile.TemporaryDirectory(prefix="bench-node-") as folder:
        idle_mb, busy_mb = asyncio.run(_measure(Path(folder)))
    return [
        _row("node/branch_idle_rss", idle_mb, IDLE_GOAL_MB),
        _row("node/branch_1000_calls_rss", busy_mb, None),
    ]


def _row(name: str, value: float, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "MB",
        "better": "lower",
        "goal": goal,
        "command": COMMAND,
    }


if __name__ == "__main__":
    for row in results():
        print(row)
