import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from branch.desk.desk import Desk, Stamp
from branch.peers.wire import Asked
from router.acd.policy import QueuePolicy
from router.agent import RingFailure
from router.call import CallContext
from router.errors import DuplicateError, RouterError, UnknownQueueError
from router.facts import (
    AgentBecameReady,
    AgentLoggedIn,
    CallArrived,
    CallerHungUp,
    Fact,
    LegAnswered,
    LegFailed,
    LegHungUp,
    NodeStarted,
)
from router.floor import Floor
from router.ids import AgentId, CallId, HandoffId, Instant, QueueId, SiteId, Skill
from router.ledger import LedgerRow
from router.orders import BridgeAgent, HangUpCall, HoldInQueue, Order, Outcome, PublishLoad, RingAgent
from router.overflow.messages import Cancel, GetHandoff, HandoffSeen, Refusal, Refused, Reserve, Reserved
from router.overflow.policy import LinkPolicy, OverflowPolicy
from router.recovery import Inventory, OpenWork
from sync.clock import Clock, ManualClock, ScaledClock, SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord

SITE = SiteId("beijing")
PEER = SiteId("urumqi")
SALES = QueueId("sales")
AGENT = AgentId("beijing/1")
FRENCH = frozenset({Skill("french")})
HANDOFF = HandoffId("0190a0a0-0000-7000-8000-000000000001")
AT_UTC_US = 1_700_000_000_000_000


class RowsInMemory:
    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []
        self._grown = asyncio.Event()

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        self.rows.extend(rows)
        self._grown.set()

    async def until(self, kind: str) -> None:
        while kind not in [row.entry.kind for row in self.rows]:
            self._grown.clear()
            await self._grown.wait()


class Notes:
    def __init__(self) -> None:
        self.refusals: list[str] = []

    def note_rows(self, rows: Sequence[LedgerRow]) -> None:
        pass

    def note_refusal(self, fact: Fact, refusal: RouterError) -> None:
        self.refusals.append(refusal.reason)


class Site:
    """A desk with its surroundings in memory."""

    def __init__(
        self,
        carry_out: Callable[[Order], None] | None = None,
        *,
        clock: Clock | None = None,
        speed: float = 1.0,
        ring_limit_ms: int = 15_000,
    ) -> None:
        clock = clock or ManualClock(mono_ms=1_000, utc_us=AT_UTC_US)
        self.ledger = RowsInMemory()
        self.notes = Notes()
        self.left: list[Order] = []
        rng = random.Random(1)
        policy = QueuePolicy(queue_id=SALES, skills=FRENCH, ring_limit_ms=ring_limit_ms)
        floor = Floor(
            site_id=SITE,
            incarnation=5,
            policies=[policy],
            overflow=OverflowPolicy(links={PEER: LinkPolicy(site_id=PEER)}),
            new_id=lambda: f"{rng.getrandbits(128):032x}",
            rng=rng,
            mint_token=lambda handoff_id, site_id: f"token-{handoff_id}-{site_id}",
        )
        stamp = Stamp(
            site_id=SITE,
            incarnation=5,
            last_seq=10,
            clock=clock,
            calendar=BusinessCalendar("Asia/Shanghai"),
        )
        self.desk = Desk(
            floor=floor,
            stamp=stamp,
            clock=clock,
            speed=speed,
            ledger=self.ledger,
            carry_out=carry_out or self.left.append,
            instruments=self.notes,
        )
        self.desk.resume(OpenWork(), Inventory())
        self.desk.tell(NodeStarted(version="test"))
        self.commit()

    def commit(self) -> None:
        self.desk.committed(self.desk.last_seq)

    def arrive(self, call_id: str = "c1") -> None:
        self.desk.tell(CallArrived(call_id=CallId(call_id), queue_id=SALES, dialled="100"))

    def log_in(self) -> None:
        self.desk.tell(AgentLoggedIn(agent_id=AGENT, skills=FRENCH))
        self.desk.tell(AgentBecameReady(agent_id=AGENT))

    def media_orders(self) -> list[Order]:
        return [each for each in self.left if not isinstance(each, PublishLoad)]

    def ringing(self) -> RingAgent:
        [order] = [each for each in self.left if isinstance(each, RingAgent)]
        return order


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    yield made
    made.desk.close()


