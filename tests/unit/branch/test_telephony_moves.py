"""The driver's part in a move without a PBX: what may not be asked yet, and what a restart may find."""

from collections.abc import Mapping
from typing import Any

from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame, Variable
from router.facts import MoveTried, TrunkHungUp, TrunkMoved
from router.ids import AgentId, HandoffId, SiteId
from router.orders import (
    BridgeTrunk,
    DialSite,
    HangUpLeg,
    HoldInQueue,
    MoveCaller,
    RingAgent,
    TakeMoved,
)
from tests.unit.branch.test_telephony_hearing import CALL, CALLER, LEG, SALES, Driven, caller, leg

HERE, THERE = SiteId("beijing"), SiteId("urumqi")
HANDOFF, MOVE = HandoffId("handoff-1"), HandoffId("move-1")
OLD, NEW = "trunk-1", "trunk-2"
AGENT = AgentId("a/1")

MOVE_CALLER = MoveCaller(handoff_id=HANDOFF, call_id=CALL, from_site=HERE, site_id=THERE, token="t")
TAKE = TakeMoved(handoff_id=HANDOFF, move_id=MOVE, leg_id=LEG)
BRIDGE = BridgeTrunk(call_id=CALL, handoff_id=HANDOFF)
REFERRED: Frame = {"event": Event.REFERRED, "channel": CALLER}


class Origin(Driven):
    """A caller is bridged to a helper."""

    def __init__(self, publics: Mapping[SiteId, str] | None = None) -> None:
        super().__init__({THERE: "10.0.0.2:7001"}, publics)
        self.hear(caller())
        self.carrying.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
        self.carrying.carry_out(DialSite(handoff_id=HANDOFF, call_id=CALL, site_id=THERE, token="d"))
        self.carrying.carry_out(BRIDGE)
        self.sent.clear()


