"""Tokens and ids of a world: plain text, the same for the same seed."""

from collections.abc import Callable

from router.ids import HandoffId, SiteId


def id_maker(site_number: int) -> Callable[[], str]:
    """Ids shaped like UUIDs, counted up, never the same at two sites."""
    count = 0

    def new_id() -> str:
        nonlocal count
        count += 1
        return f"{count:08x}-{site_number:04x}-7000-8000-{count:012x}"

    return new_id


class TokenDesk:
    """One run of one node: mints its tokens and lets each in once. A restart voids them all."""

    def __init__(self, site_id: SiteId, incarnation: int) -> None:
        self._site_id = site_id
        self._incarnation = incarnation
        self._used: set[HandoffId] = set()

    def mint(self, handoff_id: HandoffId, origin: SiteId) -> str:
        return f"{handoff_id} {origin} {self._site_id} {self._incarnation}"

    def accept(self, token: str, from_site: SiteId) -> HandoffId | None:
        """The hand-off it stands for; None for another site's, another run's, or a used one."""
        handoff, origin, helper, incarnation = token.split(" ")
        handoff_id = HandoffId(handoff)
        is_ours = (origin, helper, incarnation) == (from_site, self._site_id, str(self._incarnation))
        if not is_ours or handoff_id in self._used:
            return None
        self._used.add(handoff_id)
        return handoff_id
