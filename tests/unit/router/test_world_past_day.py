from dataclasses import replace

from router.ids import QueueId, SiteId
from router.world.day.past_day import PATIENCE_CAP_MS, PastCall, PastDay, agents_at, agents_between, roster_of
from router.world.day.scenario import RosterChange

A, B = SiteId("a"), SiteId("b")
SALES, CARE = QueueId("sales"), QueueId("care")
ANSWERED = PastCall(
    came_ms=0,
    site_id=A,
    queue_id=SALES,
    priority=3,
    customer_id=None,
    waited_ms=5_000,
    handle_ms=60_000,
    has_hung_up=False,
)
LEFT = replace(ANSWERED, handle_ms=None, has_hung_up=True, waited_ms=30_000)


def test_what_the_ledger_saw_is_played_as_it_was() -> None:
    answered, left = PastDay([ANSWERED, LEFT]).draw(1)

    assert (answered.arrive_ms, answered.site_id, answered.queue_id, answered.priority) == (0, A, SALES, 3)
    assert answered.handle_ms == 60_000
    assert left.patience_ms == 30_000


def test_what_it_could_not_see_is_drawn_from_others_and_anew_for_each_seed() -> None:
    calls = [replace(ANSWERED, handle_ms=1000 * n) for n in range(1, 40)]
    calls = [replace(call, waited_ms=500 * n) for n, call in enumerate(calls)]
    calls += [replace(LEFT, waited_ms=6_000 + 1000 * n) for n in range(30)]
    day = PastDay(calls)

    plays = [day.draw(seed) for seed in range(20)]

    assert day.draw(3) == plays[3]
    assert len({play[-1].handle_ms for play in plays}) > 5
    assert len({play[0].patience_ms for play in plays}) > 5
    handles = {call.handle_ms for call in calls}
    for play in plays:
        assert all(call.handle_ms in handles for call in play)
        pairs = zip(play[:39], calls[:39], strict=True)
        assert all((ours.patience_ms or 0) > seen.waited_ms for ours, seen in pairs), "longer than the wait"


def test_a_queue_with_few_hang_ups_borrows_the_patience_of_all() -> None:
    others = [replace(LEFT, queue_id=CARE, waited_ms=8_000 + n) for n in range(40)]
    (drawn, *_rest) = PastDay([ANSWERED, *others]).draw(1)

    assert drawn.patience_ms is not None
    assert drawn.patience_ms < 60_000


def test_nobody_waits_for_ever_where_nobody_was_seen_to_hang_up() -> None:
    (drawn,) = PastDay([ANSWERED]).draw(1)

    assert drawn.patience_ms == 5_000 + PATIENCE_CAP_MS


def test_a_similar_day_has_other_callers_in_every_quarter_of_an_hour_and_as_many_on_average() -> None:
    calls = [replace(ANSWERED, came_ms=1000 * n, priority=n % 10) for n in range(3600)]
    day = PastDay(calls)

    days = [day.draw(seed, is_similar=True) for seed in range(10)]

    assert day.draw(4, is_similar=True) == days[4]
    assert 34_500 < sum(map(len, days)) < 37_500
    assert len({len(each) for each in days}) > 5
    for each in days:
        times = [call.arrive_ms for call in each]
        assert times == sorted(times)
        assert times[-1] <= 3_599_000, "no later than the day that was"
        assert all(700 < sum(at // 900_000 == quarter for at in times) < 1100 for quarter in range(4))


def test_the_measured_figures_are_those_of_the_ledger() -> None:
    callback = replace(ANSWERED, handle_ms=None)
    tally = PastDay([ANSWERED, replace(ANSWERED, waited_ms=25_000), LEFT, callback]).measured()

    assert (tally.offered, tally.answered, tally.abandoned) == (3, 2, 1)
    assert tally.asa_s == 15.0


def test_a_roster_counts_agents_and_sees_no_change_where_states_follow_each_other() -> None:
    first, changes = roster_of(A, [(-500, 1000), (1000, 4000), (2000, None), (3000, 3000), (-900, -100)])

    assert first == 1
    assert [(change.from_ms, change.agents) for change in changes] == [(2000, 2), (4000, 1)]


def test_who_is_on_duty_at_a_moment() -> None:
    roster = [
        RosterChange(site_id=A, from_ms=1000, agents=5),
        RosterChange(site_id=B, from_ms=2000, agents=0),
    ]

    assert agents_at({A: 1, B: 2}, roster, 999) == {A: 1, B: 2}
    assert agents_at({A: 1, B: 2}, roster, 2000) == {A: 5, B: 0}


def test_who_is_on_duty_between_two_moments_is_a_mean_over_time() -> None:
    roster = [
        RosterChange(site_id=A, from_ms=500, agents=4),
        RosterChange(site_id=A, from_ms=1_750, agents=0),
        RosterChange(site_id=B, from_ms=2_000, agents=9),
    ]

    assert agents_between({A: 0, B: 2}, roster, 1_000, 2_000) == {A: 3.0, B: 2.0}
    assert agents_between({A: 0, B: 2}, roster, 0, 1_000) == {A: 2.0, B: 2.0}
