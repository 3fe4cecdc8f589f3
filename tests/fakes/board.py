"""Load records and a listener for tests of whatever publishes to or reads the load board."""

import asyncio
from collections.abc import Callable

from router.ids import QueueId, SiteId
from router.overflow.load import QueueLoad, SiteLoad

SALES = QueueId("sales")


def queue_load(*, idle: int = 1, waiting: int = 0) -> QueueLoad:
    return QueueLoad(
        agents_staffed=max(idle, 10),
        agents_idle=idle,
        calls_waiting=waiting,
        head_wait_ms=1_500 if waiting else 0,
        aht_ms=180_000,
        abandon_rate_per_hour=20.0,
    )


def site_load(site: str, version: int, *, incarnation: int = 1_000, idle: int = 1) -> SiteLoad:
    return SiteLoad(
        site_id=SiteId(site),
        incarnation=incarnation,
        version=version,
        accepting=True,
        queues={SALES: queue_load(idle=idle)},
        link_headroom={SiteId("hq"): 30},
    )


class BoardEar:
    """A listener that remembers what it heard and lets a test wait for more."""

    def __init__(self) -> None:
        self.view: dict[SiteId, SiteLoad] = {}
        self.addresses: dict[SiteId, str | None] = {}
        self.heard: list[str] = []
        self.confirmed_count = 0
        self._news = asyncio.Event()

    def load_seen(self, load: SiteLoad, address: str | None = None) -> None:
        self.view[load.site_id] = load
        self.addresses[load.site_id] = address
        self._hear(f"{load.site_id}@{load.version}")

    def site_gone(self, site_id: SiteId) -> None:
        del self.view[site_id]
        self._hear(f"{site_id} gone")

    def view_confirmed(self) -> None:
        self.confirmed_count += 1
        self._news.set()

    async def until(self, condition: Callable[[], bool], *, within_s: float = 20.0) -> None:
        """Wait until the condition holds; asked again after each thing heard."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_sees(self, load: SiteLoad, *, within_s: float = 20.0) -> None:
        """Wait until the view holds exactly this record."""
        await self.until(lambda: self.view.get(load.site_id) == load, within_s=within_s)

    async def until_gone(self, site: str, *, within_s: float = 20.0) -> None:
        """Wait until the site left the view."""
        await self.until(lambda: SiteId(site) not in self.view, within_s=within_s)

    async def until_confirmed_again(self, *, within_s: float = 20.0) -> None:
        """Wait for a confirmation that comes after this moment."""
        count = self.confirmed_count
        await self.until(lambda: self.confirmed_count > count, within_s=within_s)

    def _hear(self, news: str) -> None:
        self.heard.append(news)
        self._news.set()
