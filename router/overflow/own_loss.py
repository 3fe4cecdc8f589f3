"""What helping costs this site's own callers, and whether one more help fits into `max_own_loss`.

Each own caller who is late here, and would not be in the shadow of a site that never helps, is
harmed. So many in a hundred may be: that is the budget, and it grows with each own caller. What
a help will cost is forecast from who is idle and how many own callers there usually are. No help may
take more than a part of what is left, so that the cheap ones go first.
"""

from math import exp, pi, sqrt

from router import ledger
from router.acd.calls import Calls
from router.acd.queues import Queues
from router.acd.roster import Roster
from router.agent import BUSY, WITH_A_CALL, AgentState
from router.call import Disposition
from router.ids import AgentId, CallId, Instant
from router.ledger import Entry
from router.overflow.policy import OverflowPolicy
from router.overflow.shadow import Shadow
from router.timers import Timers
from router.turn import Turn

LATE_TIMER = "own_caller_late"

MEMORY_MS = 4 * 3_600_000
"""Callers and harm fade with it: half a shift still counts, yesterday does not. However they fade, harm
that never exceeds a share of the callers does not exceed it over the whole day either."""

LOAD_MEMORY_MS = 900_000
"""Of how many own callers there usually are: longer than a few calls, shorter than a swing of the day."""

SHARE_OF_REST = 0.3
"""One help may be expected to take so much of what is left."""

_NEXT_TO_NOTHING = 0.01
"""Harm of one help that a site may risk before its first own caller has come: of a caller."""

ON_TIME_WAITING_SHARE = 0.1
"""So many callers may wait for each agent and still be on time: 20 s of a call of 200 s."""

_ABANDONED = frozenset({Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING})
_AT_WORK = BUSY | WITH_A_CALL | {AgentState.RESERVED}


