"""Sites that joined the cluster after this site's file was written, found by the load board.

The board only says where somebody claims to listen; who listens there has to show that
site's certificate, and tells itself what its PBX is dialled by. So whoever can write to
the store can send us to a wrong door, and no further.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog

from node.lifecycle import Tasks
from router.ids import SiteId

RETRY_DELAY_S = 2.0
NEWCOMER_LIMIT = 2_000
"""More sites than the design's largest cluster are a mistake or an attack."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What a site said of itself, over mutual TLS."""

    site_id: SiteId
    trunk: str | None


class Newcomers:
    """Meets each site that is shown and not known, until it has introduced itself."""

    def __init__(
        self,
        *,
        known: Collection[SiteId],
        meet: Callable[[SiteId, str], Awaitable[Introduction | None]],
        admit: Callable[[SiteId, str, str], Awaitable[None]],
    ) -> None:
        """`known` stand in the file, which wins. `meet` gives None while the site cannot be reached;
        `admit` takes site, address and trunk, again when an address has changed.
        """
        self._known = frozenset(known)
        self._meet = meet
        self._admit = admit
        self._tasks: Tasks | None = None
        self._addresses: dict[SiteId, str] = {}
        self._meeting: dict[SiteId, asyncio.Task[None]] = {}

    def start(self, tasks: Tasks) -> None:
        """From here on what the board shows is followed; `tasks` supervises it."""
        self._tasks = tasks

    def seen(self, site_id: SiteId, address: str) -> None:
        """A load record says where its site listens."""
        if site_id in self._known or self._addresses.get(site_id) == address or self._tasks is None:
            return
        if len(self._addresses) >= NEWCOMER_LIMIT and site_id not in self._addresses:
            return
        self._addresses[site_id] = address
        former = self._meeting.pop(site_id, None)
        if former is not None:
            former.cancel()
        self._meeting[site_id] = self._tasks.start(self._introduce(site_id, address), name=f"meet-{site_id}")

    async def close(self) -> None:
        for task in self._meeting.values():
            task.cancel()
        await asyncio.gather(*self._meeting.values(), return_exceptions=True)

    async def _introduce(self, site_id: SiteId, address: str) -> None:
        while True:
            met = await self._meet(site_id, address)
            if met is not None and met.site_id == site_id and met.trunk is not None:
                await self._admit(site_id, address, met.trunk)
                log.info("peer_found", peer=site_id, address=address)
                return
            await asyncio.sleep(RETRY_DELAY_S)
