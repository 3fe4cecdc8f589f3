"""The laws where a colleague is consulted: no offer of the call, and yet nobody is taken twice."""

from dataclasses import replace

from router.agent import AgentState
from router.call import CallState, Disposition
from router.ids import AgentId, CallId, Instant, LegId, QueueId, SiteId
from router.ledger import (
    AgentStateChanged,
    CallConferenced,
    CallConnected,
    CallEnded,
    Consulted,
    Entry,
)
from router.talk.consultation import ConsultationState
from router.views import CallView, ConsultationView
from router.world.laws.floors import FloorLaws
from tests.ledgers import Ledger
from tests.unit.router.test_world_floor_laws import RINGING, WAITING, Shown
from tests.unit.router.test_world_laws import A, arrival, law, offer

ANNA, LI = AgentId("a/anna"), AgentId("a/li")
C1 = CallId("c1")


def consulted(agent_id: AgentId = ANNA) -> Entry:
    return Consulted(call_id=C1, agent_id=LI, leg_id=LegId("l9"), to_agent=agent_id)


def state(to: AgentState) -> Entry:
    return AgentStateChanged(agent_id=ANNA, state=to, reason=None)


def talk() -> Ledger:
    """Li has the caller."""
    connected = CallConnected(
        call_id=C1,
        queue_id=QueueId("PS"),
        agent_id=LI,
        leg_id=LegId("l1"),
        handoff_id=None,
        served_by=A,
        waited_ms=0,
    )
    ledger = Ledger(A)
    ledger.at(0, *arrival())
    ledger.at(0, offer(agent=LI), connected)
    return ledger


def test_whoever_is_consulted_is_taken() -> None:
    fine, broken = talk(), talk()
    fine.at(1, consulted(), state(AgentState.RINGING))
    fine.at(2, state(AgentState.READY))
    fine.at(3, offer("l2", CallId("c2")))
    broken.at(1, consulted(), state(AgentState.RINGING))
    broken.at(2, offer("l2", CallId("c2")))

    assert law("an_agent_has_at_most_one_reservation", fine).violation_count == 0
    assert "kept for l9" in law("an_agent_has_at_most_one_reservation", broken).violations[0]


def test_nobody_who_has_a_call_is_consulted() -> None:
    ledger = talk()
    ledger.at(1, state(AgentState.TALKING))
    ledger.at(2, consulted())

    assert "with another call" in law("an_agent_has_at_most_one_reservation", ledger).violations[0]


def test_nothing_is_asked_about_a_call_that_has_ended() -> None:
    over = CallEnded(
        call_id=C1,
        queue_id=None,
        disposition=Disposition.ANSWERED,
        reason=None,
        waited_ms=0,
        talk_ms=0,
        hold_ms=0,
        is_short=False,
    )
    merged = CallConferenced(call_id=C1, agent_id=LI, leg_id=LegId("l9"), with_agent=ANNA)
    for late in (consulted(), merged):
        ledger = talk()
        ledger.at(1, over)
        ledger.at(2, late)

        assert law("one_terminal_disposition", ledger).violation_count == 1


def test_a_phone_that_rings_for_a_consultation_is_no_offer() -> None:
    view = ConsultationView(
        agent_id=RINGING.agent_id, leg_id=LegId("l1"), state=ConsultationState.RINGING, reason=None
    )
    held = replace(WAITING, state=CallState.HELD, agent_id=LI)

    assert offers_are_well(replace(held, consultation=view))
    assert not offers_are_well(held)


def offers_are_well(call: CallView) -> bool:
    laws = FloorLaws()
    laws.look(SiteId("a"), 1, Shown((call,), (RINGING,)), Instant(2_000))
    (result,) = (each for each in laws.results() if each.name == "live.one_open_offer")
    return result.violation_count == 0
