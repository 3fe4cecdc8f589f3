"""After a failure: which member next, after what delay, and one log line for each reason of an outage."""

import asyncio
import random

import structlog

from sync.loadboard.etcd.errors import EtcdError
from sync.loadboard.etcd.settings import RETRY_DELAY_MAX_S, RETRY_DELAY_MIN_S

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Recovery:
    """One session's way through failures.

    Each failure moves on to the next endpoint. The delay doubles and is drawn from its
    upper half, so that the sites that one dead member dropped do not come back in step.
    """

    def __init__(self, *, part: str, endpoints: tuple[str, ...], rng: random.Random) -> None:
        self._part = part
        self._endpoints = endpoints
        self._rng = rng
        self._index = rng.randrange(len(endpoints))
        self._failure_count = 0
        self._logged_reasons: set[str] = set()

    @property
    def endpoint(self) -> str:
        """The member to talk to now."""
        return self._endpoints[self._index]

    def failed(self, error: EtcdError) -> float:
        """Take a failure; return the seconds to wait before the next try, elsewhere if there is one."""
        if error.reason not in self._logged_reasons:
            log.warning(
                "board_session_failed",
                part=self._part,
                endpoint=self.endpoint,
                reason=error.reason,
                detail=str(error),
            )
            self._logged_reasons.add(error.reason)
        self._index = (self._index + 1) % len(self._endpoints)
        delay_s = min(RETRY_DELAY_MIN_S * 2.0**self._failure_count, RETRY_DELAY_MAX_S)
        self._failure_count = min(self._failure_count + 1, 16)
        return delay_s * self._rng.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        """The session works: the next failure is a new outage."""
        if self._logged_reasons:
            log.info("board_session_recovered", part=self._part, endpoint=self.endpoint)
            self._logged_reasons.clear()
        self._failure_count = 0


def report_fault(task: asyncio.Task[None]) -> None:
    """A task's end: sessions end by being cancelled, anything else is a fault of ours.

    The view ages from then on, so nothing is decided by it any more.
    """
    if not task.cancelled() and task.exception() is not None:
        log.error("board_session_ended", task=task.get_name(), exc_info=task.exception())