class OwnLoss:
    """Watches the site's own rows; without a limit it does nothing."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        calls: Calls,
        roster: Roster,
        queues: Queues,
        timers: Timers[tuple[str, str]],
    ) -> None:
        self._limit_points = policy.max_own_loss
        self._calls = calls
        self._roster = roster
        self._queues = queues
        self._timers = timers
        self._shadow = Shadow(calls, roster)
        self._helping: dict[AgentId, float] = {}
        """Agents kept for or on other sites' calls, each with the harm that was expected then of one more
        beside it: a little more than its own."""
        self._late: set[CallId] = set()
        """Unanswered callers who have been judged."""
        self._callers = self._harmed = 0.0
        """Counts that fade."""
        self._load = 0.0
        """How many own callers the shadow usually has."""
        self._followed_until: Instant | None = None
        self._turn: Turn | None = None
        self._seen_count = 0
        """Of the turn's rows and orders."""

    @property
    def points(self) -> float | None:
        """Lost so far, of the own callers remembered; None before the first, and without a limit."""
        return 100 * self._harmed / self._callers if self._callers else None

    def allows_one_more(self) -> bool:
        """Whether an agent may be kept for another site's caller now."""
        if self._limit_points is None:
            return True
        if not self._callers and self._limit_points:
            # Nobody of its own has called, so nobody was harmed.
            return self._expected_harm() < _NEXT_TO_NOTHING
        left = self._limit_points / 100 * self._callers - self._harmed - sum(self._helping.values())
        return left > 0 and self._expected_harm() <= SHARE_OF_REST * left

    def follow(self, turn: Turn) -> None:
        """Take in the turn's new rows; may be told the same turn again as it grows."""
        if self._limit_points is None:
            return
        if turn is not self._turn:
            self._turn, self._seen_count = turn, 0
            self._fade(turn.now)
        for each in turn.outcome[self._seen_count :]:
            if isinstance(each, Entry):
                self._see(turn, each)
        self._seen_count = len(turn.outcome)

    def target_passed(self, call_id: CallId) -> None:
        """The caller has waited as long as its queue's service level allows."""
        is_ringing = call_id not in self._calls.waiting
        self._judge(call_id, self._would_serve(call_id, is_ringing=is_ringing, is_over=False))

    # --- inside --------------------------------------------------------------------------

    def _see(self, turn: Turn, entry: Entry) -> None:
        if isinstance(entry, ledger.AgentStateChanged):
            self._agent_changed(entry)
        elif isinstance(entry, ledger.CallQueued):
            self._caller_came(entry.call_id)
        elif isinstance(entry, ledger.CallConnected) and entry.call_id in self._shadow:
            self._answered(entry)
        elif isinstance(entry, ledger.CallEnded) and entry.call_id in self._shadow:
            is_ringing = entry.disposition is Disposition.ABANDONED_RINGING
            is_served_there = self._would_serve(entry.call_id, is_ringing=is_ringing, is_over=True)
            if entry.disposition in _ABANDONED:
                self._judge(entry.call_id, is_served_there)
            self._shadow.left(entry.call_id, is_served_there=is_served_there)
            self._forget(entry.call_id)

    def _agent_changed(self, entry: ledger.AgentStateChanged) -> None:
        if entry.state is AgentState.RESERVED:
            self._helping[entry.agent_id] = self._expected_harm()
        elif entry.state not in _AT_WORK:
            self._helping.pop(entry.agent_id, None)
            self._shadow.agent_through(entry.agent_id, len(self._helping))

    def _caller_came(self, call_id: CallId) -> None:
        call = self._calls.find(call_id)
        if call is None:
            return
        self._callers += 1
        self._shadow.caller_came(call_id)
        target_ms = self._queues.get(call.queue_id).policy.service_level_ms
        self._timers.set((LATE_TIMER, call_id), Instant(call.queued_at + target_ms + 1))

    def _answered(self, entry: ledger.CallConnected) -> None:
        if entry.agent_id is not None:
            self._shadow.answered_at_home(entry.call_id, entry.agent_id)
        else:
            self._shadow.answered_away(entry.call_id, len(self._helping))
        self._forget(entry.call_id)

    def _would_serve(self, call_id: CallId, *, is_ringing: bool, is_over: bool) -> bool:
        helping_count = len(self._helping)
        return self._shadow.would_serve(call_id, helping_count, is_ringing=is_ringing, is_over=is_over)

    def _judge(self, call_id: CallId, is_served_there: bool) -> None:
        if call_id not in self._late:
            self._late.add(call_id)
            self._harmed += is_served_there

    def _forget(self, call_id: CallId) -> None:
        self._timers.cancel((LATE_TIMER, call_id))
        self._late.discard(call_id)

    def _fade(self, now: Instant) -> None:
        passed_ms = 0 if self._followed_until is None else now - self._followed_until
        self._followed_until = now
        if passed_ms:
            kept = exp(-passed_ms / MEMORY_MS)
            self._callers *= kept
            self._harmed *= kept
            usual = exp(-passed_ms / LOAD_MEMORY_MS)
            self._load = usual * self._load + (1 - usual) * self._shadow.caller_count

    def _expected_harm(self) -> float:
        """Own callers whom one more agent away makes late.

        Own callers come and go: halfway through a help as many are expected as between now and
        usual, spread as a normal distribution of Poisson arrivals and exponential talks is
        (Ornstein-Uhlenbeck, after the time in which half is forgotten). One more agent away makes late
        whoever comes while just as many wait as are still on time; `load` callers come during a help.
        """
        agent_count = self._shadow.agent_count(len(self._helping))
        left_count = self._roster.idle.count(frozenset()) - 1
        load = max(1.0, self._load)
        own_count = agent_count - len(self._helping) - 1 - left_count
        edge = agent_count - len(self._helping) - 1 + ON_TIME_WAITING_SHARE * agent_count
        spread = sqrt(0.75 * load)
        distance = max(0.0, edge - (load + own_count) / 2) / spread
        return load * exp(-distance * distance / 2) / (sqrt(2 * pi) * spread)
