"""Of the node itself."""

from router.acd.policy import QueuePolicy
from router.flow.nodes import Flow
from router.values import value


@value
class PolicyApplied:
    """A queue is new or is treated differently from now on, calls in it included."""

    policy: QueuePolicy


@value
class FlowApplied:
    """The IVR goes by another flow from now on; callers in it go on from where they stand."""

    flow: Flow
    digest: str
    """Of the flow's file, for the records."""


@value
class AcceptingChanged:
    """New calls are taken, or not any more: drain, or a store that can keep no more rows."""

    is_accepting: bool
    reason: str


@value
class ClockStepped:
    by_ms: int


@value
class NodeStarted:
    """Comes first, after what lives was re-adopted; writes the NODE_STARTED row."""

    version: str
