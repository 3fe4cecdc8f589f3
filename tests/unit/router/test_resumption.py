"""A restarted floor: the ledger's open work joined with the channels that the PBX still holds."""

from router import facts, ledger, orders
from router.agent import AgentState
from router.call import CallState, Disposition
from router.ids import AgentId, CallId, HandoffId, LegId, SiteId
from router.ledger import Role
from router.orders import Outcome
from router.overflow.messages import Cancel
from router.recovery import (
    Inventory,
    LiveLeg,
    LiveTrunk,
    MediaState,
    OpenCall,
    OpenHelp,
    OpenSession,
    OpenWork,
)
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one

C1 = CallId("c1")
LEG = LegId("leg-1")
HANDOFF = HandoffId("h1")
PEER = SiteId("urumqi")
AGENT = AgentId("beijing/1")
TALK = OpenHelp(
    handoff_id=HANDOFF,
    peer=PEER,
    call_id=C1,
    agent_id=AGENT,
    leg_id=LEG,
    queue_id=SALES,
    connected_at=at(-5),
    is_confirmed=True,
)


def open_call(state: CallState, **more: object) -> OpenCall:
    values: dict[str, object] = {
        "call_id": C1,
        "queue_id": SALES,
        "skills": SALES_SKILLS,
        "priority": 0,
        "customer_id": None,
        "state": state,
        "queued_at": at(-30),
        **more,
    }
    return OpenCall(**values)  # type: ignore[arg-type]  # kept short


def session(state: AgentState) -> OpenSession:
    return OpenSession(agent_id=AGENT, skills=SALES_SKILLS, state=state, reason=None)


def agent_leg(state: MediaState, handoff_id: HandoffId | None = None) -> dict[LegId, LiveLeg]:
    leg = LiveLeg(leg_id=LEG, agent_id=AGENT, call_id=C1, handoff_id=handoff_id, state=state)
    return {LEG: leg}


def trunk(state: MediaState, role: Role = Role.ORIGIN) -> dict[HandoffId, LiveTrunk]:
    call_id = C1 if role is Role.ORIGIN else None
    return {HANDOFF: LiveTrunk(handoff_id=HANDOFF, peer=PEER, role=role, call_id=call_id, state=state)}


def resumed(floor: FloorUnderTest, work: OpenWork, alive: Inventory, seconds: float = 0) -> Outcome:
    outcome = floor.floor.resume(work, alive, at(seconds))
    floor.log += outcome
    return outcome


def test_a_waiting_caller_keeps_its_place_and_its_wait() -> None:
    floor = FloorUnderTest()

    resumed(floor, OpenWork(calls=(open_call(CallState.QUEUED),)), Inventory(callers=frozenset({C1})))
    floor.call("c2", 1)
    floor.seat("1", 10)

    assert one(floor.log, orders.RingAgent).call_id == C1
    leg_id = one(floor.log, orders.RingAgent).leg_id
    assert one(floor.answer(leg_id, 12), ledger.CallConnected).waited_ms == 42_000


def test_a_phone_that_rang_is_stopped_and_its_call_offered_anew() -> None:
    floor = FloorUnderTest()
    work = OpenWork(
        calls=(open_call(CallState.OFFERED, leg_id=LEG, agent_id=AGENT),),
        sessions=(session(AgentState.RINGING),),
    )

    outcome = resumed(floor, work, Inventory(callers=frozenset({C1}), legs=agent_leg(MediaState.RINGING)))

    assert one(outcome, orders.StopRinging).leg_id == LEG
    assert one(outcome, orders.RingAgent).agent_id == AGENT
    assert outcome.index(one(outcome, orders.StopRinging)) < outcome.index(one(outcome, orders.RingAgent))


def test_a_talk_goes_on_and_its_length_counts_from_the_answer() -> None:
    floor = FloorUnderTest()
    talking = open_call(
        CallState.CONNECTED, leg_id=LEG, agent_id=AGENT, connected_at=at(-20), waited_ms=10_000
    )
    work = OpenWork(calls=(talking,), sessions=(session(AgentState.TALKING),))

    resumed(floor, work, Inventory(callers=frozenset({C1}), legs=agent_leg(MediaState.BRIDGED)))
    assert floor.state(AGENT) is AgentState.TALKING
    outcome = floor.tell(facts.LegHungUp(leg_id=LEG), 40)

    ended = one(outcome, ledger.CallEnded)
    assert (ended.disposition, ended.waited_ms, ended.talk_ms) == (Disposition.ANSWERED, 10_000, 60_000)
    assert floor.state(AGENT) is AgentState.READY


