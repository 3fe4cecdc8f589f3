"""This site as it would be if its agents had never helped: who would be answered there, and who wait.

The shadow has the same callers and all the agents, those on other sites' calls too. One number
tells its state, how many own callers are with it, and what happens in the room moves it: who
comes here comes there; as a talk ends here one ends there, or more than one where more agents
would be talking. A caller who is late here would be on time there when fewer wait there than
here behind it.

All agents count as one room. Where they serve different queues, a caller may count as harmed
who would have been late anyway.
"""

from router.acd.calls import Calls
from router.acd.roster import Roster
from router.ids import AgentId, CallId


class Shadow:
    def __init__(self, calls: Calls, roster: Roster) -> None:
        self._calls = calls
        self._roster = roster
        self._unanswered: dict[CallId, None] = {}
        """Own callers in the order in which they came: they wait, or ring an agent."""
        self._serving: set[AgentId] = set()
        """Agents with an own caller, until they are through with its wrap-up."""
        self.caller_count = 0.0
        """Own callers who would wait or be served. A mean: nobody knows when just they would be through."""

    def __contains__(self, call_id: CallId) -> bool:
        """Whether the caller is one who has not been answered."""
        return call_id in self._unanswered

    def agent_count(self, helping_count: int) -> int:
        """Who serves own callers, could, or helps; not who is away or dials out."""
        idle_count = self._roster.idle.count(frozenset())
        return idle_count + self._ringing_count() + len(self._serving) + helping_count

    # --- what happens in the room --------------------------------------------------------

    def caller_came(self, call_id: CallId) -> None:
        self._unanswered[call_id] = None
        self.caller_count += 1

    def answered_at_home(self, call_id: CallId, agent_id: AgentId) -> None:
        del self._unanswered[call_id]
        self._serving.add(agent_id)

    def answered_away(self, call_id: CallId, helping_count: int) -> None:
        """The other site would have taken one who waits there; it can't where nobody would wait."""
        del self._unanswered[call_id]
        if self._waiting_count(helping_count) >= 1:
            self._less_one()

    def left(self, call_id: CallId, *, is_served_there: bool) -> None:
        """Without an answer: here, and there too if it waits there."""
        del self._unanswered[call_id]
        if not is_served_there:
            self._less_one()

    def agent_through(self, agent_id: AgentId, helping_count: int) -> None:
        """With whatever it did; only an own caller's end counts."""
        if agent_id in self._serving:
            busy_count = len(self._serving) + self._ringing_count()
            self._serving.remove(agent_id)
            served = min(self.caller_count, self.agent_count(helping_count))
            self.caller_count = max(0.0, self.caller_count - served / busy_count)

    # --- what would be -------------------------------------------------------------------

    def would_serve(self, call_id: CallId, helping_count: int, *, is_ringing: bool, is_over: bool) -> bool:
        """Whether this caller, unanswered here, would be with an agent by now.

        One for whom a phone rings, or rang when it gave up, would be only if the next one were served
        there too. One whose call `is_over` has left the waiting room and looks as if a phone rang.
        """
        agent_count = self.agent_count(helping_count) - is_over
        still_waiting = max(0.0, self.caller_count - agent_count) + is_ringing
        behind = 0
        for other in reversed(self._unanswered):
            if behind >= still_waiting:
                return True
            if other == call_id:
                return False
            behind += other in self._calls.waiting
        return False

    # --- inside --------------------------------------------------------------------------

    def _waiting_count(self, helping_count: int) -> float:
        return max(0.0, self.caller_count - self.agent_count(helping_count))

    def _ringing_count(self) -> int:
        return max(0, len(self._unanswered) - len(self._calls.waiting))

    def _less_one(self) -> None:
        self.caller_count = max(0.0, self.caller_count - 1)
