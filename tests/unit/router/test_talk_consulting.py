"""Attended transfer: a colleague is asked beside the call and takes it, or the caller is back."""

import pytest

from router import facts, ledger, orders
from router.acd.policy import Distribution
from router.agent import AgentState, RingFailure
from router.call import CallState, Disposition
from router.errors import WrongStateError
from router.ids import AgentId, CallId
from router.talk.consultation import ConsultationState
from tests.fakes.floor import all_of, one, sales
from tests.fakes.talk import C1, Talk


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_a_consultation_holds_the_caller_and_offers_nobody_the_call(talk: Talk) -> None:
    outcome = talk.floor.tell(facts.ConsultAsked(agent_id=talk.kim, to_agent=talk.ann), 20)

    assert one(outcome, orders.HoldCall).call_id == C1
    assert one(outcome, orders.RingAgent).agent_id == talk.ann
    assert all_of(outcome, ledger.AgentOffered) == []
    assert one(outcome, ledger.Consulted).to_agent == talk.ann
    assert (talk.call, talk.states()) == (CallState.HELD, (AgentState.ON_HOLD, AgentState.RINGING))


def test_a_colleague_who_answers_joins_the_agents_talk_without_the_caller(talk: Talk) -> None:
    leg_id = talk.consult()

    outcome = talk.floor.answer(leg_id, 25)

    assert all_of(outcome, orders.Order) == [orders.JoinTalk(leg_id=talk.kims_leg, joining=leg_id)]
    assert (talk.call, talk.states()) == (CallState.HELD, (AgentState.ON_HOLD, AgentState.TALKING))


def test_a_completed_transfer_gives_the_caller_to_the_colleague_and_the_agent_its_wrap_up(talk: Talk) -> None:
    leg_id = talk.consulted()

    outcome = talk.floor.tell(facts.CompleteAsked(agent_id=talk.kim), 40)

    assert one(outcome, ledger.CallTransferred).to_leg == leg_id
    assert one(outcome, ledger.CallConnected).agent_id == talk.ann
    assert all_of(outcome, orders.Order) == [
        orders.BridgeAgent(call_id=C1, leg_id=leg_id),
        orders.HangUpLeg(leg_id=talk.kims_leg, agent_id=talk.kim),
    ]
    assert (talk.call, talk.states()) == (CallState.CONNECTED, (AgentState.WRAP_UP, AgentState.TALKING))
    ended = one(talk.floor.tell(facts.LegHungUp(leg_id=leg_id), 60), ledger.CallEnded)
    assert (ended.talk_ms, ended.hold_ms, ended.waited_ms) == (30_000, 20_000, 5_000)


def test_a_blind_transfer_is_told_apart(talk: Talk) -> None:
    outcome = talk.floor.tell(facts.TransferAsked(agent_id=talk.kim, to_agent=talk.ann), 20)

    assert one(outcome, ledger.CallTransferred).to_leg is None


def test_a_cancelled_consultation_releases_the_colleague_and_brings_the_caller_back(talk: Talk) -> None:
    leg_id = talk.consulted()

    outcome = talk.floor.tell(facts.CancelAsked(agent_id=talk.kim), 40)

    assert all_of(outcome, orders.Order) == [
        orders.HangUpLeg(leg_id=leg_id, agent_id=talk.ann),
        orders.ResumeCall(call_id=C1, leg_id=talk.kims_leg),
    ]
    assert one(outcome, ledger.ConsultationEnded).reason == "CANCELLED"
    assert (talk.call, talk.states()) == (CallState.CONNECTED, (AgentState.TALKING, AgentState.READY))


def test_a_consultation_cancelled_while_it_rings_stops_the_ring_and_costs_no_place(talk: Talk) -> None:
    leg_id = talk.consult()

    outcome = talk.floor.tell(facts.CancelAsked(agent_id=talk.kim), 22)

    assert one(outcome, orders.StopRinging).leg_id == leg_id
    assert talk.states() == (AgentState.TALKING, AgentState.READY)


