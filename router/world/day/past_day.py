"""A day that was, as one that can be played again: its callers, and who was on duty when.

What a ledger can't know is drawn from what it says of others, anew for each seed: how long
an answered caller would still have waited, how long a caller who left would have talked.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp

from router.ids import CustomerId, QueueId, SiteId
from router.world.day.calls import PlannedCall
from router.world.day.scenario import RosterChange
from router.world.figures.tally import WaitTally
from router.world.technion.survival import Survival, kaplan_meier

HANG_UPS_NEEDED = 20
"""A queue with fewer says too little of its callers' patience: those of all queues stand in."""

QUARTER_MS = 900_000

PATIENCE_CAP_MS = 3_600_000
"""Nobody waits for ever: where the ledger knows no end of patience, an hour beyond what was waited is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A caller who asked for a person."""

    came_ms: int
    """When the wait began, from the day's first instant."""
    site_id: SiteId
    queue_id: QueueId
    priority: int
    customer_id: CustomerId | None
    waited_ms: int
    handle_ms: int | None
    """Talk, hold and wrap-up; None when nobody answered."""
    has_hung_up: bool
    """While waiting: the patience is known. Otherwise it was longer than the wait."""
    is_answered_away: bool = False
    """By another site's agent."""


class PastDay:
    """The calls of a day, in order of time."""

    def __init__(self, calls: Sequence[PastCall]) -> None:
        self.calls = calls
        waits: dict[QueueId, list[tuple[float, bool]]] = {}
        self._handles: dict[QueueId, list[int]] = {}
        for call in calls:
            waits.setdefault(call.queue_id, []).append((call.waited_ms / 1000, call.has_hung_up))
            if call.handle_ms is not None:
                self._handles.setdefault(call.queue_id, []).append(call.handle_ms)
        everybody = kaplan_meier(wait for sample in waits.values() for wait in sample)
        self._patience: dict[QueueId, Survival] = {}
        for queue_id, sample in waits.items():
            own = kaplan_meier(sample)
            self._patience[queue_id] = own if own.hang_up_count >= HANG_UPS_NEEDED else everybody
        self._all_handles = [each for sample in self._handles.values() for each in sample]

    @property
    def is_answered_at_all(self) -> bool:
        """Without one answer nothing says how long talks are."""
        return bool(self._all_handles)

    def measured(self) -> WaitTally:
        """What the ledger itself says of these calls: what a replay has to come close to."""
        tally = WaitTally()
        for call in self.calls:
            if call.handle_ms is not None or call.has_hung_up:
                tally.count(call.waited_ms, is_answered=call.handle_ms is not None)
        return tally

    @property
    def answered_away_count(self) -> int:
        """Calls that another site's agents answered."""
        return sum(call.is_answered_away for call in self.calls)

    def draw(self, seed: int, *, is_similar: bool = False) -> list[PlannedCall]:
        """The day's callers with what was not seen of them; the same for the same seed.

        A similar day has as many callers as this one only on average, in each quarter of an
        hour: every caller comes as often as a Poisson draw of mean 1 says, at any time of its quarter.
        """
        rng = random.Random(seed)
        calls = self._similar(rng) if is_similar else self.calls
        return [self._planned(call, rng) for call in calls]

    def _similar(self, rng: random.Random) -> list[PastCall]:
        last_ms = self.calls[-1].came_ms
        drawn = []
        for call in self.calls:
            quarter_ms = call.came_ms - call.came_ms % QUARTER_MS
            until_ms = min(last_ms, quarter_ms + QUARTER_MS - 1)
            drawn += [replace(call, came_ms=rng.randint(quarter_ms, until_ms)) for _ in range(_poisson(rng))]
        return sorted(drawn, key=lambda call: call.came_ms)

    def _planned(self, call: PastCall, rng: random.Random) -> PlannedCall:
        handle_ms = call.handle_ms
        if handle_ms is None:
            handle_ms = rng.choice(self._handles.get(call.queue_id) or self._all_handles)
        return PlannedCall(
            arrive_ms=call.came_ms,
            site_id=call.site_id,
            queue_id=call.queue_id,
            handle_ms=handle_ms,
            patience_ms=call.waited_ms if call.has_hung_up else self._longer_patience_ms(call, rng),
            priority=call.priority,
            customer_id=call.customer_id,
        )

    def _longer_patience_ms(self, call: PastCall, rng: random.Random) -> int:
        drawn_s = self._patience[call.queue_id].draw_beyond(call.waited_ms / 1000, rng)
        cap_ms = call.waited_ms + PATIENCE_CAP_MS
        return cap_ms if drawn_s is None else min(cap_ms, round(drawn_s * 1000))


def _poisson(rng: random.Random) -> int:
    """Of mean 1. Source: Knuth, The Art of Computer Programming, volume 2, 3.4.1."""
    count, product = 0, rng.random()
    while product > exp(-1):
        count += 1
        product *= rng.random()
    return count


def roster_of(
    site_id: SiteId, spans: Iterable[tuple[int, int | None]]
) -> tuple[int, tuple[RosterChange, ...]]:
    """Who is on duty at the first instant, and each change after it.

    `spans` say from when to when (ms; None: to the end) one agent was at work. Where a span
    ends as the next one begins, nothing changes.
    """
    steps: dict[int, int] = {}
    for from_ms, to_ms in spans:
        begin = max(0, from_ms)
        if to_ms is not None and to_ms <= begin:
            continue
        steps[begin] = steps.get(begin, 0) + 1
        if to_ms is not None:
            steps[to_ms] = steps.get(to_ms, 0) - 1
    agents = first = steps.pop(0, 0)
    changes = []
    for at_ms, step in sorted(steps.items()):
        if step:
            agents += step
            changes.append(RosterChange(site_id=site_id, from_ms=at_ms, agents=agents))
    return first, tuple(changes)


def agents_at(first: Mapping[SiteId, int], roster: Iterable[RosterChange], at_ms: int) -> dict[SiteId, int]:
    """Who is on duty where at a moment; `roster` is in order of time."""
    now = dict(first)
    for change in roster:
        if change.from_ms > at_ms:
            break
        now[change.site_id] = change.agents
    return now


def agents_between(
    first: Mapping[SiteId, int], roster: Sequence[RosterChange], from_ms: int, until_ms: int
) -> dict[SiteId, float]:
    """How many are on duty where from one moment to another, on average; `roster` is in order of time."""
    now = agents_at(first, roster, from_ms)
    total_ms = {site_id: count * (until_ms - from_ms) for site_id, count in now.items()}
    for change in roster:
        if from_ms < change.from_ms < until_ms:
            more = change.agents - now[change.site_id]
            total_ms[change.site_id] += more * (until_ms - change.from_ms)
            now[change.site_id] = change.agents
    return {site_id: each / (until_ms - from_ms) for site_id, each in total_ms.items()}