def test_an_answered_leg_that_was_not_joined_is_joined_now() -> None:
    floor = FloorUnderTest()
    talking = open_call(CallState.CONNECTED, leg_id=LEG, agent_id=AGENT, connected_at=at(-1))

    outcome = resumed(
        floor,
        OpenWork(calls=(talking,), sessions=(session(AgentState.TALKING),)),
        Inventory(callers=frozenset({C1}), legs=agent_leg(MediaState.UP)),
    )

    assert one(outcome, orders.BridgeAgent).leg_id == LEG


def test_a_caller_who_hung_up_meanwhile_has_abandoned_and_a_talk_was_answered() -> None:
    for state, ending in (
        (CallState.QUEUED, Disposition.ABANDONED_IN_QUEUE),
        (CallState.CONNECTED, Disposition.ANSWERED),
    ):
        floor = FloorUnderTest()
        more = {"connected_at": at(-5)} if state is CallState.CONNECTED else {}

        resumed(floor, OpenWork(calls=(open_call(state, **more),)), Inventory())

        assert floor.ending("c1") is ending


def test_calls_of_a_pbx_that_was_restarted_have_failed() -> None:
    floor = FloorUnderTest()

    resumed(floor, OpenWork(calls=(open_call(CallState.QUEUED),)), Inventory(is_same_run=False))

    assert floor.ending("c1") is Disposition.FAILED


def test_a_hand_off_that_was_not_connected_is_taken_back() -> None:
    floor = FloorUnderTest(peers=["urumqi"])

    outcome = resumed(
        floor,
        OpenWork(calls=(open_call(CallState.QUEUED),)),
        Inventory(callers=frozenset({C1}), trunks=trunk(MediaState.RINGING)),
    )

    assert one(outcome, orders.HangUpTrunk).handoff_id == HANDOFF
    assert any(ask.request.handoff_id == HANDOFF for ask in all_of(outcome, orders.Ask))
    view = floor.floor.call(C1)
    assert view is not None
    assert view.state is CallState.QUEUED


def test_a_talk_over_a_trunk_goes_on_and_is_confirmed_again() -> None:
    floor = FloorUnderTest(peers=["urumqi"])
    remote = open_call(CallState.CONNECTED_REMOTE, handoff_id=HANDOFF, connected_at=at(-5), served_by=PEER)

    outcome = resumed(
        floor,
        OpenWork(calls=(remote,)),
        Inventory(callers=frozenset({C1}), trunks=trunk(MediaState.BRIDGED)),
    )

    assert one(outcome, orders.ConfirmHandoff).request.handoff_id == HANDOFF
    floor.tell(facts.TrunkHungUp(handoff_id=HANDOFF), 10)
    assert floor.ending("c1") is Disposition.ANSWERED


def test_a_helpers_talk_goes_on_or_its_agent_is_free() -> None:
    work = OpenWork(sessions=(session(AgentState.TALKING),), helps=(TALK,))
    alive = Inventory(
        legs=agent_leg(MediaState.BRIDGED, HANDOFF), trunks=trunk(MediaState.BRIDGED, Role.HELPER)
    )

    goes_on, is_over, is_lost = FloorUnderTest(), FloorUnderTest(), FloorUnderTest()
    resumed(goes_on, work, alive)
    resumed(is_over, work, Inventory())
    resumed(is_lost, work, Inventory(is_same_run=False))

    assert goes_on.state(AGENT) is AgentState.TALKING
    assert is_over.state(AGENT) is AgentState.READY
    assert one(is_over.log, ledger.HandoffEnded).talk_ms == 5_000
    assert all_of(goes_on.log, orders.Ask) == []
    for floor, why, reason in (
        (is_over, None, "NODE_RESTARTED"),
        (is_lost, "PBX_RESTARTED", "PBX_RESTARTED"),
    ):
        assert one(floor.log, ledger.HandoffEnded).reason == why
        told = one(floor.log, orders.Ask)
        assert (told.site_id, told.request) == (PEER, Cancel(handoff_id=HANDOFF, reason=reason))


def test_an_agent_who_hung_up_while_nobody_looked_ends_the_talk_by_its_trunk() -> None:
    floor = FloorUnderTest()

    outcome = resumed(floor, OpenWork(helps=(TALK,)), Inventory(trunks=trunk(MediaState.UP, Role.HELPER)))

    assert one(outcome, orders.HangUpTrunk).handoff_id == HANDOFF
    assert all_of(outcome, orders.Ask) == []


def test_a_transferred_call_still_needs_what_its_queue_needs() -> None:
    floor = FloorUnderTest()
    transferred = open_call(CallState.QUEUED, skills=frozenset())

    resumed(floor, OpenWork(calls=(transferred,)), Inventory(callers=frozenset({C1})))
    floor.seat("9", 1, frozenset())

    assert all_of(floor.log, orders.RingAgent) == []
