from dataclasses import replace

from branch.operating.tallies import DayTallies
from branch.serving.site_items import DayTally
from router.call import Disposition
from router.ids import CallId, Instant, QueueId, SiteId
from router.ledger import CallConnected, CallEnded, CallQueued, Entry, LedgerRow

SALES = QueueId("sales")


def row(entry: Entry, business_date: str = "2026-11-22") -> LedgerRow:
    return LedgerRow(
        site_id=SiteId("beijing"),
        seq=1,
        at_utc_us=0,
        mono_ms=Instant(0),
        incarnation=1,
        business_date=business_date,
        entry=entry,
    )


def queued(call: str) -> CallQueued:
    return CallQueued(call_id=CallId(call), queue_id=SALES, skills=(), priority=0, customer_id=None)


def connected(call: str, waited_ms: int) -> CallConnected:
    return CallConnected(
        call_id=CallId(call),
        queue_id=SALES,
        agent_id=None,
        leg_id=None,
        handoff_id=None,
        served_by=SiteId("beijing"),
        waited_ms=waited_ms,
    )


def ended(call: str) -> CallEnded:
    return CallEnded(
        call_id=CallId(call),
        queue_id=SALES,
        disposition=Disposition.ANSWERED,
        reason=None,
        waited_ms=0,
        talk_ms=0,
        hold_ms=0,
        is_short=False,
    )


def tallies() -> DayTallies:
    return DayTallies(lambda _queue_id: 20_000)


def test_an_answer_at_the_target_is_in_time_and_one_after_it_is_not() -> None:
    day = tallies()

    day.note_rows(
        [row(queued("a")), row(queued("b")), row(connected("a", 20_000)), row(connected("b", 20_001))]
    )

    assert day.current() == {SALES: DayTally(offered=2, answered=2, in_level=1)}


def test_a_call_that_is_transferred_is_answered_once() -> None:
    day = tallies()

    day.note_rows([row(queued("a")), row(connected("a", 1)), row(connected("a", 1)), row(ended("a"))])

    assert day.current() == {SALES: DayTally(offered=1, answered=1, in_level=1)}


def test_a_new_day_begins_with_nothing() -> None:
    day = tallies()
    day.note_rows([row(queued("a"))])

    day.note_rows([row(queued("b"), "2026-11-23")])

    assert day.current() == {SALES: DayTally(offered=1)}


def test_what_the_day_brought_before_a_restart_counts_and_another_day_does_not() -> None:
    day, earlier, yesterday = tallies(), tallies(), tallies()
    day.note_rows([row(queued("c"))])
    earlier.note_rows([row(queued("a")), row(connected("a", 1))])
    yesterday.note_rows([row(queued("z"), "2026-11-21")])

    day.add_earlier(earlier)
    day.add_earlier(yesterday)
    day.note_rows([row(connected("a", 1))])

    assert day.current() == {SALES: DayTally(offered=2, answered=1, in_level=1)}


def test_a_call_that_was_sent_on_is_offered_where_it_was_sent_to() -> None:
    day = tallies()
    sent_on = replace(ended("a"), disposition=Disposition.REDIRECTED)

    day.note_rows([row(queued("a")), row(queued("b")), row(sent_on)])

    assert day.current() == {SALES: DayTally(offered=1, redirected=1)}


def test_a_call_of_yesterday_that_was_sent_on_takes_nothing_from_today() -> None:
    day = tallies()
    sent_on = replace(ended("a"), disposition=Disposition.REDIRECTED)

    day.note_rows([row(queued("a"), "2026-11-21"), row(sent_on)])

    assert day.current() == {SALES: DayTally(redirected=1)}
