"""A floor under test: its orders carried out by hand, its times read as seconds."""

import random
from collections.abc import Iterable
from itertools import count
from typing import TypeVar

from router import facts, ledger, orders
from router.acd.policy import QueuePolicy
from router.agent import AgentState
from router.call import Disposition, Language
from router.callback.policy import CallbackPolicy
from router.facts import Fact
from router.floor import Floor
from router.ids import AgentId, CallId, CustomerId, Instant, LegId, QueueId, SiteId, Skill, Skills
from router.ivr import IvrPlan
from router.orders import Outcome
from router.outbound.policy import OutboundPolicy
from router.overflow.policy import LinkPolicy, OverflowPolicy

T = TypeVar("T")

SALES = QueueId("sales")
SALES_SKILLS: Skills = frozenset({Skill("sales")})


def at(seconds: float) -> Instant:
    return Instant(round(seconds * 1000))


def sales(**settings: object) -> QueuePolicy:
    return QueuePolicy(queue_id=SALES, skills=SALES_SKILLS, **settings)  # type: ignore[arg-type]  # kept short


class FloorUnderTest:
    """Tells facts to a floor and remembers everything that came out of it."""

    def __init__(
        self,
        site: str = "beijing",
        policies: Iterable[QueuePolicy] = (),
        overflow: OverflowPolicy | None = None,
        peers: Iterable[str] = (),
        ivr: IvrPlan | None = None,
        language: Language = Language.CHINESE,
        outbound: OutboundPolicy | None = None,
        callback: CallbackPolicy | None = None,
    ) -> None:
        ids = count(1)
        links = {SiteId(p): LinkPolicy(site_id=SiteId(p)) for p in peers}
        self.site_id = SiteId(site)
        self.floor = Floor(
            site_id=self.site_id,
            incarnation=1,
            policies=list(policies) or [sales()],
            overflow=overflow or OverflowPolicy(links=links),
            new_id=lambda: f"{site}-{next(ids)}",
            rng=random.Random(1),
            mint_token=lambda handoff_id, origin: f"token:{handoff_id}:{origin}",
            ivr=ivr,
            language=language,
            outbound=outbound,
            callback=callback,
        )
        self.log: Outcome = []

    def tell(self, fact: Fact, seconds: float) -> Outcome:
        outcome = self.floor.handle(fact, at(seconds))
        self.log += outcome
        return outcome

    def wait_until(self, seconds: float) -> Outcome:
        """Work off every deadline on the way."""
        outcome: Outcome = []
        while (due := self.floor.next_timer()) is not None and due <= at(seconds):
            outcome += self.floor.handle_timer(due)
        self.log += outcome
        return outcome

    def seat(self, name: str, seconds: float, skills: Skills = SALES_SKILLS) -> AgentId:
        agent_id = AgentId(f"{self.site_id}/{name}")
        self.tell(facts.AgentLoggedIn(agent_id=agent_id, skills=skills), seconds)
        self.tell(facts.AgentBecameReady(agent_id=agent_id), seconds)
        return agent_id

    def call(self, name: str, seconds: float, queue: QueueId = SALES, **more: object) -> Outcome:
        return self.tell(
            facts.CallArrived(call_id=CallId(name), queue_id=queue, dialled="95588", **more),  # type: ignore[arg-type]  # kept short
            seconds,
        )

    def answer(self, leg_id: LegId, seconds: float) -> Outcome:
        return self.tell(facts.LegAnswered(leg_id=leg_id), seconds)

    def state(self, agent_id: AgentId) -> AgentState:
        view = self.floor.agent(agent_id)
        return view.state if view is not None else AgentState.LOGGED_OUT

    def ending(self, name: str) -> Disposition | None:
        """The disposition of the call's one ending; None while it lives."""
        endings = [e.disposition for e in all_of(self.log, ledger.CallEnded) if e.call_id == name]
        assert len(endings) <= 1
        return endings[0] if endings else None


def all_of(outcome: Outcome, kind: type[T]) -> list[T]:
    return [item for item in outcome if isinstance(item, kind)]


def one(outcome: Outcome, kind: type[T]) -> T:
    found = all_of(outcome, kind)
    assert len(found) == 1, f"{len(found)} {kind.__name__} in {outcome}"
    return found[0]


def rung(outcome: Outcome) -> list[AgentId]:
    return [order.agent_id for order in all_of(outcome, orders.RingAgent)]


CUSTOMER = CustomerId("c-1")
