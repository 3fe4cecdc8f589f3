"""A caller who is sent on before anybody has answered, message by message: whose it is, and who queues it."""

from router import facts, ledger, orders
from router.agent import AgentState
from router.call import CallState, Disposition
from router.ids import CallId, HandoffId, SiteId
from router.ledger import Role
from router.orders import Outcome
from router.overflow.messages import Cancel, Claim, Redirect, Refusal, Refused, Reply, Reserve, Reserved
from router.overflow.policy import LinkPolicy, Media, OverflowPolicy
from router.overflow.taking_in import token_hash
from router.overflow.trunk_refusal import TrunkRefusal
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one
from tests.fakes.floor_pair import C1, Pair

HELPER = SiteId("urumqi")
ORIGIN = SiteId("beijing")
PROMISE_S = OverflowPolicy().promise_ms / 1_000
RESERVATION_S = OverflowPolicy().reservation_ms / 1_000


class RedirectingPair(Pair):
    """A pair whose link is on `redirect`."""

    def __init__(self, *, helper_agents: int = 1, media: Media = Media.REDIRECT) -> None:
        links = {HELPER: LinkPolicy(site_id=HELPER, media=media)}
        super().__init__(policy=OverflowPolicy(links=links), helper_agents=helper_agents)

    def asked(self, seconds: float) -> Redirect:
        request = one(self.origin.call(C1, seconds), orders.Ask).request
        assert isinstance(request, Redirect)
        return request

    def promised(self, seconds: float) -> tuple[Redirect, Reserved]:
        request = self.asked(seconds)
        reply = self.send(self.helper, request, seconds)
        assert isinstance(reply, Reserved)
        return request, reply

    def send(self, target: FloorUnderTest, request: object, seconds: float) -> Reply:
        """An answer for good is one, too."""
        source = self.origin if target is self.helper else self.helper
        fact = facts.SiteAsked(site_id=source.site_id, incarnation=1, request=request)  # type: ignore[arg-type]  # any
        return next(o.reply for o in target.tell(fact, seconds) if isinstance(o, orders.Answer))

    def redirected(self, seconds: float) -> tuple[Redirect, Outcome]:
        request, reply = self.promised(seconds)
        return request, self.reply(request, reply, seconds)

    def silent(self, request: Redirect, seconds: float) -> Outcome:
        return self.origin.tell(facts.SiteSilent(site_id=HELPER, request=request), seconds)


def _own_call(pair: Pair) -> CallId:
    return one(pair.helper.log, ledger.HandoffPromised).own_call_id


def test_a_caller_who_may_be_sent_on_is_not_picked_up_while_the_helper_is_asked() -> None:
    pair = RedirectingPair()

    outcome = pair.origin.call(C1, 1)

    assert all_of(outcome, orders.HoldInQueue) == []
    assert isinstance(one(outcome, orders.Ask).request, Redirect)


def test_a_redirected_call_has_its_one_ending_at_the_origin_which_hangs_nothing_up() -> None:
    pair = RedirectingPair()

    request, outcome = pair.redirected(1)

    order = one(outcome, orders.RedirectCaller)
    assert (order.call_id, order.from_site, order.site_id) == (C1, ORIGIN, HELPER)
    assert pair.origin.ending("c1") is Disposition.REDIRECTED
    assert one(outcome, ledger.HandoffRedirected).handoff_id == request.handoff_id
    assert all_of(outcome, orders.HangUpCall) == []
    assert all_of(pair.origin.log, orders.HoldInQueue) == []
    assert outcome.index(order) > outcome.index(one(outcome, ledger.CallEnded)), "it waits for its rows"
    assert pair.origin.tell(facts.CallerHungUp(call_id=C1), 1.2) == []


def test_the_answer_that_promises_a_place_waits_for_what_it_rests_on() -> None:
    pair = RedirectingPair()
    request = pair.asked(1)

    outcome = pair.helper.tell(facts.SiteAsked(site_id=ORIGIN, incarnation=1, request=request), 1)

    assert one(outcome, orders.AnswerForGood).is_irreversible
    assert outcome.index(one(outcome, ledger.HandoffPromised)) < outcome.index(
        one(outcome, orders.AnswerForGood)
    )


def test_whoever_comes_with_the_token_is_the_helpers_own_caller_and_gets_the_kept_agent() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)

    outcome = pair.invite(request.handoff_id, 2)

    taken = one(outcome, ledger.HandoffTakenIn)
    assert (taken.call_id, taken.origin_call_id) == (_own_call(pair), C1)
    assert one(outcome, ledger.CallQueued).call_id == _own_call(pair)
    assert one(outcome, orders.RingAgent).agent_id == pair.agents[0]
    assert one(outcome, orders.HoldInQueue).call_id == _own_call(pair)
    pair.helper.answer(one(outcome, orders.RingAgent).leg_id, 5)
    assert one(pair.helper.log, ledger.CallConnected).waited_ms == 4_000, "from its first request on"


