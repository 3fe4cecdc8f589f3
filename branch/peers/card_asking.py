"""After a restart: who the callers are whom other sites have handed to us. Only those sites know."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping

from branch.customers.caller_card import CallerCard
from router.ids import HandoffId, SiteId
from router.orders import Ask
from router.overflow.messages import GetHandoff

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
"""A site that is away, or of a version that tells no card, is asked for as long as its caller talks."""


class CardAsking:
    """Asks with GetHandoff, whose answer has the card; whoever takes answers keeps it."""

    def __init__(
        self,
        *,
        guest: Callable[[HandoffId], CallerCard | None],
        live: Callable[[], Collection[HandoffId]],
        ask: Callable[[Ask], None],
    ) -> None:
        """`guest` is the card that is kept of a hand-off; `live` are those that are not over."""
        self._guest = guest
        self._live = live
        self._ask = ask

    async def run(self, helps: Mapping[HandoffId, SiteId]) -> None:
        """Ask the site named with each hand-off, until the card is there or the hand-off is over."""
        pause_s = FIRST_PAUSE_S
        while wanted := list(self._wanted(helps)):
            for handoff_id in wanted:
                self._ask(Ask(site_id=helps[handoff_id], request=GetHandoff(handoff_id=handoff_id)))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _wanted(self, helps: Iterable[HandoffId]) -> Iterable[HandoffId]:
        live = self._live()
        return (each for each in helps if each in live and self._guest(each) is None)
