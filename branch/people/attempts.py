"""How often a name's password may be wrong: a few times at once, then once a minute.

Each address has tries of its own at a name: a stranger's do not keep the owner out. A try
is charged before the password is looked at, so a hundred at the same moment are not all let
in; the right password takes the charge back. Unknown names are charged alike.
"""

import math
from dataclasses import dataclass

from branch.people.refusals import LoginLimitedError
from router.ids import Instant

WRONG_AT_ONCE = 5
INTERVAL_MS = 60_000
TRIER_LIMIT = 10_000
"""Triers remembered; with more, those that are nearest to being forgiven are forgotten first."""


@dataclass(frozen=True, slots=True)
class Trier:
    """A name, and where it is tried from."""

    name: str
    address: str


class LoginAttempts:
    """Wrong passwords by trier. One timestamp each (GCRA): when the last charge is forgiven."""

    def __init__(self) -> None:
        self._forgiven_at: dict[Trier, int] = {}

    def __len__(self) -> int:
        return len(self._forgiven_at)

    def charge(self, trier: Trier, now: Instant) -> None:
        """Count a try.

        Raises:
            LoginLimitedError: the trier has no tries left; nothing was counted.
        """
        forgiven_at = max(self._forgiven_at.get(trier, 0), now)
        excess_ms = forgiven_at - now - (WRONG_AT_ONCE - 1) * INTERVAL_MS
        if excess_ms > 0:
            raise LoginLimitedError(math.ceil(excess_ms / 1000))
        if trier not in self._forgiven_at and len(self._forgiven_at) >= TRIER_LIMIT:
            self._make_room(now)
        self._forgiven_at[trier] = forgiven_at + INTERVAL_MS

    def clear(self, trier: Trier) -> None:
        """The password was right."""
        self._forgiven_at.pop(trier, None)

    def _make_room(self, now: Instant) -> None:
        kept = {trier: until for trier, until in self._forgiven_at.items() if until > now}
        if len(kept) >= TRIER_LIMIT:
            del kept[min(kept, key=lambda trier: kept[trier])]
        self._forgiven_at = kept
