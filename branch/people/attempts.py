"""How often a name's password may be wrong: a few times at once, then once a minute.

A try is charged before the password is looked at, so a hundred at the same moment are not
all let in; the right password takes the charge back. Unknown names are charged alike.
"""

import math

from branch.people.refusals import LoginLimitedError
from router.ids import Instant

WRONG_AT_ONCE = 5
INTERVAL_MS = 60_000
NAME_LIMIT = 10_000
"""Names remembered; with more, those that are nearest to being forgiven are forgotten first."""


class LoginAttempts:
    """Wrong passwords by name. One timestamp a name (GCRA): when its last charge is forgiven."""

    def __init__(self) -> None:
        self._forgiven_at: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._forgiven_at)

    def charge(self, name: str, now: Instant) -> None:
        """Count a try.

        Raises:
            LoginLimitedError: the name has no tries left; nothing was counted.
        """
        forgiven_at = max(self._forgiven_at.get(name, 0), now)
        excess_ms = forgiven_at - now - (WRONG_AT_ONCE - 1) * INTERVAL_MS
        if excess_ms > 0:
            raise LoginLimitedError(math.ceil(excess_ms / 1000))
        if name not in self._forgiven_at and len(self._forgiven_at) >= NAME_LIMIT:
            self._make_room(now)
        self._forgiven_at[name] = forgiven_at + INTERVAL_MS

    def clear(self, name: str) -> None:
        """The password was right."""
        self._forgiven_at.pop(name, None)

    def _make_room(self, now: Instant) -> None:
        kept = {name: until for name, until in self._forgiven_at.items() if until > now}
        if len(kept) >= NAME_LIMIT:
            del kept[min(kept, key=lambda name: kept[name])]
        self._forgiven_at = kept
