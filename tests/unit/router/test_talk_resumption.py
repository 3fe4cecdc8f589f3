"""A restart in a consultation or conference: nobody who talks notices, and no caller is lost."""

import pytest

from router import facts, ledger, orders
from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, LegId
from router.orders import Outcome
from router.recovery import (
    Inventory,
    LiveLeg,
    MediaState,
    OpenCall,
    OpenConsultation,
    OpenSession,
    OpenWork,
)
from router.talk.consultation import ConsultationState
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one
from tests.fakes.talk import C1

KIM, ANN = AgentId("beijing/1"), AgentId("beijing/2")
KIMS_LEG, ANNS_LEG = LegId("leg-1"), LegId("leg-2")


def resumed(
    floor: FloorUnderTest,
    open_: OpenConsultation,
    state: CallState,
    *,
    kim: MediaState | None = MediaState.BRIDGED,
    ann: MediaState | None = MediaState.BRIDGED,
) -> Outcome:
    """Kim consults Ann about the caller of c1; of their phones live those that have a state."""
    call = OpenCall(
        call_id=C1,
        queue_id=SALES,
        skills=SALES_SKILLS,
        priority=0,
        customer_id=None,
        state=state,
        queued_at=at(-60),
        connected_at=at(-50),
        leg_id=KIMS_LEG,
        agent_id=KIM,
        consultation=open_,
    )
    kims = AgentState.ON_HOLD if state is CallState.HELD else AgentState.TALKING
    anns = AgentState.TALKING if open_.is_answered else AgentState.RINGING
    work = OpenWork(
        calls=(call,),
        sessions=tuple(
            OpenSession(agent_id=agent_id, skills=SALES_SKILLS, state=is_, reason=None)
            for agent_id, is_ in ((KIM, kims), (ANN, anns))
        ),
    )
    legs = {
        leg_id: LiveLeg(leg_id=leg_id, agent_id=agent_id, call_id=C1, handoff_id=None, state=media)
        for leg_id, agent_id, media in ((KIMS_LEG, KIM, kim), (ANNS_LEG, ANN, ann))
        if media is not None
    }
    outcome = floor.floor.resume(work, Inventory(callers=frozenset({C1}), legs=legs), at(0))
    floor.log += outcome
    return outcome


def consultation(*, is_answered: bool = True, is_merged: bool = False) -> OpenConsultation:
    return OpenConsultation(leg_id=ANNS_LEG, agent_id=ANN, is_answered=is_answered, is_merged=is_merged)


@pytest.fixture
def floor() -> FloorUnderTest:
    return FloorUnderTest()


def states(floor: FloorUnderTest) -> tuple[CallState, AgentState, AgentState]:
    call = floor.floor.call(C1)
    assert call is not None
    return call.state, floor.state(KIM), floor.state(ANN)


def test_a_consultation_goes_on_without_an_order(floor: FloorUnderTest) -> None:
    outcome = resumed(floor, consultation(), CallState.HELD)

    assert all_of(outcome, orders.Order) == []
    assert states(floor) == (CallState.HELD, AgentState.ON_HOLD, AgentState.TALKING)
    completed = floor.tell(facts.CompleteAsked(agent_id=KIM), 5)
    assert one(completed, orders.BridgeAgent).leg_id == ANNS_LEG


def test_a_conference_goes_on_without_an_order(floor: FloorUnderTest) -> None:
    outcome = resumed(floor, consultation(is_merged=True), CallState.CONNECTED)

    assert all_of(outcome, orders.Order) == []
    left = floor.tell(facts.LegHungUp(leg_id=KIMS_LEG), 5)
    assert one(left, orders.BridgeAgent).leg_id == ANNS_LEG


def test_a_colleague_whose_join_died_with_the_process_is_joined_now(floor: FloorUnderTest) -> None:
    outcome = resumed(floor, consultation(), CallState.HELD, ann=MediaState.UP)

    assert all_of(outcome, orders.Order) == [orders.JoinTalk(leg_id=KIMS_LEG, joining=ANNS_LEG)]


def test_a_phone_that_only_rang_is_stopped_and_the_caller_stays_held(floor: FloorUnderTest) -> None:
    outcome = resumed(floor, consultation(is_answered=False), CallState.HELD, ann=MediaState.RINGING)

    assert all_of(outcome, orders.Order) == [orders.StopRinging(leg_id=ANNS_LEG, agent_id=ANN)]
    assert one(outcome, ledger.ConsultationEnded).reason == "RESTARTED"
    assert states(floor) == (CallState.HELD, AgentState.ON_HOLD, AgentState.READY)


def test_an_answer_that_no_row_tells_of_is_not_guessed_at(floor: FloorUnderTest) -> None:
    outcome = resumed(floor, consultation(is_answered=False), CallState.HELD, ann=MediaState.UP)

    assert all_of(outcome, orders.Order) == [orders.HangUpLeg(leg_id=ANNS_LEG, agent_id=ANN)]
    assert states(floor) == (CallState.HELD, AgentState.ON_HOLD, AgentState.READY)


def test_a_colleague_who_hung_up_meanwhile_leaves_the_caller_with_the_agent(floor: FloorUnderTest) -> None:
    resumed(floor, consultation(), CallState.HELD, ann=None)

    call = floor.floor.call(C1)
    assert call is not None
    assert call.consultation is not None
    assert call.consultation.state is ConsultationState.OVER
    assert states(floor) == (CallState.HELD, AgentState.ON_HOLD, AgentState.READY)


def test_an_agent_who_hung_up_meanwhile_leaves_the_caller_to_the_colleague(floor: FloorUnderTest) -> None:
    outcome = resumed(floor, consultation(), CallState.HELD, kim=None)

    assert one(outcome, ledger.CallTransferred).to_agent == ANN
    assert one(outcome, orders.BridgeAgent).leg_id == ANNS_LEG
    assert states(floor) == (CallState.CONNECTED, AgentState.READY, AgentState.TALKING)
