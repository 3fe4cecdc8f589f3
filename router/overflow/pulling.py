"""Pull: an idle agent with nobody to serve at home asks for the caller who has waited longest.

The agent is reserved before the claim leaves, so the token in it is good; a refused or
unanswered claim gives it its old place back, and the next site is asked.
"""

from collections.abc import Callable

from router import ledger
from router.acd.queues import Queues
from router.acd.roster import Agent, Roster
from router.agent import AgentState
from router.ids import HandoffId, Instant, QueueId, SiteId
from router.ledger import Role
from router.orders import Ask, HangUpTrunk
from router.overflow.board import Board
from router.overflow.choice import Choice, Chooser
from router.overflow.help import Help
from router.overflow.helper import RESERVATION_TIMER, HelperSide
from router.overflow.messages import Claim, Given, HandoffState, Refusal, Refused, Reply
from router.overflow.own_loss import OwnLoss
from router.overflow.policy import OverflowPolicy
from router.overflow.taking_back import TakingBack
from router.timers import Timers
from router.turn import Turn


class Pulling:
    """Claims of this site's idle agents, and what becomes of them."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        own_loss: OwnLoss,
        helper: HelperSide,
        roster: Roster,
        queues: Queues,
        board: Board,
        chooser: Chooser,
        taking_back: TakingBack,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
        mint_token: Callable[[HandoffId, SiteId], str],
    ) -> None:
        self._policy = policy
        self._own_loss = own_loss
        self._helper = helper
        self._roster = roster
        self._queues = queues
        self._board = board
        self._chooser = chooser
        self._taking_back = taking_back
        self._timers = timers
        self._new_id = new_id
        self._mint_token = mint_token
        self._blind_wait_ms = policy.blind_ask_interval_ms

    @property
    def blind_wait_ms(self) -> int:
        """How long to wait before `claim_blind`, the next time."""
        return self._blind_wait_ms

    def heard_of_callers(self) -> None:
        """Somebody is in need: without a view, ask often again."""
        self._blind_wait_ms = self._policy.blind_ask_interval_ms

    def claim(self, turn: Turn, agent: Agent) -> bool:
        """Ask the site whose head call waited longest. False when there is none to ask."""
        if not self._may_lend(agent):
            return False
        choice = self._chooser.origin_for(self._queues_for(agent), turn.now)
        if choice is None:
            return False
        self._send_claim(turn, agent, choice)
        return True

    def claim_blind(self, turn: Turn) -> None:
        """Without a view: the longest idle agent asks the next configured peer."""
        for agent_id in self._roster.idle.longest_idle(frozenset(), 1):
            agent = self._roster.get(agent_id)
            queues = self._queues_for(agent)
            if queues and self._may_lend(agent):
                choice = self._chooser.blind_origin(queues[0], turn.now)
                if choice is not None:
                    self._send_claim(turn, agent, choice)
                    self._blind_wait_ms = min(2 * self._blind_wait_ms, self._policy.blind_ask_limit_ms)

    def claim_replied(self, turn: Turn, site_id: SiteId, handoff_id: HandoffId, reply: Reply) -> None:
        help_ = self._helper.find(handoff_id)
        if isinstance(reply, Given):
            self.heard_of_callers()
            if help_ is None or help_.state is not HandoffState.ASKING:
                self._taking_back.tell(turn, handoff_id, site_id, "LATE")
                return
            help_.call, help_.state = reply.call, HandoffState.RESERVED
            self._helper.write_reserved(turn, help_)
            if help_.is_trunk_here:
                self._helper.ring(turn, help_, self._helper.agent_of(help_))
            else:
                self._helper.expect_trunk(turn, help_)
        elif help_ is not None and help_.state is HandoffState.ASKING:
            reason = reply.reason if isinstance(reply, Refused) else Refusal.CANCELLED
            self._claim_failed(turn, help_, reason.value)

    def claim_silent(self, turn: Turn, site_id: SiteId, handoff_id: HandoffId) -> None:
        help_ = self._helper.find(handoff_id)
        if help_ is not None and help_.state is HandoffState.ASKING:
            self._taking_back.tell(turn, handoff_id, site_id, "SILENT")
            self._claim_failed(turn, help_, "SILENT")

    # --- inside --------------------------------------------------------------------------

    def _queues_for(self, agent: Agent) -> list[QueueId]:
        """What the agent may serve for others."""
        return [
            queue.policy.queue_id
            for queue in self._queues
            if queue.policy.is_overflow_allowed and queue.policy.skills <= agent.skills
        ]

    def _may_lend(self, agent: Agent) -> bool:
        is_idle = agent.state is AgentState.READY
        return (
            self._policy.is_enabled
            and is_idle
            and self._roster.idle.count(agent.skills) > self._policy.home_reserve
            and self._own_loss.allows_one_more()
        )

    def _send_claim(self, turn: Turn, agent: Agent, choice: Choice) -> None:
        handoff_id = HandoffId(self._new_id())
        self._board.note_claim(choice.site_id, choice.queue_id, turn.now)
        help_ = Help(handoff_id, choice.site_id, HandoffState.ASKING)
        turn.write(
            ledger.HandoffAsked(
                handoff_id=handoff_id,
                role=Role.HELPER,
                peer=choice.site_id,
                call_id=None,
                decision=choice.decision,
            )
        )
        self._helper.keep_agent(turn, help_, agent)
        self._timers.set((RESERVATION_TIMER, handoff_id), Instant(turn.now + self._policy.reservation_ms))
        claim = Claim(
            handoff_id=handoff_id,
            skills=agent.skills,
            token=self._mint_token(handoff_id, choice.site_id),
            timeout_ms=self._policy.rpc_limit_ms,
        )
        turn.order(Ask(site_id=choice.site_id, request=claim))

    def _claim_failed(self, turn: Turn, help_: Help, reason: str) -> None:
        self._helper.write_refused(turn, help_, reason)
        if reason == Refusal.NONE_WAITING:
            skills = self._helper.agent_of(help_).skills
            for queue in self._queues:
                if queue.policy.skills <= skills:
                    self._board.hear_of_no_caller(help_.peer, queue.policy.queue_id, turn.now)
        else:
            self._board.avoid(help_.peer)
        if help_.is_trunk_here:
            turn.order(HangUpTrunk(handoff_id=help_.handoff_id))
        self._helper.free_agent(turn, help_)
        self._helper.close(turn, help_)
