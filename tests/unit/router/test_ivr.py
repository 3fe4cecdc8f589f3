"""Callers in the site's IVR: what the floor orders and writes, and where each of them comes out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from router import facts, ledger, orders
from router.call import CallState, Disposition, Language
from router.errors import DuplicateError, InvalidPolicyError, NotAcceptingError
from router.flow.nodes import (
    AskNumber,
    ByClass,
    Choice,
    Flow,
    HangUp,
    Menu,
    Message,
    Node,
    ToCallback,
    ToQueue,
    ToVoicemail,
)
from router.ids import CallId, CustomerId, Instant, NodeName, PlaybackId, QueueId, Skill
from router.ivr import IvrPlan
from router.kpi.calls import figures
from router.ledger import Entry, LedgerRow
from router.orders import Outcome
from router.problems import BadInputError
from router.records.call import CallRecord
from router.records.fold import RecordFold, fold
from router.records.moment import Moment
from router.recovery import Inventory, OpenWork
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one, sales

C1 = CallId("c1")
WEDNESDAY = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
VIP = CustomerId("4711")

NODES: Mapping[str, Node] = {
    "welcome": Message(prompts=("welcome", "hours"), to=NodeName("known")),
    "known": ByClass(classes={"VIP": NodeName("vip")}, otherwise=NodeName("menu")),
    "menu": Menu(
        prompts=("menu",),
        choices={
            "1": Choice(to=NodeName("sales")),
            "2": Choice(to=NodeName("number")),
            "3": Choice(to=NodeName("box")),
            "4": Choice(to=NodeName("back")),
            "5": Choice(to=NodeName("away")),
            "8": Choice(to=NodeName("menu"), language=Language.ENGLISH),
        },
        otherwise=NodeName("sales"),
        wait_ms=4_000,
        try_limit=2,
    ),
    "number": AskNumber(prompts=("enter",), found=NodeName("known"), not_found=NodeName("sales")),
    "vip": ToQueue(priority=9, skills=frozenset({Skill("senior")})),
    "sales": ToQueue(queue_id=SALES),
    "box": ToVoicemail(),
    "back": ToCallback(queue_id=SALES),
    "away": HangUp(disposition=Disposition.AFTER_HOURS),
}


def flow(nodes: Mapping[str, Node] = NODES, start: str = "welcome", default: str = "sales") -> Flow:
    named = {NodeName(name): node for name, node in nodes.items()}
    return Flow(start=NodeName(start), default=NodeName(default), nodes=named)


def floor(**settings: object) -> FloorUnderTest:
    plan = IvrPlan(flow=flow(), local_time=lambda _now: WEDNESDAY)
    return FloorUnderTest(policies=[sales(**settings)], ivr=plan)


def playback(outcome: Outcome) -> PlaybackId:
    return one(outcome, orders.PlayPrompts).playback_id


def in_menu(floor: FloorUnderTest, seconds: float = 0, name: str = "c1") -> PlaybackId:
    """A caller who hears the menu."""
    welcome = playback(floor.call(name, seconds))
    heard = floor.tell(facts.PromptsPlayed(call_id=CallId(name), playback_id=welcome), seconds)
    return playback(heard)


def press(floor: FloorUnderTest, keys: str, seconds: float, name: str = "c1") -> Outcome:
    outcome: Outcome = []
    for key in keys:
        outcome = floor.tell(facts.KeyPressed(call_id=CallId(name), key=key), seconds)
    return outcome


def record(floor: FloorUnderTest) -> CallRecord:
    [found] = [each for each in fold(rows(floor.log)).values() if isinstance(each, CallRecord)]
    return found


def rows(log: Outcome, mono_ms: int = 0) -> list[LedgerRow]:
    entries = [each for each in log if isinstance(each, Entry)]
    return [
        LedgerRow(
            site_id=one_site,
            seq=seq,
            at_utc_us=seq,
            mono_ms=Instant(mono_ms),
            incarnation=1,
            business_date="2026-03-04",
            entry=entry,
        )
        for seq, entry in enumerate(entries, start=1)
    ]


one_site = FloorUnderTest().site_id


# --- in --------------------------------------------------------------------------------------


def test_a_caller_arrives_in_the_flow_and_asks_nobody_yet() -> None:
    beijing = floor()
    agent = beijing.seat("1", 0)

    outcome = beijing.call("c1", 1, priority=2)

    kinds = [entry.kind for entry in all_of(outcome, Entry)]
    assert kinds == ["CALL_ARRIVED", "IVR_ENTERED"]
    assert one(outcome, orders.PlayPrompts).prompts == ("welcome", "hours")
    assert all_of(outcome, orders.RingAgent) == []
    view = beijing.floor.call(C1)
    assert view is not None
    assert view.state is CallState.IVR
    assert beijing.floor.load(at(1)).queues[SALES].calls_waiting == 0
    assert beijing.state(agent) == "READY"


def test_a_site_that_takes_no_calls_takes_none_into_its_flow() -> None:
    beijing = floor()
    beijing.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 0)

    with pytest.raises(NotAcceptingError):
        beijing.call("c1", 1)


def test_a_caller_told_twice_is_in_the_flow_once() -> None:
    beijing = floor()
    beijing.call("c1", 1)

    with pytest.raises(DuplicateError):
        beijing.call("c1", 1)


def test_what_is_said_is_answered_for_by_a_row_on_the_disk() -> None:
    """A caller is answered before the first prompt: the ledger must know the call by then."""
    assert orders.PlayPrompts.is_irreversible


def test_an_end_of_prompts_that_were_stopped_changes_nothing() -> None:
    beijing = floor()
    menu = in_menu(beijing)
    press(beijing, "8", 1)

    assert beijing.tell(facts.PromptsPlayed(call_id=C1, playback_id=menu), 1) == []
    assert all_of(beijing.wait_until(30), orders.PlayPrompts) == [], "no key is waited for yet"


# --- to a person -----------------------------------------------------------------------------


def test_the_wait_counts_from_the_exit_and_not_from_the_arrival() -> None:
    beijing = floor()
    in_menu(beijing, 0)
    outcome = press(beijing, "1", 30)
    assert one(outcome, ledger.CallQueued).queue_id == SALES
    assert one(outcome, orders.HoldInQueue).queue_id == SALES
    assert one(outcome, orders.StopPrompts).call_id == C1

    beijing.wait_until(39)
    beijing.seat("1", 40)
    answered = beijing.answer(one(beijing.log, orders.RingAgent).leg_id, 42)

    assert one(answered, ledger.CallConnected).waited_ms == 12_000
    assert record(beijing).waited_ms == 12_000


def test_a_silent_caller_is_brought_to_a_person() -> None:
    beijing = floor()
    menu = in_menu(beijing, 0)
    beijing.tell(facts.PromptsPlayed(call_id=C1, playback_id=menu), 3)

    again = beijing.wait_until(7)
    beijing.tell(facts.PromptsPlayed(call_id=C1, playback_id=playback(again)), 9)
    outcome = beijing.wait_until(13)

    assert one(outcome, ledger.IvrChose).choice == "NOTHING"
    assert one(outcome, ledger.CallQueued).queue_id == SALES


def test_a_caller_known_by_number_has_priority_and_its_own_agents() -> None:
    beijing = floor()
    in_menu(beijing, 0)
    press(beijing, "1", 0)
    welcome = playback(beijing.call("c2", 1, customer_id=VIP, customer_class="VIP"))
    outcome = beijing.tell(facts.PromptsPlayed(call_id=CallId("c2"), playback_id=welcome), 2)
    queued = one(outcome, ledger.CallQueued)
    assert (queued.priority, queued.skills, queued.customer_id) == (9, ("sales", "senior"), VIP)

    beijing.seat("1", 3, SALES_SKILLS | {Skill("senior")})

    assert one(beijing.log, orders.RingAgent).call_id == "c2"


def test_a_caller_who_enters_a_customers_number_is_that_customer() -> None:
    beijing = floor()
    in_menu(beijing)
    press(beijing, "2", 1)
    asked = press(beijing, "4711#", 2)
    assert one(asked, orders.FindCustomer).digits == "4711"

    outcome = beijing.tell(
        facts.CustomerFound(call_id=C1, digits="4711", customer_id=VIP, customer_class="VIP"), 2
    )

    assert one(outcome, ledger.CallQueued).customer_id == VIP
    assert one(outcome, ledger.CustomerIdentified).customer_class == "VIP"
    assert record(beijing).customer_id == VIP


def test_no_row_holds_what_was_entered_as_a_number() -> None:
    beijing = floor()
    in_menu(beijing)
    press(beijing, "2", 1)
    press(beijing, "13912345678#", 2)
    beijing.tell(facts.CustomerNotFound(call_id=C1, digits="13912345678"), 2)
    beijing.wait_until(300)

    assert beijing.floor.call(C1) is not None
    assert "13912345678" not in repr(all_of(beijing.log, Entry))


def test_a_book_that_says_nothing_is_waited_for_and_not_longer() -> None:
    beijing = floor()
    in_menu(beijing)
    press(beijing, "2", 1)
    press(beijing, "99#", 2)

    outcome = beijing.wait_until(5)

    assert one(outcome, orders.PlayPrompts).prompts == ("enter",)


def test_a_caller_is_told_its_place_in_the_language_it_chose() -> None:
    beijing = floor(announce_interval_ms=10_000)
    in_menu(beijing)
    press(beijing, "8", 1)
    press(beijing, "1", 1)

    outcome = beijing.wait_until(12)

    assert one(outcome, orders.Announce).language is Language.ENGLISH


def test_a_site_speaks_its_own_language_to_who_has_chosen_none() -> None:
    for spoken, heard in ((None, Language.ENGLISH), (Language.CHINESE, Language.CHINESE)):
        plan = IvrPlan(flow=replace(flow(), language=spoken), local_time=lambda _now: WEDNESDAY)
        beijing = FloorUnderTest(policies=[sales()], ivr=plan, language=Language.ENGLISH)

        assert one(beijing.call("c1", 0), orders.PlayPrompts).language is heard


def test_a_full_queue_turns_away_who_comes_out_of_the_flow() -> None:
    beijing = floor(waiting_call_limit=1)
    for name in ("c1", "c2"):
        in_menu(beijing, 0, name)
        press(beijing, "1", 1, name)

    assert beijing.ending("c1") is None
    assert beijing.ending("c2") is Disposition.REJECTED


# --- other ways out --------------------------------------------------------------------------


def test_who_hangs_up_in_the_flow_was_not_offered() -> None:
    beijing = floor()
    in_menu(beijing)

    outcome = beijing.tell(facts.CallerHungUp(call_id=C1), 20)

    ended = one(outcome, ledger.CallEnded)
    assert (ended.disposition, ended.queue_id, ended.waited_ms) == (Disposition.ABANDONED_IN_IVR, None, 0)
    assert not ended.is_short
    counted = figures([record(beijing)])
    assert (counted.offered, counted.abandoned) == (0, 0)
    assert beijing.floor.call(C1) is None
    assert all_of(beijing.wait_until(600), orders.PlayPrompts) == []


def test_who_hangs_up_at_the_machine_was_not_offered_either() -> None:
    beijing = floor()
    in_menu(beijing)
    outcome = press(beijing, "3", 1)
    assert one(outcome, orders.RecordVoicemail).queue_id == SALES

    beijing.tell(facts.CallerHungUp(call_id=C1), 5)

    assert beijing.ending("c1") is Disposition.ABANDONED_IN_IVR


def test_a_message_that_was_left_ends_the_call_as_voicemail() -> None:
    beijing = floor()
    in_menu(beijing)
    press(beijing, "3", 1)

    outcome = beijing.tell(facts.VoicemailRecorded(call_id=C1), 30)

    assert one(outcome, ledger.VoicemailLeft).queue_id == SALES
    assert (beijing.ending("c1"), record(beijing).queue_id) == (Disposition.VOICEMAIL, SALES)
    assert figures([record(beijing)]).offered == 0


def test_a_wish_to_be_called_back_ends_the_call_as_callback() -> None:
    beijing = floor()
    in_menu(beijing)

    outcome = press(beijing, "4", 1)

    assert one(outcome, ledger.CallbackRequested).queue_id == SALES
    assert beijing.ending("c1") is Disposition.CALLBACK


def test_the_flow_may_end_the_call_and_says_at_which_node() -> None:
    beijing = floor()
    in_menu(beijing)

    outcome = press(beijing, "5", 1)

    ended = one(outcome, ledger.CallEnded)
    assert (ended.disposition, ended.reason, ended.queue_id) == (Disposition.AFTER_HOURS, "away", None)
    assert one(outcome, orders.HangUpCall).reason == "AFTER_HOURS"


def test_keys_of_a_caller_who_is_out_of_the_flow_do_nothing() -> None:
    beijing = floor()
    in_menu(beijing)
    press(beijing, "1", 1)

    assert press(beijing, "5", 2) == []
    assert beijing.ending("c1") is None


# --- changes ---------------------------------------------------------------------------------


def test_a_changed_flow_holds_for_callers_in_it_and_drops_none() -> None:
    beijing = floor()
    in_menu(beijing, 0, "c1")
    beijing.call("c2", 0)
    menu = NODES["menu"]
    assert isinstance(menu, Menu)
    nodes = {name: NODES[name] for name in ("known", "vip", "sales")}
    nodes["menu"] = replace(menu, choices={"7": Choice(to=NodeName("sales"))})

    outcome = beijing.tell(facts.FlowApplied(flow=flow(nodes, "known"), digest="d"), 1)

    assert one(outcome, ledger.IvrFlowChanged).digest == "d"
    assert one(outcome, ledger.CallQueued).call_id == "c2"
    assert one(outcome, orders.StopPrompts).call_id == "c2"
    assert one(press(beijing, "7", 2), ledger.CallQueued).call_id == "c1"


def test_a_flow_with_faults_is_refused_and_changes_nothing() -> None:
    beijing = floor()
    in_menu(beijing)

    with pytest.raises(BadInputError):
        beijing.tell(facts.FlowApplied(flow=flow({"a": ToQueue(queue_id=QueueId("x"))}), digest="d"), 1)

    assert one(press(beijing, "1", 2), ledger.CallQueued).call_id == C1


def test_a_flow_may_not_end_a_call_as_something_that_was_offered() -> None:
    ends = flow({"a": HangUp(disposition=Disposition.ANSWERED)}, "a", "a")

    with pytest.raises(BadInputError, match="must be AFTER_HOURS, NO_AGENTS, REJECTED"):
        floor().tell(facts.FlowApplied(flow=ends, digest="d"), 1)


def test_a_site_without_a_flow_takes_none() -> None:
    with pytest.raises(InvalidPolicyError):
        FloorUnderTest().tell(facts.FlowApplied(flow=flow(), digest="d"), 1)


# --- restarts --------------------------------------------------------------------------------


def left_behind(floor: FloorUnderTest) -> OpenWork:
    """What the ledger says is open."""
    state = RecordFold()
    for row in rows(floor.log):
        state.apply(row)
    return state.open_work(Moment(utc_us=10**9, mono_ms=at(0), incarnation=2))


def resumed(work: OpenWork, alive: Inventory, plan: IvrPlan | None) -> FloorUnderTest:
    after = FloorUnderTest(ivr=plan)
    after.log += after.floor.resume(work, alive, at(0))
    return after


PLAN = IvrPlan(flow=flow(), local_time=lambda _now: WEDNESDAY)
ALIVE = Inventory(callers=frozenset({C1}))


def test_after_a_restart_a_caller_hears_its_node_again_in_its_language() -> None:
    before = floor()
    in_menu(before)
    press(before, "8", 1)

    after = resumed(left_behind(before), ALIVE, PLAN)

    order = one(after.log, orders.PlayPrompts)
    assert (order.prompts, order.language) == (("menu",), Language.ENGLISH)
    assert one(press(after, "1", 1), ledger.CallQueued).queue_id == SALES


def test_after_a_restart_a_customer_is_still_one() -> None:
    before = floor()
    in_menu(before)
    press(before, "2", 1)
    press(before, "4711#", 1)
    before.log += [ledger.CustomerIdentified(call_id=C1, customer_id=VIP, customer_class="VIP")]

    [open_call] = left_behind(before).calls

    assert (open_call.customer_id, open_call.customer_class, open_call.node) == (VIP, "VIP", "number")


def test_after_a_restart_a_caller_who_had_just_come_hears_the_welcome() -> None:
    before = floor()
    before.call("c1", 0)

    after = resumed(left_behind(before), ALIVE, PLAN)

    assert one(after.log, orders.PlayPrompts).prompts == ("welcome", "hours")


def test_after_a_restart_without_a_flow_a_caller_asks_for_a_person() -> None:
    before = floor()
    in_menu(before)

    after = resumed(left_behind(before), ALIVE, None)

    assert one(after.log, ledger.CallQueued).queue_id == SALES


def test_who_hung_up_in_the_flow_while_nobody_looked_was_not_offered() -> None:
    before = floor()
    in_menu(before)

    after = resumed(left_behind(before), Inventory(), PLAN)

    assert after.ending("c1") is Disposition.ABANDONED_IN_IVR


def test_after_a_restart_a_message_out_of_the_flow_is_recorded_on() -> None:
    before = floor()
    in_menu(before)
    press(before, "3", 1)

    after = resumed(left_behind(before), ALIVE, PLAN)
    after.tell(facts.VoicemailRecorded(call_id=C1), 5)

    assert one(after.log, orders.RecordVoicemail).queue_id == SALES
    assert one(after.log, ledger.CallEnded).queue_id is None
    assert after.ending("c1") is Disposition.VOICEMAIL
