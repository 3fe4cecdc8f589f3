"""Messages that Asterisk took by itself while no branch was there: found in its folder, and taken in.

Each message is told until the ledger has it, and only then its first name is taken away: a
process that dies on the way tells it again, and a call's id is the same each time.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DBAPIError

from branch.telephony.asterisk.names import CALLER, DIALLED
from branch.telephony.port import LeftMessage
from router.errors import RouterError
from router.ids import CallId
from sync.clock import Clock

LEFT_ALONE_NAME = f"alone.${{EPOCH}}.${{{DIALLED}}}.${{FILTER(+0-9,${{{CALLER}}})}}.${{UNIQUEID}}"
"""How the dialplan names such a recording: nobody but its file knows of the caller."""

_LOOK_INTERVAL_S = 5.0
_GROWS_FOR_S = 10.0
"""Asterisk writes a recording several times a second; one that has not grown for so long is whole."""
_HEADER_BYTES = 44
"""Of a WAV file; one that has no more holds nothing that anybody has said."""

log = structlog.get_logger()


class _Found(NamedTuple):
    file: Path
    message: LeftMessage


class LeftAlone:
    """One site's folder of recordings."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        heard: Callable[[LeftMessage, Callable[[RouterError], None]], None],
        is_known: Callable[[CallId], bool],
    ) -> None:
        """`clock` is the machine's own, which dates the files. `heard` is told of a message once, and
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
                log.warning("left_messages_unread", problem=str(error)[:300])
            await asyncio.sleep(_LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Tell of what has come, and let go of what the ledger has.

        Raises:
            OSError: the folder, or a file in it, cannot be used; what was told before stays told.
            sqlalchemy.exc.DBAPIError: the database cannot be read now.
        """
        for message in await asyncio.to_thread(self._untold):
            self._told.add(message.call_id)
            self._heard(message, partial(self._refused, message.call_id))

    def _refused(self, call_id: CallId, _refusal: RouterError) -> None:
        """The branch ends, or can keep no more rows: it is told again later."""
        self._told.discard(call_id)

    def _untold(self) -> list[LeftMessage]:
        untold = []
        for file, message in self._whole():
            if self._is_known(message.call_id):
                file.unlink()
                self._told.discard(message.call_id)
                log.info("left_message_taken_in", call=message.call_id)
            elif message.call_id not in self._told:
                # Who is told of the message may want to hear it at once.
                own_name = self._folder / f"{message.call_id}.wav"
                own_name.unlink(missing_ok=True)
                own_name.hardlink_to(file)
                untold.append(message)
        return untold

    def _whole(self) -> Iterator[_Found]:
        if not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is not there; check [recording] folder")
        now_s = self._clock.utc_us() / 1_000_000
        for file in sorted(self._folder.glob("alone.*.wav")):
            status = file.stat()
            message = read_name(file.stem)
            if message is None or now_s - status.st_mtime < _GROWS_FOR_S:
                continue
            if status.st_size <= _HEADER_BYTES:
                file.unlink()
                continue
            yield _Found(file, message)


def read_name(name: str) -> LeftMessage | None:
    """What a recording's name says; None for a name that is not of this kind."""
    _alone, *parts = name.split(".", 4)
    if len(parts) != 4 or not parts[0].isdigit():
        return None
    epoch_s, dialled, number, _unique_id = parts
    return LeftMessage(call_id=_call_id(int(epoch_s), name), dialled=dialled, caller_number=number or None)


def _call_id(epoch_s: int, name: str) -> CallId:
    """A UUIDv7 of the message's own moment, the rest of it from the name."""
    bits = int.from_bytes(blake2b(name.encode(), digest_size=16).digest())
    stamp = (epoch_s * 1_000) & (2**48 - 1)
    value = stamp << 80 | bits & (2**80 - 1)
    value = value & ~(0xF << 76) | 0x7 << 76
    return CallId(str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)))
