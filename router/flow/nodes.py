"""What an IVR flow is made of: one class a kind of node, and the flow round them.

A node where the caller hears something or is waited for *stands*; all others are passed
through or end the way. Only the way out makes a request for a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from router.call import Disposition, Language
from router.flow.opening_hours import OpeningHours
from router.ids import NodeName, QueueId, Skills

Prompt = str
"""A name such as `welcome`; which recording that is in which language, the PBX knows."""

ENDINGS = (Disposition.AFTER_HOURS, Disposition.NO_AGENTS, Disposition.REJECTED)
"""How a flow may end a call by itself; none of them was offered to anybody."""

KEYS = "0123456789*#"

WAIT_MS = 5_000
TRY_LIMIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where a key leads."""

    to: NodeName
    language: Language | None = None
    """Spoken from here on; None: as before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Says something and goes on."""

    prompts: tuple[Prompt, ...]
    to: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Says what there is to choose, and takes one key, which may come while it speaks."""

    prompts: tuple[Prompt, ...]
    choices: Mapping[str, Choice]
    otherwise: NodeName
    """Where it goes on after the last try."""
    wait_ms: int = WAIT_MS
    """For a key, from the end of the prompts."""
    try_limit: int = TRY_LIMIT
    """Wrong keys and times without one, together."""
    invalid: tuple[Prompt, ...] = ()
    """Said after a wrong key, before the prompts come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskNumber:
    """Takes a customer's number: ended by #, by its greatest length, or by a pause; * begins anew."""

    prompts: tuple[Prompt, ...]
    found: NodeName
    not_found: NodeName
    """After the last try."""
    least_digits: int = 1
    most_digits: int = 12
    wait_ms: int = WAIT_MS
    """For the first digit, and from each to the next."""
    try_limit: int = TRY_LIMIT
    invalid: tuple[Prompt, ...] = ()
    """Said when nobody has that number, before the prompts come again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHours:
    """Goes where the site's clock and calendar say."""

    hours: OpeningHours
    open: NodeName
    closed: NodeName
    holiday: NodeName | None = None
    """Closed on a day of the holiday calendar; None: as on any closed day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClass:
    """Goes where the customer's class says; a caller whom nobody knows has none."""

    classes: Mapping[str, NodeName]
    otherwise: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class ToQueue:
    """Asks for a person: the way out that the service level counts from."""

    queue_id: QueueId | None = None
    """None: the queue of the line that was dialled. The same below."""
    priority: int | None = None
    """0 to 9; None: the call's own."""
    skills: Skills = frozenset()
    """Wanted beyond the queue's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToVoicemail:
    queue_id: QueueId | None = None
    """Whose people hear the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCallback:
    queue_id: QueueId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    disposition: Disposition = Disposition.AFTER_HOURS
    """One of `ENDINGS`."""


Standing = Message | Menu | AskNumber
WayOut = ToQueue | ToVoicemail | ToCallback | HangUp
Node = Standing | ByHours | ByClass | WayOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A whole flow; `router.flow.checks` says whether it can be walked."""

    start: NodeName
    default: NodeName
    """Where a caller goes on whose node is gone since the flow was changed."""
    nodes: Mapping[NodeName, Node]
    language: Language | None = None
    """Until the caller chooses one; None: the site's."""


def ways(node: Node) -> dict[str, NodeName]:
    """Each node that this one can lead to, by the key of the file that says so."""
    match node:
        case Message():
            return {"to": node.to}
        case Menu():
            chosen = {f"choices.{key}": choice.to for key, choice in node.choices.items()}
            return {**chosen, "otherwise": node.otherwise}
        case AskNumber():
            return {"found": node.found, "not_found": node.not_found}
        case ByHours():
            holiday = {} if node.holiday is None else {"holiday": node.holiday}
            return {"open": node.open, "closed": node.closed, **holiday}
        case ByClass():
            classes = {f"classes.{name}": to for name, to in node.classes.items()}
            return {**classes, "otherwise": node.otherwise}
    return {}


def prompts_of(flow: Flow) -> frozenset[Prompt]:
    """All that its callers may hear."""
    said: set[Prompt] = set()
    for node in flow.nodes.values():
        if isinstance(node, Standing):
            said.update(node.prompts)
        if isinstance(node, Menu | AskNumber):
            said.update(node.invalid)
    return frozenset(said)
