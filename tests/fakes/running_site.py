"""A site's real floor and desk on a real PBX, with a ledger in memory and peers in this process."""

import asyncio
import random
import secrets
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import uuid_utils
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from branch.desk.desk import Desk, Stamp
from branch.desk.hearing import Lines, PbxEar
from branch.desk.invitations import Invitations
from branch.ivr.lookup import CustomerLookup
from branch.operating.metrics import BranchInstruments
from branch.peers.wire import Asked
from branch.telephony.driver.driver import PbxDriver
from branch.telephony.simulated.link import Link
from router.acd.policy import QueuePolicy
from router.facts import LoadSeen, NodeStarted, SiteReplied
from router.floor import Floor
from router.ids import AgentId, CallId, CustomerId, QueueId, SiteId, Skills
from router.ivr import IvrPlan
from router.ledger import LedgerRow
from router.orders import Ask, FindCustomer, Order, PublishLoad
from router.overflow.policy import WIRE_LIMITS, LinkPolicy, OverflowPolicy
from router.recovery import OpenWork
from sync.clock import Clock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from sync.token import TokenMint
from tests.fakes.pbx_process import PASSWORD

INCARNATION = 1_000


class NoMessages:
    def for_agent(self, agent_id: AgentId) -> list[CallId]:
        return []

    def unplayable(self, call_id: CallId) -> None:
        raise AssertionError(f"{call_id} cannot be played, and nobody left it")

    def heard_soon(self, call_id: CallId, person_id: str) -> None:
        raise AssertionError(f"{person_id} has heard {call_id}, which nobody left")


class RunningSite:
    """Everything of a branch that decides and speaks to the PBX."""

    def __init__(
        self,
        site_id: str,
        *,
        queue_id: str,
        clock: Clock,
        speed: float,
        address: str,
        trunks: dict[SiteId, str],
        more_queues: Iterable[QueuePolicy] = (),
        ivr: IvrPlan | None = None,
        classes: Mapping[str, str] | None = None,
    ) -> None:
        """`classes` are those of the customers that this site knows."""
        self.site_id = SiteId(site_id)
        self._ivr = ivr
        self._classes = classes or {}
        self._more_queues = tuple(more_queues)
        self.rows: list[LedgerRow] = []
        self.peers: dict[SiteId, RunningSite] = {}
        self.refused_tokens: list[str] = []
        self.forwarded: list[tuple[AgentId, str | None]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._mint = TokenMint(self.site_id, INCARNATION, secrets.token_bytes(32))
        self._policy = QueuePolicy(queue_id=QueueId(queue_id), skills=frozenset(), wrap_up_limit_ms=0)
        self.desk = self._desk(clock, speed, tuple(trunks))
        self.driver = PbxDriver(
            address=address,
            open_link=partial(Link.open, address, SecretStr(PASSWORD), self.site_id),
            trunks=trunks,
            new_id=new_id,
            start_task=self._start_task,
        )
        self.ear = PbxEar(
            desk=self.desk,
            driver=self.driver,
            directory=self,
            customers=self,
            lines=Lines({}, self._policy.queue_id),
            invitations=Invitations(self._mint, self.desk.floor, lambda _handoff_id: None),
            note_refused_token=self.refused_tokens.append,
            note_caller=lambda _caller: None,
            messages=NoMessages(),
            forward=lambda agent_id, number, _confirm: self.forwarded.append((agent_id, number)),
        )

    async def start(self) -> None:
        inventory = await self.driver.start(self.ear)
        self.desk.resume(OpenWork(), inventory)
        self.desk.tell(NodeStarted(version="test"))

    async def close(self) -> None:
        """Stop, and raise what broke a task meanwhile."""
        await self.driver.close()
        self.desk.close()
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.result()

    # --- what the site needs of a store, of peers and of a directory ------------------------

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        self.rows.extend(rows)
        asyncio.get_running_loop().call_later(0.002, self.desk.committed, rows[-1].seq)

    def skills_of(self, agent_id: AgentId) -> Skills | None:
        return frozenset() if agent_id.startswith(f"{self.site_id}/") else None

    def customer_of(self, number: str) -> CustomerId | None:
        """Nobody has told this site whose numbers they are."""
        return None

    def class_of(self, customer_id: CustomerId) -> str | None:
        return self._classes.get(customer_id)

    def carry_out(self, order: Order) -> None:
        if isinstance(order, FindCustomer):
            CustomerLookup(self, None, self.desk.tell).find(order)
        elif isinstance(order, Ask):
            asyncio.get_running_loop().call_soon(self._ask, order)
        elif isinstance(order, PublishLoad):
            for peer in self.peers.values():
                asyncio.get_running_loop().call_soon(peer.desk.tell, LoadSeen(load=order.load))
        else:
            self.driver.carry_out(order)

    def _ask(self, order: Ask) -> None:
        peer = self.peers[order.site_id]
        asked = Asked(
            site_id=self.site_id,
            incarnation=INCARNATION,
            asked_incarnation=INCARNATION,
            request=order.request,
        )
        reply = peer.desk.answer(asked)
        replied = SiteReplied(
            site_id=peer.site_id, incarnation=INCARNATION, request=order.request, reply=reply
        )
        asyncio.get_running_loop().call_soon(self.desk.tell, replied)

    def _desk(self, clock: Clock, speed: float, peers: tuple[SiteId, ...]) -> Desk:
        limits = {name: round(getattr(OverflowPolicy(), name) * speed) for name in WIRE_LIMITS}
        floor = Floor(
            site_id=self.site_id,
            incarnation=INCARNATION,
            policies=[self._policy, *self._more_queues],
            ivr=self._ivr,
            overflow=OverflowPolicy(links={peer: LinkPolicy(site_id=peer) for peer in peers}, **limits),
            new_id=new_id,
            rng=random.Random(1),
            mint_token=self._mint.mint,
        )
        stamp = Stamp(
            site_id=self.site_id,
            incarnation=INCARNATION,
            last_seq=0,
            clock=clock,
            calendar=BusinessCalendar("Asia/Shanghai"),
        )
        return Desk(
            floor=floor,
            stamp=stamp,
            clock=clock,
            speed=speed,
            ledger=self,
            carry_out=self.carry_out,
            instruments=BranchInstruments(CollectorRegistry()),
        )

    def _start_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self.tasks.append(task)
        return task


def new_id() -> str:
    return str(uuid_utils.uuid7())
