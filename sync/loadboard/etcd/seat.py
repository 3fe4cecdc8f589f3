"""Who writes the digest: the one seat that every site of a large board may take. Pure; `now` is given.

A seat is taken by a put that holds only if the seat is still as it was seen, under the site's
own lease: two that try at once cannot both have it, and it is free again when its site dies.
"""

import random

from router.ids import Instant

VACANT_DELAY_MS = 1_000
"""Those who see the seat free try within this time, each at a moment of its own."""

SILENCE_MS = 4_000
"""A writer that lives and did not beat for this long has its seat taken."""


class Seat:
    """What one site knows of the seat, and when it should try to take it."""

    def __init__(self, rng: random.Random, now: Instant) -> None:
        self._rng = rng
        self._revision = 0
        self._try_at = self._after(now, 0)

    @property
    def revision(self) -> int:
        """When the seat was last taken, as far as this site saw; 0: it is free."""
        return self._revision

    @property
    def try_at(self) -> Instant:
        """When to try, unless something is heard before."""
        return self._try_at

    def seen(self, revision: int | None, now: Instant) -> None:
        """The seat was taken, or left; or it is found as it was, by a list after each break."""
        if self._revision == (revision or 0):
            return
        self._revision = revision or 0
        self._try_at = self._after(now, SILENCE_MS if revision else 0)

    def beat(self, now: Instant) -> None:
        """Whoever sits there writes."""
        self._try_at = self._after(now, SILENCE_MS)

    def failed(self, now: Instant) -> None:
        """Another was quicker, or etcd did not answer."""
        self._try_at = self._after(now, SILENCE_MS if self._revision else 0)

    def _after(self, now: Instant, delay_ms: int) -> Instant:
        return Instant(now + delay_ms + self._rng.randrange(VACANT_DELAY_MS))
