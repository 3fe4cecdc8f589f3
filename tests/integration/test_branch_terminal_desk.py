"""The terminal desk on a real pseudo-terminal, and its commands for scripts, over real gRPC."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from router.agent import AgentState
from router.call import CallState
from tests.fakes.desk_site import KIM, QUEUE, DeskSite
from tests.fakes.pty_child import PtyChild, trunkline

LIMIT_S = 20.0
CTRL_C = "\x03"
SHOW_CURSOR, LEAVE_SCREEN = "\x1b[?25h", "\x1b[?1049l"


def environ(lang: str = "C.UTF-8") -> dict[str, str]:
    return {**os.environ, "LC_ALL": lang, "TERM": "xterm-256color"}


def at(site: DeskSite, secret: Path, name: str = "1001") -> list[object]:
    return [
        "desk", "--address", f"127.0.0.1:{site.port}", "--trust", "plaintext",
        "--name", name, "--password-file", secret,
    ]  # fmt: skip


async def until_agent(site: DeskSite, state: AgentState | None) -> None:
    """Wait until Kim is in this state; None: not logged in."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            agent = site.desk.floor.agent(KIM)
            if (agent.state if agent else None) is state:
                return
            await asyncio.sleep(0.01)


def desk(
    children: list[PtyChild], site: DeskSite, secret: Path, *, name: str = "1001", lang: str = "C.UTF-8"
) -> PtyChild:
    child = PtyChild(trunkline(*at(site, secret, name)), environ(lang))
    children.append(child)
    return child


async def test_a_person_works_a_call_by_keys_and_logs_out(
    site: DeskSite, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")

    child.press("r")
    await until_agent(site, AgentState.READY)
    site.call()
    await child.shows("王小明")
    for key, state in (
        ("a", AgentState.TALKING),
        ("h", AgentState.ON_HOLD),
        ("h", AgentState.TALKING),
        ("e", AgentState.WRAP_UP),
        ("w", AgentState.READY),
    ):
        child.press(key)
        await until_agent(site, state)
        await child.shows({"w": "ready", "e": "wrap-up"}.get(key, state.lower().replace("_", " ")))
    child.press("n")
    await child.shows("1  lunch")
    child.press("1")
    await child.shows("(lunch)")
    child.press("q")

    assert await child.ended() == 0
    assert list(site.desk.floor.agents()) == []
    assert child.settings == child.before


async def test_leaving_with_a_live_call_is_asked_about_first(
    site: DeskSite, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")
    child.press("r")
    await until_agent(site, AgentState.READY)
    site.call()
    await child.shows("王小明")
    child.press("a")
    await until_agent(site, AgentState.TALKING)
    await child.shows("talking")

    child.press("q")
    await child.shows("A call is live")
    child.press("1")
    child.press("t")
    await child.shows(f"queue {QUEUE}")
    child.press("\x1b")
    child.press("q")
    await child.shows("A call is live")
    child.press("2")

    assert await child.ended() == 0
    assert [call.state for call in site.desk.floor.calls()] == [CallState.CONNECTED]


@pytest.mark.parametrize(
    ("how", "code"),
    [("ctrl-c", 130), (signal.SIGTERM, 143)],
)
async def test_however_it_ends_the_terminal_is_as_it_was(
    site: DeskSite, secret: Path, children: list[PtyChild], how: Any, code: int
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")
    assert child.settings != child.before

    child.press(CTRL_C) if how == "ctrl-c" else child.signal(how)

    assert await child.ended() == code
    assert child.settings == child.before
    assert SHOW_CURSOR in child.output
    assert LEAVE_SCREEN in child.output
    assert "Traceback" not in child.output


async def test_the_desk_speaks_chinese_where_the_terminal_does(
    site: DeskSite, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret, lang="zh_CN.UTF-8")

    await child.shows("示忙")
    child.press("q")

    assert await child.ended() == 0


async def test_a_supervisor_sees_the_site(site: DeskSite, secret: Path, children: list[PtyChild]) -> None:
    call_id = site.call()
    child = desk(children, site, secret, name="lee")

    await child.shows(call_id[-12:])
    later = site.call()
    await child.shows(later[-12:])
    child.press("q")

    assert await child.ended() == 0


async def test_a_wrong_password_ends_it_with_one_line(
    site: DeskSite, tmp_path: Path, children: list[PtyChild]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong password\n", encoding="utf-8")
    child = desk(children, site, wrong)

    assert await child.ended() == 2
    assert "name or password is wrong" in child.output
    assert "Traceback" not in child.output


# --- scripts ----------------------------------------------------------------------------


async def run(*arguments: object) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *trunkline(*arguments),
        env=environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_script_works_a_call_with_one_log_in(site: DeskSite, secret: Path, tmp_path: Path) -> None:
    common = [*at(site, secret), "--token-file", tmp_path / "token"]

    assert (await run(*common, "ready"))[0] == 0
    await asyncio.to_thread(secret.unlink)  # From here on the kept log-in has to do.
    site.call()
    assert (await run(*common, "answer", "--wait", "5"))[0] == 0
    await until_agent(site, AgentState.TALKING)
    assert (await run(*common, "hold"))[0] == 0
    _code, out, _err = await run(*common, "status")
    assert (await run(*common, "resume"))[0] == 0
    assert (await run(*common, "hang-up"))[0] == 0
    assert (await run(*common, "wrap-up-done"))[0] == 0
    await until_agent(site, AgentState.READY)
    assert (await run(*common, "log-out"))[0] == 0

    status = json.loads(out)
    assert (status["me"]["state"], status["call"]["customer_id"]) == ("ON_HOLD", "c-17")
    assert list(site.desk.floor.agents()) == []
    assert not (tmp_path / "token").exists()


async def test_what_cannot_be_done_is_said_in_one_line(site: DeskSite, secret: Path) -> None:
    code, _out, err = await run(*at(site, secret), "answer")

    assert code == 2
    assert "no call" in err
    assert "Traceback" not in err


async def test_the_kept_log_in_can_be_read_by_its_owner_only(
    site: DeskSite, secret: Path, tmp_path: Path
) -> None:
    await run(*at(site, secret), "--token-file", tmp_path / "token", "ready")

    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


async def test_the_json_stream_tells_each_change_on_a_line(site: DeskSite, secret: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *trunkline(*at(site, secret), "--json"),
        env=environ(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            first = json.loads(await process.stdout.readline())
            site.call()
            later = json.loads(await process.stdout.readline())
            process.send_signal(signal.SIGINT)
            _out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert first["me"]["state"] == "NOT_READY"
    assert later["queues"][0]["calls_waiting"] == 1
    assert process.returncode == 130
    assert b"Traceback" not in err


async def test_without_a_terminal_a_desk_says_what_there_is_for_scripts(site: DeskSite, secret: Path) -> None:
    code, _out, err = await run(*at(site, secret))

    assert code == 2
    assert "--json" in err
