"""Files of recordings go when their time is over, and the records say that it was for that."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from branch.pruning import Pruning
from router.ids import RecordingId

OLD, NEW = RecordingId("r-old"), RecordingId("r-new")


class Records:
    """Recordings by their last day; remembers which were marked."""

    def __init__(self, **last_days: str) -> None:
        self.last_days = {RecordingId(name.replace("_", "-")): day for name, day in last_days.items()}
        self.marked: list[RecordingId] = []

    def due(self, today: str, count: int) -> Sequence[RecordingId]:
        due = [each for each, day in self.last_days.items() if day < today and each not in self.marked]
        return due[:count]

    def mark_pruned(self, recording_ids: Sequence[RecordingId]) -> None:
        self.marked += recording_ids


@pytest.fixture
def records() -> Records:
    return Records(r_old="2026-03-01", r_new="2026-03-02")


def test_a_file_is_deleted_on_the_day_after_its_last_and_its_record_marked(
    tmp_path: Path, records: Records
) -> None:
    for name in ("r-old.wav", "r-old.txt", "r-new.wav", "other.wav"):
        (tmp_path / name).touch()

    count = Pruning(tmp_path, records, lambda: "2026-03-02").prune()

    assert count == 1
    assert records.marked == [OLD]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.wav", "r-new.wav"]


def test_a_file_that_is_gone_already_is_only_marked(tmp_path: Path, records: Records) -> None:
    Pruning(tmp_path, records, lambda: "2026-03-02").prune()

    assert records.marked == [OLD]


def test_a_folder_that_is_not_there_marks_nothing(tmp_path: Path, records: Records) -> None:
    pruning = Pruning(tmp_path / "nowhere", records, lambda: "2026-03-09")

    with pytest.raises(NotADirectoryError, match="is not there"):
        pruning.prune()
    assert records.marked == []
