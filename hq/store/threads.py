"""HQ's database blocks; here it does so in threads, a bounded number at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError

from router.errors import RouterError

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseAwayError(RouterError):
    """The database cannot be reached, or does not do now what it is asked; nothing was changed."""

    reason = "DATABASE_AWAY"

    def __init__(self, error: OperationalError) -> None:
        # What follows psycopg's first line is advice for whoever installed PostgreSQL.
        problem = str(error.orig).strip().partition("\n")[0]
        super().__init__(f"HQ's database cannot be reached: {problem}")
        self.problem = problem


class StoreThreads:
    """A pool of its own, so that nothing else of the process waits for the database."""

    def __init__(self, thread_limit: int) -> None:
        self._pool = ThreadPoolExecutor(thread_limit, thread_name_prefix="hq-store")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` in a thread.

        Raises:
            DatabaseAwayError: the database cannot be reached, or is full.
            Exception: whatever else it raised.
        """
        done = asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **kwargs))
        try:
            return await done
        except OperationalError as error:
            raise DatabaseAwayError(error) from error

    def close(self) -> None:
        """Wait for what runs, and take no more."""
        self._pool.shutdown()
