"""How old the view is, and when to ask etcd whether it is current. No clock: `now` is given."""

from router.ids import Instant


class Freshness:
    """When the view was last known to be current.

    A progress response proves what was true when it was asked for, not when it was read:
    a process that was frozen between the two must not take its view for fresh.
    """

    def __init__(self, *, progress_interval_ms: int, confirmed_at: Instant | None = None) -> None:
        """`confirmed_at`: when another view, which this one takes over, was last current."""
        self._progress_interval_ms = progress_interval_ms
        self._confirmed_at = confirmed_at
        self._asked_at: Instant | None = None
        self._last_asked_at: Instant | None = None

    @property
    def confirmed_at(self) -> Instant | None:
        """When the view was last known to be current."""
        return self._confirmed_at

    def asked(self, now: Instant) -> None:
        """A list or progress request is about to leave; the oldest unanswered one counts."""
        self._last_asked_at = now
        if self._asked_at is None:
            self._asked_at = now

    def answered(self, *, confirms: bool = True) -> None:
        """The list or progress response came; by itself it may prove no more than that the watch lives."""
        if confirms and self._asked_at is not None:
            self._confirm(self._asked_at)
        self._asked_at = None

    def told(self, now: Instant) -> None:
        """An event came by itself."""
        self._confirm(now)

    def interrupted(self) -> None:
        """The stream broke: nothing that was asked will be answered."""
        self._asked_at = self._last_asked_at = None

    def age_ms(self, now: Instant) -> int | None:
        """Milliseconds since the view was known to be current; None: it never was."""
        return None if self._confirmed_at is None else now - self._confirmed_at

    def ask_in_ms(self, now: Instant) -> int:
        """How long to wait before asking for progress; 0: ask now."""
        known = [at for at in (self._confirmed_at, self._last_asked_at) if at is not None]
        return max(0, max(known) + self._progress_interval_ms - now) if known else 0

    def _confirm(self, at: Instant) -> None:
        if self._confirmed_at is None or at > self._confirmed_at:
            self._confirmed_at = at
