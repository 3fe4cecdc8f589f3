"""SIPp as the callers: a program that Trunkline did not write places the calls and counts them.

One process a batch, with a scenario of ours from `scenarios/`. A caller's success does not
mean that an agent was reached, because the PBX answers early: count at the phones as well.
"""

import asyncio
import csv
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from signal import SIGKILL
from typing import Self

from deploy.children import die_with_parent
from deploy.phones.sip_wire import Address

SCENARIOS = Path(__file__).parent / "scenarios"

_SLACK_S = 60.0
"""What a batch may take beyond its own pace: the longest wait for one answer in a scenario."""

_EXPECTED_ENDS = {0, 1}
"""SIPp's own: every call succeeded, or one at least did not."""

_CROSSED = "Aborting call on an unexpected BYE"


class SippFailedError(Exception):
    """SIPp itself did not work, or did not end in time; says what it wrote."""


class Scenario(Enum):
    """What each caller of a batch does."""

    TALK = "talk"
    """Is answered and stays until the other side hangs up, or for `stays_ms`."""
    DIAL = "dial"
    """Presses `digits` half a second after the answer, then as TALK; takes the right to raw sockets."""
    CANCEL = "cancel"
    """Gives up `stays_ms` after the PBX's first sign of life, when it is not answered before."""
    FORGED = "forged"
    """Comes over the trunk with one of `tokens` each, and succeeds when it is refused with 403."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SippBatch:
    """Callers who all do the same."""

    pbx: Address
    number: str
    count: int
    scenario: Scenario = Scenario.TALK
    rate_per_s: int = 10
    stays_ms: int = 1_000
    """From the answer to the caller's own hanging up."""
    caller: str = "1380"
    """How the callers' numbers begin; the call's own number follows."""
    host: str = "127.0.0.1"
    """The loopback address they come from, by which the PBX knows them."""
    digits: str = ""
    tokens: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.stays_ms > 0, "to SIPp, 0 is for ever"

    @property
    def limit_s(self) -> float:
        return self.count / self.rate_per_s + self.stays_ms / 1000 + _SLACK_S


@dataclass(frozen=True, slots=True, kw_only=True)
class SippReport:
    """A batch as SIPp has counted it."""

    started: int
    successful: int
    failed: int
    crossed: int
    """Of the successful: both sides hung up in the same moment. SIPp has no way to expect a BYE
    while it sends its own, answers it, and counts the call as failed; here it is not."""
    failures: Mapping[str, int]
    """By SIPp's own name of the reason, without those that never came."""
    responses: Mapping[int, int]
    """By status, as the scenario expected them; unexpected ones are failures."""
    called_s: Mapping[str, float]
    """When each caller of a TALK batch sent the INVITE, by the number; of the system's clock."""
    answer_mean_ms: float
    """From the INVITE to its final answer."""
    problems: str
    """What SIPp wrote about calls that went wrong; empty when all went well."""

    @property
    def is_clean(self) -> bool:
        return self.failed == 0 and self.successful == self.started

    def __str__(self) -> str:
        failures = ", ".join(f"{name} {count}" for name, count in self.failures.items())
        return (
            f"{self.successful} of {self.started} calls succeeded, {self.failed} failed ({failures}); "
            f"responses {dict(self.responses)}\n{self.problems}"
        )


