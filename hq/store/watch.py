"""Whether HQ's database answers, looked at now and then: who asks whether HQ is ready is not made to wait."""

import asyncio

import structlog
from sqlalchemy import Engine, text

from hq.store.threads import DatabaseAwayError, StoreThreads

LOOK_INTERVAL_S = 2.0
ANSWER_LIMIT_S = 5.0
"""A database that has stood still longer than this is as good as away."""

log = structlog.get_logger()


class DatabaseWatch:
    """Asks the database for a sign of life."""

    def __init__(self, engine: Engine, threads: StoreThreads) -> None:
        self._engine = engine
        self._threads = threads
        self._is_away = False
        self._asked_at_s: float | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Ask once; what has changed is logged."""
        self._asked_at_s = _now_s()
        try:
            await self._threads.run(_ask, self._engine)
        except DatabaseAwayError as error:
            if not self._is_away:
                log.warning("database_failed", problem=error.problem)
            self._is_away = True
        else:
            if self._is_away:
                log.info("database_answered")
            self._is_away = False
        finally:
            self._asked_at_s = None

    def problem(self) -> str | None:
        """Why HQ is not ready, without a word of the error's text: everybody may ask."""
        asked_at_s = self._asked_at_s
        is_silent = asked_at_s is not None and _now_s() - asked_at_s > ANSWER_LIMIT_S
        return "does not answer" if self._is_away or is_silent else None


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _ask(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
