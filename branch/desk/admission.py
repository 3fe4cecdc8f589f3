"""Whether new calls are taken: not while the site drains or its store can keep no more rows."""

from collections.abc import Callable

from router.facts import AcceptingChanged, Fact

DRAINING = "DRAINING"


class Admission:
    """Open unless somebody has a reason to keep it closed."""

    def __init__(self, tell: Callable[[Fact], None]) -> None:
        self._tell = tell
        self._reasons: dict[str, None] = {}

    def close(self, reason: str, *, words: str | None = None) -> None:
        """Take no new calls until `open` is called with the same reason; `words` are for the ledger."""
        was_open = not self._reasons
        self._reasons[reason] = None
        if was_open:
            self._tell(AcceptingChanged(is_accepting=False, reason=words or reason))

    def open(self, reason: str) -> None:
        """This reason is gone; calls are taken again once no other is left."""
        if self._reasons.pop(reason, reason) is None and not self._reasons:
            self._tell(AcceptingChanged(is_accepting=True, reason=reason))
