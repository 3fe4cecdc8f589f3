"""SIPp as the phones of a site's agents: a program that Trunkline did not write answers, and keeps account.

A phone registers by our own rig first, at the very port where SIPp then listens: Asterisk rings
a phone where its REGISTER came from.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Self

from deploy.children import die_with_parent
from deploy.phones.phones import Phone
from deploy.phones.sip_wire import Address
from tests.telephony.asterisk_pbx import AsteriskPbx
from tests.telephony.sipp import SCENARIOS

_END_LIMIT_S = 90.0
_LOG = "phones.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccount:
    """What the phones of one site say, by their users."""

    rung: Mapping[str, int]
    talked: Mapping[str, int]
    over: Mapping[str, int]
    """Of those that rang; every one must be."""
    crowded: Sequence[str]
    """Phones that rang while they were in a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """An agent's phone was connected."""

    phone: str
    caller: str
    """The number that the phone has shown."""
    at_s: float
    """Of the system's clock."""


async def register_phones(pbx: AsteriskPbx, numbers: Iterable[int], at: Address) -> None:
    """Tell the PBX that the agents' phones are all at one address, where SIPp is to answer."""
    host, port = at
    passwords = pbx.passwords()
    for number in numbers:
        user = str(number)
        async with Phone(user, pbx.address, password=passwords[user], host=host, port=port) as phone:
            await phone.register()


class SippAgents:
    """All phones of one site, on one port."""

    def __init__(self, log: Path, process: asyncio.subprocess.Process) -> None:
        self._log = log
        self._process = process

    @classmethod
    async def start(cls, at: Address, folder: Path, *, pbx: Address, talk_ms: int) -> Self:
        """Answer whatever comes to `at`; `folder` is for these phones alone.

        Raises:
            FileNotFoundError: SIPp is not installed.
        """
        command = _prepared(at, folder, pbx, talk_ms)
        with (folder / "screen").open("wb") as screen:
            process = await asyncio.create_subprocess_exec(
                *die_with_parent(SIGKILL),
                *command,
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
            )
        return cls(folder / _LOG, process)

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
        for what, phone, *_ in self._lines():
            if what == "rung" and counts["rung"][phone] != counts["over"][phone]:
                crowded.append(phone)
            counts[what][phone] += 1
        return PhoneAccount(**counts, crowded=crowded)

    def talks(self) -> list[Talk]:
        """All so far, in their order."""
        return [
            Talk(phone=phone, caller=caller, at_s=float(at_s))
            for what, phone, _call_id, caller, _day, _time, at_s in self._lines()
            if what == "talked"
        ]

    def _lines(self) -> Iterator[list[str]]:
        """What the scenario has written down, without a line that is still being written."""
        text = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
        return (line.split() for line in text.splitlines(keepends=True) if line.endswith("\n"))


def _prepared(at: Address, folder: Path, pbx: Address, talk_ms: int) -> list[str]:
    """The folder, and SIPp's command line."""
    sipp = shutil.which("sipp")
    if sipp is None:
        raise FileNotFoundError("SIPp is not on the PATH; install it (Debian: the package sip-tester)")
    host, port = at
    folder.mkdir(parents=True)
    options = {
        "-sf": SCENARIOS / "agent.xml",
        "-i": host,
        "-p": port,
        "-mi": host,
        "-recv_timeout": talk_ms,
        "-log_file": folder / _LOG,
        "-error_file": folder / "errors.log",
    }
    switches = ["-bind_local", "-nostdin", "-skip_rlimit", "-trace_logs", "-trace_err", "-aa"]
    given = [str(part) for option in options.items() for part in option]
    return [sipp, *given, *switches, f"{pbx[0]}:{pbx[1]}"]
