"""Records of recordings for whoever prunes them."""

from collections.abc import Mapping, Sequence

from router.ids import RecordingId


class RecordingRecords:
    """Recordings by their last day; remembers which were marked."""

    def __init__(self, last_days: Mapping[RecordingId, str]) -> None:
        self.last_days = last_days
        self.marked: list[RecordingId] = []

    def due(self, today: str, count: int) -> Sequence[RecordingId]:
        due = [each for each, day in self.last_days.items() if day < today and each not in self.marked]
        return due[:count]

    def mark_pruned(self, recording_ids: Sequence[RecordingId]) -> None:
        self.marked += recording_ids
