"""The helper's side of hand-offs: an idle agent RESERVED, RINGING, CONNECTED, or released.

A helper answers from its live state, never from the board. A reservation always has a
deadline, is never pre-empted, and gives the agent its old place back when it fails.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from router import ledger
from router.acd.policy import Distribution
from router.acd.queues import Queues
from router.acd.ringing import Leg, Ringing
from router.acd.roster import Agent, Roster
from router.acd.talking import Talking
from router.call import CallContext
from router.ids import HandoffId, Instant, LegId, SiteId, Skills
from router.ledger import Role
from router.orders import Ask, BridgeTrunkLeg, HangUpLeg, HangUpTrunk, RejectTrunk
from router.overflow.help import Help, refusal_of
from router.overflow.links import Links
from router.overflow.messages import (
    Acknowledged,
    GetHandoff,
    HandoffSeen,
    HandoffState,
    Refusal,
    Refused,
    Reply,
    Reserve,
    Reserved,
    TellHandoff,
)
from router.overflow.own_loss import OwnLoss
from router.overflow.policy import OverflowPolicy
from router.overflow.taking_back import TakingBack
from router.overflow.trunk_refusal import TrunkRefusal
from router.recovery import OpenHelp
from router.timers import Timers
from router.turn import Turn
from router.views import HandoffView

RESERVATION_TIMER = "reservation"
CONFIRM_TIMER = "confirm"
FORGET_TIMER = "forget_help"

TOMBSTONE_LIMIT = 20_000
"""Hand-offs of one peer that are over and remembered; honest peers stay far below it."""


class HelperSide:
    """All hand-offs that this site's agents serve for others."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        own_loss: OwnLoss,
        roster: Roster,
        queues: Queues,
        ringing: Ringing,
        talking: Talking,
        links: Links,
        taking_back: TakingBack,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
        mint_token: Callable[[HandoffId, SiteId], str],
    ) -> None:
        self._policy = policy
        self._own_loss = own_loss
        self._roster = roster
        self._queues = queues
        self._ringing = ringing
        self._talking = talking
        self._links = links
        self._taking_back = taking_back
        self._timers = timers
        self._new_id = new_id
        self._mint_token = mint_token
        self._helps: dict[HandoffId, Help] = {}
        self._tombstones: Counter[SiteId] = Counter()

    def find(self, handoff_id: HandoffId) -> Help | None:
        return self._helps.get(handoff_id)

    def views(self) -> Iterator[HandoffView]:
        for help_ in self._helps.values():
            if help_.state is not HandoffState.OVER:
                call = help_.call
                yield HandoffView(
                    handoff_id=help_.handoff_id,
                    role=Role.HELPER,
                    peer=help_.peer,
                    state=help_.shown_state,
                    call_id=call.call_id if call is not None else None,
                    agent_id=help_.agent_id,
                    queue_id=call.queue_id if call is not None else None,
                    customer_id=call.customer_id if call is not None else None,
                )

    # --- push: a caller waits at the sender --------------------------------------------

    def reserve(self, turn: Turn, site_id: SiteId, request: Reserve, *, is_accepting: bool) -> Reply:
        known = self._helps.get(request.handoff_id)
        if known is not None:
            return known.answer or Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)
        if self._tombstones[site_id] >= TOMBSTONE_LIMIT:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.NOT_ACCEPTING)
        refusal, agent = self._find_agent(site_id, request, is_accepting)
        if agent is None:
            reply: Reply = Refused(handoff_id=request.handoff_id, reason=refusal)
            self._remember_over(turn, Help(request.handoff_id, site_id, HandoffState.OVER, answer=reply))
            return reply
        reply = Reserved(handoff_id=request.handoff_id, token=self._mint_token(request.handoff_id, site_id))
        help_ = Help(request.handoff_id, site_id, HandoffState.RESERVED, call=request.call, answer=reply)
        self.keep_agent(turn, help_, agent)
        self.write_reserved(turn, help_)
        self.expect_trunk(turn, help_)
        return reply

    # --- the trunk leg -----------------------------------------------------------------

    def invited(self, turn: Turn, handoff_id: HandoffId, site_id: SiteId) -> None:
        """An INVITE with a token of ours: rings the reserved agent once, else 403."""
        help_ = self._helps.get(handoff_id)
        if help_ is None:
            turn.order(RejectTrunk(handoff_id=handoff_id, reason=TrunkRefusal.UNKNOWN))
            return
        refusal = refusal_of(help_, site_id)
        if refusal is not None:
            turn.order(RejectTrunk(handoff_id=handoff_id, reason=refusal))
            return
        help_.is_trunk_here = True
        if help_.state is HandoffState.RESERVED:
            self.ring(turn, help_, self.agent_of(help_))

    def trunk_over(self, turn: Turn, help_: Help) -> None:
        """The origin's side hung up: caller gone, taken at home, or the talk is over."""
        if help_.state is HandoffState.CONNECTED:
            if help_.leg_id is not None and help_.agent_id is not None:
                turn.order(HangUpLeg(leg_id=help_.leg_id, agent_id=help_.agent_id))
            self._end_connected(turn, help_)
        elif help_.state is not HandoffState.OVER:
            self._withdraw(turn, help_, "TRUNK_HUNG_UP", is_trunk_up=False)

    def pbx_gone(self, turn: Turn, reason: str, *, is_dead: bool) -> None:
        """It is dead or silent: nothing that was promised, or rings, comes to be.

        No talk outlives a dead PBX. A silent one's may go on, and if not, the other PBX hears that.
        """
        for help_ in [each for each in self._helps.values() if each.state is not HandoffState.OVER]:
            if help_.is_promised:
                # Whoever was sent on may find the PBX back: only the agent is not kept any longer.
                self.expire(turn, help_.handoff_id)
                continue
            if help_.state is not HandoffState.CONNECTED:
                self._withdraw(turn, help_, reason, is_trunk_up=not is_dead)
            elif is_dead:
                self._end_connected(turn, help_, reason)
            else:
                continue
            self._taking_back.tell(turn, help_.handoff_id, help_.peer, reason)

    # --- a caller who comes by itself --------------------------------------------------

    def note_promised(self, handoff_id: HandoffId) -> None:
        self._helps[handoff_id].is_promised = True

    def taken_in(self, turn: Turn, handoff_id: HandoffId) -> None:
        """It is a call of this site's own: the agent is free for whoever has waited longest."""
        help_ = self._helps.get(handoff_id)
        if help_ is None:
            return
        help_.is_trunk_here = True
        if help_.state is not HandoffState.OVER:
            self.free_agent(turn, help_)
            self.close(turn, help_)

    # --- the agent's leg ---------------------------------------------------------------

    def leg_rang(self, turn: Turn, leg: Leg, help_: Help) -> None:
        turn.write(
            ledger.HandoffRang(
                handoff_id=help_.handoff_id, role=Role.HELPER, peer=help_.peer, call_id=leg.call_id
            )
        )

    def leg_answered(self, turn: Turn, leg: Leg, help_: Help) -> None:
        help_.state, help_.connected_at = HandoffState.CONNECTED, turn.now
        turn.write(
            ledger.HandoffConnected(
                handoff_id=help_.handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=leg.call_id,
                agent_id=leg.agent_id,
            )
        )
        turn.order(BridgeTrunkLeg(handoff_id=help_.handoff_id, leg_id=leg.leg_id))
        self._expect_confirm(turn, help_)

    def leg_failed(self, turn: Turn, help_: Help) -> None:
        """RONA here: one other idle agent is tried within the same hop, else the call goes home."""
        assert help_.call is not None
        help_.leg_id = help_.agent_id = None
        next_id = self._roster.idle.choose(self._skills_for(help_.call), Distribution.LONGEST_IDLE)
        if help_.is_second_try or next_id is None:
            turn.order(HangUpTrunk(handoff_id=help_.handoff_id))
            self.write_refused(turn, help_, "RONA")
            self.close(turn, help_)
            return
        help_.is_second_try = True
        agent = self._roster.get(next_id)
        self._roster.reserve(turn, agent, help_.handoff_id)
        turn.ready.pop(next_id, None)
        help_.agent_id = next_id
        self.ring(turn, help_, agent)

    def leg_over(self, turn: Turn, help_: Help) -> None:
        """The agent hung up a connected leg."""
        turn.order(HangUpTrunk(handoff_id=help_.handoff_id))
        self._end_connected(turn, help_)

    # --- what the origin says ----------------------------------------------------------

    def cancelled(self, turn: Turn, handoff_id: HandoffId, site_id: SiteId, reason: str) -> Reply:
        """Also for a hand-off never seen: its Reserve may still be on the way."""
        help_ = self._helps.get(handoff_id)
        if help_ is None:
            if self._tombstones[site_id] < TOMBSTONE_LIMIT:
                self._remember_over(turn, Help(handoff_id, site_id, HandoffState.OVER))
        elif help_.peer != site_id:
            return Refused(handoff_id=handoff_id, reason=Refusal.CANCELLED)
        elif help_.state is HandoffState.CONNECTED:
            return Refused(handoff_id=handoff_id, reason=Refusal.ALREADY_CONNECTED)
        elif help_.state is not HandoffState.OVER:
            self._withdraw(turn, help_, reason, is_trunk_up=True)
            help_.answer = None
        return Acknowledged(handoff_id=handoff_id)

    def confirmed(self, turn: Turn, handoff_id: HandoffId, site_id: SiteId) -> Reply:
        help_ = self._helps.get(handoff_id)
        # A Reserve of long ago may come again after its tombstone: only a talk can be confirmed.
        if help_ is not None and help_.peer == site_id and help_.connected_at is not None:
            self._confirm(turn, help_)
            if help_.state is HandoffState.CONNECTED:
                return Acknowledged(handoff_id=handoff_id)
        # The origin may have bridged a caller to a leg that ended without a word.
        return Refused(handoff_id=handoff_id, reason=Refusal.CANCELLED)

    def origin_said(self, turn: Turn, seen: HandoffSeen) -> None:
        """The answer to our question what became of a connected hand-off."""
        help_ = self._helps.get(seen.handoff_id)
        if help_ is None or help_.state is not HandoffState.CONNECTED or help_.is_confirmed:
            return
        if seen.state in (HandoffState.CONNECTED, HandoffState.MOVED):
            self._confirm(turn, help_)
        elif seen.state in (HandoffState.OVER, HandoffState.UNKNOWN):
            turn.order(HangUpTrunk(handoff_id=help_.handoff_id))
            self.trunk_over(turn, help_)
        else:
            self._expect_confirm(turn, help_)

    # --- deadlines ---------------------------------------------------------------------

    def expire(self, turn: Turn, handoff_id: HandoffId) -> None:
        """No INVITE came: the agent is free again in its old place."""
        help_ = self._helps[handoff_id]
        turn.write(
            ledger.HandoffExpired(
                handoff_id=handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=help_.call.call_id if help_.call is not None else None,
                stage=help_.state.value,
            )
        )
        help_.is_expired = True
        if help_.is_trunk_here:
            turn.order(HangUpTrunk(handoff_id=handoff_id))
        self.free_agent(turn, help_)
        self.close(turn, help_)

    def ask_origin(self, turn: Turn, handoff_id: HandoffId) -> None:
        """Connected and not confirmed in time: ask, never guess; the talk goes on meanwhile."""
        help_ = self._helps.get(handoff_id)
        if help_ is not None and help_.state is HandoffState.CONNECTED and not help_.is_confirmed:
            turn.order(Ask(site_id=help_.peer, request=GetHandoff(handoff_id=handoff_id)))
            self._expect_confirm(turn, help_)

    def forget(self, handoff_id: HandoffId) -> None:
        self._tombstones[self._helps.pop(handoff_id).peer] -= 1

    def resume_connected(self, turn: Turn, work: OpenHelp, call: CallContext, *, is_moved: bool) -> Help:
        """A talk that outlived the process."""
        help_ = Help(
            work.handoff_id,
            work.peer,
            HandoffState.CONNECTED,
            agent_id=work.agent_id,
            call=call,
            leg_id=work.leg_id,
            is_trunk_here=True,
            is_confirmed=work.is_confirmed,
            is_moved=is_moved,
            connected_at=work.connected_at,
        )
        self._helps[work.handoff_id] = help_
        if not is_moved:
            self._links.take(work.peer)
        turn.order(BridgeTrunkLeg(handoff_id=work.handoff_id, leg_id=work.leg_id))
        if not work.is_confirmed:
            self._expect_confirm(turn, help_)
        return help_

    # --- inside ------------------------------------------------------------------------

    def _find_agent(
        self, site_id: SiteId, request: Reserve, is_accepting: bool
    ) -> tuple[Refusal, Agent | None]:
        if not is_accepting or not self._policy.is_enabled:
            return Refusal.NOT_ACCEPTING, None
        queue = self._queues.find(request.call.queue_id)
        if queue is None:
            return Refusal.QUEUE_UNKNOWN, None
        if self._links.headroom(site_id) <= 0:
            return Refusal.LINK_FULL, None
        skills = request.call.skills | queue.policy.skills
        kept_back = self._policy.home_reserve
        if kept_back and self._roster.idle.count(skills) <= kept_back:
            return Refusal.NO_IDLE_AGENT, None
        agent_id = self._roster.idle.choose(skills, queue.policy.distribution, queue.hunt_position)
        if agent_id is None:
            return Refusal.NO_IDLE_AGENT, None
        if not self._own_loss.allows_one_more():
            return Refusal.OWN_LOSS, None
        agent = self._roster.get(agent_id)
        queue.hunt_position = agent.position
        return Refusal.NO_IDLE_AGENT, agent

    def _skills_for(self, call: CallContext) -> Skills:
        """What the call asks for, and what this site asks of whoever serves that queue."""
        queue = self._queues.find(call.queue_id)
        return call.skills | queue.policy.skills if queue is not None else call.skills

    def keep_agent(self, turn: Turn, help_: Help, agent: Agent) -> None:
        self._helps[help_.handoff_id] = help_
        help_.agent_id = agent.agent_id
        self._links.take(help_.peer)
        self._roster.reserve(turn, agent, help_.handoff_id)
        turn.ready.pop(agent.agent_id, None)

    def expect_trunk(self, turn: Turn, help_: Help) -> None:
        # A reservation without a deadline would keep an agent for ever.
        self._timers.set(
            (RESERVATION_TIMER, help_.handoff_id), Instant(turn.now + self._policy.reservation_ms)
        )

    def _expect_confirm(self, turn: Turn, help_: Help) -> None:
        self._timers.set((CONFIRM_TIMER, help_.handoff_id), Instant(turn.now + self._policy.confirm_limit_ms))

    def ring(self, turn: Turn, help_: Help, agent: Agent) -> None:
        assert help_.call is not None
        self._timers.cancel((RESERVATION_TIMER, help_.handoff_id))
        help_.state, help_.leg_id = HandoffState.RINGING, LegId(self._new_id())
        leg = Leg(
            leg_id=help_.leg_id,
            agent_id=agent.agent_id,
            call_id=help_.call.call_id,
            queue_id=help_.call.queue_id,
            handoff_id=help_.handoff_id,
            limit_ms=self._policy.ring_limit_ms,
            until=Instant(turn.now + self._policy.ring_limit_ms),
        )
        self._ringing.ring(turn, agent, leg)

    def _withdraw(self, turn: Turn, help_: Help, reason: str, *, is_trunk_up: bool) -> None:
        """Stop before the talk began: the agent has its old place back."""
        turn.write(
            ledger.HandoffCancelled(
                handoff_id=help_.handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=help_.call.call_id if help_.call is not None else None,
                reason=reason,
            )
        )
        if help_.is_trunk_here and is_trunk_up:
            turn.order(HangUpTrunk(handoff_id=help_.handoff_id))
        self.free_agent(turn, help_)
        self.close(turn, help_)

    def free_agent(self, turn: Turn, help_: Help) -> None:
        if help_.state is HandoffState.RINGING and help_.leg_id is not None:
            self._ringing.stop(turn, help_.leg_id)
        elif help_.agent_id is not None:
            self._roster.release(turn, self.agent_of(help_))
        help_.agent_id = None

    def _end_connected(self, turn: Turn, help_: Help, reason: str | None = None) -> None:
        assert help_.call is not None
        assert help_.connected_at is not None
        agent_id = help_.agent_id
        help_.talk_ms = talk_ms = turn.now - help_.connected_at
        turn.write(
            ledger.HandoffEnded(
                handoff_id=help_.handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=help_.call.call_id,
                agent_id=agent_id,
                talk_ms=talk_ms,
                reason=reason,
            )
        )
        if help_.is_moved and reason is None:
            self.tell_over(turn, help_.handoff_id, help_.peer, talk_ms)
        queue = self._queues.find(help_.call.queue_id)
        if queue is not None:
            queue.history.note_handled(turn.now, talk_ms)
        self.close(turn, help_)
        agent = self._roster.find(agent_id) if agent_id is not None else None
        if agent is not None:
            self._talking.begin_wrapup(turn, agent, help_.call.queue_id)

    def _confirm(self, turn: Turn, help_: Help) -> None:
        if help_.is_confirmed or help_.call is None:
            return
        help_.is_confirmed = True
        self._timers.cancel((CONFIRM_TIMER, help_.handoff_id))
        turn.write(
            ledger.HandoffConfirmed(handoff_id=help_.handoff_id, peer=help_.peer, call_id=help_.call.call_id)
        )

    def tell_over(self, turn: Turn, handoff_id: HandoffId, origin: SiteId, talk_ms: int) -> None:
        """A moved talk has ended: no leg at the origin tells it so."""
        tell = TellHandoff(handoff_id=handoff_id, state=HandoffState.OVER, talk_ms=talk_ms)
        turn.order(Ask(site_id=origin, request=tell))

    def close(self, turn: Turn, help_: Help) -> None:
        if not help_.is_moved:
            self._links.give_back(help_.peer)
        self._remember_over(turn, help_)

    def _remember_over(self, turn: Turn, help_: Help) -> None:
        help_.state = HandoffState.OVER
        self._helps[help_.handoff_id] = help_
        self._tombstones[help_.peer] += 1
        self._timers.cancel((RESERVATION_TIMER, help_.handoff_id))
        self._timers.cancel((CONFIRM_TIMER, help_.handoff_id))
        self._timers.set((FORGET_TIMER, help_.handoff_id), Instant(turn.now + self._policy.handoff_limit_ms))

    def agent_of(self, help_: Help) -> Agent:
        assert help_.agent_id is not None
        return self._roster.get(help_.agent_id)

    def write_reserved(self, turn: Turn, help_: Help) -> None:
        turn.write(
            ledger.HandoffReserved(
                handoff_id=help_.handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=help_.call.call_id if help_.call is not None else None,
                agent_id=help_.agent_id,
            )
        )

    def write_refused(self, turn: Turn, help_: Help, reason: str) -> None:
        turn.write(
            ledger.HandoffRefused(
                handoff_id=help_.handoff_id,
                role=Role.HELPER,
                peer=help_.peer,
                call_id=help_.call.call_id if help_.call is not None else None,
                reason=reason,
            )
        )
