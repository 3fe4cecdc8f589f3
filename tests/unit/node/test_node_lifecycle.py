import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable

import pytest
import structlog

from node.lifecycle import EXIT_CRASHED, EXIT_DRAIN_CUT, EXIT_DRAINED, Tasks, run_until_signalled

DRAIN_LIMIT_S = 5.0


class Office:
    """An app whose live work ends when the test says so."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.is_up = asyncio.Event()
        self.is_draining = asyncio.Event()
        self.work_is_done = asyncio.Event()

    async def start(self, _tasks: Tasks) -> "Office":
        self.steps.append("started")
        self.is_up.set()
        return self

    async def drain(self) -> None:
        self.steps.append("draining")
        self.is_draining.set()
        await self.work_is_done.wait()
        self.steps.append("drained")

    async def close(self) -> None:
        self.steps.append("closed")


@pytest.fixture
async def office() -> Office:
    return Office()


def running(
    start: Callable[[Tasks], Awaitable[Office]], drain_limit_s: float = DRAIN_LIMIT_S
) -> asyncio.Task[int]:
    return asyncio.create_task(run_until_signalled(start, drain_limit_s=drain_limit_s))


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_drains_then_closes(office: Office, number: signal.Signals) -> None:
    life = running(office.start)
    await office.is_up.wait()

    send(number)
    await office.is_draining.wait()
    office.work_is_done.set()

    assert await life == EXIT_DRAINED
    assert office.steps == ["started", "draining", "drained", "closed"]


async def test_work_that_outlasts_the_limit_is_cut_and_told(office: Office) -> None:
    life = running(office.start, drain_limit_s=0.02)
    await office.is_up.wait()

    send(signal.SIGTERM)

    assert await life == EXIT_DRAIN_CUT
    assert office.steps == ["started", "draining", "closed"]


async def test_a_terminal_that_closes_says_so_twice_and_the_live_work_finishes(office: Office) -> None:
    life = running(office.start)
    await office.is_up.wait()

    send(signal.SIGHUP)
    await office.is_draining.wait()
    send(signal.SIGHUP)
    await asyncio.sleep(0)  # The loop hears of it before it hears that the work is done.
    office.work_is_done.set()

    assert await life == EXIT_DRAINED
    assert office.steps == ["started", "draining", "drained", "closed"]


async def test_a_process_under_nohup_outlives_its_terminal(office: Office) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        life = running(office.start)
        await office.is_up.wait()
        send(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert office.steps == ["started"]
        office.work_is_done.set()
        send(signal.SIGTERM)
        assert await life == EXIT_DRAINED
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_second_signal_stops_at_once(office: Office) -> None:
    life = running(office.start)
    await office.is_up.wait()

    send(signal.SIGTERM)
    await office.is_draining.wait()
    send(signal.SIGINT)

    assert await life == 128 + signal.SIGINT
    assert office.steps == ["started", "draining", "closed"]


async def test_a_crashed_task_ends_the_process_with_its_reason(office: Office) -> None:
    async def lose_the_pbx() -> None:
        await office.is_up.wait()
        raise ConnectionError("PBX gone")

    async def start(tasks: Tasks) -> Office:
        _task = tasks.start(lose_the_pbx(), name="telephony")
        return await office.start(tasks)

    with structlog.testing.capture_logs() as lines:
        code = await running(start)

    assert code == EXIT_CRASHED
    assert office.steps == ["started", "closed"]
    [line] = [line for line in lines if line["event"] == "task_crashed"]
    assert (line["task"], str(line["exc_info"])) == ("telephony", "PBX gone")


async def test_a_task_that_ends_by_itself_ends_nothing_else(office: Office) -> None:
    has_ended = asyncio.Event()

    async def short() -> None:
        has_ended.set()

    async def start(tasks: Tasks) -> Office:
        _task = tasks.start(short(), name="short")
        return await office.start(tasks)

    life = running(start)
    await office.is_up.wait()
    await has_ended.wait()
    office.work_is_done.set()
    send(signal.SIGTERM)

    assert await life == EXIT_DRAINED


async def test_no_task_is_left_behind(office: Office) -> None:
    async def start(tasks: Tasks) -> Office:
        _task = tasks.start(asyncio.Event().wait(), name="forever")
        return await office.start(tasks)

    before = asyncio.all_tasks()
    life = running(start)
    await office.is_up.wait()
    office.work_is_done.set()
    send(signal.SIGTERM)
    await life

    assert asyncio.all_tasks() <= before


async def test_a_start_that_fails_says_why_and_stops_its_tasks(office: Office) -> None:
    stopped = asyncio.Event()

    async def beside() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def start(tasks: Tasks) -> Office:
        _task = tasks.start(beside(), name="beside")
        await asyncio.sleep(0)
        raise OSError("the port is taken")

    with pytest.raises(OSError, match="taken"):
        await running(start)
    assert stopped.is_set()


async def test_a_signal_while_starting_cancels_the_start() -> None:
    is_starting, was_released = asyncio.Event(), asyncio.Event()

    async def start(_tasks: Tasks) -> Office:
        is_starting.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_released.set()
        raise AssertionError("nobody waits that long")

    life = running(start)
    await is_starting.wait()
    send(signal.SIGTERM)

    assert await life == EXIT_DRAINED
    assert was_released.is_set()


async def test_a_drain_that_fails_still_closes(office: Office) -> None:
    async def drain() -> None:
        raise RuntimeError("lost count")

    office.drain = drain  # type: ignore[method-assign]  # this office's drain is broken
    life = running(office.start)
    await office.is_up.wait()
    send(signal.SIGTERM)

    with pytest.raises(RuntimeError, match="lost count"):
        await life
    assert office.steps == ["started", "closed"]


def test_a_process_ends_on_sigterm_with_nothing_on_its_conscience() -> None:
    program = """
        import sys
        from node import logs
        from node.lifecycle import run

        logs.configure(level="info", style="json")

        class App:
            async def drain(self): print("drained", flush=True)
            async def close(self): print("closed", flush=True)

        async def start(tasks):
            print("up", flush=True)
            return App()

        sys.exit(run(start, drain_limit_s=5))
    """
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        said, complaints = process.communicate(timeout=10)

    assert process.returncode == 0
    assert said == "drained\nclosed\n"
    assert [json.loads(line)["event"] for line in complaints.splitlines()] == [
        "drain_started",
        "drain_finished",
    ]
