from dataclasses import dataclass, replace

import pytest

from router.call import Disposition
from router.ids import CustomerId, QueueId
from router.kpi.calls import figures, first_contact_resolution
from router.kpi.service_level import FORMULAS, ServiceLevelCounts, by_interval, count, event_utc_us, levels
from router.kpi.site_day import day_figures, interval_counts

SECOND_US = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Called:
    """A finished call, as its record shows it."""

    disposition: Disposition | None = Disposition.ANSWERED
    queued_utc_us: int | None = 0
    answered_utc_us: int | None = None
    ended_utc_us: int | None = None
    customer_id: CustomerId | None = None
    queue_id: QueueId | None = None
    waited_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrapup_ms: int = 0
    transfer_count: int = 0
    is_short: bool = False


def answered(
    waited_s: float, *, queued_s: float = 0, customer: str | None = None, talk_s: float = 0
) -> Called:
    return Called(
        queued_utc_us=round(queued_s * SECOND_US),
        answered_utc_us=round((queued_s + waited_s) * SECOND_US),
        waited_ms=round(waited_s * 1000),
        talk_ms=round(talk_s * 1000),
        customer_id=CustomerId(customer) if customer else None,
    )


def abandoned(waited_s: float, *, queued_s: float = 0) -> Called:
    return Called(
        disposition=Disposition.ABANDONED_IN_QUEUE,
        queued_utc_us=round(queued_s * SECOND_US),
        waited_ms=round(waited_s * 1000),
        is_short=waited_s < 5,
    )


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [("strict", 81.1), ("ignore_abandons", 82.7), ("positive", 83.0), ("answered_only", 86.0)],
)
def test_each_formula_gives_the_check_value_of_the_field(formula: str, wanted: float) -> None:
    counts = ServiceLevelCounts(answered=1000, answered_within=860, abandoned=60, abandoned_within=20)

    assert round(FORMULAS[formula](counts) or 0, 1) == wanted


def test_short_abandons_are_taken_out_below_the_line() -> None:
    counts = ServiceLevelCounts(answered=1000, answered_within=860, abandoned=60, short_abandons=10)

    assert FORMULAS["short_excluded"](counts) == pytest.approx(100 * 860 / 1050)


@pytest.mark.parametrize("formula", sorted(FORMULAS))
def test_no_offered_calls_is_no_data(formula: str) -> None:
    assert FORMULAS[formula](ServiceLevelCounts()) is None


def test_counting_knows_answered_abandoned_within_and_short() -> None:
    calls = [answered(20), answered(20.001), abandoned(20), abandoned(3), abandoned(60)]

    assert count(calls, 20_000) == ServiceLevelCounts(
        answered=2, answered_within=1, abandoned=3, abandoned_within=2, short_abandons=1
    )


def test_endings_that_are_neither_answer_nor_abandonment_are_not_offered() -> None:
    others = [d for d in Disposition if d not in (Disposition.ANSWERED, Disposition.ABANDONED_IN_QUEUE)]
    calls = [Called(disposition=d) for d in others if d is not Disposition.ABANDONED_RINGING]

    assert count(calls, 20_000).offered == 0


def test_a_call_answered_once_counts_as_answered_whatever_became_of_it() -> None:
    call = Called(disposition=Disposition.FAILED, answered_utc_us=4 * SECOND_US, waited_ms=4000)

    assert count([call], 20_000) == ServiceLevelCounts(answered=1, answered_within=1)


def test_the_event_is_the_earliest_of_answer_abandon_and_target() -> None:
    assert event_utc_us(answered(7), 20_000) == 7 * SECOND_US
    assert event_utc_us(abandoned(9), 20_000) == 9 * SECOND_US
    assert event_utc_us(answered(300), 20_000) == 20 * SECOND_US


def test_a_call_counts_in_the_interval_of_its_event_not_of_its_arrival() -> None:
    calls = [answered(10, queued_s=895), answered(400, queued_s=890)]

    assert list(by_interval(calls, 20_000, 900)) == [900 * SECOND_US]


def test_in_an_interval_each_call_counts_against_its_own_queues_target() -> None:
    quick, slow = QueueId("quick"), QueueId("slow")
    calls = [
        replace(answered(30, queued_s=880), queue_id=quick),
        replace(answered(30, queued_s=880), queue_id=slow),
        replace(abandoned(40), queue_id=slow),
    ]

    found = interval_counts(calls, {quick: 10_000, slow: 60_000}, 900)

    assert found == {
        0: ServiceLevelCounts(answered=1, abandoned=1, abandoned_within=1),
        900 * SECOND_US: ServiceLevelCounts(answered=1, answered_within=1),
    }
    assert levels(found[0])["strict"] == 0.0
    assert (
        sum(found.values(), ServiceLevelCounts())
        == day_figures(calls, [], list, {quick: 10_000, slow: 60_000}).counts
    )


def test_figures_of_calls() -> None:
    waits = [answered(float(wait), talk_s=100) for wait in range(1, 101)]
    found = figures([*waits, abandoned(2), abandoned(50)])

    assert (found.asa_s, found.p95_wait_s, found.aht_s) == (50.5, 95.0, 100.0)
    assert found.abandon_rate == pytest.approx(100 * 2 / 102)
    assert found.abandon_rate_without_short == pytest.approx(100 * 1 / 101)
    assert found.transfer_rate == 0.0


def test_figures_without_calls_are_no_data() -> None:
    found = figures([])

    assert (found.asa_s, found.p95_wait_s, found.aht_s) == (None, None, None)
    assert (found.abandon_rate, found.abandon_rate_without_short, found.transfer_rate) == (None, None, None)


def test_first_contact_is_not_resolved_when_the_customer_calls_again_within_seven_days() -> None:
    day = 86_400.0
    calls = [
        answered(1, queued_s=0, customer="anna"),
        answered(1, queued_s=6 * day, customer="anna"),
        answered(1, queued_s=0, customer="ben"),
        answered(1, queued_s=8 * day, customer="ben"),
        answered(1, queued_s=0),
    ]

    assert first_contact_resolution(calls) == 75.0
    assert first_contact_resolution([answered(1)]) is None


def test_a_redirected_call_is_counted_apart_and_offered_nowhere_here() -> None:
    sent_on = Called(disposition=Disposition.REDIRECTED, waited_ms=100)
    calls = [answered(1), sent_on, abandoned(30)]

    found = figures(calls)

    assert (found.offered, found.redirected, found.asa_s) == (2, 1, 1.0)
    assert count(calls, 20_000).offered == 2
    assert event_utc_us(sent_on, 20_000) is None
