"""A lab that is told to stop, or killed, leaves no process, no folder and no spoiled terminal behind."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from tests.fakes.pty_child import PtyChild

pytestmark = pytest.mark.timeout(240)

STAGE_LIMIT_S = 120.0
END_LIMIT_S = 60.0
STARTING, AGENTS, NODES, DAY, NIGHT = (
    "starting",
    "adding the agents",
    "starting the nodes",
    "lab clock",
    "night falls",
)
"""What the lab shows at each stage."""
SCENARIO = """
duration_s = 300
[[site]]
id = "beijing"
agents = 2
[[site]]
id = "urumqi"
agents = 2
"""
CALLS = "arrive_s,site,queue,handle_s,patience_s,priority,customer\n" + "".join(
    f"{at},beijing,general,60,60,0,\n" for at in range(10, 300, 20)
)

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
CTRL_C = "\x03"

Start = Callable[[], Awaitable[PtyChild]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a lab of a few minutes on a terminal; all it writes is below the test's own folder."""
    children: list[PtyChild] = []
    (tmp_path / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "calls.csv").write_text(CALLS, encoding="utf-8")
    (tmp_path / "labs").mkdir()

    async def started() -> PtyChild:
        files = ("--scenario", tmp_path / "scenario.toml", "--calls", tmp_path / "calls.csv")
        command = [Path(sys.executable).with_name("trunkline"), "lab", *files, "--speed", "60"]
        environ = {**os.environ, "TMPDIR": str(tmp_path / "labs"), "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        children.append(PtyChild([str(part) for part in command], environ))
        return children[-1]

    yield started
    for child in children:
        child.close()


async def reach(child: PtyChild, stage: str) -> None:
    try:
        async with asyncio.timeout(STAGE_LIMIT_S):
            while stage not in child.output:  # noqa: ASYNC110 - what another process writes, as it comes
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{stage!r} was never shown, but {child.output[-2000:]!r}") from None


def processes_below(folder: Path) -> dict[int, str]:
    """Every process that was given a path below `folder`, or stands there."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((process / "cwd").readlink())
        except OSError:
            continue  # It has ended meanwhile, or is a zombie: it has no place any more.
        if f"{folder}/labs/" in f"{command} {place}":
            found[int(process.name)] = command
    return found


async def none_left(folder: Path) -> dict[int, str]:
    """What is still there after the limit; empty is what should be."""
    left = processes_below(folder)
    for _ in range(round(END_LIMIT_S / 0.1)):
        if not left:
            break
        await asyncio.sleep(0.1)
        left = processes_below(folder)
    return left


def assert_terminal_is_as_before(child: PtyChild) -> None:
    assert child.settings == child.before
    assert child.output.rfind(SHOW_CURSOR) >= child.output.rfind(HIDE_CURSOR)


@pytest.mark.parametrize("stage", [STARTING, AGENTS, NODES, DAY, NIGHT])
async def test_ctrl_c_ends_a_lab_and_everything_it_started(start: Start, tmp_path: Path, stage: str) -> None:
    child = await start()
    await reach(child, stage)

    child.press(CTRL_C)

    assert await child.ended(END_LIMIT_S) == 130, child.output[-2000:]
    assert processes_below(tmp_path) == {}
    assert list((tmp_path / "labs").iterdir()) == []
    assert "Traceback" not in child.output
    assert_terminal_is_as_before(child)


@pytest.mark.parametrize("stage", [AGENTS, DAY])
async def test_a_service_managers_stop_ends_a_lab_and_everything_it_started(
    start: Start, tmp_path: Path, stage: str
) -> None:
    child = await start()
    await reach(child, stage)

    child.signal(SIGTERM)

    assert await child.ended(END_LIMIT_S) == 128 + SIGTERM, child.output[-2000:]
    assert processes_below(tmp_path) == {}
    assert list((tmp_path / "labs").iterdir()) == []
    assert "Traceback" not in child.output
    assert_terminal_is_as_before(child)


@pytest.mark.parametrize("stage", [AGENTS, NODES, DAY, NIGHT])
async def test_a_killed_lab_leaves_no_process(start: Start, tmp_path: Path, stage: str) -> None:
    child = await start()
    await reach(child, stage)
    assert processes_below(tmp_path)

    child.signal(SIGKILL)

    assert await child.ended(END_LIMIT_S) == -SIGKILL
    assert await none_left(tmp_path) == {}
