"""Return visits: whom the sample takes, whose turn it is, and what a try makes of a visit."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from router.errors import InvalidPolicyError
from router.ids import AgentId, CallId, CustomerId, QueueId
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.policy import VisitPolicy
from router.visit.sampling import AnsweredCall, days_to_list, is_sampled, sample
from router.visit.visit import Standing, Visit, after_try, done, in_turn, standing

SALES, TECH = QueueId("sales"), QueueId("tech")
POLICY = VisitPolicy(share=0.1, try_limit=3, pause_s=3_600)
HOUR_US = 3_600_000_000
NOW_US = 1_000 * HOUR_US
TODAY = "2026-01-07"
VISIT = Visit(
    call_id=CallId("c1"),
    customer_id=CustomerId("acme"),
    queue_id=SALES,
    agent_id=AgentId("beijing/1"),
    called_utc_us=1,
    due_date=TODAY,
    business_date="2026-01-06",
)


def call_id(number: int) -> CallId:
    """One of a day's ids: they differ in their last digits only."""
    return CallId(str(UUID(int=0x01940000_0000_7000_8000_000000000000 + number)))


def call(number: int, queue_id: QueueId = SALES) -> AnsweredCall:
    return AnsweredCall(
        call_id=call_id(number),
        customer_id=None,
        queue_id=queue_id,
        agent_id=None,
        arrived_utc_us=number,
        business_date="2026-01-05",
    )


def where(visit: Visit, *, today: str = TODAY, now_utc_us: int = NOW_US) -> Standing:
    return standing(visit, POLICY, today=today, now_utc_us=now_utc_us)


