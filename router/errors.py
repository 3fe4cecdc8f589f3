"""Refusals of the domain: what is wrong, with the values, then what to do.

Each class has one stable `reason`, used alike by wire, log and metric. No transport
code stands here: `sync.link.status` holds the one table.
"""

from router.ids import AgentId, CallId, LegId, LineId, QueueId


class RouterError(Exception):
    """A refusal: nothing was changed."""

    reason: str = "REFUSED"
    """Each class has its own; only a refusal that came over the wire brings another node's."""


class UnknownQueueError(RouterError):
    """The named queue is not configured at this site."""

    reason = "QUEUE_UNKNOWN"

    def __init__(self, queue_id: QueueId) -> None:
        super().__init__(
            f"queue {queue_id!r} is not configured at this site; "
            "check [[queue]] in the site's file or the sender's policy version"
        )
        self.queue_id = queue_id


class UnknownAgentError(RouterError):
    """The named agent has no session at this site."""

    reason = "AGENT_UNKNOWN"

    def __init__(self, agent_id: AgentId) -> None:
        super().__init__(
            f"agent {agent_id!r} is not logged in at this site; "
            "log in first, or add it with `trunkline agent add`"
        )
        self.agent_id = agent_id


class UnknownCallError(RouterError):
    """The named call is not in this site's system (never was, or has ended)."""

    reason = "CALL_UNKNOWN"

    def __init__(self, call_id: CallId) -> None:
        super().__init__(f"call {call_id!r} is not in this site's system; it may have ended")
        self.call_id = call_id


class UnknownLegError(RouterError):
    """The named leg is neither ringing nor connected here."""

    reason = "LEG_UNKNOWN"

    def __init__(self, leg_id: LegId) -> None:
        super().__init__(f"leg {leg_id!r} is not live here; the ring may have been stopped already")
        self.leg_id = leg_id


class WrongStateError(RouterError):
    """What was asked does not fit the state the subject is in."""

    reason = "WRONG_STATE"

    def __init__(self, subject: str, state: str, wanted: str) -> None:
        super().__init__(f"{subject} is {state}; this needs {wanted}")
        self.subject = subject
        self.state = state


class DuplicateError(RouterError):
    """The id is taken by something that lives."""

    reason = "DUPLICATE"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} already exists here; use a new id")
        self.subject = subject


class InvalidPolicyError(RouterError):
    """A policy's value is outside of what the machine can promise to carry out."""

    reason = "POLICY_INVALID"

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place


class NotAcceptingError(RouterError):
    """The site takes no new calls: it drains, or its store can keep no more rows."""

    reason = "NOT_ACCEPTING"

    def __init__(self, why: str) -> None:
        super().__init__(f"this site takes no new calls: {why}")
        self.why = why


class NotAllowedError(RouterError):
    """No route of the site leads to this number: call barring."""

    reason = "NOT_ALLOWED"

    def __init__(self, shown: str) -> None:
        super().__init__(
            f"numbers that begin with {shown!r} may not be dialled from here; check [[outbound.route]]"
        )
        self.shown = shown


class NoLineError(RouterError):
    """There is no line to dial out of."""

    reason = "NO_LINE"

    def __init__(self, why: str) -> None:
        super().__init__(f"there is no line for this call: {why}")
        self.why = why


class LineLimitError(RouterError):
    """The line has as many calls as it may have at once."""

    reason = "LIMIT"

    def __init__(self, line_id: LineId, limit: int) -> None:
        super().__init__(f"line {line_id!r} has {limit} outbound calls, as many as it may; try again soon")
        self.line_id = line_id