class Helper(Driven):
    """An agent talks to the caller of another site, whose carrier has called by itself meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        for channel_id, handoff_id in ((OLD, HANDOFF), (NEW, MOVE)):
            self.hear({"event": Event.CHANNEL_STARTED, **trunk(channel_id)})
            assert self.carrying.accept_trunk(channel_id, handoff_id)
        ring = RingAgent(leg_id=LEG, agent_id=AGENT, call_id=CALL, queue_id=SALES, handoff_id=HANDOFF)
        self.carrying.carry_out(ring)
        self.hear({"event": Event.CHANNEL_STARTED, **leg("UP", is_started=True)})
        self.sent.clear()
        self.facts.clear()

    def do(self, asked: Do) -> list[Frame]:
        """The PBX has done the newest request of that kind; returns what is asked next."""
        frame = [each for each in self.sent if each["do"] == asked][-1]
        before = len(self.sent)
        request = self.unanswered.answered({"re": frame["id"], "result": None})
        assert request is not None
        if request.then is not None:
            request.then(True)
        self.hear()
        return self.sent[before:]

    def taken(self) -> None:
        """Up to the last request before the exchange."""
        self.carrying.carry_out(TAKE)
        names = [each["name"] for each in self.do(Do.ADD)]
        assert names == [Variable.MOVED, Variable.HANDOFF]


def trunk(channel_id: str, **variables: str) -> Frame:
    return {
        "channel": channel_id,
        "kind": "trunk_in",
        "state": "UP",
        "is_started": True,
        "facts": {"from": HERE, "token": "t"},
        "variables": variables,
    }


def hung_up(frames: list[Frame]) -> list[Any]:
    return [each["channel"] for each in frames if each["do"] == Do.HANG_UP]


def test_a_caller_is_asked_for_out_of_its_talk_and_marked_before() -> None:
    driven = Origin()

    driven.carrying.carry_out(MOVE_CALLER)

    assert driven.asked() == [Do.SET, Do.REMOVE, Do.REFER]
    refer = driven.sent[-1]
    assert (refer["endpoint"], refer["from_site"], refer["token"]) == ("trunk/10.0.0.2:7001", HERE, "t")


def test_the_carrier_is_told_where_the_public_network_reaches_the_other_site() -> None:
    driven = Origin({THERE: "203.0.113.7:5060"})

    driven.carrying.carry_out(MOVE_CALLER)

    assert driven.sent[-1]["endpoint"] == "trunk/203.0.113.7:5060"


def test_nothing_is_asked_of_a_blocked_channel_until_the_carrier_has_answered() -> None:
    driven = Origin()
    driven.carrying.carry_out(MOVE_CALLER)
    driven.sent.clear()

    driven.carrying.carry_out(BRIDGE)
    assert driven.asked() == []
    driven.hear(REFERRED, REFERRED)

    added = [each["channel"] for each in driven.sent if each["do"] == Do.ADD]
    assert added.count(CALLER) == 1
    assert driven.facts == [MoveTried(handoff_id=HANDOFF)]


def test_a_request_that_was_sent_goes_out_once_and_its_answer_is_asked_for() -> None:
    driven = Origin()
    driven.carrying.carry_out(MOVE_CALLER)

    shown = {**caller(), "state": "UP", "variables": {Variable.CALL: CALL, Variable.TAKEN: "1"}}
    asked = driven.come_back(shown, {**trunk(HANDOFF), "kind": "trunk_out"})

    assert Do.REFER not in asked
    assert asked.count(Do.AWAIT_REFERRED) == 1


def test_a_restarted_driver_waits_for_a_caller_who_was_marked() -> None:
    driven = Driven({THERE: "10.0.0.2:7001"})
    marks = {Variable.CALL: CALL, Variable.TAKEN: "1", Variable.REFERRED: HANDOFF}
    out = {Variable.CALL: CALL, Variable.HANDOFF: HANDOFF, Variable.PEER: THERE}

    asked = driven.come_back(
        {**caller(), "state": "UP", "variables": marks},
        {**trunk(HANDOFF, **out), "kind": "trunk_out"},
    )
    driven.carrying.carry_out(BRIDGE)

    assert asked == [Do.AWAIT_REFERRED]
    assert Do.ADD not in driven.asked()
    assert driven.hear(REFERRED) == [MoveTried(handoff_id=HANDOFF)]
    assert Do.ADD in driven.asked()


def test_the_leg_that_is_replaced_goes_once_the_moved_caller_has_its_name() -> None:
    driven = Helper()

    driven.taken()
    assert hung_up(driven.sent) == []
    exchanged = driven.do(Do.SET)

    assert hung_up(exchanged) == [OLD]
    assert driven.facts == [TrunkMoved(handoff_id=HANDOFF)]
    gone: Frame = {"event": Event.CHANNEL_GONE, "channel": OLD, "cause": int(Cause.NORMAL)}
    assert driven.hear(gone) == [TrunkMoved(handoff_id=HANDOFF)]
    assert driven.hear({**gone, "channel": NEW})[-1] == TrunkHungUp(handoff_id=HANDOFF)


def test_a_moved_caller_who_comes_after_the_agent_hung_up_is_let_go() -> None:
    driven = Helper()
    driven.taken()
    driven.carrying.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    exchanged = driven.do(Do.SET)

    assert hung_up(exchanged) == [NEW]
    assert driven.facts == []


def test_of_two_legs_of_one_name_a_restart_keeps_the_moved_callers() -> None:
    for first, second in ((OLD, NEW), (NEW, OLD)):
        driven = Driven()
        shown = {
            OLD: trunk(OLD, **{Variable.HANDOFF: HANDOFF}),
            NEW: trunk(NEW, **{Variable.HANDOFF: HANDOFF, Variable.MOVED: "1"}),
        }

        driven.come_back(shown[first], shown[second])

        assert hung_up(driven.sent) == [OLD]
        assert driven.holdings.inventory(is_same_run=True).trunks[HANDOFF].is_moved
