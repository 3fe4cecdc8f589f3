"""When the log tells of names that nobody has: at an address's first, then once a minute how many."""

from dataclasses import dataclass

from router.ids import Instant

INTERVAL_MS = 60_000
ADDRESS_LIMIT = 1_000
"""Addresses remembered; with more, the one that was told of longest ago is forgotten."""


@dataclass(slots=True)
class _Told:
    at: Instant
    count_since: int = 0


class UnknownNames:
    """Tries with unknown names by address."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def tell(self, address: str, now: Instant) -> int | None:
        """Count a try; how many to tell of now, this one among them, or None while it is too soon."""
        told = self._told.get(address)
        if told is not None and now < told.at + INTERVAL_MS:
            told.count_since += 1
            return None
        self._told.pop(address, None)
        if len(self._told) >= ADDRESS_LIMIT:
            del self._told[next(iter(self._told))]
        self._told[address] = _Told(at=now)
        return 1 + (told.count_since if told else 0)
