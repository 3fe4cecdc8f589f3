"""A line that another site's agent dials out of: who may, once, and only as many as fit."""

import pytest

from router import facts, ledger, orders
from router.ids import CallId, HandoffId, SiteId
from router.orders import Outcome
from router.outbound.outcome import OutboundOutcome
from router.overflow.messages import Refusal, Refused, Reply, Reserved, ReserveLine
from router.overflow.trunk_refusal import TrunkRefusal
from tests.fakes.floor import FloorUnderTest, all_of, one
from tests.fakes.outgoing import EMERGENCY, LINE, LOCAL, PREMIUM, URUMQI, dial, site

STRANGER = SiteId("stranger")


def reserve(
    floor: FloorUnderTest, seconds: float, name: str = "h1", *, number: str = LOCAL, by: SiteId = URUMQI
) -> Reply:
    request = ReserveLine(
        handoff_id=HandoffId(name), call_id=CallId(f"call-{name}"), number=number, timeout_ms=500
    )
    outcome = floor.tell(facts.SiteAsked(site_id=by, incarnation=1, request=request), seconds)
    return one(outcome, orders.Answer).reply


def invite(floor: FloorUnderTest, seconds: float, name: str = "h1", by: SiteId = URUMQI) -> Outcome:
    return floor.tell(facts.TrunkCallArrived(handoff_id=HandoffId(name), from_site=by), seconds)


def reject(name: str, reason: TrunkRefusal) -> orders.RejectTrunk:
    return orders.RejectTrunk(handoff_id=HandoffId(name), reason=reason)


def refused(reply: Reply) -> Refusal:
    assert isinstance(reply, Refused)
    return reply.reason


def test_a_guest_gets_a_token_and_its_invite_dials_the_number_once() -> None:
    floor = site()

    reply = reserve(floor, 0)
    first, second = invite(floor, 1), invite(floor, 2)

    assert reply == Reserved(handoff_id=HandoffId("h1"), token="token:h1:urumqi")
    order = one(first, orders.DialLine)
    assert (order.number, order.line_id, order.handoff_id) == (LOCAL, LINE, HandoffId("h1"))
    assert first.index(one(first, ledger.LineLent)) < first.index(order)
    assert one(second, orders.RejectTrunk) == reject("h1", TrunkRefusal.USED)


def test_a_repeated_request_is_answered_alike_and_takes_no_second_place() -> None:
    floor = site()

    assert reserve(floor, 0) == reserve(floor, 1)

    assert len(list(floor.floor.loans())) == 1


@pytest.mark.parametrize("number", [PREMIUM, EMERGENCY, "+4412345678"])
def test_a_guest_dials_only_what_a_route_names_it_for(number: str) -> None:
    floor = site()

    assert refused(reserve(floor, 0, number=number)) is Refusal.NOT_ALLOWED
    assert refused(reserve(floor, 0, "h2", by=STRANGER)) is Refusal.NOT_ALLOWED


def test_guests_and_own_agents_share_the_lines_limit() -> None:
    floor = site()
    dial(floor, floor.seat("1", 0), LOCAL, 0)
    reserve(floor, 1)

    assert refused(reserve(floor, 2, "h2")) is Refusal.LIMIT


def test_a_reservation_without_an_invite_expires_and_frees_the_line() -> None:
    floor = site()
    reserve(floor, 0)
    reserve(floor, 0, "h2")

    floor.wait_until(3)

    assert list(floor.floor.loans()) == []
    assert isinstance(reserve(floor, 4, "h3"), Reserved)
    assert one(invite(floor, 5), orders.RejectTrunk) == reject("h1", TrunkRefusal.EXPIRED)
    assert all_of(floor.log, ledger.LineLent) == []


def test_another_site_cannot_use_a_guests_token() -> None:
    floor = site()
    reserve(floor, 0)

    assert one(invite(floor, 1, by=STRANGER), orders.RejectTrunk) == reject("h1", TrunkRefusal.FOREIGN)
    assert one(invite(floor, 2), orders.DialLine).number == LOCAL


def test_an_answered_line_is_joined_with_the_trunk_and_its_talk_is_counted() -> None:
    floor = site()
    reserve(floor, 0)
    invite(floor, 1)

    joined = floor.tell(facts.LineAnswered(call_id=CallId("call-h1")), 5)
    ended = floor.tell(facts.TrunkHungUp(handoff_id=HandoffId("h1")), 15)

    assert one(joined, orders.BridgeTrunkLine).handoff_id == HandoffId("h1")
    returned = one(ended, ledger.LineReturned)
    assert (returned.outcome, returned.talk_ms) == (OutboundOutcome.ANSWERED, 10_000)
    assert one(ended, orders.HangUpLine).call_id == CallId("call-h1")
    assert one(invite(floor, 16), orders.RejectTrunk) == reject("h1", TrunkRefusal.ENDED)
    floor.wait_until(31)
    assert one(invite(floor, 32), orders.RejectTrunk) == reject("h1", TrunkRefusal.UNKNOWN)


def test_a_busy_customer_ends_the_trunk_call() -> None:
    floor = site()
    reserve(floor, 0)
    invite(floor, 1)

    ended = floor.tell(facts.LineFailed(call_id=CallId("call-h1"), outcome=OutboundOutcome.BUSY), 5)

    assert one(ended, orders.HangUpTrunk).outcome is OutboundOutcome.BUSY
    assert one(ended, ledger.LineReturned).outcome is OutboundOutcome.BUSY
    assert list(floor.floor.loans()) == []


def test_a_draining_site_lends_nothing() -> None:
    floor = site()
    floor.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 0)

    assert refused(reserve(floor, 1)) is Refusal.NOT_ACCEPTING
