"""One floor told anything well-formed, in any order and twice: it refuses or goes on, and loses nobody."""

from collections.abc import Callable

import pytest

from router import facts
from router.agent import AgentState
from router.ids import Instant
from router.overflow.messages import (
    HandoffState,
)
from router.world.laws.callbacks import CallbacksEndOnce, CallbacksNeverExceedIdleAgents
from router.world.laws.law import InSystem, LawBook
from tests.sim.floor_soundness import check, known_handoffs
from tests.sim.floor_teller import Teller
from tests.sim.talk_teller import TalkTeller

FLOORS = 240
STEP = 40
FACTS_EACH = 350


def run(seed: int, fact_count: int = FACTS_EACH, make: Callable[[int], Teller] = Teller) -> Teller:
    teller = make(seed)
    for _ in range(fact_count):
        teller.tell_one()
        check(teller.floor)
        assert all(count == 1 for count in teller.ended.values()), "a call ended twice"
    return teller


def callback_laws() -> LawBook:
    return LawBook((CallbacksNeverExceedIdleAgents(), CallbacksEndOnce()))


@pytest.mark.parametrize("first", range(0, FLOORS, STEP))
def test_no_order_of_facts_breaks_a_floor(first: int) -> None:
    for seed in range(first, first + STEP):
        try:
            teller = run(seed)
            book = callback_laws()
            for row in teller.rows:
                book.see(row)
            assert [law.violations for law in book.results(InSystem())] == [[], []]
        except Exception as broken:
            broken.add_note(f"seed {seed}")
            raise


def test_no_order_of_facts_breaks_a_talk() -> None:
    for seed in range(FLOORS // 2):
        try:
            run(seed, make=TalkTeller)
        except Exception as broken:
            broken.add_note(f"seed {seed} of TalkTeller")
            raise


def test_a_floor_left_alone_frees_every_agent_and_forgets_every_handoff() -> None:
    """Nothing more is heard of anything: what only waited for a deadline comes to rest."""
    for seed in range(20):
        teller = run(seed, 150)
        teller.floor.handle(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), teller.now)
        for call in list(teller.floor.calls()):
            teller.floor.handle(facts.CallerHungUp(call_id=call.call_id), teller.now)
        for _ in range(200):
            teller.now = Instant(teller.now + 1_000)
            teller.floor.handle_timer(teller.now)
            check(teller.floor)

        kept = {AgentState.RESERVED, AgentState.RINGING, AgentState.WRAP_UP}
        stuck = [a for a in teller.floor.agents() if a.state in kept and teller.now - a.since > 31_000]
        assert stuck == [], f"seed {seed}"
        assert {h.state for h in known_handoffs(teller.parts)} <= {HandoffState.CONNECTED}, f"seed {seed}"