async def test_rows_are_gapless_and_carry_place_time_and_the_sites_own_day(site: Site) -> None:
    site.log_in()
    site.arrive()

    rows = site.ledger.rows
    assert [row.seq for row in rows] == list(range(11, 11 + len(rows)))
    assert {(row.site_id, row.incarnation, row.at_utc_us) for row in rows} == {(SITE, 5, AT_UTC_US)}
    assert {row.business_date for row in rows} == {"2023-11-15"}, "15 Nov 06:13 in Shanghai is 14 Nov in UTC"


async def test_an_agent_rings_behind_the_callers_hold_which_waits_for_its_commit(site: Site) -> None:
    site.log_in()

    site.arrive()

    assert site.media_orders() == []
    site.commit()
    assert [type(each) for each in site.media_orders()] == [HoldInQueue, RingAgent]


async def test_a_bridge_leaves_only_after_its_answer_is_committed(site: Site) -> None:
    site.log_in()
    site.arrive()
    site.commit()
    leg_id = site.ringing().leg_id
    bridge = BridgeAgent(call_id=CallId("c1"), leg_id=leg_id)

    site.desk.tell(LegAnswered(leg_id=leg_id))

    assert bridge not in site.left
    site.commit()
    assert site.left[-1] == bridge


async def test_a_refused_fact_is_counted_and_told_to_whom_it_concerns(site: Site) -> None:
    refusals: list[RouterError] = []
    fact = CallArrived(call_id=CallId("c1"), queue_id=QueueId("none"), dialled="100")

    site.desk.tell(fact, refusals.append)

    assert [type(each) for each in refusals] == [UnknownQueueError]
    assert site.notes.refusals == ["QUEUE_UNKNOWN"]


async def test_a_caller_told_twice_is_refused_the_second_time(site: Site) -> None:
    refusals: list[RouterError] = []
    site.arrive()

    fact = CallArrived(call_id=CallId("c1"), queue_id=SALES, dialled="100")
    site.desk.tell(fact, refusals.append)

    assert [type(each) for each in refusals] == [DuplicateError]


async def test_a_fact_told_from_inside_of_an_order_is_handled_after_the_turn() -> None:
    def carry_out(order: Order) -> None:
        if isinstance(order, RingAgent):
            busy.desk.tell(LegFailed(leg_id=order.leg_id, reason=RingFailure.BUSY))

    busy = Site(carry_out)
    busy.log_in()

    busy.arrive()
    busy.commit()

    kinds = [row.entry.kind for row in busy.ledger.rows]
    assert kinds.index("AGENT_OFFERED") < kinds.index("RING_FAILED")
    assert [row.seq for row in busy.ledger.rows] == list(range(11, 11 + len(kinds)))
    busy.desk.close()


async def test_however_many_facts_an_order_tells_each_has_its_turn() -> None:
    def carry_out(order: Order) -> None:
        if isinstance(order, HoldInQueue) and order.call_id == "c0":
            for number in range(1, 1_001):
                busy.arrive(f"c{number}")

    busy = Site(carry_out)
    busy.arrive("c0")

    busy.commit()

    assert len(busy.desk.live().calls) == 1_001
    busy.desk.close()


async def test_a_deadline_that_the_floor_refuses_breaks_the_desk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_now: Instant) -> Outcome:
        raise UnknownQueueError(SALES)

    monkeypatch.setattr(site.desk.floor, "handle_timer", refuse)

    with pytest.raises(UnknownQueueError):
        site.desk._due()

    with pytest.raises(UnknownQueueError):
        await asyncio.wait_for(site.desk.run(), 1)


def reserve(call: str = "0190a0a0-0000-7000-8000-00000000000c") -> Reserve:
    context = CallContext(
        call_id=CallId(call),
        queue_id=SALES,
        skills=FRENCH,
        priority=0,
        customer_id=None,
        waited_ms=0,
    )
    return Reserve(handoff_id=HANDOFF, call=context, timeout_ms=500)


def asked(request: Reserve | Cancel | GetHandoff, *, asked_incarnation: int = 5) -> Asked:
    return Asked(site_id=PEER, incarnation=3, asked_incarnation=asked_incarnation, request=request)


async def test_a_reserve_is_answered_before_its_row_is_committed(site: Site) -> None:
    site.log_in()

    reply = site.desk.answer(asked(reserve()))

    assert reply == Reserved(handoff_id=HANDOFF, token=f"token-{HANDOFF}-{PEER}")
    assert site.desk.answer(asked(reserve())) == reply


async def test_another_sites_answer_may_leave_before_its_turn_is_settled(site: Site) -> None:
    site.log_in()
    known = len(site.ledger.rows)

    site.desk.answer(asked(reserve()))
    rows_at_the_answer = site.ledger.rows[known:]
    await asyncio.sleep(0)

    assert rows_at_the_answer == []
    assert [row.entry.kind for row in site.ledger.rows[known:]] == ["AGENT_STATE", "HANDOFF_RESERVED"]


