from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch.desk.outbox import _SUBJECTS, Outbox, subjects
from router.ids import AgentId, CallId, HandoffId, LegId, QueueId, SiteId
from router.orders import (
    Ask,
    BridgeAgent,
    ConfirmHandoff,
    DialSite,
    HangUpCall,
    HangUpLeg,
    HoldInQueue,
    Order,
    RingAgent,
    StopRinging,
)
from router.overflow.messages import Cancel, Confirm

SALES = QueueId("sales")
PEER = SiteId("urumqi")


def hold(call: str) -> HoldInQueue:
    return HoldInQueue(call_id=CallId(call), queue_id=SALES)


def ring(call: str, leg: str, agent: str = "a/1") -> RingAgent:
    return RingAgent(
        leg_id=LegId(leg), agent_id=AgentId(agent), call_id=CallId(call), queue_id=SALES, handoff_id=None
    )


def stop(leg: str, agent: str = "a/2") -> StopRinging:
    return StopRinging(leg_id=LegId(leg), agent_id=AgentId(agent))


def hang_up(leg: str, agent: str) -> HangUpLeg:
    return HangUpLeg(leg_id=LegId(leg), agent_id=AgentId(agent))


def bridge(call: str, leg: str) -> BridgeAgent:
    return BridgeAgent(call_id=CallId(call), leg_id=LegId(leg))


@pytest.fixture
def left() -> list[Order]:
    return []


@pytest.fixture
def outbox(left: list[Order]) -> Outbox:
    return Outbox(left.append)


def test_a_reversible_order_leaves_at_once(outbox: Outbox, left: list[Order]) -> None:
    outbox.put(ring("c1", "l1"), rests_on=3)

    assert left == [ring("c1", "l1")]


def test_an_irreversible_order_waits_for_the_row_it_rests_on(outbox: Outbox, left: list[Order]) -> None:
    outbox.put(bridge("c1", "l1"), rests_on=3)
    outbox.committed(2)
    assert left == []

    outbox.committed(3)

    assert left == [bridge("c1", "l1")]


def test_an_irreversible_order_whose_row_is_committed_leaves_at_once(
    outbox: Outbox, left: list[Order]
) -> None:
    outbox.committed(3)

    outbox.put(bridge("c1", "l1"), rests_on=3)

    assert left == [bridge("c1", "l1")]


def test_a_reversible_order_stays_behind_an_irreversible_one_of_its_call(
    outbox: Outbox, left: list[Order]
) -> None:
    outbox.put(hold("c1"), rests_on=3)
    outbox.put(ring("c1", "l1"), rests_on=4)
    outbox.put(ring("c2", "l2", "a/2"), rests_on=4)
    assert left == [ring("c2", "l2", "a/2")]

    outbox.committed(4)

    assert left == [ring("c2", "l2", "a/2"), hold("c1"), ring("c1", "l1")]


def test_a_leg_is_not_stopped_before_it_was_rung(outbox: Outbox, left: list[Order]) -> None:
    outbox.put(hold("c1"), rests_on=3)
    outbox.put(ring("c1", "l1"), rests_on=3)
    outbox.put(stop("l1"), rests_on=4)

    outbox.committed(4)

    assert left == [hold("c1"), ring("c1", "l1"), stop("l1")]


def test_a_phone_is_rung_again_only_after_it_was_told_to_hang_up(outbox: Outbox, left: list[Order]) -> None:
    outbox.put(hang_up("l1", "a/1"), rests_on=3)
    outbox.put(ring("c2", "l2"), rests_on=4)
    assert left == []

    outbox.committed(4)

    assert left == [hang_up("l1", "a/1"), ring("c2", "l2")]


def test_a_confirmation_waits_and_a_cancellation_of_it_waits_behind_it(
    outbox: Outbox, left: list[Order]
) -> None:
    handoff = HandoffId("h1")
    confirm = ConfirmHandoff(site_id=PEER, request=Confirm(handoff_id=handoff))
    cancel = Ask(site_id=PEER, request=Cancel(handoff_id=handoff, reason="CALLER_GONE"))
    outbox.put(confirm, rests_on=5)
    outbox.put(cancel, rests_on=6)
    assert left == []

    outbox.committed(6)

    assert left == [confirm, cancel]


def test_nothing_is_kept_once_everything_left(outbox: Outbox) -> None:
    outbox.put(hold("c1"), rests_on=1)
    outbox.put(ring("c1", "l1"), rests_on=2)

    outbox.committed(2)

    assert len(outbox) == 0
    assert not outbox._waiting_of


def test_every_kind_of_order_has_its_subjects() -> None:
    def kinds(cls: type[Order]) -> set[str]:
        return {cls.__qualname__}.union(*(kinds(child) for child in cls.__subclasses__()))

    # A dataclass with slots is a second class made from the first, so names are compared.
    asks = {"Ask", "ConfirmHandoff"}
    answers = {"Answer", "AnswerForGood"}  # Given by the desk itself, in the turn of its question.

    assert kinds(Order) - {"Order"} == {each.__qualname__ for each in _SUBJECTS} | asks | answers


@given(st.data())
def test_no_order_overtakes_another_of_its_subjects_whenever_commits_come(data: st.DataObject) -> None:
    left: list[Order] = []
    outbox = Outbox(left.append)
    given_orders: list[Order] = []
    seq = 0
    choices: list[Callable[[str], Order]] = [
        hold,
        lambda c: ring(c, f"l{c}"),
        lambda c: stop(f"l{c}"),
        lambda c: bridge(c, f"l{c}"),
    ]
    for _ in range(data.draw(st.integers(1, 20))):
        if data.draw(st.booleans()):
            outbox.committed(data.draw(st.integers(0, seq)))
        make = data.draw(st.sampled_from(choices))
        seq += data.draw(st.integers(0, 2))
        given_orders.append(make(data.draw(st.sampled_from("abc"))))
        outbox.put(given_orders[-1], rests_on=seq)
    outbox.committed(seq)

    assert len(left) == len(given_orders)
    for subject in ("a", "b", "c", "la", "lb", "lc"):
        assert [o for o in left if subject in subjects(o)] == [
            o for o in given_orders if subject in subjects(o)
        ]


def test_hang_up_and_dial_belong_to_the_same_call(outbox: Outbox, left: list[Order]) -> None:
    dial = DialSite(handoff_id=HandoffId("h1"), call_id=CallId("c1"), site_id=PEER, token="t")
    outbox.put(dial, rests_on=1)
    outbox.put(HangUpCall(call_id=CallId("c1"), reason="TIMED_OUT"), rests_on=1)

    outbox.committed(1)

    assert left == [dial, HangUpCall(call_id=CallId("c1"), reason="TIMED_OUT")]