@pytest.mark.parametrize(
    ("failure", "colleague"),
    [
        (RingFailure.REJECTED, AgentState.MISSED),
        (RingFailure.BUSY, AgentState.MISSED),
        (RingFailure.UNREACHABLE, AgentState.UNREACHABLE),
    ],
)
def test_a_phone_that_does_not_take_the_consultation_leaves_the_caller_held(
    talk: Talk, failure: RingFailure, colleague: AgentState
) -> None:
    leg_id = talk.consult()

    talk.floor.tell(facts.LegFailed(leg_id=leg_id, reason=failure), 22)

    assert talk.consultation == (ConsultationState.OVER, failure)
    assert (talk.call, talk.states()) == (CallState.HELD, (AgentState.ON_HOLD, colleague))


def test_a_consultation_nobody_answers_ends_with_the_queues_ring_limit(talk: Talk) -> None:
    leg_id = talk.consult(20)

    assert all_of(talk.floor.wait_until(34.9), orders.StopRinging) == []
    outcome = talk.floor.wait_until(35)

    assert one(outcome, orders.StopRinging).leg_id == leg_id
    assert talk.consultation == (ConsultationState.OVER, "NO_ANSWER")
    assert (talk.call, talk.states()) == (CallState.HELD, (AgentState.ON_HOLD, AgentState.MISSED))


def test_what_failed_is_shown_until_the_agent_goes_on(talk: Talk) -> None:
    talk.floor.tell(facts.LegFailed(leg_id=talk.consult(), reason=RingFailure.BUSY), 22)

    talk.floor.tell(facts.ResumeAsked(agent_id=talk.kim), 23)

    assert talk.consultation is None
    assert talk.call is CallState.CONNECTED


def test_resume_and_hold_swap_caller_and_colleague(talk: Talk) -> None:
    leg_id = talk.consulted()

    to_caller = talk.floor.tell(facts.ResumeAsked(agent_id=talk.kim), 30)
    to_colleague = talk.floor.tell(facts.HoldAsked(agent_id=talk.kim), 35)

    assert all_of(to_caller, orders.Order) == [
        orders.HoldLeg(leg_id=leg_id, call_id=C1),
        orders.ResumeCall(call_id=C1, leg_id=talk.kims_leg),
    ]
    assert all_of(to_colleague, orders.Order) == [
        orders.HoldCall(call_id=C1, leg_id=talk.kims_leg),
        orders.JoinTalk(leg_id=talk.kims_leg, joining=leg_id),
    ]
    assert talk.consultation == (ConsultationState.TALKING, None)


def test_a_colleague_who_answers_while_the_agent_is_back_with_the_caller_hears_music(talk: Talk) -> None:
    leg_id = talk.consult()
    talk.floor.tell(facts.ResumeAsked(agent_id=talk.kim), 22)

    outcome = talk.floor.answer(leg_id, 25)

    assert all_of(outcome, orders.Order) == [orders.HoldLeg(leg_id=leg_id, call_id=C1)]


@pytest.mark.parametrize("is_answered", [False, True])
def test_a_caller_who_hangs_up_in_a_consultation_ends_all_of_it(talk: Talk, is_answered: bool) -> None:
    leg_id = talk.consulted() if is_answered else talk.consult()

    outcome = talk.floor.tell(facts.CallerHungUp(call_id=C1), 30)

    end = orders.HangUpLeg if is_answered else orders.StopRinging
    assert end(leg_id=leg_id, agent_id=talk.ann) in outcome
    assert one(outcome, ledger.ConsultationEnded).reason == "CALL_OVER"
    assert talk.floor.ending("c1") is Disposition.ANSWERED
    assert talk.states() == (AgentState.WRAP_UP, AgentState.READY)


def test_an_agent_who_hangs_up_on_an_answered_colleague_leaves_the_caller_to_it(talk: Talk) -> None:
    talk.consulted()

    talk.floor.tell(facts.LegHungUp(leg_id=talk.kims_leg), 30)

    assert (talk.call, talk.states()) == (CallState.CONNECTED, (AgentState.WRAP_UP, AgentState.TALKING))


