"""What facts about a floor may name: what lives there, what was over lately, and what never was."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from router import ledger
from router.agent import BUSY, RingFailure
from router.facts import Fact
from router.floor import Floor
from router.ids import (
    AgentId,
    CallId,
    HandoffId,
    LegId,
    SiteId,
)
from router.orders import Ask, FindNumber, Outcome, RingAgent
from router.parts import Parts
from tests.sim.floor_cast import (
    AGENTS,
    PEERS,
)

LIVE_SHARE = 0.7

T = TypeVar("T")

FactMakers = tuple[tuple[int, Callable[[], Fact]], ...]
"""Each with its weight in the draw of the next fact."""


class Names:
    """Hears what a floor says, and draws from what it has named so far."""

    def __init__(self, rng: random.Random, floor: Floor) -> None:
        self.rng = rng
        self.floor = floor
        self.calls: list[CallId] = [CallId("nobody's")]
        self.legs: list[LegId] = [LegId("nobody's")]
        self.handoffs: list[HandoffId] = [HandoffId("nobody's")]
        self.asked: list[Ask] = []
        self.sought: list[CallId] = [CallId("nobody's")]
        self.gone_out: list[CallId] = [CallId("nobody's")]
        self._serial = 0

    @property
    def parts(self) -> Parts:
        return self.floor._parts

    def restarted(self, floor: Floor) -> None:
        """Nobody answers a new process what the old one asked."""
        self.floor = floor
        self.asked.clear()

    def hear(self, outcome: Outcome) -> None:
        for item in outcome:
            if isinstance(item, RingAgent):
                self.legs.append(item.leg_id)
            elif isinstance(item, Ask):
                self.asked.append(item)
                self.handoffs.append(item.request.handoff_id)
            elif isinstance(item, FindNumber):
                self.sought.append(item.call_id)
            elif isinstance(item, ledger.OutboundBegan | ledger.LineLent):
                self.gone_out.append(item.call_id)

    def one_of(self, live: Sequence[T], named: Sequence[T]) -> T:
        """Something that lives, mostly; else whatever was named lately."""
        return self.rng.choice(live if live and self.rng.random() < LIVE_SHARE else named)

    def call(self) -> CallId:
        return self.one_of([call.call_id for call in self.floor.calls()], self.calls[-12:])

    def leg(self) -> LegId:
        supervisors = [each.leg_id for each in self.floor.supervisions()]
        return self.one_of([*self.parts.roster._by_leg, *supervisors], self.legs[-8:])

    def handoff(self) -> HandoffId:
        return self.one_of(list(self.live_handoffs()), self.handoffs[-12:])

    def live_handoffs(self) -> Iterator[HandoffId]:
        yield from (each.handoff_id for each in self.floor.handoffs())
        yield from (each.handoff_id for each in self.floor.outbound() if each.handoff_id is not None)
        yield from (each.handoff_id for each in self.floor.loans())
        yield from self.parts.taking_in._promises

    def outgoing(self) -> CallId:
        live = [each.call_id for each in self.floor.outbound()]
        live += [each.call_id for each in self.floor.loans()]
        return self.one_of(live, self.gone_out[-8:])

    def failure(self) -> RingFailure:
        return self.rng.choice([each for each in RingFailure if each is not RingFailure.MOVED_ON])

    def agent(self) -> AgentId:
        return self.rng.choice(AGENTS)

    def busy_agent(self) -> AgentId:
        return self.one_of([a.agent_id for a in self.floor.agents() if a.state in BUSY], AGENTS)

    def peer_of(self, handoff_id: HandoffId) -> SiteId:
        peers = [each.peer for each in self.floor.handoffs() if each.handoff_id == handoff_id]
        peers += [each.peer for each in self.floor.loans() if each.handoff_id == handoff_id]
        promise = self.parts.taking_in._promises.get(handoff_id)
        peers += [promise.peer] if promise is not None else []
        return self.one_of(peers, PEERS)

    def new_name(self, kind: str) -> str:
        return f"{kind}{self.new_serial()}"

    def new_serial(self) -> int:
        self._serial += 1
        return self._serial
