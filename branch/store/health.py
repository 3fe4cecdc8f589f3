"""Whether the store keeps what it is told, and what gives way first when it cannot.

A full disk, a lock or a lost database server is met step by step: the ballast file is
given back; then rows are kept in memory, taken as written, and marked degraded; then the
site takes no new calls. Each step back is taken by itself as soon as commits succeed.
"""

from dataclasses import dataclass
from enum import StrEnum

from router.ids import Instant


class StoreState(StrEnum):
    """From good to bad."""

    OK = "OK"
    BALLAST_RELEASED = "BALLAST_RELEASED"
    """Everything is committed; the reserve on the disk is used up."""
    DEGRADED = "DEGRADED"
    """Rows wait in memory and count as written: a crash now loses them."""
    REFUSING = "REFUSING"
    """The memory's limit is reached too: no new calls; rows of live calls are still kept."""

    @property
    def takes_rows_as_written(self) -> bool:
        """Whether a row in memory is all the durability there is."""
        return self in (StoreState.DEGRADED, StoreState.REFUSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """When to give way."""

    degrade_after_ms: int = 1_000
    """Irreversible orders wait as long: a database that restarts is no reason to lose durability."""
    row_limit: int = 50_000
    """Rows in memory from which on no new calls are taken: some 50 MB, an hour of a busy site."""


class Health:
    """One store's state; the writer tells it what became of each commit."""

    def __init__(self, policy: HealthPolicy) -> None:
        self.state = StoreState.OK
        self._policy = policy
        self._failing_since: Instant | None = None

    def note_failed(self, now: Instant, *, began: Instant, row_count: int) -> None:
        """A commit that `began` has failed, with no ballast to give back; `row_count` rows wait."""
        if self._failing_since is None:
            self._failing_since = began
        if now - self._failing_since < self._policy.degrade_after_ms:
            return
        is_over = row_count >= self._policy.row_limit
        # Refusing ends with the backlog, not with its first row: calls are not taken in gulps.
        if is_over or self.state is StoreState.REFUSING:
            self.state = StoreState.REFUSING
        else:
            self.state = StoreState.DEGRADED

    def note_committed(self, *, has_ballast: bool) -> None:
        """Nothing waits any more."""
        self._failing_since = None
        self.state = StoreState.OK if has_ballast else StoreState.BALLAST_RELEASED

    def note_ballast_released(self) -> None:
        if self.state is StoreState.OK:
            self.state = StoreState.BALLAST_RELEASED
