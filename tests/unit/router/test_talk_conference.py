"""A conference: caller, agent and colleague talk together; anybody may leave, the caller ends it."""

import pytest

from router import facts, ledger, orders
from router.agent import AgentState
from router.call import CallState, Disposition
from router.errors import WrongStateError
from router.ids import LegId
from router.talk.consultation import ConsultationState
from tests.fakes.floor import all_of, one
from tests.fakes.talk import C1, Talk


@pytest.fixture
def talk() -> Talk:
    return Talk()


def conferring(talk: Talk) -> LegId:
    """All three talk since second 40."""
    leg_id = talk.consulted()
    talk.floor.tell(facts.MergeAsked(agent_id=talk.kim), 40)
    return leg_id


def test_merging_brings_the_held_caller_into_the_talk_of_both(talk: Talk) -> None:
    leg_id = talk.consulted()

    outcome = talk.floor.tell(facts.MergeAsked(agent_id=talk.kim), 40)

    assert one(outcome, ledger.CallConferenced).leg_id == leg_id
    assert all_of(outcome, orders.Order) == [orders.ResumeCall(call_id=C1, leg_id=talk.kims_leg)]
    assert (talk.call, talk.states()) == (CallState.CONNECTED, (AgentState.TALKING, AgentState.TALKING))


def test_merging_brings_a_colleague_on_hold_into_the_talk_of_both(talk: Talk) -> None:
    leg_id = talk.consulted()
    talk.floor.tell(facts.ResumeAsked(agent_id=talk.kim), 30)

    outcome = talk.floor.tell(facts.MergeAsked(agent_id=talk.kim), 40)

    assert all_of(outcome, orders.Order) == [orders.JoinTalk(leg_id=talk.kims_leg, joining=leg_id)]


def test_a_conference_cannot_be_merged_again(talk: Talk) -> None:
    conferring(talk)

    with pytest.raises(WrongStateError, match="is a conference"):
        talk.floor.tell(facts.MergeAsked(agent_id=talk.kim), 41)


def test_the_caller_goes_on_with_the_agent_when_the_colleague_leaves(talk: Talk) -> None:
    leg_id = conferring(talk)

    outcome = talk.floor.tell(facts.HangUpAsked(agent_id=talk.ann), 50)

    assert all_of(outcome, orders.Order) == [orders.HangUpLeg(leg_id=leg_id, agent_id=talk.ann)]
    assert (talk.call, talk.states()) == (CallState.CONNECTED, (AgentState.TALKING, AgentState.READY))


@pytest.mark.parametrize("is_by_phone", [False, True])
def test_the_caller_goes_on_with_the_colleague_when_the_agent_leaves(talk: Talk, is_by_phone: bool) -> None:
    leg_id = conferring(talk)

    leaves = facts.LegHungUp(leg_id=talk.kims_leg) if is_by_phone else facts.HangUpAsked(agent_id=talk.kim)
    outcome = talk.floor.tell(leaves, 50)

    assert one(outcome, orders.BridgeAgent).leg_id == leg_id
    assert one(outcome, ledger.CallTransferred).to_leg == leg_id
    assert (talk.call, talk.states()) == (CallState.CONNECTED, (AgentState.WRAP_UP, AgentState.TALKING))


def test_the_call_ends_when_the_last_agent_leaves(talk: Talk) -> None:
    leg_id = conferring(talk)
    talk.floor.tell(facts.LegHungUp(leg_id=talk.kims_leg), 50)

    talk.floor.tell(facts.LegHungUp(leg_id=leg_id), 60)

    ended = one(talk.floor.log, ledger.CallEnded)
    assert ended.disposition is Disposition.ANSWERED
    assert (ended.talk_ms, ended.hold_ms) == (30_000, 20_000)


def test_the_call_ends_when_the_caller_leaves(talk: Talk) -> None:
    leg_id = conferring(talk)

    outcome = talk.floor.tell(facts.CallerHungUp(call_id=C1), 50)

    assert {order.leg_id for order in all_of(outcome, orders.HangUpLeg)} == {talk.kims_leg, leg_id}
    assert talk.states() == (AgentState.WRAP_UP, AgentState.READY)


def test_holding_the_caller_of_a_conference_leaves_the_two_agents_to_themselves(talk: Talk) -> None:
    conferring(talk)

    outcome = talk.floor.tell(facts.HoldAsked(agent_id=talk.kim), 50)

    assert all_of(outcome, orders.Order) == [orders.HoldCall(call_id=C1, leg_id=talk.kims_leg)]
    assert talk.consultation == (ConsultationState.TALKING, None)
