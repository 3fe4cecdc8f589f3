"""The helper's side of a move: the caller's own INVITE takes the trunk leg's place in the agent's talk.

A token lets in one INVITE, for one talk, for as long as its origin waits for it. Which leg carries the
talk is the PBX's word: a move is written down once the PBX has made it, so that a process that dies in
between finds out from the channels.
"""

from collections.abc import Callable

from router import ledger
from router.ids import HandoffId, Instant, SiteId
from router.ledger import Role
from router.orders import Ask, RejectTrunk, TakeMoved
from router.overflow.help import Help
from router.overflow.helper import HelperSide
from router.overflow.links import Links
from router.overflow.messages import HandoffState, Move, Refusal, Refused, Reply, Reserved, TellHandoff
from router.overflow.policy import OverflowPolicy
from router.overflow.trunk_refusal import TrunkRefusal
from router.timers import Timers
from router.turn import Turn

ARRIVAL_TIMER = "arrival"


class TakingOver:
    """The INVITEs of moved callers that this site waits for."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        helper: HelperSide,
        links: Links,
        timers: Timers[tuple[str, str]],
        mint_token: Callable[[HandoffId, SiteId], str],
    ) -> None:
        self._policy = policy
        self._helper = helper
        self._links = links
        self._timers = timers
        self._mint_token = mint_token
        self._expected: dict[HandoffId, HandoffId] = {}
        """Of each INVITE that may still come: the hand-off whose talk it is for."""

    def asked(self, turn: Turn, site_id: SiteId, request: Move) -> Reply:
        """A token for the caller of a talk that lasts; asked again, the same one."""
        help_ = self._talk_of(request.handoff_id, site_id)
        is_anothers = self._expected.get(request.move_id, request.handoff_id) != request.handoff_id
        if help_ is None or help_.is_moved or is_anothers:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)
        self._expected[request.move_id] = request.handoff_id
        until = Instant(turn.now + self._policy.move_limit_ms)
        self._timers.set((ARRIVAL_TIMER, request.move_id), until)
        return Reserved(handoff_id=request.handoff_id, token=self._mint_token(request.move_id, site_id))

    def expects(self, move_id: HandoffId) -> bool:
        return move_id in self._expected

    def invited(self, turn: Turn, move_id: HandoffId, from_site: SiteId) -> None:
        handoff_id = self._expected[move_id]
        self.forget(move_id)
        self._timers.cancel((ARRIVAL_TIMER, move_id))
        help_ = self._talk_of(handoff_id, from_site)
        if help_ is None or help_.is_moved or help_.leg_id is None:
            turn.order(RejectTrunk(handoff_id=move_id, reason=TrunkRefusal.ENDED))
            return
        turn.order(TakeMoved(handoff_id=handoff_id, move_id=move_id, leg_id=help_.leg_id))

    def moved(self, turn: Turn, handoff_id: HandoffId) -> None:
        """The PBX has done it: no leg of the trunk is left, and the origin may let go of its own."""
        help_ = self._helper.find(handoff_id)
        if help_ is None or help_.state is not HandoffState.CONNECTED or help_.is_moved:
            return
        help_.is_moved = True
        self._links.give_back(help_.peer)
        self._write(turn, help_)

    def resume(self, turn: Turn, help_: Help, *, is_written: bool) -> None:
        """A talk whose caller came by itself and that outlived the process."""
        help_.is_moved = True
        if is_written:
            self._tell(turn, help_)
        else:
            self._write(turn, help_)

    def forget(self, move_id: HandoffId) -> None:
        self._expected.pop(move_id, None)

    def _write(self, turn: Turn, help_: Help) -> None:
        assert help_.call is not None
        turn.write(
            ledger.HandoffMoved(
                handoff_id=help_.handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=help_.call.call_id,
            )
        )
        self._tell(turn, help_)

    def _tell(self, turn: Turn, help_: Help) -> None:
        tell = TellHandoff(handoff_id=help_.handoff_id, state=HandoffState.MOVED)
        turn.order(Ask(site_id=help_.peer, request=tell))

    def _talk_of(self, handoff_id: HandoffId, site_id: SiteId) -> Help | None:
        help_ = self._helper.find(handoff_id)
        is_talk = help_ is not None and help_.state is HandoffState.CONNECTED and help_.peer == site_id
        return help_ if is_talk else None
