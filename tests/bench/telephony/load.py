"""One stretch of calls at one side: what its phones, its callers and the processor's clock say."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from tests.bench.telephony.sides import Side
from tests.telephony.asterisk_pbx import CITY, LINE_NUMBER
from tests.telephony.sipp import SippBatch, run_callers

PATIENCE_MS = 20_000
STUCK_S = 12.0
"""Longer than any wait in the phones' scenario: what has not moved for so long does not move any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What was seen of one side."""

    called_count: int
    connected_count: int
    """Callers whom an agent's phone was connected with, by the phones' own account."""
    setups_s: list[float]
    """From a caller's INVITE to the ACK of the agent's answer; the phone rings for 200 ms of it."""
    processor_s: dict[str, float]
    """By part, from the first call until the last has ended."""
    commit_count: int
    """Transactions of the ledger meanwhile."""
    duration_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Several stretches of one side at one rate, put together."""

    stretches: list[Stretch]

    @property
    def called_count(self) -> int:
        return sum(each.called_count for each in self.stretches)

    @property
    def connected_count(self) -> int:
        return sum(each.connected_count for each in self.stretches)

    @property
    def cpu_ms_a_call(self) -> dict[str, float]:
        """By part, of one core, for each connected call."""
        names = self.stretches[0].processor_s
        return {
            name: 1000 * sum(each.processor_s[name] for each in self.stretches) / max(1, self.connected_count)
            for name in names
        }

    @property
    def total_cpu_ms_a_call(self) -> float:
        return sum(self.cpu_ms_a_call.values())

    @property
    def commits_a_call(self) -> float:
        return sum(each.commit_count for each in self.stretches) / max(1, self.connected_count)

    def setup_ms(self, percent: int) -> float:
        """The percentile of all set-up times."""
        every = [1000 * setup for each in self.stretches for setup in each.setups_s]
        return quantiles(every, n=100, method="inclusive")[percent - 1]


async def play(side: Side, rate_per_s: int, duration_s: float, caller: str, folder: Path) -> Stretch:
    """Call at a steady rate and wait until every call has ended; `caller` begins the callers' numbers."""
    batch = SippBatch(
        pbx=side.address,
        number=LINE_NUMBER,
        count=round(rate_per_s * duration_s),
        rate_per_s=rate_per_s,
        stays_ms=PATIENCE_MS,
        caller=caller,
        host=CITY,
    )
    commits_before = await side.commit_count()
    before, began = side.processor_s(), time.monotonic()
    report = await run_callers(batch, folder)
    await _until_phones_rest(side)
    took, duration_s = _since(before, side), time.monotonic() - began
    setups = {
        talk.caller: talk.at_s - report.called_s[talk.caller]
        for talk in reversed(side.phones.talks())
        if talk.caller in report.called_s
    }
    return Stretch(
        called_count=report.started,
        connected_count=len(setups),
        setups_s=list(setups.values()),
        processor_s=took,
        commit_count=await side.commit_count() - commits_before,
        duration_s=duration_s,
    )


async def rest(side: Side, duration_s: float) -> dict[str, float]:
    """Milliseconds of one core a second, by part, while nobody calls."""
    before = side.processor_s()
    await asyncio.sleep(duration_s)
    return {name: 1000 * used_s / duration_s for name, used_s in _since(before, side).items()}


def _since(before: dict[str, float], side: Side) -> dict[str, float]:
    return {name: used_s - before[name] for name, used_s in side.processor_s().items()}


async def _until_phones_rest(side: Side) -> None:
    """No phone rings or talks, or those that still seem to were left so by an overload."""
    account, since = side.phones.account(), time.monotonic()
    while account.rung != account.over and time.monotonic() - since < STUCK_S:
        await asyncio.sleep(0.1)
        before, account = account, side.phones.account()
        if account != before:
            since = time.monotonic()
