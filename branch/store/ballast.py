"""A file that holds room on the disk, to be given back when a commit finds none.

It buys the operator time: the step is told, and the calls go on.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_ROOM_FACTOR = 3
"""The file is made anew only where three times its size is free: taking the last room would
make the next commit fail again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingRoom:
    """What has to be free on the disk before the file is made anew, and what is."""

    wanted_bytes: int
    free_bytes: int


class Ballast:
    """One file beside the database. A size of 0 is no ballast, which counts as being there."""

    def __init__(self, file: Path, size_bytes: int) -> None:
        self._file = file
        self._size_bytes = size_bytes

    @property
    def is_there(self) -> bool:
        try:
            return self._size_bytes == 0 or self._file.stat().st_size == self._size_bytes
        except FileNotFoundError:
            return False

    def release(self) -> bool:
        """Give the room back; True when there was any to give."""
        held = self._file.exists() and self._file.stat().st_size > 0
        self._file.unlink(missing_ok=True)
        return held

    def missing_room(self) -> MissingRoom | None:
        """None while the room is held."""
        if self.is_there:
            return None
        return MissingRoom(wanted_bytes=_ROOM_FACTOR * self._size_bytes, free_bytes=self._free_bytes())

    def restore(self) -> bool:
        """Hold the room, where there is enough; True when it is held."""
        if self.is_there:
            return True
        if self._free_bytes() < _ROOM_FACTOR * self._size_bytes:
            return False
        try:
            self._allocate()
        except OSError:
            # Somebody else was faster; half a ballast would only be in the way.
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
            return False
        return True

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._file.parent).free

    def _allocate(self) -> None:
        descriptor = os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # Blocks, not a hole: a sparse file would hold nothing.
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        finally:
            os.close(descriptor)
