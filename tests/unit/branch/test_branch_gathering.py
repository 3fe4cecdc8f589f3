from branch.store.gathering import (
    COMMIT_INTERVAL_MS,
    CROWD_COUNT,
    CROWD_WINDOW_MS,
    Gathering,
)
from router.ids import Instant


def at(ms: int) -> Instant:
    return Instant(ms)


def crowd(*, until: int) -> Gathering:
    """Groups have come one after the other while a commit was under way; all is given `until`."""
    gathering = Gathering()
    for number in range(CROWD_COUNT):
        gathering.note_group(at(until - CROWD_COUNT + number), is_under_way=True)
    gathering.note_given(at(until))
    return gathering


def test_a_lone_call_waits_for_nobody_however_fast_its_rows_come() -> None:
    gathering = Gathering()

    for now in range(1_000, 1_100, 2):
        gathering.note_group(at(now), is_under_way=False)
        assert gathering.due_at(at(now)) == now
        gathering.note_given(at(now))


def test_in_a_crowd_a_commit_keeps_its_distance_from_the_one_before() -> None:
    gathering = crowd(until=1_000)

    gathering.note_group(at(1_003), is_under_way=False)

    assert gathering.due_at(at(1_003)) == 1_000 + COMMIT_INTERVAL_MS


def test_in_a_crowd_too_a_row_goes_at_once_where_the_last_commit_is_long_ago() -> None:
    gathering = crowd(until=1_000)

    now = at(1_000 + COMMIT_INTERVAL_MS + 5)
    gathering.note_group(now, is_under_way=False)

    assert gathering.due_at(now) <= now


def test_fewer_groups_are_no_crowd() -> None:
    gathering = Gathering()
    for number in range(CROWD_COUNT - 1):
        gathering.note_group(at(1_000 + number), is_under_way=True)
    gathering.note_given(at(1_004))

    gathering.note_group(at(1_005), is_under_way=False)

    assert gathering.due_at(at(1_005)) == 1_005


def test_a_crowd_of_a_while_ago_is_none() -> None:
    gathering = crowd(until=1_000)
    now = at(1_000 + CROWD_WINDOW_MS)
    gathering.note_group(now, is_under_way=False)
    gathering.note_given(now)

    gathering.note_group(at(now + 2), is_under_way=False)

    assert gathering.due_at(at(now + 2)) == now + 2
