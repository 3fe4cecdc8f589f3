"""The load board in memory: many sites in one process, for worlds and tests.

Records go through the same codec as on the wire, so that a figure that the real board
refuses is refused here too. The hub can fail as a store does: stopped, wiped, a lease lost.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from router.ids import Instant, SiteId
from router.overflow.load import SiteLoad
from sync.clock import Clock, SystemClock
from sync.loadboard.codec import decode_record, encode
from sync.loadboard.port import BoardListener

CONFIRM_INTERVAL_S = 1.0
"""A quiet view is confirmed this often, as the etcd board asks for progress."""


class MemoryBoardHub:
    """The store that the boards of one process share."""

    def __init__(self) -> None:
        self._records: dict[SiteId, _Record] = {}
        self._boards: list[MemoryLoadBoard] = []
        self.is_running = True

    def stop(self) -> None:
        """Be down: nothing is taken, nothing is told, records stay."""
        self.is_running = False

    def resume(self) -> None:
        """Be up again: every board lists, then puts its own record again."""
        self.is_running = True
        for board in self._boards:
            board.listed(self.payloads)
        for board in self._boards:
            board.put_again()

    def wipe(self) -> None:
        """Lose every record; the boards find out when the hub is up again."""
        self.is_running = False
        self._records.clear()

    def expire(self, board: "MemoryLoadBoard") -> None:
        """Let the board's lease run out; if it is still there it puts its record again."""
        self._remove(board)
        board.put_again()

    def attach(self, board: "MemoryLoadBoard") -> None:
        """Let a board watch from now on."""
        self._boards.append(board)
        if self.is_running:
            board.listed(self.payloads)

    def detach(self, board: "MemoryLoadBoard") -> None:
        """Withdraw a board and its record; while the hub is down, as by a lease that runs out."""
        self._boards.remove(board)
        self._remove(board)

    def put(self, owner: "MemoryLoadBoard", payload: bytes) -> None:
        """Take a record and tell everybody; lost while the hub is down."""
        if self.is_running:
            self._records[owner.site_id] = _Record(owner=owner, payload=payload)
            for board in self._boards:
                board.seen(owner.site_id, payload)

    @property
    def payloads(self) -> dict[SiteId, bytes]:
        """Every site's record, as stored."""
        return {site_id: record.payload for site_id, record in self._records.items()}

    def _remove(self, owner: "MemoryLoadBoard") -> None:
        record = self._records.get(owner.site_id)
        # A site that was started anew has put its record under a lease of its own.
        if record is None or record.owner is not owner:
            return
        del self._records[owner.site_id]
        if self.is_running:
            for board in self._boards:
                board.gone(owner.site_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    owner: "MemoryLoadBoard"
    payload: bytes


class MemoryLoadBoard:
    """One site's place at a MemoryBoardHub."""

    def __init__(
        self,
        hub: MemoryBoardHub,
        site_id: SiteId,
        *,
        address: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.site_id = site_id
        self._address = address
        self._hub = hub
        self._clock: Clock = clock or SystemClock()
        self._own: bytes | None = None
        self._view: dict[SiteId, bytes] = {}
        self._confirmed_at: Instant | None = None
        self._listener: BoardListener | None = None
        self._confirming: asyncio.TimerHandle | None = None

    async def start(self, listener: BoardListener) -> None:
        """Begin to watch and publish."""
        self._listener = listener
        self._hub.attach(self)
        self.put_again()
        self._confirm_later()

    def publish(self, load: SiteLoad) -> None:
        """Make this the site's record; the hub has it at once."""
        self._own = encode(load, self._address)
        self.put_again()

    @property
    def view_age_ms(self) -> int | None:
        """Milliseconds since the view was last confirmed; None: it never was."""
        return None if self._confirmed_at is None else self._clock.mono_ms() - self._confirmed_at

    async def close(self) -> None:
        """Withdraw the site's record and hear nothing more."""
        if self._listener is not None:
            self._listener = None
            self._hub.detach(self)
        if self._confirming is not None:
            self._confirming.cancel()

    def put_again(self) -> None:
        """Put the site's record, if there is one and the board is started."""
        if self._own is not None and self._listener is not None:
            self._hub.put(self, self._own)

    def listed(self, records: dict[SiteId, bytes]) -> None:
        """Take the store's whole content: tell what is gone, new or changed."""
        for site_id in self._view.keys() - records.keys():
            self.gone(site_id)
        for site_id, payload in records.items():
            self.seen(site_id, payload)
        self._confirm()

    def seen(self, site_id: SiteId, payload: bytes) -> None:
        """Take one put; a record that is put again as it was is no news."""
        if site_id != self.site_id and self._view.get(site_id) != payload:
            self._view[site_id] = payload
            record = decode_record(site_id, payload)
            self._tell(lambda listener: listener.load_seen(record.load, record.address))
        self._confirm()

    def gone(self, site_id: SiteId) -> None:
        """Take one removal."""
        if self._view.pop(site_id, None) is not None:
            self._tell(lambda listener: listener.site_gone(site_id))
        self._confirm()

    def _confirm(self) -> None:
        self._confirmed_at = self._clock.mono_ms()
        self._tell(lambda listener: listener.view_confirmed())

    def _confirm_later(self) -> None:
        if self._hub.is_running:
            self._confirm()
        self._confirming = asyncio.get_running_loop().call_later(CONFIRM_INTERVAL_S, self._confirm_later)

    def _tell(self, message: Callable[[BoardListener], None]) -> None:
        """Call the listener from the loop, never from inside another site's publish."""
        asyncio.get_running_loop().call_soon(self._deliver, message)

    def _deliver(self, message: Callable[[BoardListener], None]) -> None:
        if self._listener is not None:
            message(self._listener)