def test_the_place_of_a_taken_in_caller_counts_its_wait_at_the_origin() -> None:
    pair = RedirectingPair(helper_agents=1)
    request, _ = pair.redirected(1)
    pair.helper.call("own-1", 1.5)
    pair.helper.call("own-2", 1.6)

    outcome = pair.invite(request.handoff_id, 2)

    assert one(outcome, orders.RingAgent).call_id == _own_call(pair)


def test_an_agent_who_does_not_answer_leaves_an_ordinary_waiting_caller() -> None:
    pair = RedirectingPair(helper_agents=2)
    request, _ = pair.redirected(1)
    pair.invite(request.handoff_id, 2)

    outcome = pair.helper.wait_until(30)

    assert one(outcome, orders.RingAgent).agent_id != pair.agents[0], "the next one rings"
    assert pair.origin.ending("c1") is Disposition.REDIRECTED
    view = pair.helper.floor.call(_own_call(pair))
    assert view is not None


def test_a_refusal_lets_the_caller_hear_the_queue_at_home() -> None:
    pair = RedirectingPair()
    request = pair.asked(1)
    refused = Refused(handoff_id=request.handoff_id, reason=Refusal.NO_IDLE_AGENT)

    outcome = pair.reply(request, refused, 1.1)

    assert one(outcome, orders.HoldInQueue).call_id == C1
    assert pair.call_state() is CallState.QUEUED
    assert pair.origin.ending("c1") is None


def test_silence_lets_the_caller_hear_the_queue_and_takes_the_question_back() -> None:
    pair = RedirectingPair()
    request = pair.asked(1)

    outcome = pair.silent(request, 1.5)

    assert one(outcome, orders.HoldInQueue).call_id == C1
    assert isinstance(one(outcome, orders.Ask).request, Cancel)
    late = pair.reply(request, Reserved(handoff_id=request.handoff_id, token="late"), 1.6)
    assert all_of(late, orders.RedirectCaller) == []
    assert isinstance(one(late, orders.Ask).request, Cancel)


def test_a_caller_who_hears_the_queue_is_handed_on_over_the_trunk() -> None:
    pair = RedirectingPair()
    request = pair.asked(1)
    pair.silent(request, 1.5)
    pair.show(pair.helper, pair.origin, 2)

    asks = [ask.request for ask in all_of(pair.origin.wait_until(4), orders.Ask)]

    assert asks
    assert all(type(each) is Reserve for each in asks)


def test_an_agent_at_home_who_is_free_first_takes_the_held_back_caller() -> None:
    pair = RedirectingPair()
    request = pair.asked(1)

    pair.origin.seat("7", 1.2)

    assert one(pair.origin.log, orders.RingAgent).call_id == C1
    assert one(pair.origin.log, orders.HoldInQueue).call_id == C1
    late = pair.reply(request, Reserved(handoff_id=request.handoff_id, token="late"), 1.3)
    assert all_of(late, orders.RedirectCaller) == []


def test_a_caller_who_leaves_a_message_while_held_back_hears_no_queue() -> None:
    pair = RedirectingPair()
    pair.asked(1)

    outcome = pair.origin.tell(facts.CallerChoseVoicemail(call_id=C1), 1.2)

    assert one(outcome, orders.RecordVoicemail).call_id == C1
    assert all_of(pair.origin.log, orders.HoldInQueue) == []


def test_a_held_back_caller_who_hangs_up_is_an_abandoned_one() -> None:
    pair = RedirectingPair()
    request = pair.asked(1)

    pair.origin.tell(facts.CallerHungUp(call_id=C1), 1.2)

    assert pair.origin.ending("c1") is Disposition.ABANDONED_IN_QUEUE
    late = pair.reply(request, Reserved(handoff_id=request.handoff_id, token="late"), 1.3)
    assert all_of(late, orders.RedirectCaller) == []


def test_over_another_kind_of_link_everybody_is_picked_up_at_once() -> None:
    for media in (Media.BRIDGE, Media.REFER):
        outcome = RedirectingPair(media=media).origin.call(C1, 1)

        assert one(outcome, orders.HoldInQueue).call_id == C1
        assert type(one(outcome, orders.Ask).request) is Reserve


def test_a_token_lets_in_one_caller() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)
    pair.invite(request.handoff_id, 2)

    outcome = pair.invite(request.handoff_id, 2.1)

    assert one(outcome, orders.RejectTrunk).reason is TrunkRefusal.ENDED
    assert len(all_of(pair.helper.log, ledger.HandoffTakenIn)) == 1


