"""The LoadBoard port: a site publishes its load and sees the others'.

A view ages, a record does not (a quiet site is not a dead one): `view_age_ms` says how
long ago this node last knew that its view was current, on its own real monotonic clock.
"""

from typing import Protocol

from router.ids import SiteId
from router.overflow.load import SiteLoad


class BoardListener(Protocol):
    """Hears of the other sites; every call comes on the event loop, in order."""

    def load_seen(self, load: SiteLoad, address: str | None = None) -> None:
        """Another site's record is new or changed; never called for the listener's own site.

        `address` is where its node says that it listens; only its certificate proves it.
        """
        ...

    def site_gone(self, site_id: SiteId) -> None:
        """Another site's record left the board: it withdrew, or its lease ran out."""
        ...

    def view_confirmed(self) -> None:
        """The view is current as of now: an event, a progress response, the echo of an own put."""
        ...


class LoadBoard(Protocol):
    """One site's place at the board."""

    async def start(self, listener: BoardListener) -> None:
        """Begin to watch and publish; returns at once, also when the store is down."""
        ...

    def publish(self, load: SiteLoad) -> None:
        """Make this the site's record: the latest wins, and it is put again after a lost lease.

        Never blocks and never waits for the store. When to publish is the caller's decision.

        Raises:
            ValueError: a figure is negative or too large for the wire; nothing changed.
            BadLoadRecordError: the record is too large for the board; nothing changed.
        """
        ...

    @property
    def view_age_ms(self) -> int | None:
        """Real milliseconds since the view was last confirmed; None: it never was."""
        ...

    async def close(self) -> None:
        """Withdraw the site's record and stop; bounded in time, also when the store is down."""
        ...
