"""Which leader of etcd the answers come from, and until when a record of an earlier one may be put again.

No clock: `now` is given. It outlives a view: one that begins after an election, in another's
place, would take what that one was told since for proof that everybody lives.
"""

from router.ids import Instant

PROOF_LIMIT_MS = 5_000
"""From the last moment under the old leader. A living site puts again with the next beat of its lease,
after 3.3 s of the default 10; a dead one may have died a lease before, which makes 15 s."""


class Reign:
    """The leader's term as last heard."""

    def __init__(self) -> None:
        self._term = 0
        self._limit_at = Instant(0)

    @property
    def term(self) -> int:
        """Grows with every election; 0: nothing was heard yet."""
        return self._term

    @property
    def limit_at(self) -> Instant:
        """Until when a record of an older term may be put again."""
        return self._limit_at

    def heard(self, term: int, now: Instant, confirmed_at: Instant | None) -> bool:
        """An answer came; until `confirmed_at` every record stood under the leader of that time.

        None: nothing was ever known, so a record of an older term may be of any age.

        Returns whether the leader is another than before.
        """
        if term == self._term:
            return False
        self._term = term
        self._limit_at = now if confirmed_at is None else Instant(confirmed_at + PROOF_LIMIT_MS)
        return True
