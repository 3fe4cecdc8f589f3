"""Step by step from good to bad and back, and the ballast that comes first."""

from pathlib import Path

import pytest

from branch.store import ballast as ballast_module
from branch.store.ballast import Ballast
from branch.store.health import Health, HealthPolicy, StoreState
from router.ids import Instant

POLICY = HealthPolicy(degrade_after_ms=1_000, row_limit=100)


def at(seconds: float) -> Instant:
    return Instant(round(seconds * 1000))


@pytest.fixture
def health() -> Health:
    return Health(POLICY)


def fail(health: Health, seconds: float, *, began: float | None = None, row_count: int = 1) -> StoreState:
    health.note_failed(at(seconds), began=at(seconds if began is None else began), row_count=row_count)
    return health.state


def test_a_short_failure_changes_nothing(health: Health) -> None:
    assert [fail(health, seconds) for seconds in (0, 0.5, 0.999)] == [StoreState.OK] * 3

    health.note_committed(has_ballast=True)

    assert fail(health, 1.5) is StoreState.OK, "the time begins anew with every success"


def test_a_lasting_failure_takes_rows_as_written(health: Health) -> None:
    fail(health, 0)

    assert fail(health, 1) is StoreState.DEGRADED
    assert health.state.takes_rows_as_written


def test_one_attempt_that_lasted_too_long_is_enough(health: Health) -> None:
    assert fail(health, 10, began=0) is StoreState.DEGRADED


def test_too_many_rows_in_memory_refuse_new_calls_until_none_is_left(health: Health) -> None:
    fail(health, 0)
    assert fail(health, 1, row_count=99) is StoreState.DEGRADED
    assert fail(health, 2, row_count=100) is StoreState.REFUSING
    assert fail(health, 3, row_count=10) is StoreState.REFUSING

    health.note_committed(has_ballast=True)

    assert health.state is StoreState.OK


def test_without_its_ballast_a_store_that_commits_is_not_all_well(health: Health) -> None:
    states: list[StoreState] = []
    health.note_ballast_released()
    states.append(health.state)
    for has_ballast in (False, True):
        health.note_committed(has_ballast=has_ballast)
        states.append(health.state)

    assert states == [StoreState.BALLAST_RELEASED, StoreState.BALLAST_RELEASED, StoreState.OK]


def test_giving_up_the_ballast_is_no_step_up_from_worse(health: Health) -> None:
    fail(health, 1, began=0)
    health.note_ballast_released()

    assert health.state is StoreState.DEGRADED


# --- ballast ----------------------------------------------------------------------------


def test_ballast_holds_blocks_and_not_a_hole(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.ballast", 1_000_000)

    assert ballast.restore()

    found = (tmp_path / "x.ballast").stat()
    assert found.st_size == 1_000_000
    assert found.st_blocks * 512 >= 1_000_000
    assert ballast.is_there


def test_ballast_is_given_back_once(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.ballast", 1_000_000)
    ballast.restore()

    assert ballast.release()
    assert not (tmp_path / "x.ballast").exists()
    assert not ballast.release()
    assert not ballast.is_there
    room = ballast.missing_room()
    assert room is not None
    assert room.wanted_bytes == 3_000_000
    assert room.free_bytes > 0
    assert ballast.restore()
    assert ballast.missing_room() is None


def test_no_ballast_asked_for_is_no_ballast_missing(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.ballast", 0)

    assert ballast.restore()
    assert not ballast.release()
    assert list(tmp_path.iterdir()) == []


def test_ballast_of_another_size_is_made_anew(tmp_path: Path) -> None:
    Ballast(tmp_path / "x.ballast", 1_000).restore()

    assert Ballast(tmp_path / "x.ballast", 5_000).restore()
    assert (tmp_path / "x.ballast").stat().st_size == 5_000


def test_ballast_does_not_take_the_last_room(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.ballast", 2**60)

    assert not ballast.restore()
    assert list(tmp_path.iterdir()) == []


def test_half_a_ballast_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system refuses a file of this size, though it said that there was room."""
    monkeypatch.setattr(ballast_module, "_ROOM_FACTOR", 0)

    assert not Ballast(tmp_path / "x.ballast", 2**62).restore()
    assert list(tmp_path.iterdir()) == []
