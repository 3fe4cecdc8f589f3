"""A desk without a store and without a PBX: a real floor with idle agents, for tests of what talks to it."""

import random
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from branch.desk.desk import Desk, Stamp
from branch.operating.metrics import BranchInstruments
from router.acd.policy import QueuePolicy
from router.facts import AgentBecameReady, AgentLoggedIn
from router.floor import Floor
from router.ids import AgentId, QueueId, SiteId, Skill
from router.ledger import LedgerRow
from router.orders import Order
from router.overflow.policy import LinkPolicy, OverflowPolicy
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from sync.token import KEY_BYTES, TokenMint

SALES = QueueId("sales")
FRENCH = frozenset({Skill("french")})
INCARNATION = 5


class Nobody:
    """Keeps no rows and carries nothing out: answers to other sites need neither."""

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        pass

    def carry_out(self, order: Order) -> None:
        pass


def desk_with_agents(
    site_id: SiteId,
    *,
    peers: Sequence[SiteId],
    agent_count: int,
    registry: CollectorRegistry | None = None,
) -> Desk:
    """Agents `SITE/1` to `SITE/agent_count` speak French and are ready."""
    clock, rng = SystemClock(), random.Random(1)
    floor = Floor(
        site_id=site_id,
        incarnation=INCARNATION,
        policies=[QueuePolicy(queue_id=SALES, skills=FRENCH)],
        overflow=OverflowPolicy(links={each: LinkPolicy(site_id=each) for each in peers}),
        new_id=lambda: f"{rng.getrandbits(128):032x}",
        rng=rng,
        mint_token=TokenMint(site_id, INCARNATION, b"k" * KEY_BYTES).mint,
    )
    calendar = BusinessCalendar("Asia/Shanghai")
    desk = Desk(
        floor=floor,
        stamp=Stamp(site_id=site_id, incarnation=INCARNATION, last_seq=0, clock=clock, calendar=calendar),
        clock=clock,
        speed=1.0,
        ledger=Nobody(),
        carry_out=Nobody().carry_out,
        instruments=BranchInstruments(registry or CollectorRegistry()),
    )
    for number in range(1, agent_count + 1):
        agent_id = AgentId(f"{site_id}/{number}")
        desk.tell(AgentLoggedIn(agent_id=agent_id, skills=FRENCH))
        desk.tell(AgentBecameReady(agent_id=agent_id))
    return desk
