"""Of agents and supervisors, told by their desks or phones."""

from router.acd.place import Place
from router.ids import (
    AgentId,
    QueueId,
    Skills,
)
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from router.values import value


@value
class AgentLoggedIn:
    """A session begins, not ready. Logging in again replaces the skills."""

    agent_id: AgentId
    skills: Skills


@value
class AgentLoggedOut:
    """The session ends at once when idle, else when the agent's call and wrap-up are over."""

    agent_id: AgentId


@value
class AgentBecameReady:
    agent_id: AgentId


@value
class AgentBecameNotReady:
    """With a call, it takes effect after the call."""

    agent_id: AgentId
    reason: str


@value
class AgentBecameUnreachable:
    """Its desktop is lost."""

    agent_id: AgentId
    reason: str


@value
class PhoneLost:
    """The agent's own phone at the PBX is not registered any more."""

    agent_id: AgentId
    reason: str


@value
class ReachChanged:
    """From its next ring on the agent, logged in or not, is reached at these places, one after the other."""

    agent_id: AgentId
    places: tuple[Place, ...]
    """None of them: the agent's own phone."""


@value
class WrapupFinished:
    agent_id: AgentId


@value
class HoldAsked:
    agent_id: AgentId


@value
class ResumeAsked:
    agent_id: AgentId


@value
class TransferAsked:
    """Blind: the call leaves the agent and is queued, or offered to one agent only."""

    agent_id: AgentId
    to_queue: QueueId | None = None
    to_agent: AgentId | None = None


@value
class HangUpAsked:
    """The agent leaves its talk from the desk, which ends the call unless a colleague is in it."""

    agent_id: AgentId


@value
class ConsultAsked:
    """The agent wants a word with a colleague, with its caller on hold. Hold and resume swap the two."""

    agent_id: AgentId
    to_agent: AgentId


@value
class CompleteAsked:
    """Attended transfer: the consulted colleague gets the caller."""

    agent_id: AgentId


@value
class CancelAsked:
    """The consulted colleague is not needed any more; the agent takes its caller back."""

    agent_id: AgentId


@value
class MergeAsked:
    """Conference: the consulted colleague and the caller hear each other."""

    agent_id: AgentId


@value
class PickupAsked:
    """An idle agent, ready or not, wants a call: what rings at a colleague's phone, or a queue's first.

    With neither named, what rings at any colleague's.
    """

    agent_id: AgentId
    from_queue: QueueId | None = None
    from_agent: AgentId | None = None


@value
class RecordingAsked:
    """The agent wants its talk recorded, or not recorded (for a while)."""

    agent_id: AgentId
    act: RecordingAct


@value
class SuperviseAsked:
    """A supervisor wants to be beside an agent's talk, or beside it in another way."""

    supervisor: str
    """The person's id at the site."""
    phone: AgentId
    """Whose phone to ring, by the PBX's name; nobody works at it."""
    agent_id: AgentId
    mode: SupervisionMode


@value
class SupervisionEndAsked:
    supervisor: str
