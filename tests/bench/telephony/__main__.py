"""The branch against app_queue: the same calls to both, in turns, on this machine and in this hour.

Writes build/bench-telephony.json and docs/app-queue.md. Rates grow until app_queue leaves callers
unconnected.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from deploy.asterisk.bundle import default_cache, find_asterisk
from node import pki
from tests.bench.__main__ import machine
from tests.bench.telephony.load import Figures, play, rest
from tests.bench.telephony.sides import Side, start_sides

RATES_PER_S = (2, 5, 10, 15, 20, 30, 40, 60, 80, 100)
ROUND_S = 10.0
ROUNDS = 2
"""Of each side at each rate, in the order A B B A: what else the machine does hits both."""
AGENT_COUNT = 200
TALK_MS = 1_500
GOAL_CPU = 1.25
FEW_PER_S = 20
"""Calls a second that stand for few: at still fewer what is done while nobody calls counts for too much."""
TARGET = Path("build/bench-telephony.json")
PAGE = Path("docs/app-queue.md")

HEAD = f"""# The branch beside app_queue

Written by `make bench-telephony`. Two Asterisks with the same configuration on one machine: one serves
its callers by app_queue, the other under a branch process, whose ledger is on a disk and has the row of
each step that cannot be undone before it is taken. SIPp calls and SIPp answers: {AGENT_COUNT} phones that
ring for 200 ms and talk for {TALK_MS / 1000:g} s. Both sides take turns at each rate. *Set-up* is from a
caller's INVITE to the ACK of the agent's answer, the ringing included. *CPU* is of one core for each
connected call, idle work included: at few calls a second that is a good part of it. The branch's is
Asterisk's, its loop's and its commits'.
"""
COLUMNS = (
    "Calls/s",
    "Connected: app_queue",
    "branch",
    "Set-up p50 / p95: app_queue",
    "branch",
    "CPU a call: app_queue",
    "branch",
    "Ratio",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one run has measured."""

    idle: dict[str, dict[str, float]]
    """By side and part: milliseconds of one core a second while nobody calls."""
    by_rate: dict[int, tuple[Figures, Figures]] = field(default_factory=dict)
    """app_queue's figures and the branch's."""


def page(found: Found) -> str:
    head = "| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS) + "\n"
    rows = "".join(row(rate, *figures) for rate, figures in found.by_rate.items())
    return f"{HEAD}\n{head}{rows}{where(found)}"


WHERE = """
## Where the rest goes

Milliseconds of one core for each connected call, at {low} and at {high} calls a second. What Asterisk does
for the branch alone is the way over ARI: each step of a call is a request that it parses, carries out on the
channel's thread and answers, and an event that it writes as JSON with all that it knows of the channel.
The branch's loop reads those, decides, and writes requests.
Its other threads write the ledger, in {low_commits:.1f} transactions a call at {low} a second and
{high_commits:.1f} at {high}: orders that cannot be undone wait for their rows, and calls share a commit where
there are many. app_queue keeps no such record.

With few calls each step finds a processor that has done something else since: a transaction that takes 0.3 ms
where one follows the other takes 0.9 ms alone, and the loop's steps twice as long. Tried at 20 calls a second
and not kept: without a ledger a call took a quarter less, with commits on the loop's own thread 4 % less;
without three of a call's eleven requests 4 % less. Requests of one moment as one packet, and a pause of 4 ms
between looks at the socket, brought nothing.

| Part | At {low} a second | At {high} | While nobody calls |
|---|---|---|---|
"""


def where(found: Found) -> str:
    """The parts of a call's cost, with few calls and at the highest rate that left nobody unconnected."""
    whole = {rate: sides for rate, sides in found.by_rate.items() if all(map(is_whole, sides))}
    by_rate = whole or found.by_rate
    low, high = min(by_rate, key=lambda rate: abs(rate - FEW_PER_S)), max(by_rate)
    (low_queue, low_branch), (queue, branch) = by_rate[low], by_rate[high]
    rows = [("Asterisk with app_queue", low_queue, queue, "Asterisk", found.idle["app_queue"])]
    for name in branch.cpu_ms_a_call:
        label = "Asterisk under the branch" if name == "Asterisk" else name
        rows.append((label, low_branch, branch, name, found.idle["branch"]))
    lines = (
        f"| {label} | {few.cpu_ms_a_call[name]:.1f} ms | {many.cpu_ms_a_call[name]:.1f} ms "
        f"| {idle[name]:.1f} ms/s |\n"
        for label, few, many, name, idle in rows
    )
    commits = {"low_commits": low_branch.commits_a_call, "high_commits": branch.commits_a_call}
    return WHERE.format(low=low, high=high, **commits) + "".join(lines)


