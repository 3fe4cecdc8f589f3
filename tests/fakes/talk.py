"""A talk under test: an agent, a caller, and a colleague who is ready beside them."""

from router import facts, orders
from router.agent import AgentState
from router.call import CallState
from router.ids import CallId, LegId
from router.talk.consultation import ConsultationState
from tests.fakes.floor import FloorUnderTest, one, sales

C1 = CallId("c1")


class Talk:
    """Kim talks to the caller of c1 since second 10; Ann is ready beside her."""

    def __init__(self, **settings: object) -> None:
        self.floor = FloorUnderTest(policies=[sales(**{"wrap_up_limit_ms": 30_000, **settings})])
        self.kim = self.floor.seat("1", 0)
        self.floor.call("c1", 5)
        self.kims_leg = one(self.floor.log, orders.RingAgent).leg_id
        self.floor.answer(self.kims_leg, 10)
        self.ann = self.floor.seat("2", 11)

    def consult(self, seconds: float = 20) -> LegId:
        """Kim asks Ann, whose phone rings."""
        outcome = self.floor.tell(facts.ConsultAsked(agent_id=self.kim, to_agent=self.ann), seconds)
        return one(outcome, orders.RingAgent).leg_id

    def consulted(self, seconds: float = 25) -> LegId:
        """Kim speaks with Ann, the caller hears music."""
        leg_id = self.consult()
        self.floor.answer(leg_id, seconds)
        return leg_id

    @property
    def call(self) -> CallState | None:
        call = self.floor.floor.call(C1)
        return call.state if call is not None else None

    @property
    def consultation(self) -> tuple[ConsultationState, str | None] | None:
        call = self.floor.floor.call(C1)
        seen = call.consultation if call is not None else None
        return (seen.state, seen.reason) if seen is not None else None

    def states(self) -> tuple[AgentState, AgentState]:
        return self.floor.state(self.kim), self.floor.state(self.ann)
