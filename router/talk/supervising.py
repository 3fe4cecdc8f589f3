"""A supervisor listens to an agent's talk, whispers to the agent or barges in.

The supervisor's phone is rung on a leg of its own. Nothing is heard before the row that
says who hears is committed. A restart of the node ends it without a row: NODE_STARTED does.
"""

from router import ledger
from router.acd.policy import RING_LIMIT_MS
from router.acd.roster import Agent, Roster
from router.agent import AgentState
from router.errors import DuplicateError, WrongStateError
from router.ids import AgentId, Instant, LegId, QueueId
from router.orders import HangUpLeg, JoinTalk, Overhear, PartTalk, RingAgent, StopRinging
from router.talk.supervision import Supervision, SupervisionEnd, SupervisionMode, Supervisions
from router.timers import Timers
from router.turn import Turn

SUPERVISE_TIMER = "supervise"

_TALKING = (AgentState.TALKING, AgentState.ON_HOLD)


class Supervising:
    """Beside the talks of this site's agents, its own calls' and other sites'."""

    def __init__(self, roster: Roster, timers: Timers[tuple[str, str]]) -> None:
        self.supervisions = Supervisions()
        self._roster = roster
        self._timers = timers

    def begin(
        self,
        turn: Turn,
        agent: Agent,
        *,
        supervisor: str,
        phone: AgentId,
        mode: SupervisionMode,
        leg_id: LegId,
        queue_id: QueueId,
    ) -> None:
        """Ring the supervisor's phone; what `mode` says begins when it is answered.

        Raises:
            WrongStateError: the agent doesn't talk, or the supervisor is beside another talk.
            DuplicateError: an agent or another supervisor is at that phone.
        """
        if agent.state not in _TALKING or agent.leg_id is None or agent.call_id is None:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "a connected call")
        if self.supervisions.of(supervisor) is not None:
            raise WrongStateError(f"supervisor {supervisor!r}", "beside another talk", "an end of that first")
        if self._roster.find(phone) is not None or self.supervisions.on(phone) is not None:
            raise DuplicateError(f"somebody at phone {phone!r}")
        self.supervisions.add(
            Supervision(
                supervisor=supervisor,
                phone=phone,
                leg_id=leg_id,
                agent_id=agent.agent_id,
                agent_leg=agent.leg_id,
                call_id=agent.call_id,
                mode=mode,
            )
        )
        turn.order(
            RingAgent(
                leg_id=leg_id, agent_id=phone, call_id=agent.call_id, queue_id=queue_id, handoff_id=None
            )
        )
        self._timers.set((SUPERVISE_TIMER, leg_id), Instant(turn.now + RING_LIMIT_MS))

    def change(self, turn: Turn, supervision: Supervision, mode: SupervisionMode) -> None:
        """Another way beside the same talk; asking for the present one changes nothing."""
        was, supervision.mode = supervision.mode, mode
        if not supervision.is_up or was is mode:
            return
        self._write_mode(turn, supervision)
        if was is SupervisionMode.BARGE:
            turn.order(PartTalk(leg_id=supervision.agent_leg, parting=supervision.leg_id))
        self._place(turn, supervision)

    def answered(self, turn: Turn, supervision: Supervision) -> None:
        self._timers.cancel((SUPERVISE_TIMER, supervision.leg_id))
        supervision.is_up = True
        self._write_mode(turn, supervision)
        self._place(turn, supervision)

    def over(self, turn: Turn, supervision: Supervision, reason: SupervisionEnd, *, is_leg_up: bool) -> None:
        """The supervisor hangs up, or the talk is over."""
        self._timers.cancel((SUPERVISE_TIMER, supervision.leg_id))
        self.supervisions.drop(supervision)
        if supervision.is_up:
            turn.write(
                ledger.MonitoringEnded(
                    call_id=supervision.call_id,
                    agent_id=supervision.agent_id,
                    supervisor=supervision.supervisor,
                    reason=reason,
                )
            )
        if is_leg_up:
            end = HangUpLeg if supervision.is_up else StopRinging
            turn.order(end(leg_id=supervision.leg_id, agent_id=supervision.phone))

    def expire(self, turn: Turn, leg_id: LegId) -> None:
        """The supervisor does not answer."""
        supervision = self.supervisions.find_by_leg(leg_id)
        assert supervision is not None
        self.over(turn, supervision, SupervisionEnd.LEFT, is_leg_up=True)

    def follow(self, turn: Turn) -> None:
        """A talk can end in many ways: who stood beside one that is over leaves."""
        for supervision in self.supervisions:
            if self._roster.find_by_leg(supervision.agent_leg) is None:
                self.over(turn, supervision, SupervisionEnd.TALK_OVER, is_leg_up=True)

    # --- inside ------------------------------------------------------------------------

    def _write_mode(self, turn: Turn, supervision: Supervision) -> None:
        turn.write(
            ledger.Monitored(
                call_id=supervision.call_id,
                agent_id=supervision.agent_id,
                supervisor=supervision.supervisor,
                mode=supervision.mode,
            )
        )

    def _place(self, turn: Turn, supervision: Supervision) -> None:
        if supervision.mode is SupervisionMode.BARGE:
            turn.order(JoinTalk(leg_id=supervision.agent_leg, joining=supervision.leg_id))
            return
        turn.order(
            Overhear(
                leg_id=supervision.leg_id,
                beside=supervision.agent_leg,
                is_whispering=supervision.mode is SupervisionMode.WHISPER,
            )
        )
