import random

import pytest

from router.ids import CustomerId, QueueId, SiteId
from router.problems import BadInputError
from router.world.technion.calls import BankHabits, Window, draw_calls
from router.world.technion.rows import COLUMNS, BankCall, Skipped, read_rows
from router.world.technion.survival import kaplan_meier

HEADER = "\t".join(COLUMNS)
A, B = SiteId("a"), SiteId("b")


def row(**changes: str) -> str:
    plain = {
        "vru+line": "AA0101",
        "call_id": "1",
        "customer_id": "0",
        "priority": "0",
        "type": "PS",
        "date": "990201",
        "vru_entry": "9:00:00",
        "vru_exit": "9:00:10",
        "vru_time": "10",
        "q_start": "0:00:00",
        "q_exit": "0:00:00",
        "q_time": "0",
        "outcome": "AGENT",
        "ser_start": "9:00:10",
        "ser_exit": "9:02:10",
        "ser_time": "120",
        "server": "TOVA",
    }
    return "\t".join({**plain, **changes}.values())


def hung_up(q_time: str, **changes: str) -> str:
    return row(**{"outcome": "HANG", "q_time": q_time, "ser_time": "0", "server": "NO_SERVER", **changes})


def test_an_answered_row_is_a_call_from_the_moment_it_asked_for_a_person() -> None:
    data = read_rows([HEADER, row(priority="2", customer_id="77", q_time="34")])

    assert data.calls == [
        BankCall(
            date="990201",
            asked_s=9 * 3600 + 10,
            queue_id=QueueId("PS"),
            priority=3,
            customer_id=CustomerId("77"),
            waited_s=34,
            service_s=120,
        )
    ]


@pytest.mark.parametrize("priority", ["0", "1"])
def test_both_ordinary_priorities_are_the_lowest(priority: str) -> None:
    assert read_rows([HEADER, row(priority=priority)]).calls[0].priority == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(outcome="PHANTOM"), Skipped.PHANTOM),
        (row(server="NO_SERVER", ser_time="5"), Skipped.NO_AGENT),
        (row(ser_time="0"), Skipped.NO_SERVICE),
        (row(q_time="901"), Skipped.WAITED_TOO_LONG),
        (row(vru_entry="23:59:55", vru_exit="0:00:04"), Skipped.OVER_MIDNIGHT),
        (hung_up("0"), Skipped.NEVER_ASKED),
        (hung_up("9", ser_time="4"), Skipped.SERVED_AND_HUNG_UP),
        (row(q_time="soon"), Skipped.BROKEN),
        (row(q_time="-3"), Skipped.BROKEN),
        (row(vru_exit="25:00:00"), Skipped.BROKEN),
        (row(outcome="LOST"), Skipped.BROKEN),
        (row() + "\tmore", Skipped.BROKEN),
    ],
)
def test_a_dirty_row_is_left_out_and_counted_by_its_reason(line: str, reason: Skipped) -> None:
    data = read_rows([HEADER, line, row()])

    assert len(data.calls) == 1
    assert list(data.skipped.items()) == [(("990201", reason), 1)]
    assert data.row_counts == {"990201": 2}


def test_another_header_is_refused() -> None:
    with pytest.raises(BadInputError, match="line 1: the header"):
        read_rows(["a\tb", row()])


def test_kaplan_meier_counts_who_was_answered_only_while_they_waited() -> None:
    """By hand: 5 at risk at 10 s, one of them gone; 3 at 30 s (one answered at 20 s), one gone."""
    curve = kaplan_meier([(10, True), (20, False), (30, True), (40, False), (50, False)])

    assert list(curve.times_s) == [10.0, 30.0]
    assert curve.shares == pytest.approx((4 / 5, 4 / 5 * 2 / 3))
    assert curve.tail_rate_per_s == pytest.approx(2 / 150)


def test_a_drawn_patience_is_longer_than_the_wait_and_follows_the_curve() -> None:
    rng = random.Random(1)
    curve = kaplan_meier([(float(second), True) for second in range(1, 101)])

    drawn = [curve.draw_beyond(40, rng) or 0.0 for _ in range(4000)]

    assert min(drawn) > 40
    assert sum(drawn) / len(drawn) == pytest.approx(70.5, abs=1)


def test_patience_beyond_the_last_hang_up_goes_on_with_the_mean_rate_or_for_ever() -> None:
    rng = random.Random(1)
    some, nobody = kaplan_meier([(10, True), (90, False)]), kaplan_meier([(90, False)])

    assert (some.draw_beyond(500, rng) or 0.0) > 500
    assert nobody.draw_beyond(5, rng) is None


def bank_call(
    second: int, customer: str | None = None, service_s: int | None = 60, waited_s: int = 5
) -> BankCall:
    return BankCall(
        date="990201",
        asked_s=second,
        queue_id=QueueId("PS"),
        priority=0,
        customer_id=CustomerId(customer) if customer else None,
        waited_s=waited_s,
        service_s=service_s,
    )


def test_a_known_customer_always_calls_the_same_site_and_weights_share_the_rest() -> None:
    calls = [bank_call(second, customer=f"{second % 10}") for second in range(200)]
    calls += [bank_call(second) for second in range(1000)]
    drawn = draw_calls(calls, BankHabits(calls), sites=(A, B), weights=(4, 1), window=Window(), seed=3).calls

    homes = {(call.customer_id, call.site_id) for call in drawn if call.customer_id}
    strangers = [call.site_id for call in drawn if not call.customer_id]
    assert len(homes) == 10
    assert strangers.count(A) / len(strangers) == pytest.approx(0.8, abs=0.04)


def test_a_hang_up_waits_as_patiently_as_it_did_and_is_served_as_long_as_another_of_its_type() -> None:
    calls = [bank_call(10, service_s=77), bank_call(20, service_s=None, waited_s=33)]
    drawn = draw_calls(calls, BankHabits(calls), sites=(A,), weights=(1,), window=Window(), seed=1)

    assert (drawn.calls[1].patience_ms, drawn.calls[1].handle_ms) == (33_000, 77_000)
    assert (drawn.calls[0].patience_ms or 0) > 5_000
    assert (drawn.services_drawn, drawn.patiences_drawn) == (1, 1)


def test_the_window_cuts_the_day_and_begins_its_time() -> None:
    calls = [bank_call(second) for second in (99, 100, 150, 200)]
    window = Window(from_s=100, until_s=200)

    drawn = draw_calls(calls, BankHabits(calls), sites=(A,), weights=(1,), window=window, seed=1)

    assert [call.arrive_ms for call in drawn.calls] == [0, 50_000]
