"""The trunk legs of one virtual PBX, and the SIP signals that run between two of them.

Signals other than the INVITE are repeated while the way is cut, as SIP repeats them, and
all take the same time, so they keep their order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from router.facts import (
    Fact,
    TrunkAnswered,
    TrunkCallArrived,
    TrunkFailed,
    TrunkHungUp,
    TrunkMoved,
    TrunkRang,
)
from router.ids import CallId, HandoffId, SiteId
from router.ledger import Role
from router.recovery import LiveTrunk, MediaState
from router.world.carriers import MovedCall
from router.world.loop import Loop
from router.world.network import Network

REPEAT_MS = 500
"""SIP's first retransmission."""

SILENT_TRUNK_MS = 5_000
"""A trunk whose other PBX died is given up when nothing was heard for so long."""


class TrunkListener(Protocol):
    """The part of a node that hears of trunks."""

    def tell(self, fact: Fact) -> None: ...
    def accept_token(self, token: str, from_site: SiteId) -> HandoffId | None:
        """The hand-off that the token lets in, once; None for a token that is not good here."""
        ...


@dataclass(slots=True)
class _TrunkLeg:
    handoff_id: HandoffId
    peer: SiteId
    role: Role
    call_id: CallId | None
    state: MediaState = MediaState.RINGING
    moved: MovedCall | None = None
    """At a helper: the carrier's call on this place; None while it is the origin's."""


