"""A site's agents, its policies and the node itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from router.agent import AgentState
from router.ids import (
    AgentId,
    QueueId,
    Skill,
)
from router.ledger.entry import Entry
from router.values import value


@value
class AgentLoggedIn(Entry):
    kind: ClassVar[str] = "AGENT_LOGGED_IN"
    agent_id: AgentId
    skills: tuple[Skill, ...]


@value
class AgentLoggedOut(Entry):
    kind: ClassVar[str] = "AGENT_LOGGED_OUT"
    agent_id: AgentId


@value
class AgentStateChanged(Entry):
    kind: ClassVar[str] = "AGENT_STATE"
    agent_id: AgentId
    state: AgentState
    reason: str | None
    """A not-ready reason of the site's list, or why the state was left."""


@value
class PolicyChanged(Entry):
    kind: ClassVar[str] = "POLICY_CHANGED"
    queue_id: QueueId
    version: int
    settings: Mapping[str, Any]


@value
class IvrFlowChanged(Entry):
    """Another flow holds from here on, for calls in it too."""

    kind: ClassVar[str] = "IVR_FLOW_CHANGED"
    digest: str


@value
class NodeStarted(Entry):
    kind: ClassVar[str] = "NODE_STARTED"
    version: str
    readopted_call_count: int


@value
class NodeDrained(Entry):
    kind: ClassVar[str] = "NODE_DRAINED"
    reason: str


@value
class ClockStepped(Entry):
    kind: ClassVar[str] = "CLOCK_STEPPED"
    by_ms: int
    """Wall clock against monotonic clock; negative when it went back."""