def test_an_agent_who_hangs_up_while_the_colleague_rings_ends_the_call(talk: Talk) -> None:
    leg_id = talk.consult()

    outcome = talk.floor.tell(facts.HangUpAsked(agent_id=talk.kim), 22)

    assert one(outcome, orders.StopRinging).leg_id == leg_id
    assert talk.floor.ending("c1") is Disposition.ANSWERED
    assert talk.states() == (AgentState.WRAP_UP, AgentState.READY)


def test_a_colleague_who_hangs_up_leaves_the_caller_held_with_the_agent(talk: Talk) -> None:
    leg_id = talk.consulted()

    talk.floor.tell(facts.LegHungUp(leg_id=leg_id), 30)

    assert talk.consultation == (ConsultationState.OVER, "COLLEAGUE_LEFT")
    assert (talk.call, talk.states()) == (CallState.HELD, (AgentState.ON_HOLD, AgentState.READY))


def test_a_colleague_has_nothing_to_say_about_the_call(talk: Talk) -> None:
    talk.consulted()

    for fact in (
        facts.HoldAsked(agent_id=talk.ann),
        facts.TransferAsked(agent_id=talk.ann, to_queue=sales().queue_id),
        facts.CompleteAsked(agent_id=talk.ann),
        facts.ConsultAsked(agent_id=talk.ann, to_agent=talk.kim),
    ):
        with pytest.raises(WrongStateError):
            talk.floor.tell(fact, 30)


def test_nobody_is_consulted_twice_and_only_who_is_ready(talk: Talk) -> None:
    away = AgentId("beijing/3")
    talk.floor.tell(facts.AgentLoggedIn(agent_id=away, skills=frozenset()), 12)

    with pytest.raises(WrongStateError, match="needs an agent who is ready"):
        talk.floor.tell(facts.ConsultAsked(agent_id=talk.kim, to_agent=away), 20)
    assert talk.call is CallState.CONNECTED
    talk.consult()
    with pytest.raises(WrongStateError, match="needs no consultation in progress"):
        talk.floor.tell(facts.ConsultAsked(agent_id=talk.kim, to_agent=away), 21)


def test_a_transfer_needs_a_colleague_who_has_answered(talk: Talk) -> None:
    talk.consult()

    with pytest.raises(WrongStateError, match="needs a colleague who has answered"):
        talk.floor.tell(facts.CompleteAsked(agent_id=talk.kim), 21)
    with pytest.raises(WrongStateError, match="needs no consultation in progress"):
        talk.floor.tell(facts.TransferAsked(agent_id=talk.kim, to_queue=sales().queue_id), 21)


def test_a_consulted_colleague_serves_nobody_who_waits(talk: Talk) -> None:
    talk.consulted()

    talk.floor.call("c2", 30)

    assert [order.call_id for order in all_of(talk.floor.log, orders.RingAgent)].count(CallId("c2")) == 0
    assert talk.floor.tell(facts.CancelAsked(agent_id=talk.kim), 31)
    assert [order.agent_id for order in all_of(talk.floor.log, orders.RingAgent)][-1] == talk.ann


def test_the_new_agent_may_consult_in_its_turn(talk: Talk) -> None:
    talk.consulted()
    talk.floor.tell(facts.CompleteAsked(agent_id=talk.kim), 40)
    talk.floor.tell(facts.WrapupFinished(agent_id=talk.kim), 41)

    outcome = talk.floor.tell(facts.ConsultAsked(agent_id=talk.ann, to_agent=talk.kim), 45)

    assert one(outcome, ledger.Consulted).to_agent == talk.kim
    assert talk.states() == (AgentState.RINGING, AgentState.ON_HOLD)


def test_agent_and_colleague_who_are_free_at_once_each_serve_one_who_waits() -> None:
    """Ring-all picks whoever is idle longest, which may not be the one that looked for a call."""
    talk = Talk(wrap_up_limit_ms=0, distribution=Distribution.RING_ALL, ring_all_limit=1)
    talk.consult()
    talk.floor.call("c2", 21)
    talk.floor.call("c3", 22)

    outcome = talk.floor.tell(facts.CallerHungUp(call_id=C1), 30)

    rings = all_of(outcome, orders.RingAgent)
    assert {ring.agent_id for ring in rings} == {talk.kim, talk.ann}
    assert {ring.call_id for ring in rings} == {"c2", "c3"}
