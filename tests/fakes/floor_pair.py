"""An origin and a helper as two floors, with their messages and their trunk carried by hand."""

from dataclasses import replace

from router import facts, orders
from router.agent import AgentState
from router.call import CallState
from router.ids import CallId, HandoffId, LegId
from router.orders import Outcome
from router.overflow.messages import Reply, Request, Reserve
from router.overflow.policy import OverflowPolicy
from tests.fakes.floor import FloorUnderTest, at, one

C1 = CallId("c1")


class Pair:
    """An origin full of callers and a helper with one idle agent; messages are carried by hand."""

    def __init__(self, *, helper_agents: int = 1, policy: OverflowPolicy | None = None) -> None:
        self.origin = FloorUnderTest("beijing", peers=["urumqi"], overflow=policy)
        self.helper = FloorUnderTest("urumqi", peers=["beijing"])
        self.agents = [self.helper.seat(str(n), 0) for n in range(helper_agents)]
        for floor in (self.origin, self.helper):
            floor.tell(facts.ViewConfirmed(), 0)
            floor.wait_until(0.001)
        self.show(self.helper, self.origin, 0.5)

    def show(self, source: FloorUnderTest, target: FloorUnderTest, seconds: float) -> Outcome:
        load = replace(source.floor.load(at(seconds)), version=round(seconds * 1000))
        return target.tell(facts.LoadSeen(load=load), seconds)

    def ask(self, seconds: float) -> Reserve:
        request = one(self.origin.call(C1, seconds), orders.Ask).request
        assert isinstance(request, Reserve)
        return request

    def reserve(self, seconds: float) -> tuple[Reserve, Outcome]:
        """Up to the order to dial."""
        request = self.ask(seconds)
        return request, self.reply(request, self.send(self.helper, request, seconds), seconds)

    def send(self, target: FloorUnderTest, request: Request, seconds: float) -> Reply:
        source = self.origin if target is self.helper else self.helper
        outcome = target.tell(
            facts.SiteAsked(site_id=source.site_id, incarnation=1, request=request), seconds
        )
        return one(outcome, orders.Answer).reply

    def reply(self, request: Request, reply: Reply, seconds: float) -> Outcome:
        return self.origin.tell(
            facts.SiteReplied(site_id=self.helper.site_id, incarnation=1, request=request, reply=reply),
            seconds,
        )

    def invite(self, handoff_id: HandoffId, seconds: float) -> Outcome:
        return self.helper.tell(
            facts.TrunkCallArrived(handoff_id=handoff_id, from_site=self.origin.site_id), seconds
        )

    def ring(self, seconds: float) -> tuple[HandoffId, LegId]:
        """Up to the helper's ringing agent, known at both sides."""
        request, _ = self.reserve(seconds)
        leg = one(self.invite(request.handoff_id, seconds), orders.RingAgent).leg_id
        self.helper.tell(facts.LegRang(leg_id=leg), seconds)
        self.origin.tell(facts.TrunkRang(handoff_id=request.handoff_id), seconds)
        return request.handoff_id, leg

    def connect(self, seconds: float) -> tuple[HandoffId, LegId]:
        handoff_id, leg = self.ring(seconds)
        self.helper.answer(leg, seconds)
        self.origin.tell(facts.TrunkAnswered(handoff_id=handoff_id), seconds)
        return handoff_id, leg

    def call_state(self) -> CallState | None:
        view = self.origin.floor.call(C1)
        return view.state if view is not None else None

    def agent_state(self) -> AgentState:
        return self.helper.state(self.agents[0])
