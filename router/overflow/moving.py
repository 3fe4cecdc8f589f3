"""The origin's side of a move: the caller's own carrier is asked to call the helper's PBX.

The call stays the origin's: its id, its place in every count, its one ending. While the carrier is
asked, and after it has done so, a leg that ends here is no news of the talk: only the helper knows
whether that lasts, so it is asked, and what it says is believed. Until it says MOVED the two legs here
stay bridged, and a carrier that refuses has changed nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from router import ledger
from router.acd.calls import Calls
from router.ids import HandoffId, Instant, SiteId
from router.ledger import Role
from router.orders import Ask, BridgeTrunk, HangUpCall, HangUpTrunk, MoveCaller
from router.overflow.links import Links
from router.overflow.messages import GetHandoff, HandoffState, Move, Reply, Reserved
from router.overflow.origin import Handoff, Origin
from router.overflow.policy import Media, OverflowPolicy
from router.timers import Timers
from router.turn import Turn

MOVE_TIMER = "move"

OVER_AT_HELPER = "OVER_AT_HELPER"
"""Why a moved call ended: its helper says so, whoever hung up."""
_TALKING = (HandoffState.CONNECTED, HandoffState.MOVED)
_NOT_MOVED, _CARRIER_SILENT = "NOT_MOVED", "CARRIER_SILENT"


@dataclass(slots=True)
class _Move:
    """A hand-off whose caller is being moved, or has been."""

    handoff: Handoff
    until: Instant
    """From then on a carrier that has not moved the caller never will."""
    is_referred: bool = False
    """The carrier is asked; before that the helper is, for a token."""
    is_tried: bool = False
    """The carrier has answered, and the caller is still here."""
    lost: str | None = None
    """Why one of the two legs here is gone meanwhile; None while both stand."""


class Moving:
    """All moves of this site's calls."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        policy: OverflowPolicy,
        origin: Origin,
        calls: Calls,
        links: Links,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._site_id = site_id
        self._policy = policy
        self._origin = origin
        self._calls = calls
        self._links = links
        self._timers = timers
        self._new_id = new_id
        self._moves: dict[HandoffId, _Move] = {}
        self._is_carrier_answering = True
        """A carrier that says nothing to a REFER keeps a caller unheard: one is enough for this run."""

    # --- the move ----------------------------------------------------------------------

    def begin(self, turn: Turn, handoff_id: HandoffId) -> None:
        """The helper has heard that the two are bridged: from now on the caller may go to it."""
        handoff = self._origin.find(handoff_id)
        if handoff is None or handoff.state is not HandoffState.CONNECTED or handoff_id in self._moves:
            return
        if self._links.media(handoff.peer) is not Media.REFER or not self._is_carrier_answering:
            return
        self._moves[handoff_id] = _Move(handoff, self._deadline(turn))
        move = Move(handoff_id=handoff_id, move_id=HandoffId(self._new_id()))
        turn.order(Ask(site_id=handoff.peer, request=move))

    def helper_replied(self, turn: Turn, request: Move, reply: Reply) -> None:
        move = self._moves.get(request.handoff_id)
        if move is None or move.is_referred:
            return
        handoff = move.handoff
        if not isinstance(reply, Reserved) or handoff.state is not HandoffState.CONNECTED:
            del self._moves[request.handoff_id]
            return
        move.is_referred, move.until = True, self._deadline(turn)
        self._timers.set((MOVE_TIMER, handoff.handoff_id), move.until)
        turn.write(
            ledger.HandoffMoving(handoff_id=handoff.handoff_id, peer=handoff.peer, call_id=handoff.call_id)
        )
        turn.order(
            MoveCaller(
                handoff_id=handoff.handoff_id,
                call_id=handoff.call_id,
                from_site=self._site_id,
                site_id=handoff.peer,
                token=reply.token,
            )
        )

    def helper_silent(self, request: Move) -> None:
        """Without a token nobody is asked for anything: the call stays as it is."""
        move = self._moves.get(request.handoff_id)
        if move is not None and not move.is_referred:
            del self._moves[request.handoff_id]

    def tried(self, turn: Turn, handoff_id: HandoffId) -> None:
        """The carrier has answered: the helper knows with what."""
        move = self._moves.get(handoff_id)
        if move is not None and move.handoff.state is HandoffState.CONNECTED:
            move.is_tried = True
            self._ask(turn, move)

    def leg_ended(self, turn: Turn, handoff_id: HandoffId | None, reason: str) -> bool:
        """The caller's leg, or the trunk's, is gone here. False: it was not being moved, so that is all."""
        move = self._moves.get(handoff_id) if handoff_id is not None else None
        if move is None or not move.is_referred:
            return False
        if move.handoff.state is HandoffState.CONNECTED:
            move.lost = move.lost or reason
            self._ask(turn, move)
        return True

    # --- what the helper says ----------------------------------------------------------

    def helper_said(
        self, turn: Turn, handoff_id: HandoffId, site_id: SiteId, state: HandoffState, talk_ms: int | None
    ) -> bool:
        """How the talk stands over there, told or asked for; False: no hand-off of ours with that site."""
        handoff = self._origin.find(handoff_id)
        if handoff is None or handoff.peer != site_id:
            return False
        move = self._moves.get(handoff_id)
        if state is HandoffState.MOVED and move is not None:
            self._moved(turn, move)
            return True
        if move is None or not move.is_referred or handoff.state not in _TALKING:
            return True
        if state in (HandoffState.OVER, HandoffState.UNKNOWN):
            self._end(turn, move, OVER_AT_HELPER, talk_ms)
        elif state is HandoffState.CONNECTED:
            self._not_moved(turn, move)
        return True

    def _moved(self, turn: Turn, move: _Move) -> None:
        """Also of a move that was given up here: an INVITE may be late, and is answered all the same."""
        handoff = move.handoff
        if handoff.state is HandoffState.CONNECTED:
            move.is_referred = True
            handoff.state = HandoffState.MOVED
            self._links.give_back(handoff.peer)
            turn.write(
                ledger.HandoffMoved(
                    handoff_id=handoff.handoff_id,
                    role=Role.ORIGIN,
                    peer=handoff.peer,
                    call_id=handoff.call_id,
                )
            )
            self._let_go(turn, handoff)
        if handoff.state is HandoffState.MOVED:
            self._wake_in(turn, handoff.handoff_id, self._policy.moved_ask_ms)

    def _let_go(self, turn: Turn, handoff: Handoff) -> None:
        """What is left here of a call that was moved: a carrier may keep both of its legs up."""
        turn.order(HangUpCall(call_id=handoff.call_id, reason="MOVED"))
        turn.order(HangUpTrunk(handoff_id=handoff.handoff_id))

    def _not_moved(self, turn: Turn, move: _Move) -> None:
        if move.handoff.state is not HandoffState.CONNECTED:
            return
        is_late = turn.now >= move.until
        if move.lost is not None and is_late:
            self._end(turn, move, move.lost, None)
        elif move.lost is None and (move.is_tried or is_late):
            self._stay(turn, move)

    def _stay(self, turn: Turn, move: _Move) -> None:
        handoff = move.handoff
        self._is_carrier_answering = move.is_tried
        turn.write(
            ledger.HandoffStayed(
                handoff_id=handoff.handoff_id,
                peer=handoff.peer,
                call_id=handoff.call_id,
                reason=_NOT_MOVED if move.is_tried else _CARRIER_SILENT,
            )
        )
        # Still known, so that this call is not moved a second time.
        move.is_referred = False
        self._timers.cancel((MOVE_TIMER, handoff.handoff_id))
        if move.is_tried:
            turn.order(BridgeTrunk(call_id=handoff.call_id, handoff_id=handoff.handoff_id))

    def _end(self, turn: Turn, move: _Move, reason: str, talk_ms: int | None) -> None:
        """The one ending of the call; its talk is as long as whoever was there says."""
        call = self._calls.get(move.handoff.call_id)
        if talk_ms is not None:
            call.talk_since = Instant(turn.now - talk_ms)
        if move.handoff.state is HandoffState.CONNECTED:
            turn.order(HangUpTrunk(handoff_id=move.handoff.handoff_id))
        self._origin.end_connected(turn, move.handoff, call)
        self._calls.end_answered(turn, call, reason)
        self.forget(move.handoff.handoff_id)

    # --- deadlines ---------------------------------------------------------------------

    def wake(self, turn: Turn, handoff_id: HandoffId) -> None:
        """Nothing was heard for long enough: ask again, for as long as the talk may last."""
        move = self._moves[handoff_id]
        if move.handoff.state in _TALKING:
            self._ask(turn, move)
        else:
            self.forget(handoff_id)

    def forget(self, handoff_id: HandoffId) -> None:
        """The hand-off is over, and its time as a tombstone too."""
        self._moves.pop(handoff_id, None)
        self._timers.cancel((MOVE_TIMER, handoff_id))

    def _ask(self, turn: Turn, move: _Move) -> None:
        handoff = move.handoff
        turn.order(Ask(site_id=handoff.peer, request=GetHandoff(handoff_id=handoff.handoff_id)))
        is_moved = handoff.state is HandoffState.MOVED
        self._wake_in(
            turn, handoff.handoff_id, self._policy.moved_ask_ms if is_moved else self._policy.ask_again_ms
        )

    def _wake_in(self, turn: Turn, handoff_id: HandoffId, ms: int) -> None:
        self._timers.set((MOVE_TIMER, handoff_id), Instant(turn.now + ms))

    def _deadline(self, turn: Turn) -> Instant:
        return Instant(turn.now + self._policy.move_limit_ms)

    # --- after a restart ---------------------------------------------------------------

    def resume(self, turn: Turn, handoff: Handoff, lost: str | None) -> None:
        """A move that outlived the process; `lost` is why a leg of it is gone, None while both stand.

        What the carrier has answered meanwhile was told to nobody, so the helper's word is enough.
        """
        move = self._moves[handoff.handoff_id] = _Move(
            handoff, self._deadline(turn), is_referred=True, is_tried=True, lost=lost
        )
        if handoff.state is HandoffState.MOVED:
            self._let_go(turn, handoff)
        self._ask(turn, move)
