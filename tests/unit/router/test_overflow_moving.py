"""A call that is moved to its helper, message by message: who has its media, and who ends it."""

import pytest

from router import facts, ledger, orders
from router.agent import AgentState
from router.call import CallState, Disposition
from router.ids import HandoffId, SiteId
from router.ledger import Role
from router.orders import Outcome
from router.overflow.messages import (
    Acknowledged,
    GetHandoff,
    HandoffSeen,
    HandoffState,
    Move,
    Refusal,
    Refused,
    Request,
    Reserve,
    Reserved,
    TellHandoff,
)
from router.overflow.policy import LinkPolicy, Media, OverflowPolicy
from router.overflow.trunk_refusal import TrunkRefusal
from tests.fakes.floor import all_of, one
from tests.fakes.floor_pair import C1, Pair

HELPER = SiteId("urumqi")
LIMIT_S = OverflowPolicy().move_limit_ms / 1_000


class MovingPair(Pair):
    """A pair whose link is on `refer`, and whose call is answered at second 1."""

    def __init__(self, media: Media = Media.REFER, *, leg_limit: int = 30, helper_agents: int = 1) -> None:
        links = {HELPER: LinkPolicy(site_id=HELPER, media=media, leg_limit=leg_limit)}
        super().__init__(policy=OverflowPolicy(links=links), helper_agents=helper_agents)
        self.handoff_id, _leg = self.connect(1)
        confirm = one(self.origin.log, orders.ConfirmHandoff).request
        self.begun = self.reply(confirm, self.send(self.helper, confirm, 1.1), 1.1)

    def referred(self) -> HandoffId:
        """Up to the order that has the carrier asked; returns the move's id."""
        move = one(self.begun, orders.Ask).request
        assert isinstance(move, Move)
        reply = self.send(self.helper, move, 1.2)
        assert isinstance(reply, Reserved)
        order = one(self.reply(move, reply, 1.2), orders.MoveCaller)
        assert (order.token, order.site_id, order.call_id) == (reply.token, HELPER, C1)
        return move.move_id

    def moved(self) -> Outcome:
        """The carrier has called the helper, which has told it; returns what the origin does then."""
        self.invite(self.referred(), 1.5)
        outcome = self.helper.tell(facts.TrunkMoved(handoff_id=self.handoff_id), 1.6)
        return self.told(outcome, 1.7)

    def told(self, outcome: Outcome, seconds: float) -> Outcome:
        """Carry the helper's word to the origin."""
        tell = one(outcome, orders.Ask).request
        assert isinstance(tell, TellHandoff)
        asked = self.origin.tell(facts.SiteAsked(site_id=HELPER, incarnation=1, request=tell), seconds)
        assert one(asked, orders.Answer).reply == Acknowledged(handoff_id=self.handoff_id)
        return asked

    def answered(self, outcome: Outcome, seconds: float) -> Outcome:
        """Carry the origin's question to the helper, and what that says back."""
        request = one(outcome, orders.Ask).request
        assert request == GetHandoff(handoff_id=self.handoff_id)
        return self.reply(request, self.send(self.helper, request, seconds), seconds)


def _moves(outcome: Outcome) -> list[Request]:
    return [ask.request for ask in all_of(outcome, orders.Ask) if isinstance(ask.request, Move)]


def test_over_a_bridged_link_nobody_is_moved() -> None:
    assert _moves(MovingPair(Media.BRIDGE).begun) == []


def test_a_moved_call_has_no_leg_at_home_and_stays_its_origins() -> None:
    pair = MovingPair()

    outcome = pair.moved()

    assert one(outcome, orders.HangUpCall).call_id == C1
    assert one(outcome, orders.HangUpTrunk).handoff_id == pair.handoff_id
    assert one(outcome, ledger.HandoffMoved).role is Role.ORIGIN
    assert pair.origin.tell(facts.CallerHungUp(call_id=C1), 1.8) == []
    assert pair.origin.tell(facts.TrunkHungUp(handoff_id=pair.handoff_id), 1.8) == []
    assert pair.call_state() is CallState.CONNECTED_REMOTE
    assert pair.agent_state() is AgentState.TALKING


def test_the_helper_tells_when_a_moved_talk_is_over_and_how_long_it_was() -> None:
    pair = MovingPair()
    pair.moved()

    over = pair.helper.tell(facts.TrunkHungUp(handoff_id=pair.handoff_id), 61)
    pair.told(over, 65)

    assert pair.origin.ending("c1") is Disposition.ANSWERED
    assert one(pair.helper.log, ledger.HandoffEnded).talk_ms == 60_000
    assert one(pair.origin.log, ledger.HandoffEnded).talk_ms == 60_000
    assert pair.agent_state() is not AgentState.TALKING


def test_a_helper_whose_word_was_lost_is_asked_how_the_talk_stands() -> None:
    pair = MovingPair()
    pair.moved()
    pair.helper.tell(facts.TrunkHungUp(handoff_id=pair.handoff_id), 5)

    asked = pair.origin.wait_until(12)
    pair.answered(asked, 12)

    assert pair.origin.ending("c1") is Disposition.ANSWERED
    assert one(pair.origin.log, ledger.HandoffEnded).talk_ms == 4_000


