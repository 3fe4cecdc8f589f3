"""Whom a token lets in at this site's PBX: another site's trunk leg, or a caller who was redirected here."""

from collections.abc import Callable
from typing import Protocol

from router.ids import CallId, HandoffId, SiteId
from router.overflow.taking_in import token_hash
from sync.token import StaleTokenError, TokenMint


class PromisingFloor(Protocol):
    """The part of a floor that knows whom the site has promised a place."""

    def promised(self, token_hash: str, site_id: SiteId) -> HandoffId | None: ...
    def promised_call(self, handoff_id: HandoffId, site_id: SiteId) -> CallId | None: ...


class Invitations:
    """Tokens of this run, and promises that outlived an earlier one."""

    def __init__(
        self, mint: TokenMint, floor: PromisingFloor, number_told: Callable[[HandoffId], str | None]
    ) -> None:
        """`number_told` is a redirected caller's number, as the site told that had the call."""
        self._mint = mint
        self._floor = floor
        self._number_told = number_told

    def read(self, token: str, from_site: SiteId) -> HandoffId:
        """The hand-off that `from_site` shows a token for.

        Raises:
            TokenError: it lets nobody in.
        """
        try:
            return self._mint.read(token, from_site)
        except StaleTokenError:
            promised = self._floor.promised(token_hash(token), from_site)
            if promised is None:
                raise
            return promised

    def call_of(self, handoff_id: HandoffId, from_site: SiteId) -> CallId | None:
        """What a redirected caller's call will be here; None for a trunk leg, and for whoever came before."""
        return self._floor.promised_call(handoff_id, from_site)

    def number_of(self, handoff_id: HandoffId) -> str | None:
        """E.164; None when it was withheld, or told to an earlier run."""
        return self._number_told(handoff_id)