class TrunkLines:
    """`others` is filled with every site's lines once all are made."""

    def __init__(
        self,
        site_id: SiteId,
        listener: TrunkListener,
        *,
        loop: Loop,
        network: Network,
        setup_ms: int,
        others: Mapping[SiteId, "TrunkLines"],
    ) -> None:
        self.site_id = site_id
        self._listener = listener
        self._loop = loop
        self._network = network
        self.setup_ms = setup_ms
        self._others = others
        self._legs: dict[HandoffId, _TrunkLeg] = {}
        self._arriving: dict[HandoffId, tuple[SiteId, MovedCall]] = {}
        self.is_down = False

    def has(self, handoff_id: HandoffId) -> bool:
        return handoff_id in self._legs

    def live(self) -> dict[HandoffId, LiveTrunk]:
        legs = {
            leg.handoff_id: LiveTrunk(
                handoff_id=leg.handoff_id,
                peer=leg.peer,
                role=leg.role,
                call_id=leg.call_id,
                state=leg.state,
                is_moved=leg.moved is not None,
            )
            for leg in self._legs.values()
        }
        arriving = {
            move_id: LiveTrunk(
                handoff_id=move_id, peer=peer, role=Role.HELPER, call_id=None, state=MediaState.RINGING
            )
            for move_id, (peer, _moved) in self._arriving.items()
        }
        return legs | arriving

    # --- what the node wants -----------------------------------------------------------

    def dial(self, handoff_id: HandoffId, call_id: CallId, target: SiteId, token: str) -> None:
        self._legs[handoff_id] = _TrunkLeg(handoff_id, target, Role.ORIGIN, call_id)
        self._loop.after(self.setup_ms, self._others[target].invite, self, handoff_id, token)

    def ring(self, handoff_id: HandoffId) -> None:
        """Pass 180 on: an agent's phone rings for this trunk call."""
        self._signal(handoff_id, TrunkLines.hear_ringing)

    def answer(self, handoff_id: HandoffId) -> None:
        leg = self._legs.get(handoff_id)
        if leg is not None and leg.state is not MediaState.BRIDGED:
            leg.state = MediaState.BRIDGED
            self._signal(handoff_id, TrunkLines.hear_answer)

    def bridge(self, handoff_id: HandoffId) -> bool:
        """Join with the caller; False when the leg is gone."""
        leg = self._legs.get(handoff_id)
        if leg is not None:
            leg.state = MediaState.BRIDGED
        return leg is not None

    def reject(self, handoff_id: HandoffId) -> None:
        if self._turned_away(handoff_id):
            return
        self._signal(handoff_id, TrunkLines.hear_failure, "403")
        self._legs.pop(handoff_id, None)

    def move(self, call: MovedCall, target: SiteId, token: str) -> None:
        """The carrier's call to the other site's PBX."""
        self._others[target].invite_moved(self.site_id, token, call)

    def hang_up(self, handoff_id: HandoffId) -> None:
        if self._turned_away(handoff_id):
            return
        leg = self._legs.get(handoff_id)
        if leg is not None and leg.moved is None:
            self._signal(handoff_id, TrunkLines.hear_hang_up)
        self._legs.pop(handoff_id, None)

    def take(self, handoff_id: HandoffId, move_id: HandoffId) -> None:
        """The carrier's call takes the leg's place; where there is no leg any more it is turned away."""
        leg = self._legs.get(handoff_id)
        if leg is None:
            self._turned_away(move_id)
            return
        arriving = self._arriving.pop(move_id, None)
        if arriving is not None:
            self._signal(handoff_id, TrunkLines.hear_hang_up)
            leg.moved = arriving[1]
            leg.moved.taken(lambda: self._moved_hangs_up(leg))
            self._listener.tell(TrunkMoved(handoff_id=handoff_id))

    def _moved_hangs_up(self, leg: _TrunkLeg) -> None:
        if self._legs.get(leg.handoff_id) is leg:
            del self._legs[leg.handoff_id]
            self._listener.tell(TrunkHungUp(handoff_id=leg.handoff_id))

    def _turned_away(self, move_id: HandoffId) -> bool:
        arriving = self._arriving.pop(move_id, None)
        if arriving is not None:
            arriving[1].refused()
        return arriving is not None

    def crash(self) -> None:
        """All legs are gone without a word; the other ends notice by the silence."""
        for leg in self._legs.values():
            if leg.moved is None:
                self._loop.after(SILENT_TRUNK_MS, self._others[leg.peer].hear_hang_up, leg.handoff_id)
        self._legs.clear()
        for move_id in list(self._arriving):
            self._turned_away(move_id)

    # --- signals of the other side -----------------------------------------------------

    def invite(self, source: "TrunkLines", handoff_id: HandoffId, token: str) -> None:
        """The INVITE is here, unless it was cancelled or the way is cut."""
        from_site = source.site_id
        if not source.has(handoff_id) or self._is_cut(from_site):
            return
        named = None if self.is_down else self._listener.accept_token(token, from_site)
        if named is None or named in self._legs:
            self._loop.after(
                self._network.way_ms(self.site_id, from_site), source.hear_failure, handoff_id, "403"
            )
            return
        self._legs[named] = _TrunkLeg(named, from_site, Role.HELPER, None)
        self._listener.tell(TrunkCallArrived(handoff_id=named, from_site=from_site))

    def invite_moved(self, from_site: SiteId, token: str, call: MovedCall) -> None:
        """A carrier's INVITE with a token of ours, by no way between sites."""
        named = None if self.is_down else self._listener.accept_token(token, from_site)
        if named is None:
            call.refused()
            return
        self._arriving[named] = (from_site, call)
        self._listener.tell(TrunkCallArrived(handoff_id=named, from_site=from_site))

    def hear_ringing(self, handoff_id: HandoffId) -> None:
        if handoff_id in self._legs:
            self._listener.tell(TrunkRang(handoff_id=handoff_id))

    def hear_answer(self, handoff_id: HandoffId) -> None:
        leg = self._legs.get(handoff_id)
        if leg is not None and leg.state is MediaState.RINGING:
            leg.state = MediaState.UP
            self._listener.tell(TrunkAnswered(handoff_id=handoff_id))

    def hear_failure(self, handoff_id: HandoffId, reason: str) -> None:
        if self._legs.pop(handoff_id, None) is not None:
            self._listener.tell(TrunkFailed(handoff_id=handoff_id, reason=reason))

    def hear_hang_up(self, handoff_id: HandoffId) -> None:
        leg = self._legs.get(handoff_id)
        if leg is None or leg.moved is not None:
            return
        del self._legs[handoff_id]
        if leg.role is Role.ORIGIN and leg.state is MediaState.RINGING:
            self._listener.tell(TrunkFailed(handoff_id=handoff_id, reason="HUNG_UP"))
        else:
            self._listener.tell(TrunkHungUp(handoff_id=handoff_id))

    # --- the way -----------------------------------------------------------------------

    def _signal(self, handoff_id: HandoffId, act: Callable[..., None], *arguments: Any) -> None:
        leg = self._legs.get(handoff_id)
        if leg is not None:
            self._send(leg.peer, act, handoff_id, *arguments)

    def _send(self, target: SiteId, act: Callable[..., None], *arguments: Any) -> None:
        if self._is_cut(target):
            self._loop.after(REPEAT_MS, self._send, target, act, *arguments)
        else:
            way_ms = self._network.way_ms(self.site_id, target)
            self._loop.after(way_ms, act, self._others[target], *arguments)

    def _is_cut(self, other: SiteId) -> bool:
        """SIP needs both directions."""
        return self._network.is_cut(self.site_id, other) or self._network.is_cut(other, self.site_id)
