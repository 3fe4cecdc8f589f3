"""Files of recordings go when their time is over, and the records say that it was for that."""

from pathlib import Path

import pytest

from branch.pruning import Pruning
from router.ids import RecordingId
from tests.fakes.recording_records import RecordingRecords

OLD, NEW = RecordingId("r-old"), RecordingId("r-new")


@pytest.fixture
def records() -> RecordingRecords:
    return RecordingRecords({OLD: "2026-03-01", NEW: "2026-03-02"})


def test_a_file_is_deleted_on_the_day_after_its_last_and_its_record_marked(
    tmp_path: Path, records: RecordingRecords
) -> None:
    for name in ("r-old.wav", "r-old.txt", "r-new.wav", "other.wav"):
        (tmp_path / name).touch()

    count = Pruning(tmp_path, records, lambda: "2026-03-02").prune()

    assert count == 1
    assert records.marked == [OLD]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.wav", "r-new.wav"]


def test_a_file_that_is_gone_already_is_only_marked(tmp_path: Path, records: RecordingRecords) -> None:
    Pruning(tmp_path, records, lambda: "2026-03-02").prune()

    assert records.marked == [OLD]


def test_a_folder_that_is_not_there_marks_nothing(tmp_path: Path, records: RecordingRecords) -> None:
    pruning = Pruning(tmp_path / "nowhere", records, lambda: "2026-03-09")

    with pytest.raises(NotADirectoryError, match="is not there"):
        pruning.prune()
    assert records.marked == []
