"""Of the node itself."""

from dataclasses import dataclass

from router.acd.policy import QueuePolicy
from router.flow.nodes import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyApplied:
    """A queue is new or is treated differently from now on, calls in it included."""

    policy: QueuePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowApplied:
    """The IVR goes by another flow from now on; callers in it go on from where they stand."""

    flow: Flow
    digest: str
    """Of the flow's file, for the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptingChanged:
    """New calls are taken, or not any more: drain, or a store that can keep no more rows."""

    is_accepting: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped:
    by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted:
    """Comes first, after what lives was re-adopted; writes the NODE_STARTED row."""

    version: str
