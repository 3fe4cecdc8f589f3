"""SIPp as the phones of a site's agents: a program that Trunkline did not write answers, and keeps account.

A phone registers by our own rig first, at the very port where SIPp then listens: Asterisk rings
a phone where its REGISTER came from.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Self

from deploy.children import die_with_parent
from tests.telephony.sip_wire import Address
from tests.telephony.sipp import SCENARIOS

_END_LIMIT_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccount:
    """What the phones of one site say, by their users."""

    rung: Mapping[str, int]
    talked: Mapping[str, int]
    over: Mapping[str, int]
    """Of those that rang; every one must be."""
    crowded: Sequence[str]
    """Phones that rang while they were in a call."""


class SippAgents:
    """All phones of one site, on one port."""

    def __init__(self, log: Path, process: asyncio.subprocess.Process) -> None:
        self._log = log
        self._process = process

    @classmethod
    async def start(cls, at: Address, folder: Path, *, pbx: Address, talk_ms: int) -> Self:
        """Answer whatever comes to `at`; `folder`, which is there, is for these phones alone.

        Raises:
            FileNotFoundError: SIPp is not installed.
        """
        sipp = shutil.which("sipp")
        if sipp is None:
            raise FileNotFoundError("SIPp is not on the PATH; install it (Debian: the package sip-tester)")
        host, port = at
        log = folder / "phones.log"
        options = {
            "-sf": SCENARIOS / "agent.xml",
            "-i": host,
            "-p": port,
            "-mi": host,
            "-recv_timeout": talk_ms,
            "-log_file": log,
            "-error_file": folder / "errors.log",
        }
        switches = ["-bind_local", "-nostdin", "-skip_rlimit", "-trace_logs", "-trace_err", "-aa"]
        given = [str(part) for option in options.items() for part in option]
        with (folder / "screen").open("wb") as screen:
            process = await asyncio.create_subprocess_exec(
                *die_with_parent(SIGKILL),
                *(sipp, *given, *switches, f"{pbx[0]}:{pbx[1]}"),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
            )
        return cls(log, process)

    async def stop(self) -> PhoneAccount:
        """Put all phones away once nothing rings any more, and read what they have written.

        Raises:
            TimeoutError: a call does not end.
        """
        async with asyncio.timeout(_END_LIMIT_S):
            while (account := self.account()).rung != account.over:  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.2)
        await self.kill()
        return account

    async def kill(self) -> None:
        """All phones vanish at once."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def account(self) -> PhoneAccount:
        """As of now."""
        counts: dict[str, Counter[str]] = {"rung": Counter(), "talked": Counter(), "over": Counter()}
        crowded: list[str] = []
        text = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
        for line in text.splitlines():
            what, phone, _call_id = line.split()
            if what == "rung" and counts["rung"][phone] != counts["over"][phone]:
                crowded.append(phone)
            counts[what][phone] += 1
        return PhoneAccount(**counts, crowded=crowded)
