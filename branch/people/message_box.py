"""Voicemail as people have it: what nobody has heard yet, who is told of it, who has heard it."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from branch.people.refusals import UnknownMessageError
from branch.store.voicemails import Voicemail
from router.ids import AgentId, CallId, QueueId, SiteId

LIST_LIMIT = 200
_UNHEARD_LIMIT = 10_000
_AT_ONCE = 20
"""Nobody listens to more in one go."""
_LOOK_INTERVAL_S = 2.0
"""How late a new message is shown and told."""
_NOTIFY_LIMIT_S = 30.0

log = structlog.get_logger()


class MessageRecords(Protocol):
    """The part of the store that knows messages; its calls block."""

    def messages(
        self, *, queue_ids: Collection[QueueId] | None = None, with_heard: bool = False, row_limit: int
    ) -> Sequence[Voicemail]: ...

    def mark_heard(
        self, call_id: CallId, person_id: str, *, queue_ids: Collection[QueueId] | None = None
    ) -> bool: ...


class MessageBox:
    """All messages of one site."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        records: MessageRecords,
        queues_of: Callable[[AgentId], Collection[QueueId]],
        start_task: Callable[[Coroutine[Any, Any, None]], object],
        notify: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        """`queues_of` names the queues that an agent serves. `notify` is a command to run for each new
        message, with what is known of it as JSON on its input; `folder` is where the PBX keeps the files.
        """
        self._site_id = site_id
        self._records = records
        self.queues_of = queues_of
        self._start_task = start_task
        self._notify = tuple(notify)
        self._folder = folder
        self._unheard = {each.call_id: each for each in self._read_unheard()}
        self._unplayable: set[CallId] = set()
        self._telling = asyncio.Lock()
        self.version = 0
        """Grows with every change of what is unheard."""
        self._known = set(self._unheard)
        """Those that were told, or were there before this process."""

    def unheard(self) -> Mapping[QueueId, int]:
        """How many nobody has heard, by queue, as of a moment ago."""
        return Counter(each.queue_id for each in self._unheard.values())

    def for_agent(self, agent_id: AgentId) -> Sequence[CallId]:
        """The oldest of the agent's queues that nobody has heard."""
        queue_ids = self.queues_of(agent_id)
        playable = (each for each in self._unheard.values() if each.call_id not in self._unplayable)
        return [each.call_id for each in playable if each.queue_id in queue_ids][:_AT_ONCE]

    def unplayable(self, call_id: CallId) -> None:
        """It stays unheard and on the list; the phones play the next ones."""
        self._unplayable.add(call_id)

    async def messages(
        self, *, with_heard: bool, queue_ids: Collection[QueueId] | None = None
    ) -> Sequence[Voicemail]:
        """See `Voicemails.messages`."""
        return await asyncio.to_thread(
            self._records.messages, with_heard=with_heard, queue_ids=queue_ids, row_limit=LIST_LIMIT
        )

    async def heard(
        self, call_id: CallId, person_id: str, *, queue_ids: Collection[QueueId] | None = None
    ) -> None:
        """Somebody has heard it; who comes second changes nothing. `queue_ids` None: whichever it is of.

        Raises:
            UnknownMessageError: there is no such message in these queues.
        """
        if not await asyncio.to_thread(self._records.mark_heard, call_id, person_id, queue_ids=queue_ids):
            raise UnknownMessageError(call_id)
        if self._unheard.pop(call_id, None) is not None:
            self.version += 1

    def heard_soon(self, call_id: CallId, person_id: str) -> None:
        """Told by a phone, which waits for no answer."""
        self._start_task(self._heard(call_id, person_id))

    async def _heard(self, call_id: CallId, person_id: str) -> None:
        try:
            await self.heard(call_id, person_id)
        except (UnknownMessageError, SQLAlchemyError) as error:
            log.warning("message_not_marked", call=call_id, problem=str(error)[:300])

    async def follow(self) -> None:
        """Look for new messages, and tell of each, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            try:
                found = {each.call_id: each for each in await asyncio.to_thread(self._read_unheard)}
            except SQLAlchemyError as error:
                log.warning("messages_unread", problem=str(error)[:300])
                continue
            new = [message for call_id, message in found.items() if call_id not in self._known]
            self.version += found.keys() != self._unheard.keys()
            self._unheard = found
            self._known = set(found)
            self._unplayable &= self._known
            for message in new:
                log.info("message_left", queue=message.queue_id, call=message.call_id)
                if self._notify:
                    self._start_task(self._tell(message))

    async def _tell(self, message: Voicemail) -> None:
        """One after the other. A command that fails costs nobody the message: it stays unheard."""
        async with self._telling:
            await self._run_for(message)

    async def _run_for(self, message: Voicemail) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._notify,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            log.warning("message_not_told", problem=str(error))
            return
        try:
            async with asyncio.timeout(_NOTIFY_LIMIT_S):
                await process.communicate(json.dumps(self._told(message), ensure_ascii=False).encode())
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode != 0:
            log.warning("message_not_told", problem=f"{self._notify[0]} ended with {process.returncode}")

    def _told(self, message: Voicemail) -> dict[str, str | None]:
        return {
            "site": self._site_id,
            "queue": message.queue_id,
            "call": message.call_id,
            "left": datetime.fromtimestamp(message.left_utc_us / 1_000_000, UTC).isoformat(),
            "number": message.number,
            "file": None if self._folder is None else str(self._folder / f"{message.call_id}.wav"),
        }

    def _read_unheard(self) -> Sequence[Voicemail]:
        return self._records.messages(row_limit=_UNHEARD_LIMIT)
