"""An agent's states, and which of them may follow which."""

from enum import StrEnum


class AgentState(StrEnum):
    """What an agent is doing. Only READY can be offered a call or be reserved."""

    LOGGED_OUT = "LOGGED_OUT"
    NOT_READY = "NOT_READY"
    READY = "READY"
    RESERVED = "RESERVED"
    """Kept for one hand-off until its deadline."""
    RINGING = "RINGING"
    TALKING = "TALKING"
    ON_HOLD = "ON_HOLD"
    WRAP_UP = "WRAP_UP"
    UNREACHABLE = "UNREACHABLE"
    """Phone or desktop lost: not ready until it is back and says so."""
    MISSED = "MISSED"
    """Did not answer, or rejected, an offer (RONA): no offer until it makes itself ready."""


BUSY = frozenset({AgentState.TALKING, AgentState.ON_HOLD, AgentState.WRAP_UP})
"""Counts as handling time."""

STAFFED = frozenset(
    {
        AgentState.READY,
        AgentState.RESERVED,
        AgentState.RINGING,
        AgentState.TALKING,
        AgentState.ON_HOLD,
        AgentState.WRAP_UP,
    }
)
"""Working agents, as the load board counts them; zero of them is an infinite expected wait."""

WITH_A_CALL = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.ON_HOLD})


class RingFailure(StrEnum):
    """Why a ring ended without an answer; told apart in the ledger and in the RONA rate."""

    NO_ANSWER = "NO_ANSWER"
    REJECTED = "REJECTED"
    BUSY = "BUSY"
    UNREACHABLE = "UNREACHABLE"
    STOPPED = "STOPPED"
    """Ended by us (caller gone, another agent of the set answered); nobody's fault."""
    MOVED_ON = "MOVED_ON"
    """The same offer rings on at the agent's next place."""


STATE_AFTER_RING_FAILURE = {
    RingFailure.NO_ANSWER: AgentState.MISSED,
    RingFailure.REJECTED: AgentState.MISSED,
    RingFailure.BUSY: AgentState.MISSED,
    RingFailure.UNREACHABLE: AgentState.UNREACHABLE,
    RingFailure.STOPPED: AgentState.READY,
}
