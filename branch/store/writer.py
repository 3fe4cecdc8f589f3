"""The event loop's side of group commit: append rows, be told when they are written.

Appending never waits for a disk, and one wake-up of the loop serves all who wait for the
same commit. Rows stay here until `Gathering` says that they go to the thread.
"""

import asyncio
import heapq
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from branch.store.committer import Commit, Committer, Standing
from branch.store.gathering import Gathering
from branch.store.group import Group
from branch.store.health import StoreState
from router.ids import Instant
from router.ledger import LedgerRow
from sync.records.derived import CallerRecord

log = structlog.get_logger()


class StoreListener(Protocol):
    """Who must know how the store stands: the desk's outbox, the floor, the metrics."""

    def note_written(self, seq: int) -> None:
        """Every row up to `seq` is committed, or as safe as it can be (see `StoreState.DEGRADED`)."""
        ...

    def note_commit(self, commit: Commit) -> None:
        """A group reached the disk."""
        ...

    def note_standing(self, standing: Standing) -> None:
        """The store's state changed."""
        ...


class SequenceGapError(ValueError):
    """The rows do not continue the ledger."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"the ledger goes on with seq {expected}, not {found}; stamp rows in one place only")
        self.expected = expected
        self.found = found


class LedgerClosedError(Exception):
    """The writer was closed before these rows could be written."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the store was closed before row {seq} was written")
        self.seq = seq


class LedgerWriter:
    """Everything here happens on the event loop that was running when it was made."""

    def __init__(
        self,
        make_committer: Callable[[Callable[[Commit | Standing], None]], Committer],
        *,
        last_seq: int,
        listener: StoreListener,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._state = StoreState.OK
        self._appended_seq = self._written_seq = self._committed_seq = last_seq
        self._given_seq = last_seq
        self._gathering = Gathering()
        self._gathered: list[Group] = []
        self._giving: asyncio.Handle | None = None
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._waiter_count = 0
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._committer = make_committer(self._tell_loop)
        # A daemon: a process that is to die must not hang on its disk.
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def state(self) -> StoreState:
        return self._state

    @property
    def appended_seq(self) -> int:
        return self._appended_seq

    @property
    def written_seq(self) -> int:
        """Every row up to here is written, as `StoreListener.note_written` says."""
        return self._written_seq

    @property
    def committed_seq(self) -> int:
        """Every row up to here is on the disk, whatever counts as written while the disk takes none."""
        return self._committed_seq

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        """Commit these rows soon, in one transaction; returns at once.

        Raises:
            SequenceGapError: they do not continue the ledger; nothing was taken.
        """
        for expected, row in enumerate(rows, start=self._appended_seq + 1):
            if row.seq != expected:
                raise SequenceGapError(expected, row.seq)
        if rows:
            self._appended_seq = rows[-1].seq
            self._gathered.append(Group(rows=list(rows), callers=list(callers)))
            self._gathering.note_group(self._now(), is_under_way=self._given_seq > self._committed_seq)
            self._plan()
            if self._state.takes_rows_as_written:
                self._loop.call_soon(self._note_written, self._appended_seq)

    async def written(self, seq: int) -> None:
        """Return when every row up to `seq` is written.

        Raises:
            Exception: what ended the writing, when it has ended before.
        """
        if seq <= self._written_seq:
            return
        self._waiter_count += 1
        waiter: asyncio.Future[None] = self._loop.create_future()
        heapq.heappush(self._waiters, (seq, self._waiter_count, waiter))
        await asyncio.wait((waiter, self._ended), return_when=asyncio.FIRST_COMPLETED)
        if not waiter.done():
            self._ended.result()
            raise LedgerClosedError(seq)

    async def watch(self) -> None:
        """Return when the writer was closed.

        Raises:
            sqlalchemy.exc.IntegrityError: another process writes this site's ledger. The node must end.
        """
        await asyncio.shield(self._ended)

    async def close(self) -> None:
        """Write what is still to be written, within the committer's limit, and end the thread."""
        self._give()
        self._committer.close()
        await asyncio.wait((self._ended,))
        self._thread.join()

    # --- to the thread -----------------------------------------------------------------

    def _plan(self) -> None:
        """See to it that what has come is given when it is due."""
        if self._giving is not None:
            return
        now = self._now()
        due = self._gathering.due_at(now)
        # All that the loop hears in one go shares a commit.
        self._giving = (
            self._loop.call_soon(self._give)
            if due <= now
            else self._loop.call_later((due - now) / 1_000, self._give)
        )

    def _give(self) -> None:
        if self._giving is not None:
            self._giving.cancel()
            self._giving = None
        if self._gathered:
            self._gathering.note_given(self._now())
            self._given_seq = self._appended_seq
            self._committer.give(self._gathered)
            self._gathered = []

    def _now(self) -> Instant:
        return Instant(round(1_000 * self._loop.time()))

    # --- from the thread ---------------------------------------------------------------

    def _run(self) -> None:
        try:
            lost_row_count = self._committer.run()
        except BaseException as error:  # noqa: BLE001  # a thread's top: the loop gets it and ends the node
            self._loop.call_soon_threadsafe(self._ended.set_exception, error)
        else:
            self._loop.call_soon_threadsafe(self._end, lost_row_count)

    def _tell_loop(self, news: Commit | Standing) -> None:
        self._loop.call_soon_threadsafe(self._hear, news)

    # --- on the loop -------------------------------------------------------------------

    def _hear(self, news: Commit | Standing) -> None:
        if isinstance(news, Commit):
            self._committed_seq = news.last_seq
            self._listener.note_commit(news)
            self._note_written(news.last_seq)
        else:
            self._note_standing(news)

    def _note_written(self, seq: int) -> None:
        if seq <= self._written_seq:
            return
        self._written_seq = seq
        while self._waiters and self._waiters[0][0] <= seq:
            waiter = heapq.heappop(self._waiters)[2]
            if not waiter.done():
                waiter.set_result(None)
        self._listener.note_written(seq)

    def _note_standing(self, standing: Standing) -> None:
        self._state = standing.state
        note = log.info if standing.state is StoreState.OK else log.error
        note(
            "store_state_changed",
            state=standing.state,
            waiting_rows=standing.waiting_row_count,
            problem=standing.problem,
        )
        self._listener.note_standing(standing)
        if standing.state.takes_rows_as_written:
            self._note_written(self._appended_seq)

    def _end(self, lost_row_count: int) -> None:
        if lost_row_count:
            log.error("ledger_rows_lost", count=lost_row_count)
        self._ended.set_result(None)
