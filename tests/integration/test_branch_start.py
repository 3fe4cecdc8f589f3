"""What keeps a branch from starting is told in one line, and what its clock does while it runs."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch.app import watch_clock
from node import pki
from router.facts import ClockStepped, Fact
from sync.clock import ManualClock
from tests.fakes.branch_process import BranchProcess
from tests.fakes.pbx_process import PbxProcess


@pytest.fixture
async def branch(tmp_path: Path) -> AsyncIterator[BranchProcess]:
    certificates = tmp_path / "pki"
    pki.init_ca(certificates, "demo", now=datetime.now(UTC))
    pki.issue(certificates, "site", "beijing", [], now=datetime.now(UTC))
    pbx = PbxProcess(tmp_path / "pbx", "beijing")
    made = BranchProcess(tmp_path / "branch", certificates, pbx)
    made.write_file()
    yield made
    await made.close()
    await pbx.close()


def change(branch: BranchProcess, old: str, new: str) -> None:
    text = branch.file.read_text(encoding="utf-8")
    assert old in text
    branch.file.write_text(text.replace(old, new), encoding="utf-8")


async def test_a_database_that_cannot_be_opened_is_told_without_a_traceback(branch: BranchProcess) -> None:
    change(branch, "/branch.db", "/no/such/folder/branch.db")

    code, said = await branch.command("run")

    assert code == 2
    assert "the database cannot be used" in said
    assert "Traceback" not in said


async def test_a_pbx_that_does_not_let_us_in_is_told_without_a_traceback(branch: BranchProcess) -> None:
    await branch.pbx.start()
    (branch.folder / "pbx.password").write_text("wrong\n", encoding="utf-8")

    code, said = await branch.command("run")

    assert code == 2
    assert "check [telephony]" in said
    assert "Traceback" not in said


async def test_a_port_that_is_taken_is_told_with_its_address(branch: BranchProcess) -> None:
    await branch.pbx.start()
    with socket.create_server(("127.0.0.1", branch.metrics_port)):
        code, said = await branch.command("run")

    assert code == 2
    assert f"127.0.0.1:{branch.metrics_port}" in said
    assert "Traceback" not in said


async def test_two_branches_on_one_port_are_one_too_many(branch: BranchProcess) -> None:
    await branch.pbx.start()
    with socket.create_server(("127.0.0.1", branch.port)):
        code, said = await branch.command("run")

    assert code == 2
    assert f"127.0.0.1:{branch.port}" in said


async def test_a_branch_started_twice_leaves_the_first_alone(branch: BranchProcess) -> None:
    await branch.pbx.start()
    await branch.start()

    code, said = await branch.command("run")

    assert code == 2
    assert f"127.0.0.1:{branch.port}" in said
    assert "pbx_connected" not in said
    assert (await branch.command("status"))[0] == 0


async def test_three_faults_of_a_file_are_all_told(branch: BranchProcess) -> None:
    change(branch, "Asia/Shanghai", "Asia/Peking")
    change(branch, "ballast_mb = 1", "ballast_mb = -1")
    change(branch, 'driver = "simulated"', 'driver = "simulated"\ndrvier = 1')

    code, said = await branch.command("check")

    assert code == 2
    assert "3 faults" in said
    assert all(place in said for place in ("site.time_zone", "limits.ballast_mb", "telephony.drvier"))


async def test_a_clock_that_is_set_back_is_told_once_and_one_that_runs_is_not() -> None:
    clock = ManualClock(mono_ms=1_000, utc_us=1_000_000_000)
    told: list[Fact] = []
    watching = asyncio.create_task(watch_clock(clock, 1.0, told.append, 0.0))
    for advance_ms, step_us in ((0, 0), (1_000, 0), (1_000, -5_000_000), (1_000, 0)):
        clock.advance_ms(advance_ms)
        clock.step_utc(step_us)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert told == [ClockStepped(by_ms=-5_000)]
