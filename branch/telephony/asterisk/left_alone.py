"""Callers whom Asterisk met by itself while no branch was there: found in its folder, and taken in.

Each is told until the ledger has it, and only then its file, or a message's first name, is taken away: a
process that dies on the way tells it again, and a call's id is the same each time.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DBAPIError

from branch.telephony.asterisk.alone_name import AloneName, read_name
from branch.telephony.asterisk.names import ALONE
from branch.telephony.port import AloneEnding, CallLeftAlone
from router.errors import RouterError
from router.ids import CallId
from sync.clock import Clock

_PREFIX = "alone."
MESSAGE_FILE = f"{_PREFIX}${{{ALONE}}}.wav"
"""How the dialplan names such a caller's message: nobody but its files knows of the caller."""
CALL_FILE = f"{_PREFIX}${{{ALONE}}}.call"
"""The same of every such caller, with `WAITING` in it; once it is gone and no branch has taken it, with
Dial()'s word for what came of the number, if there is one to be put through to.
"""
WAITING = "WAITING"

_DIED_AFTER_S = 7_200.0
"""Nobody is in the dialplan's hands for so long: Asterisk died with that caller."""
_ENDINGS = {"ANSWER": AloneEnding.PUT_THROUGH}
_LOOK_INTERVAL_S = 5.0
_GROWS_FOR_S = 10.0
"""Asterisk writes a recording several times a second; one that has not grown for so long is whole. And a
branch that came back at that very moment has its rows of the caller on the disk by then."""
_HEADER_BYTES = 44
"""Of a WAV file; one that has no more holds nothing that anybody has said."""

log = structlog.get_logger()


class _Found(NamedTuple):
    file: Path
    call: CallLeftAlone
    is_here: bool
    """The caller may still be in the dialplan's hands."""


class LeftAlone:
    """One site's folder of recordings."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        heard: Callable[[CallLeftAlone, Callable[[RouterError], None]], None],
        is_known: Callable[[CallId], bool],
    ) -> None:
        """`clock` is the machine's own, which dates the files. `heard` is told of a caller once, and
        again where it refuses. `is_known` says whether the ledger on the disk has the call; it blocks and
        is asked on another thread.
        """
        self._folder = folder
        self._clock = clock
        self._heard = heard
        self._is_known = is_known
        self._told: set[CallId] = set()

    async def follow(self) -> None:
        """Look until cancelled; a folder or database that is away is tried again."""
        while True:
            try:
                await self.look()
            except (OSError, DBAPIError) as error:
                log.warning("left_alone_unread", problem=str(error)[:300])
            await asyncio.sleep(_LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Tell of what has come, and let go of what the ledger has.

        Raises:
            OSError: the folder, or a file in it, cannot be used; what was told before stays told.
            sqlalchemy.exc.DBAPIError: the database cannot be read now.
        """
        for call in await asyncio.to_thread(self._untold):
            self._told.add(call.call_id)
            self._heard(call, partial(self._refused, call.call_id))

    def _refused(self, call_id: CallId, _refusal: RouterError) -> None:
        """The branch ends, or can keep no more rows: it is told again later."""
        self._told.discard(call_id)

    def _untold(self) -> list[CallLeftAlone]:
        untold = []
        for file, call, is_here in self._whole():
            if self._is_known(call.call_id):
                file.unlink()
                self._told.discard(call.call_id)
                log.info("left_alone_taken_in", call=call.call_id, ending=call.ending)
            elif not is_here and call.call_id not in self._told:
                if call.ending is AloneEnding.MESSAGE:
                    self._name_message(file, call.call_id)
                untold.append(call)
        return untold

    def _name_message(self, file: Path, call_id: CallId) -> None:
        """Who is told of the message may want to hear it at once."""
        own_name = self._folder / f"{call_id}.wav"
        own_name.unlink(missing_ok=True)
        own_name.hardlink_to(file)

    def _whole(self) -> Iterator[_Found]:
        """Messages first: a caller who has left one is told of by it, and by nothing else."""
        if not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is not there; check [recording] folder")
        yield from self._messages()
        yield from self._callers()

    def _messages(self) -> Iterator[_Found]:
        for file in self._quiet(".wav"):
            if file.stat().st_size > _HEADER_BYTES:
                yield self._found(file, AloneEnding.MESSAGE)
            else:
                file.unlink()

    def _callers(self) -> Iterator[_Found]:
        for file in self._quiet(".call"):
            word = file.read_text(encoding="utf-8")
            is_here = word == WAITING and self._age_s(file) < _DIED_AFTER_S
            if not file.with_suffix(".wav").exists():
                yield self._found(file, _ENDINGS.get(word, AloneEnding.HUNG_UP), is_here=is_here)

    def _found(self, file: Path, ending: AloneEnding, *, is_here: bool = False) -> _Found:
        name = _name_in(file)
        assert name is not None, "looked at before"
        return _Found(file, CallLeftAlone(ending=ending, **name._asdict()), is_here)

    def _age_s(self, file: Path) -> float:
        """Since it was written last."""
        return self._clock.utc_us() / 1_000_000 - file.stat().st_mtime

    def _quiet(self, suffix: str) -> Iterator[Path]:
        """Files that nobody writes any more."""
        for file in sorted(self._folder.glob(f"{_PREFIX}*{suffix}")):
            if self._age_s(file) >= _GROWS_FOR_S and _name_in(file) is not None:
                yield file


def _name_in(file: Path) -> AloneName | None:
    return read_name(file.stem.removeprefix(_PREFIX))
