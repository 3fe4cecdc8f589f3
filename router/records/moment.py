"""When a row was written, and how long it was from one row to another."""

from dataclasses import dataclass, replace

from router.ids import Instant
from router.ledger import LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A place on a site's two clocks. Never compared with another site's."""

    utc_us: int
    mono_ms: Instant
    incarnation: int

    @classmethod
    def of(cls, row: LedgerRow) -> "Moment":
        return cls(utc_us=row.at_utc_us, mono_ms=row.mono_ms, incarnation=row.incarnation)

    def earlier_by(self, ms: int) -> "Moment":
        return replace(self, utc_us=self.utc_us - ms * 1_000, mono_ms=Instant(self.mono_ms - ms))

    def since_ms(self, earlier: "Moment") -> int:
        """Passed since `earlier`; monotonic within one run of the node, else by the wall clock.

        A wall clock that was set back between two runs gives 0, never less.
        """
        if self.incarnation == earlier.incarnation:
            return self.mono_ms - earlier.mono_ms
        return max(0, (self.utc_us - earlier.utc_us) // 1_000)

    def instant_of(self, earlier: "Moment") -> Instant:
        """`earlier` on this moment's monotonic clock; negative when that had not begun to count."""
        return Instant(self.mono_ms - self.since_ms(earlier))