# --- sampling -----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_the_sample_has_its_share_of_a_day(share: float) -> None:
    count = sum(is_sampled(call_id(number), share) for number in range(20_000))

    # Four standard deviations of as many fair draws.
    assert abs(count - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5


def test_nobody_and_everybody_are_shares_too() -> None:
    assert not any(is_sampled(call_id(number), 0.0) for number in range(1_000))
    assert all(is_sampled(call_id(number), 1.0) for number in range(1_000))


def test_whether_a_call_is_taken_never_changes_and_a_greater_share_only_adds() -> None:
    taken = [{n for n in range(5_000) if is_sampled(call_id(n), share)} for share in (0.1, 0.1, 0.2)]

    assert taken[0] == taken[1]
    assert taken[0] < taken[2]


def test_the_sample_can_be_computed_by_anybody_who_has_the_id() -> None:
    # SHA-256("c1") begins with d0f631ca1ddba8db: 0.816256... of 2**64
    assert is_sampled(CallId("c1"), 0.8163)
    assert not is_sampled(CallId("c1"), 0.8162)


def test_a_visit_is_due_so_many_days_after_its_call_and_has_what_the_call_had() -> None:
    policy = replace(POLICY, share=1.0, after_days=2)

    (visit,) = sample([call(1)], policy, listed_on="2026-01-06")

    assert (visit.call_id, visit.queue_id, visit.called_utc_us) == (call_id(1), SALES, 1)
    assert (visit.due_date, visit.business_date, visit.try_count) == ("2026-01-07", "2026-01-06", 0)


def test_only_the_named_queues_are_visited_and_all_when_none_is_named() -> None:
    calls = [call(number, (SALES, TECH)[number % 2]) for number in range(10)]
    named = sample(calls, replace(POLICY, share=1.0, queues=frozenset({TECH})), listed_on=TODAY)
    unnamed = sample(calls, replace(POLICY, share=1.0), listed_on=TODAY)

    assert {each.queue_id for each in named} == {TECH}
    assert Counter(each.queue_id for each in unnamed) == {SALES: 5, TECH: 5}


def test_days_that_are_over_and_not_overdue_are_put_on_the_list() -> None:
    assert list(days_to_list("2026-01-01", replace(POLICY, after_days=1))) == ["2025-12-31"]
    assert list(days_to_list("2026-01-01", replace(POLICY, after_days=2))) == ["2025-12-30", "2025-12-31"]


@pytest.mark.parametrize("values", [{"share": 1.1}, {"share": -0.1}, {"after_days": 0}, {"try_limit": 0}])
def test_a_policy_that_could_not_be_carried_out_is_none(values: dict[str, float]) -> None:
    with pytest.raises(InvalidPolicyError):
        VisitPolicy(**values)  # type: ignore[arg-type]  # one of each


# --- turns --------------------------------------------------------------------------------


def test_a_visit_waits_for_its_day() -> None:
    assert where(VISIT, today="2026-01-06") is Standing.LATER
    assert where(VISIT) is Standing.DUE
    assert where(VISIT, today="2026-02-01") is Standing.DUE


def test_whoever_is_due_longest_is_first_and_of_a_day_whoever_was_tried_least() -> None:
    late = replace(VISIT, call_id=CallId("late"), due_date="2026-01-08")
    tried = replace(VISIT, call_id=CallId("a-tried"), try_count=1, tried_utc_us=5)
    tried_before = replace(VISIT, call_id=CallId("b-tried"), try_count=1, tried_utc_us=4)

    order = [each.call_id for each in in_turn([late, tried, tried_before, VISIT])]

    assert order == ["c1", "b-tried", "a-tried", "late"]


# --- tries --------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [OutboundOutcome.BUSY, OutboundOutcome.NO_ANSWER, OutboundOutcome.FAILED])
def test_who_is_not_reached_rests_and_is_tried_again_up_to_the_limit(outcome: OutboundOutcome) -> None:
    visit = VISIT
    for number in range(POLICY.try_limit):
        assert where(visit, now_utc_us=NOW_US + number * HOUR_US) is Standing.DUE
        visit = replace(visit, outbound_id=CallId("out"))
        assert where(visit) is Standing.TRYING
        visit = after_try(visit, outcome, POLICY, ended_utc_us=NOW_US + number * HOUR_US)
        if number < POLICY.try_limit - 1:
            assert where(visit, now_utc_us=NOW_US + (number + 1) * HOUR_US - 1) is Standing.RESTING

    assert (visit.try_count, visit.outcome, visit.last_outcome) == (3, VisitOutcome.NOT_REACHED, outcome)
    assert where(visit) is Standing.DONE


@pytest.mark.parametrize(
    "outcome",
    [
        OutboundOutcome.AGENT_MISSED,
        OutboundOutcome.AGENT_GAVE_UP,
        OutboundOutcome.NO_LINE,
        OutboundOutcome.LIMIT,
        OutboundOutcome.INTERRUPTED,
    ],
)
def test_what_is_the_sites_own_affair_costs_no_try_and_no_pause(outcome: OutboundOutcome) -> None:
    tried = after_try(replace(VISIT, outbound_id=CallId("out")), outcome, POLICY, ended_utc_us=NOW_US)

    assert tried == replace(VISIT, last_outcome=outcome, last_outbound_id=CallId("out"))
    assert where(tried) is Standing.DUE


@pytest.mark.parametrize(
    ("outcome", "ended_as"),
    [
        (OutboundOutcome.ANSWERED, VisitOutcome.REACHED),
        (OutboundOutcome.NO_NUMBER, VisitOutcome.NO_NUMBER),
        (OutboundOutcome.NOT_ALLOWED, VisitOutcome.NOT_ALLOWED),
    ],
)
def test_some_outcomes_end_a_visit_at_its_first_try(outcome: OutboundOutcome, ended_as: VisitOutcome) -> None:
    tried = after_try(replace(VISIT, outbound_id=CallId("out")), outcome, POLICY, ended_utc_us=NOW_US)

    assert (tried.outcome, tried.done_utc_us, tried.outbound_id) == (ended_as, NOW_US, None)


def test_every_outcome_of_a_call_means_something() -> None:
    for outcome in OutboundOutcome:
        tried = after_try(replace(VISIT, outbound_id=CallId("out")), outcome, POLICY, ended_utc_us=NOW_US)
        assert (tried.outbound_id, tried.last_outbound_id, tried.last_outcome) == (None, "out", outcome)


def test_a_longer_pause_counts_for_those_who_rest_already() -> None:
    tried = after_try(VISIT, OutboundOutcome.BUSY, POLICY, ended_utc_us=NOW_US)
    longer = replace(POLICY, pause_s=7_200)

    assert where(tried, now_utc_us=NOW_US + HOUR_US) is Standing.DUE
    assert standing(tried, longer, today=TODAY, now_utc_us=NOW_US + HOUR_US) is Standing.RESTING


def test_a_visit_that_was_taken_off_is_done() -> None:
    assert where(done(VISIT, VisitOutcome.REMOVED, NOW_US)) is Standing.DONE