def test_a_helper_that_knows_nothing_of_a_moved_talk_has_none() -> None:
    pair = MovingPair()
    pair.moved()
    request = one(pair.origin.wait_until(12), orders.Ask).request
    nothing = HandoffSeen(handoff_id=pair.handoff_id, state=HandoffState.UNKNOWN, call_id=None, queue_id=None)

    pair.reply(request, nothing, 12)

    assert pair.origin.ending("c1") is Disposition.ANSWERED


def test_a_call_whose_carrier_refuses_stays_bridged_and_is_not_moved_again() -> None:
    pair = MovingPair()
    pair.referred()

    asked = pair.origin.tell(facts.MoveTried(handoff_id=pair.handoff_id), 1.3)
    outcome = pair.answered(asked, 1.4)

    assert one(outcome, ledger.HandoffStayed).reason == "NOT_MOVED"
    assert one(outcome, orders.BridgeTrunk).handoff_id == pair.handoff_id
    assert all_of(pair.origin.wait_until(30), orders.Ask) == []
    pair.origin.tell(facts.CallerHungUp(call_id=C1), 60)
    assert pair.origin.ending("c1") is Disposition.ANSWERED
    assert len(_moves(pair.origin.log)) == 1


def test_a_carrier_that_says_nothing_is_given_up() -> None:
    pair = MovingPair()
    pair.referred()

    asked = pair.origin.wait_until(1.2 + LIMIT_S)
    outcome = pair.answered(asked, 1.3 + LIMIT_S)

    assert one(outcome, ledger.HandoffStayed).reason == "CARRIER_SILENT"
    assert all_of(outcome, orders.BridgeTrunk) == []


@pytest.mark.parametrize("gone", ["caller", "trunk"])
def test_a_leg_that_goes_while_the_carrier_is_asked_is_no_news_of_the_talk(gone: str) -> None:
    pair = MovingPair()
    pair.invite(pair.referred(), 1.5)
    fact = (
        facts.CallerHungUp(call_id=C1) if gone == "caller" else facts.TrunkHungUp(handoff_id=pair.handoff_id)
    )

    asked = pair.origin.tell(fact, 1.55)
    pair.helper.tell(facts.TrunkMoved(handoff_id=pair.handoff_id), 1.6)
    outcome = pair.answered(asked, 1.7)

    assert all_of(pair.origin.log, ledger.CallEnded) == []
    assert len(all_of(outcome, ledger.HandoffMoved)) == 1


def test_a_caller_who_hung_up_while_its_carrier_was_asked_is_ended_after_the_limit() -> None:
    pair = MovingPair()
    pair.referred()
    pair.answered(pair.origin.tell(facts.CallerHungUp(call_id=C1), 2), 2.1)
    assert all_of(pair.origin.log, ledger.CallEnded) == []

    asked = pair.origin.wait_until(1.2 + LIMIT_S)
    request = list(all_of(asked, orders.Ask))[-1].request
    pair.reply(request, pair.send(pair.helper, request, 2 + LIMIT_S), 2 + LIMIT_S)

    assert pair.origin.ending("c1") is Disposition.ANSWERED


def test_a_token_of_a_move_lets_in_one_invite_and_only_its_sites() -> None:
    pair = MovingPair()
    move_id = pair.referred()

    one(pair.invite(move_id, 1.5), orders.TakeMoved)
    again = pair.invite(move_id, 1.6)

    assert one(again, orders.RejectTrunk).reason is TrunkRefusal.UNKNOWN


def test_an_invite_that_comes_after_the_talk_is_turned_away() -> None:
    pair = MovingPair()
    move_id = pair.referred()
    pair.helper.tell(facts.TrunkHungUp(handoff_id=pair.handoff_id), 1.4)

    outcome = pair.invite(move_id, 1.5)

    assert one(outcome, orders.RejectTrunk) == orders.RejectTrunk(
        handoff_id=move_id, reason=TrunkRefusal.ENDED
    )


def test_a_third_site_gets_no_token_for_somebody_elses_talk() -> None:
    pair = MovingPair()
    move = Move(handoff_id=pair.handoff_id, move_id=HandoffId("m"))

    asked = pair.helper.tell(facts.SiteAsked(site_id=SiteId("chengdu"), incarnation=1, request=move), 2)

    assert one(asked, orders.Answer).reply == Refused(handoff_id=pair.handoff_id, reason=Refusal.CANCELLED)


def test_a_moved_call_takes_no_place_on_the_link() -> None:
    pair = MovingPair(leg_limit=1, helper_agents=2)
    assert _reserves(pair.origin.call("c2", 1.15)) == []

    pair.moved()
    pair.show(pair.helper, pair.origin, 2)

    assert len(_reserves(pair.origin.call("c3", 2.1))) == 1


def _reserves(outcome: Outcome) -> list[Request]:
    return [ask.request for ask in all_of(outcome, orders.Ask) if isinstance(ask.request, Reserve)]
