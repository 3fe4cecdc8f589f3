"""Facts a second of one floor, with 100 and with 10,000 waiting calls and agents.

A steady state: agents talk, calls wait; each round an agent hangs up, takes the next call
and answers it, and a new caller arrives. Time passes as it would with calls of 180 s, so
that both sites have as many announcements due a fact. What counts is the cost of a fact at
the larger site against the smaller one: it may at most double.
"""

import random
import time
from itertools import count
from statistics import median
from typing import Any

from router import facts, orders
from router.acd.policy import QueuePolicy
from router.floor import Floor
from router.ids import AgentId, CallId, Instant, LegId, QueueId, SiteId, Skill
from router.overflow.policy import OverflowPolicy

SMALL, LARGE = 100, 10_000
ROUNDS = 400
REPEATS = 7
HANDLING_MS = 180_000
FACTS_PER_CALL = 4
COMMAND = "make bench"
_QUEUE = QueueId("sales")
_SKILLS = frozenset({Skill("sales")})


class BusyFloor:
    """`size` agents that talk and `size` calls that wait."""

    def __init__(self, size: int) -> None:
        ids = count()
        self._names = count()
        self._now = 0
        self._step_ms = HANDLING_MS // FACTS_PER_CALL // size
        self.fact_count = 0
        self._floor = Floor(
            site_id=SiteId("bench"),
            incarnation=1,
            policies=[QueuePolicy(queue_id=_QUEUE, skills=_SKILLS, waiting_call_limit=2 * size)],
            overflow=OverflowPolicy(is_enabled=False),
            new_id=lambda: f"id-{next(ids)}",
            rng=random.Random(1),
            mint_token="{}:{}".format,
        )
        self._legs: list[LegId] = []
        for number in range(size):
            agent_id = AgentId(f"bench/{number}")
            self._tell(facts.AgentLoggedIn(agent_id=agent_id, skills=_SKILLS))
            self._tell(facts.AgentBecameReady(agent_id=agent_id))
            self._arrive()
        for _ in range(size):
            self._arrive()

    def play(self, rounds: int) -> float:
        """Rounds of hang up, offer, ring, answer, arrival. Returns seconds a fact."""
        order = random.Random(2)
        before = self.fact_count
        start = time.perf_counter()
        for _ in range(rounds):
            place = order.randrange(len(self._legs))
            self._legs[place], leg_id = self._legs[-1], self._legs[place]
            self._legs.pop()
            self._tell(facts.LegHungUp(leg_id=leg_id))
            self._arrive()
        return (time.perf_counter() - start) / (self.fact_count - before)

    def _arrive(self) -> None:
        call_id = CallId(f"call-{next(self._names)}")
        self._tell(facts.CallArrived(call_id=call_id, queue_id=_QUEUE, dialled="95588"))

    def _tell(self, fact: facts.Fact) -> None:
        self._now += self._step_ms
        self.fact_count += 1
        due = self._floor.next_timer()
        if due is not None and due <= self._now:
            self._floor.handle_timer(Instant(self._now))
        for item in self._floor.handle(fact, Instant(self._now)):
            if isinstance(item, orders.RingAgent):
                self._tell(facts.LegRang(leg_id=item.leg_id))
                self._tell(facts.LegAnswered(leg_id=item.leg_id))
                self._legs.append(item.leg_id)


def results() -> list[dict[str, Any]]:
    """Rows for build/bench.json; the two sizes take turns, so that noise meets both alike."""
    small, large = BusyFloor(SMALL), BusyFloor(LARGE)
    small.play(ROUNDS)
    large.play(ROUNDS)
    pairs = [(small.play(ROUNDS), large.play(ROUNDS)) for _ in range(REPEATS)]
    small_s, large_s = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return [
        _row("acd/facts_per_s_at_100", 1 / small_s, "1/s", "higher", None),
        _row("acd/facts_per_s_at_10000", 1 / large_s, "1/s", "higher", None),
        _row("acd/cost_per_fact_10000_vs_100", median(b / a for a, b in pairs), "ratio", "lower", 2.0),
    ]


def _row(name: str, value: float, unit: str, better: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "better": better,
        "goal": goal,
        "command": COMMAND,
    }


if __name__ == "__main__":
    for row in results():
        print(row)
