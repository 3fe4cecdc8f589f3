"""A process's life: start, run until a signal or a crash, drain within a limit, close, leave nothing behind.

The first SIGTERM, SIGINT or SIGHUP drains: no new work, live work finishes. The second
SIGTERM or SIGINT stops at once; a terminal that closes may send SIGHUP twice. A supervised
task that fails ends the process, because a node that lost one of its loops only looks alive.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, Self, TypeVar

import structlog

if sys.platform != "win32":
    import uvloop

T = TypeVar("T")
log = structlog.get_logger()

EXIT_DRAINED = 0
EXIT_CRASHED = 1
EXIT_DRAIN_CUT = 3
"""Live work was still there when the drain's limit passed; whoever watches the process should know."""

_CLOSE_LIMIT_S = 5.0
"""Closing means releasing what is held: a socket that will not close must not hold the process."""

_ENDING = (signal.SIGTERM, signal.SIGINT)


class Drainable(Protocol):
    """What a process runs, once started."""

    async def drain(self) -> None:
        """Take no new work; return when the live work has finished."""
        ...

    async def close(self) -> None:
        """Release everything now, finished or not."""
        ...


class Tasks:
    """The process's long-running tasks; the first to fail ends the process."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self.failed: asyncio.Future[asyncio.Task[Any]] = asyncio.get_running_loop().create_future()
        """Done with the first task that failed; never done otherwise."""

    def start(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run `coroutine` beside everything else; `name` is what the log says when it fails."""
        task = asyncio.create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._note_end)
        return task

    async def cancel(self) -> None:
        """Cancel what still runs and wait until it has ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        log.error("task_crashed", task=task.get_name(), exc_info=task.exception())
        if not self.failed.done():
            self.failed.set_result(task)


class _Signals:
    """The first and the second signal to end as futures, while entered."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.first: asyncio.Future[signal.Signals] = self._loop.create_future()
        self.second: asyncio.Future[signal.Signals] = self._loop.create_future()
        self._heard = list(_ENDING)
        # Whoever started us with nohup wants us to outlive the terminal.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._heard.append(signal.SIGHUP)

    def __enter__(self) -> Self:
        for number in self._heard:
            self._loop.add_signal_handler(number, self._note, number)
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._heard:
            self._loop.remove_signal_handler(number)

    def _note(self, number: signal.Signals) -> None:
        future = self.second if self.first.done() else self.first
        if not future.done() and (future is self.first or number is not signal.SIGHUP):
            future.set_result(number)


def run(start: Callable[[Tasks], Awaitable[Drainable]], *, drain_limit_s: float) -> int:
    """Run a process's whole life on a loop of its own; returns the exit code.

    Raises:
        Exception: whatever `start` raised; nothing runs any more.
    """
    loop_factory = None if sys.platform == "win32" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run_until_signalled(start, drain_limit_s=drain_limit_s))


async def run_until_signalled(start: Callable[[Tasks], Awaitable[Drainable]], *, drain_limit_s: float) -> int:
    """Start the app, run it until a signal or a crash, drain it, close it; returns the exit code.

    A start that raises has to release what it already holds; so has one that is cancelled,
    which is what a signal does to it.
    """
    tasks = Tasks()
    with _Signals() as signals:
        try:
            app = await _start(start(tasks), signals, tasks)
            if app is None:
                return _exit_code(signals, tasks)
            _spare_collector()
            try:
                await _run(app, signals, tasks, drain_limit_s)
                return _exit_code(signals, tasks)
            except TimeoutError:
                log.warning("drain_cut", drain_limit_s=drain_limit_s)
                return EXIT_DRAIN_CUT
            finally:
                await _close(app)
        finally:
            await tasks.cancel()


def _spare_collector() -> None:
    """What a started process holds it holds to its end: modules, schemas, its parts.

    To look through all of it for garbage would keep the loop from its work for a tenth of a second,
    in the middle of calls.
    """
    gc.collect()
    gc.freeze()


async def _start(starting: Awaitable[Drainable], signals: _Signals, tasks: Tasks) -> Drainable | None:
    task = asyncio.ensure_future(starting)
    await _first_of(task, signals.first, tasks.failed)
    if task.done():
        return task.result()
    await _cancelled(task)
    return None


async def _run(app: Drainable, signals: _Signals, tasks: Tasks, drain_limit_s: float) -> None:
    """Returns when drained, stopped by a second signal or ended by a crash.

    Raises:
        TimeoutError: the limit passed with work still live.
    """
    await _first_of(signals.first, tasks.failed)
    if tasks.failed.done():
        return
    log.info("drain_started", signal=signals.first.result().name, drain_limit_s=drain_limit_s)
    draining = asyncio.ensure_future(app.drain())
    done = await _first_of(draining, signals.second, tasks.failed, limit_s=drain_limit_s)
    if draining in done:
        draining.result()
        log.info("drain_finished")
        return
    await _cancelled(draining)
    if not done:
        raise TimeoutError


async def _first_of(*ends: asyncio.Future[Any], limit_s: float | None = None) -> set[asyncio.Future[Any]]:
    done, _ = await asyncio.wait(ends, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    return done


async def _close(app: Drainable) -> None:
    try:
        async with asyncio.timeout(_CLOSE_LIMIT_S):
            await app.close()
    except TimeoutError:
        log.warning("close_cut", close_limit_s=_CLOSE_LIMIT_S)


async def _cancelled(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _exit_code(signals: _Signals, tasks: Tasks) -> int:
    if tasks.failed.done():
        return EXIT_CRASHED
    if signals.second.done():
        # The shell's convention for a process that a signal ended.
        return 128 + signals.second.result()
    return EXIT_DRAINED
