"""Callers on their way to another site: their own carrier is asked to call it, or has called us.

A channel whose other end is asked may be blocked for as long as that takes its time. Nothing but its end
is asked of it before it is usable again; then the caller is put back beside whom it talked with.
"""

from collections.abc import Callable

from branch.telephony.driver.holdings import Held, Holdings, talk_bridge
from branch.telephony.driver.talks import Talks
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import BridgeKind, Cause, Do, Variable
from router.facts import Fact, TrunkMoved
from router.ids import SiteId
from router.orders import MoveCaller, TakeMoved


class Moves:
    """Both sides of a move, as requests to the PBX."""

    def __init__(
        self,
        holdings: Holdings,
        unanswered: Unanswered,
        talks: Talks,
        note: Callable[[Fact], None],
        *,
        way_to: Callable[[SiteId], str | None],
        join: Callable[[Held | None, Held | None], None],
        hang_up: Callable[[Held | None, Cause], None],
    ) -> None:
        """`way_to` is where a carrier reaches a site; `join` puts two into the talk of the first; `hang_up`
        ends a channel that we hold.
        """
        self._holdings = holdings
        self._unanswered = unanswered
        self._talks = talks
        self._note = note
        self._way_to = way_to
        self._join = join
        self._hang_up = hang_up

    def move_caller(self, order: MoveCaller) -> None:
        """Out of the talk with the helper, so that the channel can be asked; back into it when it is over."""
        caller, trunk = self._holdings.caller(order.call_id), self._holdings.trunk(order.handoff_id)
        if caller is None or trunk is None or caller.referred_for is not None:
            return
        caller.referred_for = order.handoff_id
        caller.rejoin = lambda: self._join(self._holdings.trunk(order.handoff_id), caller)
        channel_id = caller.channel_id
        self._unanswered.ask(Do.SET, channel_id, name=Variable.REFERRED, value=order.handoff_id)
        self._talks.left(caller)
        self._unanswered.ask(Do.REMOVE, channel_id, bridge=talk_bridge(trunk.channel_id))
        self._unanswered.ask(
            Do.REFER,
            channel_id,
            endpoint=self._way_to(order.site_id),
            site_id=order.site_id,
            from_site=order.from_site,
            token=order.token,
        )

    def take_moved(self, order: TakeMoved) -> None:
        """Into the talk first; the leg that it replaces goes once that is done."""
        moved, leg = self._holdings.trunk(order.move_id), self._holdings.leg(order.leg_id)
        if moved is None:
            return
        if leg is None:
            self._hang_up(moved, Cause.REJECTED)
            return
        bridge = talk_bridge(leg.channel_id)
        self._unanswered.ask(Do.ANSWER, moved.channel_id)
        self._unanswered.ask(Do.CREATE_BRIDGE, bridge=bridge, kind=BridgeKind.MIXING)
        self._talks.joined(moved, bridge)
        self._unanswered.ask_then(
            lambda is_done: self._added(order, moved, is_done), Do.ADD, moved.channel_id, bridge=bridge
        )

    def _added(self, order: TakeMoved, moved: Held, is_done: bool) -> None:
        """What a restart finds is never two legs of one name without the newer one's mark."""
        if not is_done:
            self._hang_up(moved, Cause.NORMAL)
            return
        self._unanswered.ask(Do.SET, moved.channel_id, name=Variable.MOVED, value="1")
        self._unanswered.ask_then(
            lambda is_done: self._named(order, moved, is_done),
            Do.SET,
            moved.channel_id,
            name=Variable.HANDOFF,
            value=order.handoff_id,
        )

    def _named(self, order: TakeMoved, moved: Held, is_done: bool) -> None:
        leg, replaced = self._holdings.leg(order.leg_id), self._holdings.trunk(order.handoff_id)
        if not is_done or leg is None or leg.is_ending or replaced is None or replaced.is_ending:
            # The talk has ended meanwhile, and nobody will ever ask for the end of this leg.
            self._hang_up(moved, Cause.NORMAL)
            return
        self._holdings.replace_trunk(moved, order.handoff_id)
        self._hang_up(replaced, Cause.NORMAL)
        self._note(TrunkMoved(handoff_id=order.handoff_id))
