"""A supervisor beside an agent's talk: listens, whispers or barges in, and the ledger says so."""

import pytest

from router import facts, ledger, orders
from router.errors import DuplicateError, UnknownAgentError, WrongStateError
from router.ids import AgentId, LegId
from router.orders import Outcome
from router.talk.supervision import SupervisionMode
from tests.fakes.floor import all_of, one
from tests.fakes.talk import C1, Talk

LEE, LEES_PHONE = "lee", AgentId("beijing/lee")
LISTEN, WHISPER, BARGE = SupervisionMode.LISTEN, SupervisionMode.WHISPER, SupervisionMode.BARGE


@pytest.fixture
def talk() -> Talk:
    return Talk()


def ask(
    talk: Talk, mode: SupervisionMode, seconds: float = 20, phone: AgentId = LEES_PHONE, who: str = LEE
) -> Outcome:
    fact = facts.SuperviseAsked(supervisor=who, phone=phone, agent_id=talk.kim, mode=mode)
    return talk.floor.tell(fact, seconds)


def beside(talk: Talk, mode: SupervisionMode) -> LegId:
    """Lee's phone is answered at second 22."""
    leg_id = one(ask(talk, mode), orders.RingAgent).leg_id
    talk.floor.answer(leg_id, 22)
    return leg_id


def test_a_supervisors_phone_rings_and_nothing_is_heard_before_it_is_answered(talk: Talk) -> None:
    outcome = ask(talk, LISTEN)

    assert one(outcome, orders.RingAgent).agent_id == LEES_PHONE
    assert all_of(outcome, ledger.Entry) == []


@pytest.mark.parametrize(("mode", "is_whispering"), [(LISTEN, False), (WHISPER, True)])
def test_the_row_says_who_hears_and_how_before_anything_is_heard(
    talk: Talk, mode: SupervisionMode, is_whispering: bool
) -> None:
    leg_id = one(ask(talk, mode), orders.RingAgent).leg_id

    outcome = talk.floor.answer(leg_id, 22)

    assert outcome[:2] == [
        ledger.Monitored(call_id=C1, agent_id=talk.kim, supervisor=LEE, mode=mode),
        orders.Overhear(leg_id=leg_id, beside=talk.kims_leg, is_whispering=is_whispering),
    ]
    assert orders.Overhear.is_irreversible


def test_a_supervisor_who_barges_in_joins_the_talk(talk: Talk) -> None:
    leg_id = one(ask(talk, BARGE), orders.RingAgent).leg_id

    outcome = talk.floor.answer(leg_id, 22)

    assert all_of(outcome, orders.Order) == [orders.JoinTalk(leg_id=talk.kims_leg, joining=leg_id)]


def test_a_supervisor_goes_from_one_way_to_another_and_each_is_written(talk: Talk) -> None:
    leg_id = beside(talk, LISTEN)

    whisper, barge, listen = ask(talk, WHISPER, 30), ask(talk, BARGE, 31), ask(talk, LISTEN, 32)

    assert one(whisper, orders.Order) == orders.Overhear(
        leg_id=leg_id, beside=talk.kims_leg, is_whispering=True
    )
    assert one(barge, orders.Order) == orders.JoinTalk(leg_id=talk.kims_leg, joining=leg_id)
    assert all_of(listen, orders.Order) == [
        orders.PartTalk(leg_id=talk.kims_leg, parting=leg_id),
        orders.Overhear(leg_id=leg_id, beside=talk.kims_leg, is_whispering=False),
    ]
    assert [row.mode for row in all_of(talk.floor.log, ledger.Monitored)] == [LISTEN, WHISPER, BARGE, LISTEN]


def test_asking_for_the_same_way_again_changes_nothing(talk: Talk) -> None:
    beside(talk, LISTEN)

    assert ask(talk, LISTEN, 30) == []


def test_the_way_asked_for_last_counts_when_the_phone_is_answered(talk: Talk) -> None:
    leg_id = one(ask(talk, LISTEN), orders.RingAgent).leg_id
    ask(talk, BARGE, 21)

    outcome = talk.floor.answer(leg_id, 22)

    assert one(outcome, ledger.Monitored).mode is BARGE


def test_supervision_ends_with_the_talk(talk: Talk) -> None:
    leg_id = beside(talk, LISTEN)

    outcome = talk.floor.tell(facts.CallerHungUp(call_id=C1), 40)

    assert one(outcome, ledger.MonitoringEnded).reason == "TALK_OVER"
    assert orders.HangUpLeg(leg_id=leg_id, agent_id=LEES_PHONE) in outcome
    assert list(talk.floor.floor.supervisions()) == []


def test_supervision_of_an_agent_ends_when_the_agent_hands_the_caller_on(talk: Talk) -> None:
    leg_id = beside(talk, LISTEN)
    talk.consulted(30)

    outcome = talk.floor.tell(facts.CompleteAsked(agent_id=talk.kim), 40)

    assert orders.HangUpLeg(leg_id=leg_id, agent_id=LEES_PHONE) in outcome


def test_a_supervisor_leaves_by_word_or_by_receiver(talk: Talk) -> None:
    first = beside(talk, LISTEN)
    by_receiver = talk.floor.tell(facts.LegHungUp(leg_id=first), 30)
    second = one(ask(talk, LISTEN, 31), orders.RingAgent).leg_id
    talk.floor.answer(second, 32)

    by_word = talk.floor.tell(facts.SupervisionEndAsked(supervisor=LEE), 33)

    assert one(by_receiver, ledger.MonitoringEnded).reason == "LEFT"
    assert all_of(by_receiver, orders.Order) == []
    assert one(by_word, orders.HangUpLeg).leg_id == second
    assert talk.call is not None


def test_a_supervisors_phone_that_is_not_answered_stops(talk: Talk) -> None:
    leg_id = one(ask(talk, LISTEN), orders.RingAgent).leg_id

    outcome = talk.floor.wait_until(35)

    assert one(outcome, orders.StopRinging).leg_id == leg_id
    assert all_of(outcome, ledger.MonitoringEnded) == []
    assert list(talk.floor.floor.supervisions()) == []


def test_supervision_is_refused_where_there_is_no_talk_or_no_free_phone(talk: Talk) -> None:
    with pytest.raises(DuplicateError, match="somebody at phone"):
        ask(talk, LISTEN, phone=talk.ann)
    with pytest.raises(UnknownAgentError):
        talk.floor.tell(
            facts.SuperviseAsked(
                supervisor=LEE, phone=LEES_PHONE, agent_id=AgentId("beijing/9"), mode=LISTEN
            ),
            20,
        )
    with pytest.raises(WrongStateError, match="is READY"):
        talk.floor.tell(
            facts.SuperviseAsked(supervisor=LEE, phone=LEES_PHONE, agent_id=talk.ann, mode=LISTEN), 20
        )
    beside(talk, LISTEN)
    with pytest.raises(DuplicateError):
        ask(talk, LISTEN, who="wu")
    with pytest.raises(WrongStateError, match="beside no talk"):
        talk.floor.tell(facts.SupervisionEndAsked(supervisor="wu"), 20)
