"""A simulated PBX as a real process, and the hands of its people."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from branch.telephony.driver.vocabulary import Do
from branch.telephony.simulated.wire import FRAME_LIMIT_BYTES, PROTOCOL, Play, Role, decode, encode
from deploy.ports import free_ports

PASSWORD = "open, sesame"

_COMMAND = """
from branch.telephony.simulated.commands import register
from node import cli
cli.entry_point_groups = lambda: [register]
cli.main()
"""
"""The command line with this one group: the others' imports are no part of these tests."""

_START_LIMIT_S = 90.0
"""A busy machine imports slowly."""


class PbxProcess:
    """One site's simulated PBX; `people` is TOML below [people], agents included."""

    def __init__(self, folder: Path, site: str, *, people: str = "", more: str = "") -> None:
        self.site = site
        self.folder = folder
        self.control_port, self.trunk_port = free_ports(2)
        self.file = folder / "pbx.toml"
        self._process: asyncio.subprocess.Process | None = None
        self._operator: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        self.file.write_text(
            f"""
[site]
id = "{site}"
[control]
port = {self.control_port}
password_file = "password"
[trunk]
port = {self.trunk_port}
[witness]
journal = "witness.jsonl"
counts = "counts.json"
[awkward]
seed = 7
duplicate_share = 0.3
delay_max_ms = 30
[people]
{people}
{more}
""",
            encoding="utf-8",
        )

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.control_port}"

    @property
    def trunk_address(self) -> str:
        return f"127.0.0.1:{self.trunk_port}"

    @property
    def telephony(self) -> str:
        """For the branch's file."""
        return (
            f'[telephony]\ndriver = "simulated"\naddress = "{self.address}"\npassword_file = "pbx.password"'
        )

    async def start(self) -> Self:
        """Start it and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _COMMAND, "simpbx", "run", str(self.file), stderr=log, env=_environ()
            )
        async with asyncio.timeout(_START_LIMIT_S):
            while not await self._says_hello():
                assert self._process.returncode is None, (self.folder / "log").read_text(encoding="utf-8")
                await asyncio.sleep(0.05)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def use_ports_of(self, other: "PbxProcess") -> None:
        """Listen where `other` does."""
        text = self.file.read_text(encoding="utf-8")
        for mine, theirs in ((self.control_port, other.control_port), (self.trunk_port, other.trunk_port)):
            text = text.replace(f"port = {mine}\n", f"port = {theirs}\n")
        self.file.write_text(text, encoding="utf-8")

    async def run_to_its_end(self) -> tuple[int, str]:
        """Start it where it cannot start: its exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COMMAND, "simpbx", "run", str(self.file)),
            stderr=asyncio.subprocess.PIPE,
            env=_environ(),
        )
        async with asyncio.timeout(_START_LIMIT_S):
            _out, said = await process.communicate()
        return process.returncode or 0, said.decode()

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self._process is not None
        self._process.terminate()
        return await self._ended()

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        await self._ended()

    def freeze(self) -> None:
        """SIGSTOP: its connections stay up, and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    async def stopped(self) -> int:
        """Wait until somebody has frozen it; the signal that did."""
        while (signal_number := _stopped_by(self.pid)) is None:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.02)
        return signal_number

    async def ended(self) -> int:
        """Wait until somebody else has ended it; its exit code."""
        assert self._process is not None
        await self._process.wait()
        return await self._ended()

    async def close(self) -> None:
        """Leave nothing behind, whatever a test left running."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    # --- its people, over an operator's connection -----------------------------------------

    async def do(self, do: Do | Play, **parameters: object) -> Any:
        """Ask the PBX for something and return the result; a refusal fails the test."""
        reply = await self.reply(do, **parameters)
        assert "code" not in reply, f"{do} {parameters}: {reply}"
        return reply["result"]

    async def reply(self, do: str, **parameters: object) -> Any:
        assert self._operator is not None
        reader, writer = self._operator
        writer.write(encode({"id": 1, "do": do, **parameters}))
        async with asyncio.timeout(10):
            return decode(await reader.readuntil(b"\n"))

    async def call(
        self, *, patience_s: float | None = None, handle_s: float = 3600.0, keys: Sequence[str] = ()
    ) -> str:
        """Somebody calls the queue `sales`, and presses `keys` at what is played; returns the channel."""
        patience_ms = None if patience_s is None else round(patience_s * 1000)
        parameters: dict[str, Any] = {
            "queue": "sales",
            "handle_ms": round(handle_s * 1000),
            "patience_ms": patience_ms,
        }
        parameters |= {"keys": list(keys)}
        channel: str = await self.do(Play.CALL, customer="c1", **parameters)
        return channel

    async def _says_hello(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.control_port, limit=FRAME_LIMIT_BYTES
            )
        except OSError:
            return False
        self._operator = (reader, writer)
        await self.do(Play.HELLO, protocol=PROTOCOL, role=Role.OPERATOR, password=PASSWORD)
        return True

    async def _ended(self) -> int:
        assert self._process is not None
        if self._operator is not None:
            self._operator[1].close()
            self._operator = None
        async with asyncio.timeout(20):
            return await self._process.wait()


def _stopped_by(pid: int) -> int | None:
    seen = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
    return None if seen is None else seen.si_status


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE__")}