def test_a_caller_who_comes_after_the_reservation_is_queued_all_the_same() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)
    pair.helper.wait_until(1 + RESERVATION_S)
    assert pair.agent_state() is AgentState.READY
    pair.helper.tell(facts.AgentBecameNotReady(agent_id=pair.agents[0], reason="BREAK"), 5)

    outcome = pair.invite(request.handoff_id, 10)

    assert one(outcome, ledger.CallQueued).waited_before_ms == 9_000
    assert pair.helper.state(pair.agents[0]) is AgentState.NOT_READY
    again = pair.helper.tell(facts.AgentBecameReady(agent_id=pair.agents[0]), 20)
    assert one(again, orders.RingAgent).call_id == _own_call(pair)


def test_a_caller_who_comes_after_the_tokens_time_is_turned_away() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)
    expired = [e.stage for e in all_of(pair.helper.wait_until(1 + PROMISE_S), ledger.HandoffExpired)]
    assert expired == ["RESERVED", "PROMISED"]

    outcome = pair.invite(request.handoff_id, 2 + PROMISE_S)

    assert one(outcome, orders.RejectTrunk).reason is TrunkRefusal.UNKNOWN


def test_a_question_that_was_taken_back_promises_nothing() -> None:
    pair = RedirectingPair()
    request, _ = pair.promised(1)
    cancel = Cancel(handoff_id=request.handoff_id, reason="SILENT")

    pair.send(pair.helper, cancel, 1.5)

    outcome = pair.invite(request.handoff_id, 2)
    assert one(outcome, orders.RejectTrunk).reason is TrunkRefusal.CANCELLED
    assert pair.agent_state() is AgentState.READY


def test_a_question_taken_back_after_the_reservation_is_written_down() -> None:
    pair = RedirectingPair()
    request, _ = pair.promised(1)
    pair.helper.wait_until(1 + RESERVATION_S)

    pair.send(pair.helper, Cancel(handoff_id=request.handoff_id, reason="SILENT"), 5)

    assert one(pair.helper.log, ledger.HandoffCancelled).role is Role.HELPER
    assert all_of(pair.invite(request.handoff_id, 6), orders.RejectTrunk) != []


def test_a_repeated_question_is_the_same_promise() -> None:
    pair = RedirectingPair()
    request, reply = pair.promised(1)

    assert pair.send(pair.helper, request, 1.2) == reply
    assert len(all_of(pair.helper.log, ledger.HandoffPromised)) == 1


def test_a_third_site_cannot_bring_the_caller() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)
    arrived = facts.TrunkCallArrived(handoff_id=request.handoff_id, from_site=SiteId("kashgar"))

    assert one(pair.helper.tell(arrived, 2), orders.RejectTrunk).reason is TrunkRefusal.FOREIGN
    assert one(pair.invite(request.handoff_id, 2.1), ledger.HandoffTakenIn).peer == ORIGIN


def test_a_pbx_that_died_frees_the_agent_and_keeps_the_promise() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)

    pair.helper.tell(facts.PbxDied(reason="PBX_DOWN"), 1.5)

    assert one(pair.invite(request.handoff_id, 3), ledger.HandoffTakenIn).call_id == _own_call(pair)


def test_a_draining_helper_keeps_its_promise_in_a_full_queue_too() -> None:
    pair = RedirectingPair()
    request, _ = pair.redirected(1)
    pair.helper.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 1.5)

    assert one(pair.invite(request.handoff_id, 2), ledger.CallQueued).call_id == _own_call(pair)


def test_a_promise_is_known_by_the_hash_of_its_token_and_its_site_until_somebody_came() -> None:
    pair = RedirectingPair()
    request, reply = pair.promised(1)
    hash_ = token_hash(reply.token)
    floor = pair.helper.floor

    assert floor.promised(hash_, ORIGIN) == request.handoff_id
    assert floor.promised(hash_, SiteId("kashgar")) is None
    assert floor.promised(token_hash("forged"), ORIGIN) is None
    assert floor.promised_call(request.handoff_id, ORIGIN) == _own_call(pair)
    assert floor.promised_call(request.handoff_id, SiteId("kashgar")) is None
    pair.invite(request.handoff_id, 2)
    assert floor.promised(hash_, ORIGIN) is None
    assert floor.promised_call(HandoffId(request.handoff_id), ORIGIN) is None


def test_a_held_back_caller_is_shown_and_given_to_nobody_else() -> None:
    pair = RedirectingPair()
    pair.asked(1)
    claim = Claim(handoff_id=HandoffId("claim"), skills=SALES_SKILLS, token="t", timeout_ms=500)

    load = pair.origin.floor.load(at(1.1))
    reply = pair.send(pair.origin, claim, 1.1)

    assert load.queues[SALES].calls_waiting == 0
    assert isinstance(reply, Refused)
    assert reply.reason is Refusal.NONE_WAITING
