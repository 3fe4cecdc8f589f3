"""One turn of a floor: the moment, the outcome gathered so far, and what is left to settle."""

from router.ids import AgentId, CallId, Instant
from router.ledger import Entry
from router.orders import Order, Outcome


class Turn:
    """Passed through all parts of a floor while one fact or deadline is worked off.

    `ready`, `unserved` and `callbacks` are dictionaries used as ordered sets: sets of text have another
    order in every process, and the same facts must give the same orders everywhere.
    """

    __slots__ = ("callbacks", "now", "outcome", "ready", "unserved")

    def __init__(self, now: Instant) -> None:
        self.now = now
        self.outcome: Outcome = []
        self.ready: dict[AgentId, None] = {}
        """Agents that became idle in this turn and may be matched with a waiting call."""
        self.unserved: dict[CallId, None] = {}
        """Calls that began to wait, or wait again, in this turn."""
        self.callbacks: dict[CallId, None] = {}
        """Callbacks whose turn may have come."""

    @property
    def has_changed(self) -> bool:
        """Most facts say that nothing has: the board's above all."""
        return bool(self.outcome or self.ready or self.unserved or self.callbacks)

    def write(self, entry: Entry) -> None:
        self.outcome.append(entry)

    def order(self, order: Order) -> None:
        self.outcome.append(order)