def row(rate: int, queue: Figures, branch: Figures) -> str:
    cells = (
        str(rate),
        f"{queue.connected_count} of {queue.called_count}",
        f"{branch.connected_count} of {branch.called_count}",
        setups(queue),
        setups(branch),
        cpu(queue),
        cpu(branch),
        f"{ratio(queue, branch):.2f}",
    )
    return "| " + " | ".join(cells) + " |\n"


def setups(side: Figures) -> str:
    return f"{side.setup_ms(50):.0f} / {side.setup_ms(95):.0f} ms"


def cpu(side: Figures) -> str:
    """The sum, and its parts when there are several."""
    parts = [f"{each:.1f}" for each in side.cpu_ms_a_call.values()]
    return f"{side.total_cpu_ms_a_call:.1f} ms" + (f" ({' + '.join(parts)})" if len(parts) > 1 else "")


def ratio(queue: Figures, branch: Figures) -> float:
    return branch.total_cpu_ms_a_call / queue.total_cpu_ms_a_call


async def measure(rates: Iterable[int], folder: Path) -> Found:
    """Both sides in turns, at each rate until app_queue leaves callers unconnected."""
    binaries = find_asterisk(default_cache())
    certificates = folder / "pki"
    pki.init_ca(certificates, "demo", now=datetime.now(UTC))
    for name in ("alone", "branch"):
        pki.issue(certificates, "site", name, [], now=datetime.now(UTC))
    async with AsyncExitStack() as stack:
        agents = range(1001, 1001 + AGENT_COUNT)
        sides = await start_sides(folder, certificates, binaries, agents, TALK_MS, stack)
        with Progress(transient=True) as progress:
            task = progress.add_task("nobody calls")
            found = Found(idle={side.name: await rest(side, ROUND_S) for side in sides})
            for rate in rates:
                stretches: dict[str, Figures] = {side.name: Figures([]) for side in sides}
                for number, side in enumerate(in_turns(sides)):
                    progress.update(task, description=f"{rate} calls a second, {side.name}")
                    caller = f"1{rate:03d}{number}"
                    calls = folder / f"calls-{rate}-{number}"
                    stretches[side.name].stretches.append(await play(side, rate, ROUND_S, caller, calls))
                queue, branch = (stretches[side.name] for side in sides)
                found.by_rate[rate] = queue, branch
                if not is_whole(queue):
                    break
    return found


def in_turns(sides: list[Side]) -> Iterator[Side]:
    for number in range(ROUNDS):
        yield from sides if number % 2 == 0 else reversed(sides)


def is_whole(side: Figures) -> bool:
    """Everybody who called was connected."""
    return side.connected_count == side.called_count


def is_met(queue: Figures, branch: Figures) -> bool:
    return branch.connected_count >= queue.connected_count and ratio(queue, branch) <= GOAL_CPU


def show(found: Found, console: Console) -> None:
    table = Table("calls/s", "connected", "set-up p50/p95", "CPU a call", "ratio", "")
    for rate, (queue, branch) in found.by_rate.items():
        mark = "[green]met[/]" if is_met(queue, branch) else "[red]missed[/]"
        table.add_row(
            str(rate),
            f"{queue.connected_count} · {branch.connected_count} of {branch.called_count}",
            f"{setups(queue)} · {setups(branch)}",
            f"{cpu(queue)} · {cpu(branch)}",
            f"{ratio(queue, branch):.2f}",
            mark,
        )
    console.print(table)


def main(arguments: list[str]) -> int:
    """Measure at the rates given, or at all.

    Returns:
        0 when every goal is met, else 1: the figures are written either way.
    """
    rates = [int(each) for each in arguments] or RATES_PER_S
    with tempfile.TemporaryDirectory(prefix="bench-telephony-") as folder:
        found = asyncio.run(measure(rates, Path(folder)))
    TARGET.parent.mkdir(exist_ok=True)
    raw = {
        rate: {"app_queue": asdict(queue), "branch": asdict(branch)}
        for rate, (queue, branch) in found.by_rate.items()
    }
    told = {"machine": machine(), "idle": found.idle, "rates": raw}
    TARGET.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if not arguments:
        PAGE.write_text(page(found), encoding="utf-8")
    show(found, Console())
    return 0 if all(is_met(*figures) for figures in found.by_rate.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
