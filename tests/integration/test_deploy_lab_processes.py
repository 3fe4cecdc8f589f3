"""A lab's processes: kept up as a service manager would, given up when that is no use, never left behind."""

import asyncio
import os
from pathlib import Path

import pytest

from deploy.lab.files import BRANCH_FILE, write_ground, write_nodes
from deploy.lab.plan import make_plan
from deploy.lab.processes import LabProcess, ProcessFailedError, run_command, trunkline
from deploy.lab.simulated import PBX_FILE, SimulatedTelephony
from router.world.day.busy_hour import default_scenario

LIMIT_S = 60.0


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def pid_of(process: LabProcess, *, after: int | None = None) -> int:
    """Its process id, once it has one that is not `after`."""
    async with asyncio.timeout(LIMIT_S):
        while process.pid in (None, after):  # noqa: ASYNC110 - a process that starts by itself
            await asyncio.sleep(0.02)
    assert process.pid is not None
    return process.pid


@pytest.fixture
def pbx(tmp_path: Path) -> LabProcess:
    """A simulated PBX of a lab that is not there: nobody steers it, and it goes on."""
    plan = make_plan(tmp_path, default_scenario(1, agents=1), [], speed=60, now_s=1_790_000_000)
    write_nodes(plan, write_ground(plan, "127.0.0.1:2379", "sqlite:///hq.db"), SimulatedTelephony())
    file = plan.sites[0].folder / PBX_FILE
    return LabProcess("pbx:beijing", trunkline("simpbx", "run", str(file)), tmp_path / "pbx.log")


async def test_a_killed_process_is_started_again_until_it_is_stopped(pbx: LabProcess) -> None:
    keeper = asyncio.create_task(pbx.keep_up())
    first = await pid_of(pbx)

    pbx.kill()
    second = await pid_of(pbx, after=first)
    assert pbx.restart_count == 1

    await pbx.stop()
    await keeper
    assert pbx.pid is None
    assert not is_alive(first)
    assert not is_alive(second)
    assert pbx.restart_count == 1


async def test_a_process_stopped_while_it_is_being_started_does_not_stay(pbx: LabProcess) -> None:
    keeper = asyncio.create_task(pbx.keep_up())
    # The keeper has asked for the process and has not got it yet.
    await asyncio.sleep(0)

    await pbx.stop()

    async with asyncio.timeout(LIMIT_S):
        await keeper
    assert pbx.pid is None


async def test_a_process_that_was_given_something_wrong_is_not_tried_again(tmp_path: Path) -> None:
    file = tmp_path / BRANCH_FILE
    process = LabProcess("branch:beijing", trunkline("branch", "run", str(file)), tmp_path / "branch.log")

    with pytest.raises(ProcessFailedError, match=r"branch:beijing ended with status 2(.|\n)*branch\.toml"):
        await process.keep_up()

    assert process.restart_count == 1


async def test_a_command_that_fails_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match=r"status 2(.|\n)*nowhere\.toml"):
        await run_command(
            "agents",
            trunkline(
                "agent", "import", str(tmp_path / "nowhere.csv"), "--site", str(tmp_path / "nowhere.toml")
            ),
            tmp_path / "agents.log",
        )
