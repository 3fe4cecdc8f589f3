"""Plays seeded worlds on every core: `python -m tests.sim.run --worlds 2000`, or `--seconds 3600`.

Each failure is printed with the one command that replays it. Ctrl-C ends it with the sum so far.
"""

import argparse
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from typing import NamedTuple

from node.terminal import EXIT_INTERRUPTED, messages, progress
from tests.sim.worlds import draw_world, play

EXIT_BROKEN = 1
_FAILURES_SHOWN = 10


class Outcome(NamedTuple):
    seed: int
    violations: list[str]
    overflow_count: int
    call_count: int


def play_one(seed: int) -> Outcome:
    played = play(draw_world(seed), seed)
    return Outcome(seed, played.violations, played.overflow_count, played.call_count)


def played_until(deadline: float, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    for outcome in outcomes:
        yield outcome
        if time.monotonic() > deadline:
            return


def main() -> int:
    told = _arguments()
    seeds = itertools.count(told.first) if told.seconds else range(told.first, told.first + told.worlds)
    begun = time.monotonic()
    deadline = begun + told.seconds if told.seconds else float("inf")
    counts = {"worlds": 0, "calls": 0, "overflows": 0, "broken": 0}
    status = 0
    with get_context("fork").Pool(os.cpu_count(), _leave_signals) as pool, progress() as bar:
        total = None if told.seconds else told.worlds
        task = bar.add_task("worlds", total=total)
        try:
            for outcome in played_until(deadline, pool.imap_unordered(play_one, seeds, chunksize=8)):
                bar.advance(task)
                counts["worlds"] += 1
                counts["calls"] += outcome.call_count
                counts["overflows"] += outcome.overflow_count
                if outcome.violations:
                    counts["broken"] += 1
                    _tell(outcome, counts["broken"])
        except KeyboardInterrupt:
            status = EXIT_INTERRUPTED
        pool.terminate()
    took_s = time.monotonic() - begun
    sums = ", ".join(f"{count} {name}" for name, count in counts.items())
    sys.stdout.write(f"{sums}; {took_s:.1f} s, {counts['worlds'] / took_s:.0f} worlds a second\n")
    return EXIT_BROKEN if counts["broken"] else status


def _tell(outcome: Outcome, number: int) -> None:
    if number > _FAILURES_SHOWN:
        return
    console = messages()
    replay = f"python -m tests.sim.replay {outcome.seed}"
    console.print(f"seed {outcome.seed} broke; replay: {replay}", style="red")
    for violation in outcome.violations[:_FAILURES_SHOWN]:
        console.print(f"  {violation}", markup=False)


def _leave_signals() -> None:
    """Ctrl-C goes to the whole group; the one that counts ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, help="play new worlds for so long instead")
    parser.add_argument("--first", type=int, default=0, help="the first world's seed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
