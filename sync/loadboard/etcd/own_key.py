"""What the own record needs next: a lease, a put, a beat, or nothing. Pure; `now` is given.

The store is never believed to hold what we put: leases run out, stores are wiped, and a
put that timed out may be carried out late, over a newer one. The watch shows what is
really there, and the difference is put right. Under a new leader of etcd a lease proves nothing
for its whole time, so the record is put again under each: that proves its site alive.
"""

from collections.abc import Callable
from dataclasses import dataclass

from router.ids import Instant

GRANT_INTERVAL_MS = 1_000
"""Between two leases of a site at least: floods of leases have stopped clusters."""

Order = tuple[int, int]
"""(incarnation, version) of a record: which of two records of one site is the newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """The record to be on the board."""

    order: Order
    payload: bytes
    is_named: bool
    """Whether a digest of many sites names this one for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Ask for a lease with this id; "already exists" is as good."""

    lease_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Store the record under the lease, with the term of etcd's leader (0: not known yet)."""

    lease_id: int
    record: OwnRecord
    term: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAlive:
    """Renew the lease."""

    lease_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Nothing to do before `until` (None: before something changes)."""

    until: Instant | None


Step = Grant | Put | KeepAlive | Rest


class OwnKey:
    """The own key's lease and content, as far as this site knows."""

    def __init__(self, *, keep_alive_interval_ms: int, new_lease_id: Callable[[], int]) -> None:
        self._keep_alive_interval_ms = keep_alive_interval_ms
        self._new_lease_id = new_lease_id
        self._lease_id: int | None = None
        self._is_granted = False
        self._put_interval_ms = 0
        self._put_due_at = Instant(0)
        self._beat_due_at = Instant(0)
        self._grant_due_at = Instant(0)
        self._wanted: OwnRecord | None = None
        self._term = 0
        self._stored: OwnRecord | None = None
        self._stored_revision = 0
        self._stored_term = 0
        self._is_read_since = False
        """Whether the digest was written since the record was stored: its next turn was read after that."""
        self._missed_in_digest: OwnRecord | None = None

    @property
    def lease_id(self) -> int | None:
        """The lease to give back at the end: granted, or asked for with the answer lost."""
        return self._lease_id

    @property
    def granted_lease_id(self) -> int | None:
        """The lease, once it is granted and as long as nobody said that it is no more."""
        return self._lease_id if self._is_granted else None

    def wants(self, record: OwnRecord) -> None:
        """This is the record now; the latest wins."""
        self._wanted = record

    def pace(self, put_interval_ms: int) -> None:
        """Leave at least so much time between two puts; a first change goes out at once all the same."""
        self._put_interval_ms = put_interval_ms

    def next_step(self, now: Instant) -> Step:
        """What to do next. Ask again after each step, whether it succeeded or failed."""
        if self._wanted is None:
            return Rest(until=None)
        if self._lease_id is None or not self._is_granted:
            if now < self._grant_due_at:
                return Rest(until=self._grant_due_at)
            # The same id until it is granted: a grant whose answer was lost leaves no second lease.
            self._lease_id = self._lease_id or self._new_lease_id()
            return Grant(lease_id=self._lease_id)
        if now >= self._beat_due_at:
            return KeepAlive(lease_id=self._lease_id)
        if self._stored is self._wanted and self._stored_term == self._term:
            return Rest(until=self._beat_due_at)
        if now < self._put_due_at:
            return Rest(until=min(self._put_due_at, self._beat_due_at))
        self._put_due_at = Instant(now + self._put_interval_ms)
        return Put(lease_id=self._lease_id, record=self._wanted, term=self._term)

    def term_heard(self, term: int) -> None:
        """An answer of etcd names its leader's term."""
        self._term = term

    def granted(self, now: Instant) -> None:
        """The lease is there, with its whole TTL."""
        self._is_granted = True
        self._grant_due_at = Instant(now + GRANT_INTERVAL_MS)
        self._beat_due_at = Instant(now + self._keep_alive_interval_ms)

    def kept(self, now: Instant) -> None:
        """The lease was renewed, with its whole TTL."""
        self._beat_due_at = Instant(now + self._keep_alive_interval_ms)

    def stored(self, put: Put, revision: int) -> None:
        """The put was carried out, at this revision."""
        self._stored = put.record
        self._stored_revision = revision
        self._stored_term = put.term
        self._is_read_since = False

    def lease_lost(self) -> None:
        """The lease is no more, and the key with it."""
        self._lease_id = None
        self._is_granted = False
        self._stored = None

    def seen(self, order: Order | None, term: int, revision: int | None) -> bool:
        """The store holds our record of this order and term (None: it holds none), as of a change or a list.

        A change from before our put says nothing about it. A list always counts, because
        after a wipe the revisions begin again; at worst the record is put once more.

        Returns whether somebody else puts newer records as this site: two processes run
        with one name. Theirs is left alone then, or the two would write for ever.
        """
        if self._stored is None or (revision is not None and revision <= self._stored_revision):
            return False
        if order is None or (order, term) < (self._stored.order, self._stored_term):
            self._stored = None
        return order is not None and self._wanted is not None and order > self._wanted.order

    def shown(self, order: Order | None, revision: int) -> bool:
        """A turn of the digest, written at this revision, names our record of this order (None: none).

        Its writer reads before it writes, and not again before it has written: so the second turn
        since our put was read after it. A record that such a turn lacks is put again, once: sites
        that are many must not answer a writer's fault with puts for ever.

        Returns the same as `seen`.
        """
        stored = self._stored
        if stored is None or revision <= self._stored_revision:
            return False
        was_read_since, self._is_read_since = self._is_read_since, True
        is_as_wanted = order is None and not stored.is_named
        if not was_read_since or is_as_wanted or stored is self._missed_in_digest:
            return False
        is_contested = self.seen(order, self._stored_term, revision)
        if self._stored is None:
            self._missed_in_digest = stored
        return is_contested
