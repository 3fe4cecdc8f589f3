"""Deadlines by name: what is set, moved and cancelled in any order is due as a plain table says."""

from hypothesis import given
from hypothesis import strategies as st

from router.ids import Instant
from router.timers import Timers

KEYS = st.sampled_from(["ring", "wrap-up", "publish", "token"])
INSTANTS = st.integers(0, 20).map(Instant)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, INSTANTS),
        st.tuples(st.just("cancel"), KEYS, st.none()),
        st.tuples(st.just("pop"), st.none(), INSTANTS),
    ),
    max_size=60,
)


@given(ACTS)
def test_the_next_deadline_is_the_earliest_that_counts(acts: list[tuple[str, str, Instant]]) -> None:
    timers: Timers[str] = Timers()
    table: dict[str, Instant] = {}

    for act, key, at in acts:
        if act == "set":
            timers.set(key, at)
            table[key] = at
        elif act == "cancel":
            timers.cancel(key)
            table.pop(key, None)
        else:
            popped = timers.pop_due(at)
            due = {each for each, instant in table.items() if instant == min(table.values()) <= at}
            assert popped in due if due else popped is None
            table.pop(popped or "", None)

        assert timers.next() == min(table.values(), default=None)
        assert {each for each in ("ring", "wrap-up", "publish", "token") if timers.is_set(each)} == set(table)


def test_deadlines_of_one_moment_are_due_in_the_order_of_setting() -> None:
    timers: Timers[str] = Timers()
    for key in ("ring", "token", "publish"):
        timers.set(key, Instant(5))
    timers.set("ring", Instant(5))

    assert [timers.pop_due(Instant(5)) for _ in range(4)] == ["token", "publish", "ring", None]
