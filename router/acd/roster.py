"""The agents logged in at one site: sessions, states and the idle order.

Every change of state goes through `_enter`, so the ledger's AGENT_STATE rows, the idle
order and the staffed count can't disagree.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from router.acd.idle import IdleAgents, IdlePlace
from router.agent import BUSY, STAFFED, WITH_A_CALL, AgentState
from router.errors import UnknownAgentError, WrongStateError
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, Skills
from router.ledger import AgentLoggedIn, AgentLoggedOut, AgentStateChanged
from router.outbound.lines import Lines
from router.outbound.routes import Way
from router.recovery import OpenSession
from router.turn import Turn
from router.views import AgentView

_AT_WORK = BUSY | WITH_A_CALL | {AgentState.RESERVED}

MAY_RING = frozenset({AgentState.READY, AgentState.RESERVED, AgentState.NOT_READY, AgentState.MISSED})
"""The last two only for a call that the agent itself wants: it dials, or picks one up."""

_OCCUPANCY_SCALE = 1_000_000


@dataclass(slots=True)
class Agent:
    """One session. Only the roster changes it."""

    agent_id: AgentId
    skills: Skills
    position: int
    session_since: Instant
    state: AgentState
    since: Instant
    reason: str | None = None
    idle_key: tuple[int, int] = (0, 0)
    busy_ms: int = 0
    leg_id: LegId | None = None
    way: Way | None = None
    """The line that its leg takes up, where that leads outside."""
    call_id: CallId | None = None
    handoff_id: HandoffId | None = None
    after_call: AgentState | None = None
    """What was asked for meanwhile, or lasted when it dialled: any state but those with a call."""
    after_call_reason: str | None = None


class Roster:
    """Who is logged in, and what each does."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.idle = IdleAgents()
        self._agents: dict[AgentId, Agent] = {}
        self._positions: dict[AgentId, int] = {}
        self._staffed: dict[Skills, int] = {}
        self._by_leg: dict[LegId, AgentId] = {}
        self._serial = 0

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents.values())

    def get(self, agent_id: AgentId) -> Agent:
        """Raises:
        UnknownAgentError: not logged in here.
        """
        agent = self._agents.get(agent_id)
        if agent is None:
            raise UnknownAgentError(agent_id)
        return agent

    def find(self, agent_id: AgentId) -> Agent | None:
        return self._agents.get(agent_id)

    def find_by_leg(self, leg_id: LegId) -> Agent | None:
        """The agent whose live leg this is, ringing or connected."""
        agent_id = self._by_leg.get(leg_id)
        return self._agents[agent_id] if agent_id is not None else None

    def staffed_count(self, skills: Skills) -> int:
        """Working agents with all of `skills`."""
        return sum(count for have, count in self._staffed.items() if skills <= have)

    # --- sessions ----------------------------------------------------------------------

    def log_in(self, turn: Turn, agent_id: AgentId, skills: Skills) -> None:
        """Begin a session, not ready; one that exists goes on, with these skills."""
        agent = self._agents.get(agent_id)
        if agent is None:
            agent = self._add(agent_id, skills, turn.now)
            turn.write(AgentLoggedIn(agent_id=agent_id, skills=tuple(sorted(skills))))
            self._enter(turn, agent, AgentState.NOT_READY, "LOGGED_IN")
            return
        if agent.after_call is AgentState.LOGGED_OUT:
            agent.after_call, agent.after_call_reason = AgentState.NOT_READY, "LOGGED_IN"
        if agent.skills != skills:
            turn.write(AgentLoggedIn(agent_id=agent_id, skills=tuple(sorted(skills))))
            self._replace_skills(turn, agent, skills)

    def log_out(self, turn: Turn, agent: Agent) -> None:
        self._after_work(turn, agent, AgentState.LOGGED_OUT, None)

    def resume(self, turn: Turn, session: OpenSession) -> None:
        """Take up a session of the ledger without a new row; the state is the ledger's last."""
        agent = self._add(session.agent_id, session.skills, turn.now)
        agent.state, agent.reason = session.state, session.reason
        self._count_staffed(agent, +1 if agent.state in STAFFED else 0)
        if agent.state is AgentState.READY:
            self._line_up(turn, agent, is_new_place=True)

    def resume_talk(
        self,
        agent: Agent,
        *,
        leg_id: LegId,
        way: Way | None,
        call_id: CallId,
        handoff_id: HandoffId | None,
    ) -> None:
        """The session's connected leg outlived the process."""
        agent.call_id, agent.handoff_id = call_id, handoff_id
        self._take_leg(agent, leg_id, way)

    # --- states ------------------------------------------------------------------------

    def make_ready(self, turn: Turn, agent: Agent) -> None:
        """The agent's own word: from not ready, missed or unreachable; or it takes back what it asked for.

        Raises:
            WrongStateError: it has a call or is kept for one.
        """
        if agent.state in _AT_WORK:
            if agent.after_call is None:
                raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "no call in hand")
            agent.after_call = agent.after_call_reason = None
        elif agent.state is not AgentState.READY:
            self._enter(turn, agent, AgentState.READY, None)

    def make_not_ready(self, turn: Turn, agent: Agent, state: AgentState, reason: str) -> None:
        """Now when free, else after the call and its wrap-up."""
        self._after_work(turn, agent, state, reason)

    def reserve(self, turn: Turn, agent: Agent, handoff_id: HandoffId) -> None:
        assert agent.state is AgentState.READY
        agent.handoff_id = handoff_id
        self._enter(turn, agent, AgentState.RESERVED, None)

    def ring(self, turn: Turn, agent: Agent, leg_id: LegId, way: Way | None, call_id: CallId) -> None:
        assert agent.state in MAY_RING
        if agent.state not in (AgentState.READY, AgentState.RESERVED):
            # It dials out of its break, or picks a call up: the break goes on afterwards.
            agent.after_call, agent.after_call_reason = agent.state, agent.reason
        agent.call_id = call_id
        self._take_leg(agent, leg_id, way)
        self._enter(turn, agent, AgentState.RINGING, None)

    def ring_on(self, agent: Agent, leg_id: LegId, way: Way | None) -> None:
        """The same offer rings at another place."""
        assert agent.state is AgentState.RINGING
        self._drop_leg(agent)
        self._take_leg(agent, leg_id, way)

    def talk(self, turn: Turn, agent: Agent) -> None:
        self._enter(turn, agent, AgentState.TALKING, None)

    def hold(self, turn: Turn, agent: Agent) -> None:
        self._enter(turn, agent, AgentState.ON_HOLD, None)

    def wrap_up(self, turn: Turn, agent: Agent) -> None:
        self._drop_leg(agent)
        agent.handoff_id = None
        self._enter(turn, agent, AgentState.WRAP_UP, None)

    def release(self, turn: Turn, agent: Agent) -> None:
        """The offer or reservation came to nothing and not by the agent's fault: old place back."""
        self._leave_call(turn, agent, AgentState.READY, None, is_new_place=False)

    def miss(self, turn: Turn, agent: Agent, state: AgentState, reason: str) -> None:
        """Rang and was not answered: no offers until it says ready."""
        self._leave_call(turn, agent, state, reason, is_new_place=True)

    def finish(self, turn: Turn, agent: Agent) -> None:
        """Call and wrap-up are over."""
        self._leave_call(turn, agent, AgentState.READY, None, is_new_place=True)

    def _after_work(self, turn: Turn, agent: Agent, state: AgentState, reason: str | None) -> None:
        if agent.state in _AT_WORK:
            agent.after_call, agent.after_call_reason = state, reason
        else:
            self._enter(turn, agent, state, reason)

    # --- inside ------------------------------------------------------------------------

    def _add(self, agent_id: AgentId, skills: Skills, now: Instant) -> Agent:
        position = self._positions.setdefault(agent_id, len(self._positions))
        agent = Agent(agent_id, skills, position, now, AgentState.LOGGED_OUT, now)
        self._agents[agent_id] = agent
        return agent

    def _replace_skills(self, turn: Turn, agent: Agent, skills: Skills) -> None:
        is_staffed = agent.state in STAFFED
        self._count_staffed(agent, -1 if is_staffed else 0)
        if agent.agent_id in self.idle:
            self.idle.remove(agent.agent_id)
        agent.skills = skills
        self._count_staffed(agent, +1 if is_staffed else 0)
        if agent.state is AgentState.READY:
            self._line_up(turn, agent, is_new_place=False)

    def _leave_call(
        self, turn: Turn, agent: Agent, state: AgentState, reason: str | None, *, is_new_place: bool
    ) -> None:
        self._drop_leg(agent)
        agent.call_id = agent.handoff_id = None
        if agent.after_call is not None:
            state, reason = agent.after_call, agent.after_call_reason
            agent.after_call = agent.after_call_reason = None
        self._enter(turn, agent, state, reason, is_new_place=is_new_place)

    def _take_leg(self, agent: Agent, leg_id: LegId, way: Way | None) -> None:
        agent.leg_id, agent.way = leg_id, way
        self._by_leg[leg_id] = agent.agent_id
        if way is not None:
            self._lines.take(way)

    def _drop_leg(self, agent: Agent) -> None:
        if agent.leg_id is not None:
            del self._by_leg[agent.leg_id]
            agent.leg_id = None
        if agent.way is not None:
            self._lines.give_back(agent.way)
            agent.way = None

    def _enter(
        self, turn: Turn, agent: Agent, state: AgentState, reason: str | None, *, is_new_place: bool = True
    ) -> None:
        was = agent.state
        if agent.agent_id in self.idle:
            self.idle.remove(agent.agent_id)
        if was in BUSY:
            agent.busy_ms += turn.now - agent.since
        self._count_staffed(agent, (state in STAFFED) - (was in STAFFED))
        agent.state, agent.reason, agent.since = state, reason, turn.now
        turn.write(AgentStateChanged(agent_id=agent.agent_id, state=state, reason=reason))
        if state is AgentState.READY:
            self._line_up(turn, agent, is_new_place=is_new_place)
        elif state is AgentState.LOGGED_OUT:
            del self._agents[agent.agent_id]
            turn.write(AgentLoggedOut(agent_id=agent.agent_id))

    def _line_up(self, turn: Turn, agent: Agent, *, is_new_place: bool) -> None:
        if is_new_place:
            self._serial += 1
            agent.idle_key = (turn.now, self._serial)
        session_ms = max(1, turn.now - agent.session_since)
        place = IdlePlace(
            longest_idle=agent.idle_key,
            position=agent.position,
            occupancy_ppm=agent.busy_ms * _OCCUPANCY_SCALE // session_ms,
        )
        self.idle.add(agent.agent_id, agent.skills, place)
        turn.ready[agent.agent_id] = None

    def _count_staffed(self, agent: Agent, change: int) -> None:
        if change:
            self._staffed[agent.skills] = self._staffed.get(agent.skills, 0) + change


def view(agent: Agent) -> AgentView:
    return AgentView(
        agent_id=agent.agent_id,
        state=agent.state,
        reason=agent.reason,
        since=agent.since,
        skills=agent.skills,
        call_id=agent.call_id,
        handoff_id=agent.handoff_id,
        leg_id=agent.leg_id,
    )
