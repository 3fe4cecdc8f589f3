"""callbacks_never_exceed_idle_agents and callbacks_end_once, as one site's ledger tells."""

from collections.abc import Mapping

from router.agent import AgentState
from router.ids import AgentId, CallId, SiteId
from router.ledger import (
    AgentStateChanged,
    CallbackDone,
    CallbackRequested,
    CallbackTried,
    Entry,
    LedgerRow,
    OutboundBegan,
    OutboundEnded,
)
from router.outbound.outcome import OutboundOutcome
from router.world.laws.law import InSystem, LedgerLaw, Seer


class CallbacksNeverExceedIdleAgents(LedgerLaw):
    """Each try takes an agent who is idle at that moment, for itself alone; a callback has one at a time."""

    name = "callbacks_never_exceed_idle_agents"

    def __init__(self) -> None:
        super().__init__()
        self._states: dict[tuple[SiteId, AgentId], AgentState] = {}
        self._in_flight: dict[CallId, OutboundBegan] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {AgentStateChanged: self._changed, OutboundBegan: self._began, OutboundEnded: self._ended}

    def _changed(self, row: LedgerRow, entry: AgentStateChanged) -> None:
        self._states[row.site_id, entry.agent_id] = entry.state

    def _began(self, row: LedgerRow, entry: OutboundBegan) -> None:
        if entry.callback_of is None:
            return
        self._checked += 1
        state = self._states.get((row.site_id, entry.agent_id), AgentState.LOGGED_OUT)
        if state is not AgentState.READY:
            self._violate(row, f"callback {entry.callback_of} takes {entry.agent_id}, who is {state}")
        for other in self._in_flight.values():
            if other.agent_id == entry.agent_id:
                self._violate(row, f"{entry.agent_id} is taken for two callbacks at once")
            if other.callback_of == entry.callback_of:
                self._violate(row, f"callback {entry.callback_of} is tried twice at once")
        self._in_flight[entry.call_id] = entry

    def _ended(self, row: LedgerRow, entry: OutboundEnded) -> None:
        self._in_flight.pop(entry.call_id, None)


class CallbacksEndOnce(LedgerLaw):
    """Requested once, tried only until it is done, done once, and done at the end when it was reached."""

    name = "callbacks_end_once"

    def __init__(self) -> None:
        super().__init__()
        self._is_done: dict[CallId, bool] = {}
        self._reached: dict[CallId, LedgerRow] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {CallbackRequested: self._requested, CallbackTried: self._tried, CallbackDone: self._done}

    def _requested(self, row: LedgerRow, entry: CallbackRequested) -> None:
        self._checked += 1
        if entry.call_id in self._is_done:
            self._violate(row, f"a callback of {entry.call_id} is requested a second time")
        self._is_done[entry.call_id] = False

    def _tried(self, row: LedgerRow, entry: CallbackTried) -> None:
        if self._is_done.get(entry.call_id, True):
            self._violate(row, f"{entry.call_id} is called back and has no open request")
        if entry.outcome is OutboundOutcome.ANSWERED:
            self._reached[entry.call_id] = row

    def _done(self, row: LedgerRow, entry: CallbackDone) -> None:
        if self._is_done.get(entry.call_id, True):
            self._violate(row, f"a callback of {entry.call_id} is done and was not open")
        self._is_done[entry.call_id] = True

    def settle(self, alive: InSystem) -> None:
        for call_id, row in self._reached.items():
            if not self._is_done[call_id]:
                self._violate(row, f"the callback of {call_id} was reached and is not done")
