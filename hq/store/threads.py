"""HQ's database blocks; here it does so in threads, a bounded number at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class StoreThreads:
    """A pool of its own, so that nothing else of the process waits for the database."""

    def __init__(self, thread_limit: int) -> None:
        self._pool = ThreadPoolExecutor(thread_limit, thread_name_prefix="hq-store")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` in a thread.

        Raises:
            Exception: whatever it raised.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args, **kwargs))

    def close(self) -> None:
        """Wait for what runs, and take no more."""
        self._pool.shutdown()
