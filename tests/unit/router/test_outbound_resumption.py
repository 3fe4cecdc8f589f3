"""Calls that go out, callbacks and lent lines after a kill: what both channels live of goes on."""

from router import facts, ledger, orders
from router.agent import AgentState
from router.callback.outcome import CallbackOutcome
from router.ids import AgentId, CallId, HandoffId, Instant, LegId
from router.ledger import Role
from router.orders import Outcome
from router.outbound.outcome import OutboundOutcome
from router.recovery import (
    Inventory,
    LiveLeg,
    LiveLine,
    LiveTrunk,
    MediaState,
    OpenCallback,
    OpenLoan,
    OpenOutbound,
    OpenSession,
    OpenWork,
)
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one
from tests.fakes.outgoing import BEIJING, LINE, URUMQI, ask_callback, site

AGENT, LEG, OUT, HANDOFF = AgentId("beijing/1"), LegId("leg"), CallId("out"), HandoffId("h1")


def callback(*, tried_at: Instant | None = None, try_count: int = 0) -> OpenCallback:
    return OpenCallback(
        call_id=CallId("c1"),
        queue_id=SALES,
        skills=SALES_SKILLS,
        priority=0,
        queued_at=Instant(-60_000),
        try_count=try_count,
        tried_at=tried_at,
    )


def outbound(*, is_dialled: bool = True, answered_at: Instant | None = None) -> OpenOutbound:
    return OpenOutbound(
        call_id=OUT,
        agent_id=AGENT,
        queue_id=SALES,
        callback_of=CallId("c1"),
        leg_id=LEG if is_dialled else None,
        via=BEIJING if is_dialled else None,
        line_id=LINE if is_dialled else None,
        dialed_at=Instant(-10_000) if is_dialled else None,
        answered_at=answered_at,
    )


def session(state: AgentState) -> OpenSession:
    return OpenSession(agent_id=AGENT, skills=SALES_SKILLS, state=state, reason=None)


def leg(state: MediaState) -> dict[LegId, LiveLeg]:
    return {LEG: LiveLeg(leg_id=LEG, agent_id=AGENT, call_id=OUT, handoff_id=None, state=state)}


def line(state: MediaState, call_id: CallId = OUT) -> dict[CallId, LiveLine]:
    return {call_id: LiveLine(call_id=call_id, state=state)}


def resumed(work: OpenWork, alive: Inventory) -> tuple[FloorUnderTest, Outcome]:
    floor = site(is_open=False)
    outcome = floor.floor.resume(work, alive, at(0))
    floor.log += outcome
    return floor, outcome


def test_a_talk_that_went_out_goes_on_and_its_end_is_the_callbacks() -> None:
    work = OpenWork(
        sessions=(session(AgentState.TALKING),),
        callbacks=(callback(),),
        outbound=(outbound(answered_at=Instant(-5_000)),),
    )
    alive = Inventory(legs=leg(MediaState.BRIDGED), lines=line(MediaState.BRIDGED))

    floor, outcome = resumed(work, alive)
    assert floor.state(AGENT) is AgentState.TALKING
    assert all_of(outcome, orders.HangUpLine) == []
    ended = floor.tell(facts.LineHungUp(call_id=OUT), 10)

    assert one(ended, ledger.OutboundEnded).talk_ms == 15_000
    assert one(ended, ledger.CallbackDone).outcome is CallbackOutcome.REACHED


def test_a_line_that_still_rings_is_waited_for() -> None:
    work = OpenWork(sessions=(session(AgentState.TALKING),), callbacks=(callback(),), outbound=(outbound(),))
    floor, _ = resumed(work, Inventory(legs=leg(MediaState.UP), lines=line(MediaState.RINGING)))

    answered = floor.tell(facts.LineAnswered(call_id=OUT), 3)

    assert one(answered, orders.BridgeLine).leg_id == LEG


def test_a_customer_who_answered_meanwhile_is_joined_at_once() -> None:
    work = OpenWork(sessions=(session(AgentState.TALKING),), callbacks=(callback(),), outbound=(outbound(),))
    _, outcome = resumed(work, Inventory(legs=leg(MediaState.UP), lines=line(MediaState.UP)))

    assert one(outcome, ledger.OutboundAnswered).call_id == OUT
    assert one(outcome, orders.BridgeLine).leg_id == LEG