class SippRun:
    """One batch on its way."""

    def __init__(self, batch: SippBatch, folder: Path, process: asyncio.subprocess.Process) -> None:
        self._batch = batch
        self._folder = folder
        self._process = process

    @classmethod
    async def start(cls, batch: SippBatch, folder: Path) -> Self:
        """Start calling; `folder` is for this batch alone.

        Raises:
            FileNotFoundError: SIPp is not installed.
        """
        command = _prepared(batch, folder)
        with (folder / "screen").open("wb") as screen:
            process = await asyncio.create_subprocess_exec(
                *die_with_parent(SIGKILL),
                *command,
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
            )
        return cls(batch, folder, process)

    async def wait(self) -> SippReport:
        """Return when every call is over.

        Raises:
            SippFailedError: SIPp failed, or calls hung for longer than any wait in the scenario.
        """
        try:
            async with asyncio.timeout(self._batch.limit_s):
                status = await self._process.wait()
        except TimeoutError:
            await self.kill()
            raise SippFailedError(f"not over after {self._batch.limit_s:.0f} s: {self._said()}") from None
        if status not in _EXPECTED_ENDS or not (self._folder / "stat.csv").exists():
            raise SippFailedError(f"SIPp ended with status {status}: {self._said()}")
        return _report(self._folder)

    async def kill(self) -> None:
        """All callers vanish at once."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _said(self) -> str:
        screen = (self._folder / "screen").read_text(encoding="utf-8", errors="replace")
        return "\n".join([*_problems(self._folder), screen[-2_000:]])


async def run_callers(batch: SippBatch, folder: Path) -> SippReport:
    """Place all calls of the batch and count them.

    Raises:
        FileNotFoundError: SIPp is not installed.
        SippFailedError: SIPp itself did not work.
    """
    run = await SippRun.start(batch, folder)
    try:
        return await run.wait()
    finally:
        await run.kill()


def _prepared(batch: SippBatch, folder: Path) -> list[str]:
    """The folder with what SIPp reads, and its command line."""
    sipp = shutil.which("sipp")
    if sipp is None:
        raise FileNotFoundError("SIPp is not on the PATH; install it (Debian: the package sip-tester)")
    folder.mkdir(parents=True)
    host, port = batch.pbx
    options = {
        "-sf": SCENARIOS / f"{batch.scenario.value}.xml",
        "-s": batch.number,
        "-m": batch.count,
        "-r": batch.rate_per_s,
        # No call waits for another one to end.
        "-l": batch.count,
        "-i": batch.host,
        "-mi": batch.host,
        "-recv_timeout": batch.stays_ms,
        "-stf": "stat.csv",
        "-fd": 1,
        "-error_file": "errors.log",
        "-log_file": "callers.log",
    }
    if batch.tokens:
        rows = "".join(f"{token}\n" for token in batch.tokens)
        (folder / "tokens.csv").write_text(f"SEQUENTIAL\n{rows}", encoding="utf-8")
        options["-inf"] = "tokens.csv"
    keys = ["-key", "caller", batch.caller, "-key", "digits", batch.digits]
    switches = [
        "-bind_local",
        "-nostdin",
        "-skip_rlimit",
        "-trace_stat",
        "-trace_err",
        "-trace_counts",
        "-trace_logs",
        "-aa",
    ]
    given = [str(part) for option in options.items() for part in option]
    return [sipp, f"{host}:{port}", *given, *keys, *switches]


def _report(folder: Path) -> SippReport:
    totals = _last_row(folder / "stat.csv")
    failures = {
        name.removeprefix("Failed").removesuffix("(C)"): int(value)
        for name, value in totals.items()
        if re.fullmatch(r"Failed\w+\(C\)", name) and name != "FailedCall(C)" and int(value)
    }
    problems = _problems(folder)
    crossed = [problem for problem in problems if problem.startswith(_CROSSED)]
    if crossed:
        failures["UnexpectedMessage"] -= len(crossed)
    responses: Counter[int] = Counter()
    for name, value in _last_row(next(folder.glob("*_counts.csv"))).items():
        found = re.fullmatch(r"\d+_(\d{3})_Recv", name)
        if found and int(value):
            responses[int(found[1])] += int(value)
    return SippReport(
        started=int(totals["TotalCallCreated"]),
        successful=int(totals["SuccessfulCall(C)"]) + len(crossed),
        failed=int(totals["FailedCall(C)"]) - len(crossed),
        crossed=len(crossed),
        failures={name: count for name, count in failures.items() if count},
        responses=dict(responses),
        called_s=_called(folder / "callers.log"),
        answer_mean_ms=_milliseconds(totals.get("ResponseTime1(C)", "")),
        problems="\n".join(problem for problem in problems if problem not in crossed),
    )


def _called(file: Path) -> dict[str, float]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {caller: float(at_s) for _called, caller, _day, _time, at_s in map(str.split, lines)}


def _last_row(file: Path) -> dict[str, str]:
    """The totals so far: SIPp adds a row a second, and one at its end."""
    with file.open(encoding="utf-8", newline="") as lines:
        head, *rows = csv.reader(lines, delimiter=";")
    return dict(zip(head, rows[-1], strict=False))


def _milliseconds(duration: str) -> float:
    """Of `hours:minutes:seconds:microseconds`."""
    parts = [int(part) for part in duration.split(":")] if duration else [0] * 4
    return ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3] / 1000


def _problems(folder: Path) -> list[str]:
    """A wait that ended as the scenario has it is written down like a fault, and is none."""
    file = folder / "errors.log"
    if not file.exists():
        return []
    stamp = r"\d{4}-\d\d-\d\d\t[\d:.]+\t[\d.]+: "
    _head, *events = re.split(stamp, file.read_text(encoding="utf-8", errors="replace"))
    return [event.strip() for event in events if "jumping to label" not in event]
