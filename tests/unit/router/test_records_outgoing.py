"""Callbacks, calls that went out and lent lines, folded from what a floor really wrote."""

from collections.abc import Iterable

from router import facts, ledger, orders
from router.callback.outcome import CallbackOutcome
from router.ids import CallId, HandoffId, Instant
from router.ledger import LedgerRow
from router.outbound.outcome import OutboundOutcome
from router.overflow.messages import ReserveLine
from router.records.fold import RecordFold, fold
from router.records.left import CallbackRecord
from router.records.moment import Moment
from router.records.outgoing import LoanRecord, OutboundRecord
from router.recovery import OpenWork
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, one
from tests.fakes.ledger_book import LedgerBook, utc_us
from tests.fakes.outgoing import BEIJING, LINE, LOCAL, URUMQI, ask_callback, dial, dialled_line, site


class Recorded:
    """A floor whose rows are stamped with the seconds at which it was told."""

    def __init__(self, wrap_up_ms: int = 0) -> None:
        self.floor: FloorUnderTest = site(wrap_up_ms=wrap_up_ms)
        self.book = LedgerBook()
        self._written = len(self.floor.log)

    def note(self, seconds: float) -> None:
        """What came out since the last time was written at `seconds`."""
        new, self._written = self.floor.log[self._written :], len(self.floor.log)
        self.book.write(seconds, *(each for each in new if isinstance(each, ledger.Entry)))

    def open_work(self, seconds: float) -> OpenWork:
        """As the next process finds it, whose own clock begins at 0."""
        return work(self.book.rows, seconds)


def work(rows: Iterable[LedgerRow], seconds: float) -> OpenWork:
    state = RecordFold()
    for row in rows:
        state.apply(row)
    return state.open_work(Moment(utc_us=utc_us(seconds), mono_ms=Instant(0), incarnation=2))


def asked_and_dialled() -> tuple[Recorded, CallId]:
    """c1 asks at 10 s to be called back; at 60 s an agent comes, at 65 s the number is dialled."""
    recorded = Recorded(wrap_up_ms=30_000)
    recorded.floor.call("c1", 4)
    recorded.note(4)
    recorded.floor.tell(facts.CallerChoseCallback(call_id=CallId("c1")), 10)
    recorded.note(10)
    recorded.floor.seat("1", 60)
    recorded.note(60)
    out = dialled_line(recorded.floor, recorded.floor.log, 65)
    recorded.note(65)
    return recorded, out


def test_a_restart_finds_the_callback_with_its_place_and_the_call_that_goes_out() -> None:
    recorded, out = asked_and_dialled()

    found = recorded.open_work(70)

    (callback,) = found.callbacks
    assert (callback.call_id, callback.queued_at, callback.skills) == ("c1", -66_000, SALES_SKILLS)
    assert (callback.try_count, callback.tried_at) == (0, None)
    (outbound,) = found.outbound
    assert (outbound.call_id, outbound.callback_of) == (out, "c1")
    assert (outbound.dialed_at, outbound.answered_at) == (-5_000, None)
    assert (outbound.via, outbound.line_id) == (BEIJING, LINE)
    assert outbound.leg_id == one(recorded.floor.log, orders.RingAgent).leg_id


def test_a_tried_callback_is_found_with_its_tries_and_its_pause() -> None:
    recorded, out = asked_and_dialled()
    recorded.floor.tell(facts.LineFailed(call_id=out, outcome=OutboundOutcome.BUSY), 70)
    recorded.note(70)

    found = recorded.open_work(100)

    (callback,) = found.callbacks
    assert (callback.try_count, callback.tried_at) == (1, -30_000)
    assert found.outbound == ()


def test_the_records_tell_how_it_went_with_the_wrap_up_of_afterwards() -> None:
    recorded, out = asked_and_dialled()
    for fact, seconds in (
        (facts.LineAnswered(call_id=out), 70.0),
        (facts.LineHungUp(call_id=out), 90.0),
        (facts.WrapupFinished(agent_id=one(recorded.floor.log, ledger.OutboundBegan).agent_id), 95.0),
    ):
        recorded.floor.tell(fact, seconds)
        recorded.note(seconds)

    records = fold(recorded.book.rows)

    call = records[OutboundRecord, out]
    assert isinstance(call, OutboundRecord)
    assert (call.outcome, call.ring_ms, call.talk_ms, call.wrapup_ms) == (
        OutboundOutcome.ANSWERED,
        5_000,
        20_000,
        5_000,
    )
    callback = records[CallbackRecord, "c1"]
    assert isinstance(callback, CallbackRecord)
    assert (callback.outcome, callback.try_count) == (CallbackOutcome.REACHED, 1)
    assert recorded.open_work(100).callbacks == ()


def test_a_held_talk_is_found_held_with_its_holds() -> None:
    recorded = Recorded()
    agent = recorded.floor.seat("1", 0)
    out = dialled_line(recorded.floor, dial(recorded.floor, agent, LOCAL, 1), 2)
    recorded.note(2)
    for fact, seconds in (
        (facts.LineAnswered(call_id=out), 5.0),
        (facts.HoldAsked(agent_id=agent), 10.0),
        (facts.ResumeAsked(agent_id=agent), 14.0),
        (facts.HoldAsked(agent_id=agent), 20.0),
    ):
        recorded.floor.tell(fact, seconds)
        recorded.note(seconds)

    (outbound,) = recorded.open_work(21).outbound

    assert (outbound.is_held, outbound.hold_ms, outbound.answered_at) == (True, 5_000, -16_000)


def test_a_lent_line_is_found_until_it_is_returned() -> None:
    recorded = Recorded()
    request = ReserveLine(handoff_id=HandoffId("h1"), call_id=CallId("theirs"), number=LOCAL, timeout_ms=500)
    recorded.floor.tell(facts.SiteAsked(site_id=URUMQI, incarnation=1, request=request), 0)
    recorded.floor.tell(facts.TrunkCallArrived(handoff_id=HandoffId("h1"), from_site=URUMQI), 1)
    recorded.note(1)

    (loan,) = recorded.open_work(5).loans
    recorded.floor.tell(facts.LineAnswered(call_id=CallId("theirs")), 6)
    recorded.floor.tell(facts.TrunkHungUp(handoff_id=HandoffId("h1")), 16)
    recorded.note(16)

    assert (loan.peer, loan.call_id, loan.line_id, loan.lent_at) == (URUMQI, "theirs", LINE, -4_000)
    assert recorded.open_work(20).loans == ()
    returned = fold(recorded.book.rows)[LoanRecord, "h1"]
    assert isinstance(returned, LoanRecord)
    assert (returned.outcome, returned.talk_ms) == (OutboundOutcome.ANSWERED, 10_000)


def test_a_callback_that_nobody_tried_is_open_in_its_queue() -> None:
    recorded = Recorded()
    ask_callback(recorded.floor, "c1", 0)
    recorded.note(0)

    (callback,) = recorded.open_work(1).callbacks

    assert callback.queue_id == SALES