def test_a_try_whose_agent_only_rang_is_over_and_the_callback_waits_again() -> None:
    work = OpenWork(
        sessions=(session(AgentState.RINGING),),
        callbacks=(callback(),),
        outbound=(outbound(is_dialled=False),),
    )
    floor, outcome = resumed(work, Inventory(legs=leg(MediaState.RINGING)))

    assert one(outcome, orders.StopRinging).leg_id == LEG
    tried = one(outcome, ledger.CallbackTried)
    assert (tried.outcome, tried.is_counted) == (OutboundOutcome.INTERRUPTED, False)
    assert floor.state(AGENT) is AgentState.READY


def test_a_line_without_its_agent_is_hung_up_and_an_agent_without_its_line_is_free() -> None:
    work = OpenWork(sessions=(session(AgentState.TALKING),), callbacks=(callback(),), outbound=(outbound(),))

    _, without_agent = resumed(work, Inventory(lines=line(MediaState.RINGING)))
    floor, without_line = resumed(work, Inventory(legs=leg(MediaState.UP)))

    assert one(without_agent, orders.HangUpLine).call_id == OUT
    assert one(without_line, orders.HangUpLeg).leg_id == LEG
    assert floor.state(AGENT) is AgentState.READY


def test_nothing_goes_on_in_a_pbx_that_was_restarted() -> None:
    work = OpenWork(
        sessions=(session(AgentState.TALKING),),
        callbacks=(callback(),),
        outbound=(outbound(answered_at=Instant(-5_000)),),
    )
    alive = Inventory(legs=leg(MediaState.BRIDGED), lines=line(MediaState.BRIDGED), is_same_run=False)

    _, outcome = resumed(work, alive)

    assert one(outcome, ledger.OutboundEnded).outcome is OutboundOutcome.ANSWERED


def test_a_callback_keeps_its_place_and_its_tries_over_a_restart() -> None:
    floor, _ = resumed(OpenWork(callbacks=(callback(try_count=1),)), Inventory())
    floor.tell(facts.CallingHoursChanged(is_open=True), 1)
    ask_callback(floor, "c2", 2)

    floor.seat("1", 5)

    assert one(floor.log, ledger.OutboundBegan).callback_of == CallId("c1")
    assert [each.try_count for each in floor.floor.callbacks()] == [1, 0]


def test_a_pause_lasts_over_a_restart() -> None:
    tried = callback(tried_at=Instant(-100_000), try_count=1)
    floor, _ = resumed(OpenWork(callbacks=(tried,)), Inventory())
    floor.tell(facts.CallingHoursChanged(is_open=True), 0)
    agent = floor.seat("1", 1)

    floor.wait_until(499)
    assert floor.state(agent) is AgentState.READY
    floor.wait_until(500)
    assert floor.state(agent) is AgentState.RINGING


def test_a_lent_line_goes_on_with_both_its_channels_and_ends_without_one() -> None:
    loan = OpenLoan(handoff_id=HANDOFF, peer=URUMQI, call_id=OUT, line_id=LINE, lent_at=Instant(-10_000))
    trunk = LiveTrunk(
        handoff_id=HANDOFF, peer=URUMQI, role=Role.HELPER, call_id=None, state=MediaState.BRIDGED
    )
    both = Inventory(trunks={HANDOFF: trunk}, lines=line(MediaState.BRIDGED))

    floor, outcome = resumed(OpenWork(loans=(loan,)), both)
    _, alone = resumed(OpenWork(loans=(loan,)), Inventory(lines=line(MediaState.BRIDGED)))

    assert all_of(outcome, orders.HangUpTrunk) == []
    ended = floor.tell(facts.LineHungUp(call_id=OUT), 5)
    assert one(ended, orders.HangUpTrunk).handoff_id == HANDOFF
    assert one(alone, ledger.LineReturned).outcome is OutboundOutcome.INTERRUPTED
    assert one(alone, orders.HangUpLine).call_id == OUT


def test_a_trunk_to_another_sites_line_is_no_hand_off_when_it_is_dropped() -> None:
    gone_out = OpenOutbound(
        call_id=OUT,
        agent_id=AGENT,
        queue_id=SALES,
        callback_of=None,
        leg_id=LEG,
        via=URUMQI,
        line_id=LINE,
        handoff_id=HANDOFF,
        dialed_at=Instant(-10_000),
    )
    trunk = LiveTrunk(handoff_id=HANDOFF, peer=URUMQI, role=Role.ORIGIN, call_id=OUT, state=MediaState.UP)

    _, outcome = resumed(
        OpenWork(sessions=(session(AgentState.TALKING),), outbound=(gone_out,)),
        Inventory(trunks={HANDOFF: trunk}),
    )

    assert one(outcome, orders.HangUpTrunk).handoff_id == HANDOFF
    assert all_of(outcome, ledger.HandoffCancelled) == []
