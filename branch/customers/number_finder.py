"""Numbers for calls that go out: looked up when they are dialled, and kept nowhere else."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from router.facts import Fact, NumberFound
from router.ids import CallId
from router.orders import FindNumber

log = structlog.get_logger()


class NumberFinder:
    """Answers FindNumber from the callers' table, off the event loop."""

    def __init__(
        self,
        *,
        number_of: Callable[[CallId], str | None],
        tell: Callable[[Fact], None],
        start_task: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        """`number_of` blocks: the E.164 number of a call's caller, None when there is none."""
        self._number_of = number_of
        self._tell = tell
        self._start_task = start_task

    def find(self, order: FindNumber) -> None:
        """NumberFound follows. A database that is away answers nothing: the call gives up by itself."""
        self._start_task(self._find(order))

    async def _find(self, order: FindNumber) -> None:
        try:
            number = await asyncio.to_thread(self._number_of, order.caller_of)
        except DBAPIError as error:
            log.warning("number_unread", problem=str(error.orig)[:300])
            return
        self._tell(NumberFound(call_id=order.call_id, number=number))