async def test_the_next_fact_finds_an_answered_turn_settled(site: Site) -> None:
    site.log_in()
    known = len(site.ledger.rows)

    site.desk.answer(asked(reserve()))
    site.desk.answer(asked(Cancel(handoff_id=HANDOFF, reason="CALLER_GONE")))
    site.arrive()

    kinds = [row.entry.kind for row in site.ledger.rows[known:]]
    assert kinds[:3] == ["AGENT_STATE", "HANDOFF_RESERVED", "HANDOFF_CANCELLED"]
    assert kinds.index("HANDOFF_CANCELLED") < kinds.index("CALL_ARRIVED")
    assert [row.seq for row in site.ledger.rows] == list(range(11, 11 + len(site.ledger.rows)))


async def test_the_last_row_is_that_of_the_answered_turn(site: Site) -> None:
    site.log_in()

    site.desk.answer(asked(reserve()))

    assert site.desk.last_seq == site.ledger.rows[-1].seq
    assert site.ledger.rows[-1].entry.kind == "HANDOFF_RESERVED"


async def test_an_answered_turn_that_cannot_be_settled_breaks_the_desk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_rows: Sequence[LedgerRow], _callers: Sequence[CallerRecord] = ()) -> None:
        raise ValueError("the rows do not continue the ledger")

    site.log_in()
    monkeypatch.setattr(site.ledger, "append", refuse)

    site.desk.answer(asked(reserve()))
    with pytest.raises(ValueError, match="continue the ledger"):
        site.arrive()

    with pytest.raises(ValueError, match="continue the ledger"):
        await asyncio.wait_for(site.desk.run(), 1)


async def test_a_message_for_an_earlier_incarnation_is_stale_unless_it_asks_what_is_left(site: Site) -> None:
    site.log_in()

    reply = site.desk.answer(asked(reserve(), asked_incarnation=4))
    seen = site.desk.answer(asked(GetHandoff(handoff_id=HANDOFF), asked_incarnation=4))

    assert reply == Refused(handoff_id=HANDOFF, reason=Refusal.STALE_INCARNATION)
    assert isinstance(seen, HandoffSeen)


async def test_a_deadline_comes_by_itself() -> None:
    site = Site(clock=SystemClock(), ring_limit_ms=20)
    site.log_in()

    site.arrive()

    async with asyncio.timeout(5):
        await site.ledger.until("RING_FAILED")
    site.desk.close()


async def test_on_a_clock_sixty_times_as_fast_a_deadline_comes_sixty_times_as_soon() -> None:
    site = Site(clock=ScaledClock(60.0, 0, 0), ring_limit_ms=15_000, speed=60.0)
    site.log_in()
    began_at = SystemClock().mono_ms()

    site.arrive()

    async with asyncio.timeout(5):
        await site.ledger.until("RING_FAILED")
    assert 250 <= SystemClock().mono_ms() - began_at < 2_000
    site.desk.close()


async def test_a_desk_is_empty_once_its_last_call_has_ended(site: Site) -> None:
    site.log_in()
    site.arrive()
    site.commit()
    leg_id = site.ringing().leg_id
    site.desk.tell(LegAnswered(leg_id=leg_id))
    empty = asyncio.ensure_future(site.desk.until_empty())
    await asyncio.sleep(0)
    assert not empty.done()

    site.desk.tell(LegHungUp(leg_id=leg_id))

    await asyncio.wait_for(empty, 1)
    site.commit()
    assert site.left[-1] == HangUpCall(call_id=CallId("c1"), reason="ANSWERED")


async def test_a_fault_breaks_the_desk_for_good() -> None:
    def carry_out(order: Order) -> None:
        if isinstance(order, HoldInQueue):
            raise ZeroDivisionError

    site = Site(carry_out)
    site.arrive()

    with pytest.raises(ZeroDivisionError):
        site.commit()

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(site.desk.run(), 1)
    site.desk.close()


async def test_what_lives_at_the_desk_is_known_by_id(site: Site) -> None:
    site.log_in()
    site.arrive()
    site.commit()

    live = site.desk.live()

    assert live.calls == {CallId("c1")}
    assert live.legs == {site.ringing().leg_id}
    site.desk.tell(CallerHungUp(call_id=CallId("c1")))
    assert site.desk.live().calls == frozenset()
