from dataclasses import dataclass

import pytest

from router.agent import AgentState, RingFailure
from router.ids import AgentId, CallId, HandoffId, LegId, QueueId, SiteId
from router.kpi.agents import occupancy, ring_no_answer_rate
from router.kpi.expected_wait import expected_wait_error
from router.kpi.overflow import OverflowTally
from router.ledger import (
    AgentOffered,
    Announced,
    CallConnected,
    Decision,
    HandoffAsked,
    HandoffCancelled,
    HandoffConfirmed,
    HandoffExpired,
    HandoffRefused,
    OutboundBegan,
    RingFailed,
    Role,
)
from tests.ledgers import Ledger

SALES = QueueId("sales")
CALL = CallId("c1")
A, B = SiteId("a"), SiteId("b")
ANY_DECISION = Decision(rule="PUSH_BY_SCORE", view_age_ms=0, candidates=())


@dataclass(frozen=True)
class Span:
    state: AgentState
    duration_ms: int | None


def test_occupancy_leaves_not_ready_ringing_and_unfinished_time_out() -> None:
    spans = [
        Span(AgentState.TALKING, 50),
        Span(AgentState.ON_HOLD, 10),
        Span(AgentState.WRAP_UP, 15),
        Span(AgentState.READY, 25),
        Span(AgentState.NOT_READY, 1000),
        Span(AgentState.RINGING, 1000),
        Span(AgentState.READY, None),
    ]

    assert occupancy(spans) == 75.0


def test_occupancy_without_time_is_no_data() -> None:
    assert occupancy([Span(AgentState.NOT_READY, 1000)]) is None


def offered(leg: str) -> AgentOffered:
    return AgentOffered(
        call_id=CALL, leg_id=LegId(leg), agent_id=AgentId("a/1"), queue_id=SALES, handoff_id=None
    )


def failed(leg: str, reason: RingFailure) -> RingFailed:
    return RingFailed(call_id=CALL, leg_id=LegId(leg), agent_id=AgentId("a/1"), queue_id=SALES, reason=reason)


def test_only_an_unanswered_ring_counts_into_the_rona_rate() -> None:
    ledger = Ledger("a")
    ledger.at(0, offered("1")).at(15, failed("1", RingFailure.NO_ANSWER))
    ledger.at(16, offered("2")).at(17, failed("2", RingFailure.REJECTED))

    assert ring_no_answer_rate(ledger.rows) == 50.0
    assert ring_no_answer_rate([]) is None


def test_an_agents_own_phone_that_it_dials_from_is_no_offer() -> None:
    ledger = Ledger("a")
    began = OutboundBegan(call_id=CALL, agent_id=AgentId("a/1"), queue_id=SALES, callback_of=None)

    ledger.at(0, began).at(0, offered("1")).at(15, failed("1", RingFailure.NO_ANSWER))

    assert ring_no_answer_rate(ledger.rows) is None


def test_expected_wait_error_tells_size_and_direction() -> None:
    def told(seconds: int) -> Announced:
        return Announced(call_id=CALL, queue_id=SALES, position=1, expected_wait_s=seconds)

    answered = CallConnected(
        call_id=CALL,
        queue_id=SALES,
        agent_id=None,
        leg_id=None,
        handoff_id=None,
        served_by=A,
        waited_ms=60_000,
    )
    ledger = Ledger("a").at(0, told(50)).at(30, told(50)).at(60, answered)

    error = expected_wait_error(ledger.rows)

    assert (error.announcements, error.mean_absolute_s, error.bias_s) == (2, 15.0, 5.0)
    assert expected_wait_error([]).bias_s is None


def asked(handoff: str, role: Role, peer: SiteId) -> HandoffAsked:
    return HandoffAsked(
        handoff_id=HandoffId(handoff), role=role, peer=peer, call_id=None, decision=ANY_DECISION
    )


def test_a_hand_off_is_counted_once_though_both_sides_write_it() -> None:
    one, other = Ledger("a"), Ledger("b")
    refused = HandoffRefused(
        handoff_id=HandoffId("h1"), role=Role.ORIGIN, peer=B, call_id=CALL, reason="NO_IDLE_AGENT"
    )
    one.at(0, asked("h1", Role.ORIGIN, B)).at(0.1, refused)
    one.at(1, asked("h2", Role.ORIGIN, B))
    other.at(
        3,
        HandoffExpired(handoff_id=HandoffId("h2"), role=Role.HELPER, peer=A, call_id=None, stage="RESERVED"),
    )
    one.at(
        3, HandoffExpired(handoff_id=HandoffId("h2"), role=Role.ORIGIN, peer=B, call_id=CALL, stage="DIALING")
    )
    other.at(4, asked("h3", Role.HELPER, A))
    other.at(
        5, HandoffCancelled(handoff_id=HandoffId("h3"), role=Role.HELPER, peer=A, call_id=None, reason="X")
    )
    tally = OverflowTally()

    for row in [*one.rows, *other.rows]:
        tally.see(row)

    assert (tally.asked, tally.expired, tally.cancelled) == (3, 1, 1)
    assert tally.refused == {"NO_IDLE_AGENT": 1}


@pytest.mark.parametrize(("site", "out", "into"), [("a", 2, 0), ("b", 0, 2)])
def test_overflow_is_what_the_helper_heard_confirmed(site: str, out: int, into: int) -> None:
    tally = OverflowTally()
    for number in (1, 2):
        confirmed = HandoffConfirmed(handoff_id=HandoffId(f"h{number}"), peer=A, call_id=CALL)
        tally.see(Ledger("b").at(number, confirmed).rows[0])

    assert tally.confirmed_count == 2
    assert (tally.out_of(SiteId(site)), tally.into(SiteId(site))) == (out, into)
