"""The thread that commits: takes what has gathered, writes it as one group, and tries again.

A commit that fails is not the core's affair: what it decided has happened. The rows stay
here, first in line, and `Health` says what gives way meanwhile.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from branch.store.ballast import Ballast
from branch.store.engine import UNAVAILABLE, is_disk_full
from branch.store.group import Group
from branch.store.health import Health, StoreState
from router.ids import Instant, SiteId
from router.records.fold import RecordFold
from sync.clock import Clock
from sync.journal.database import writing

GROUP_ROW_LIMIT = 2_000
"""About so many rows in one commit: a backlog must not make one transaction of minutes."""

RETRY_INTERVAL_S = 0.2
BALLAST_INTERVAL_S = 5.0
"""How often we look whether the room for the ballast has come back."""

CLOSE_LIMIT_MS = 3_000
"""A database that is away while the process ends is waited for as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One group is on the disk."""

    last_seq: int
    row_count: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state changed; `problem` is the database's word, None when all is well again."""

    state: StoreState
    waiting_row_count: int
    problem: str | None


class Committer:
    """Everything but `give` and `close` happens on the thread that calls `run`."""

    def __init__(
        self,
        *,
        engine: Engine,
        site_id: SiteId,
        fold: RecordFold,
        clock: Clock,
        health: Health,
        ballast: Ballast | None,
        tell: Callable[[Commit | Standing], None],
    ) -> None:
        """`clock` runs at real speed; `fold` and `tell` are used on the thread."""
        self._engine = engine
        self._site_id = site_id
        self._fold = fold
        self._clock = clock
        self._health = health
        self._ballast = ballast
        self._tell = tell
        self._backlog: deque[Group] = deque()
        self._problem: str | None = None
        self._wake = threading.Condition()
        self._given: list[Group] = []
        self._close_deadline: Instant | None = None

    # --- any thread --------------------------------------------------------------------

    def give(self, groups: Sequence[Group]) -> None:
        """Commit these now, after all that was given before, and each as a whole."""
        with self._wake:
            self._given.extend(groups)
            self._wake.notify()

    def close(self) -> None:
        """Let `run` return once everything given is written, or the limit for that is over."""
        with self._wake:
            self._close_deadline = Instant(self._clock.mono_ms() + CLOSE_LIMIT_MS)
            self._wake.notify()

    # --- the thread --------------------------------------------------------------------

    def run(self) -> int:
        """Commit until closed; return how many rows could not be written.

        Raises:
            sqlalchemy.exc.IntegrityError: another process writes this site's ledger.
        """
        if self._ballast is not None and not self._ballast.restore():
            self._health.note_ballast_released()
            self._tell_standing()
        while True:
            deadline = self._gather()
            self._write_backlog()
            if deadline is not None and (not self._backlog or self._clock.mono_ms() >= deadline):
                return self._waiting_row_count()

    def _gather(self) -> Instant | None:
        """Wait for rows, or for the time to try again; the deadline when we are to close."""
        with self._wake:
            if self._backlog:
                # Rows that come meanwhile are no reason to try sooner.
                self._wake.wait_for(lambda: False, timeout=RETRY_INTERVAL_S)
            else:
                is_well = self._health.state is StoreState.OK
                self._wake.wait_for(
                    lambda: self._given or self._close_deadline is not None,
                    timeout=None if is_well else BALLAST_INTERVAL_S,
                )
            for group in self._given:
                if not (self._backlog and self._backlog[-1].join(group, GROUP_ROW_LIMIT)):
                    self._backlog.append(group)
            self._given.clear()
            return self._close_deadline

    def _write_backlog(self) -> None:
        """Commit group by group, until nothing waits or a commit fails."""
        while self._backlog:
            began = self._clock.mono_ms()
            group = self._backlog[0]
            try:
                with writing(self._engine) as connection:
                    group.write(connection, self._site_id, self._fold)
            except UNAVAILABLE as error:
                group.has_failed = True
                if self._release_ballast(error):
                    continue
                self._note_failure(error, began)
                return
            self._backlog.popleft()
            self._tell(
                Commit(
                    last_seq=group.last_seq,
                    row_count=len(group.rows),
                    duration_ms=self._clock.mono_ms() - began,
                )
            )
        self._note_health()

    def _release_ballast(self, error: DBAPIError) -> bool:
        if self._ballast is None or not is_disk_full(error) or not self._ballast.release():
            return False
        self._problem = str(error.orig)
        self._health.note_ballast_released()
        self._tell_standing()
        return True

    def _note_failure(self, error: DBAPIError, began: Instant) -> None:
        before = self._health.state
        self._problem = str(error.orig)
        self._health.note_failed(self._clock.mono_ms(), began=began, row_count=self._waiting_row_count())
        if self._health.state is not before:
            self._tell_standing()

    def _note_health(self) -> None:
        before = self._health.state
        if before is StoreState.OK:
            self._health.note_committed(has_ballast=True)
            return
        self._health.note_committed(has_ballast=self._ballast is None or self._ballast.restore())
        if self._health.state is not before:
            if self._health.state is StoreState.OK:
                self._problem = None
            self._tell_standing()

    def _tell_standing(self) -> None:
        self._tell(
            Standing(
                state=self._health.state,
                waiting_row_count=self._waiting_row_count(),
                problem=self._problem,
            )
        )

    def _waiting_row_count(self) -> int:
        return sum(len(group.rows) for group in self._backlog)
