"""Plays in processes of their own, as many at once as there are cores, none left behind."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process

from node.terminal import progress
from node.troubles import TroubleError
from node.words import text as _
from router.world.day.busy_hour import MadeUpDay
from router.world.day.calls import PlannedCall
from router.world.day.past_day import PastDay
from router.world.day.variants import Variant
from router.world.figures.comparison import Compared, Played, play_variant


class PlayEndedError(TroubleError):
    """A process that played ended before its time."""

    reason = "PLAY_ENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that all plays share; sent to each process once."""

    variants: tuple[Variant, ...]
    """The base comes first."""
    seeds: tuple[int, ...]
    day: PastDay | MadeUpDay | None
    """Drawn anew for each seed; None: `calls` are the same for all."""
    is_similar: bool
    """Each seed has another day like it."""
    calls: list[PlannedCall]

    def calls_of(self, seed: int) -> list[PlannedCall]:
        return self.calls if self.day is None else self.day.draw(seed, is_similar=self.is_similar)


def play_all(plan: Plan) -> list[Compared]:
    """Every variant over every seed, in the plan's order; a bar shows how far it is.

    Raises:
        PlayEndedError: a process was killed; nothing of the comparison is kept.
    """
    plays = dict(_played(plan))
    by_variant = [tuple(plays[(number, seed)] for seed in plan.seeds) for number in range(len(plan.variants))]
    return [
        Compared(variant=variant, plays=own, base_plays=by_variant[0])
        for variant, own in zip(plan.variants, by_variant, strict=True)
    ]


def _played(plan: Plan) -> Iterator[tuple[tuple[int, int], Played]]:
    works = [(number, seed) for seed in plan.seeds for number in range(len(plan.variants))]
    workers = min(len(works), os.cpu_count() or 1)
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(plan,))
    try:
        with progress() as bar:
            task = bar.add_task(_("playing"), total=len(works))
            futures = {pool.submit(_play, work): work for work in works}
            for future in as_completed(futures):
                yield futures[future], future.result()
                bar.advance(task)
    except BrokenProcessPool as error:
        raise PlayEndedError(
            _("a process that played was ended from outside, perhaps for want of memory; try fewer sites")
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


# --- in the processes ------------------------------------------------------------------------

_plans: list[Plan] = []
"""The one plan of this process, once it has begun."""


def _begin(plan: Plan) -> None:
    # Ctrl-C reaches the whole group: the parent says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _plans[:] = [plan]


def _end_with_parent() -> None:
    """A parent that was killed can't say goodbye."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _play(work: tuple[int, int]) -> Played:
    (plan,) = _plans
    number, seed = work
    return play_variant(plan.variants[number], plan.calls_of(seed), seed)
