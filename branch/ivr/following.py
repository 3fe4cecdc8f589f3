"""A changed flow file is taken up while callers are in the flow; a faulty one changes nothing."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from branch.ivr.reading import digest_of, read_flow
from node.settings import SettingsError
from router.facts import Fact, FlowApplied
from router.ids import QueueId

log = structlog.get_logger()

_LOOK_INTERVAL_S = 2.0
"""How late a change may be heard by callers."""


class FlowWatch:
    """Looks at the file now and then."""

    def __init__(
        self, path: Path, queues: Collection[QueueId], digest: str, tell: Callable[[Fact], None]
    ) -> None:
        """`digest` is of the file that is in force."""
        self._path = path
        self._queues = queues
        self._digest = digest
        self._told = ""
        self._tell = tell

    async def follow(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            fact = await asyncio.to_thread(self._look)
            if fact is not None:
                log.info("ivr_flow_changed", digest=fact.digest)
                self._tell(fact)

    def _look(self) -> FlowApplied | None:
        """The new flow; None for the one that is known, and for one that was told as faulty."""
        try:
            digest = digest_of(self._path)
            if digest == self._digest:
                return None
            self._digest = digest
            read = read_flow(self._path, self._queues)
        except (OSError, SettingsError) as error:
            self._say_once(str(error))
            return None
        self._digest = read.digest
        return FlowApplied(flow=read.flow, digest=read.digest)

    def _say_once(self, problem: str) -> None:
        """The flow that was in force is so still."""
        if problem != self._told:
            self._told = problem
            log.warning("ivr_flow_refused", problem=problem)
