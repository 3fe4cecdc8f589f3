"""After a restart the cards of helped callers are asked for until they are there, or their calls are over."""

import asyncio

import pytest

from branch.customers.caller_card import CallerCard
from branch.peers import card_asking
from branch.peers.card_asking import CardAsking
from router.ids import HandoffId, SiteId
from router.orders import Ask

H1, H2 = HandoffId("h1"), HandoffId("h2")
BEIJING, LHASA = SiteId("beijing"), SiteId("lhasa")


class Site:
    """Two hand-offs that live, and what was asked about them."""

    def __init__(self) -> None:
        self.cards: dict[HandoffId, CallerCard] = {}
        self.live = {H1, H2}
        self.asked: asyncio.Queue[tuple[SiteId, HandoffId]] = asyncio.Queue()
        self.asking = CardAsking(guest=self.cards.get, live=lambda: self.live, ask=self.ask)

    def ask(self, ask: Ask) -> None:
        self.asked.put_nowait((ask.site_id, ask.request.handoff_id))

    async def next(self, count: int) -> list[tuple[SiteId, HandoffId]]:
        """What is asked next."""
        async with asyncio.timeout(10):
            return [await self.asked.get() for _ in range(count)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_asking, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(card_asking, "LONGEST_PAUSE_S", 0.001)


async def test_each_site_is_asked_until_its_card_is_there_or_its_call_is_over() -> None:
    site = Site()
    running = asyncio.create_task(site.asking.run({H1: BEIJING, H2: LHASA}))

    assert await site.next(4) == [(BEIJING, H1), (LHASA, H2)] * 2
    site.cards[H1] = CallerCard()
    assert await site.next(2) == [(LHASA, H2)] * 2
    site.live = {H1}

    await asyncio.wait_for(running, 10)


async def test_a_site_that_helped_nobody_asks_nobody() -> None:
    site = Site()

    await site.asking.run({})

    assert site.asked.empty()
