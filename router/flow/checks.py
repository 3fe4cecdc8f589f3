"""What is wrong with a flow as a whole: every fault at once, each with its key in the file.

A flow without a fault leads every caller to exactly one way out, whatever the caller does:
`router.flow.walk` relies on it.
"""

from collections.abc import Collection, Iterator

from router.flow.nodes import (
    ENDINGS,
    KEYS,
    AskNumber,
    ByClass,
    ByHours,
    Flow,
    HangUp,
    Menu,
    Message,
    Node,
    ToCallback,
    ToQueue,
    ToVoicemail,
    ways,
)
from router.ids import NodeName, QueueId
from router.problems import Problem
from router.problems import marked as _


def problems(flow: Flow, queues: Collection[QueueId]) -> list[Problem]:
    """All faults; `queues` are those that the site has."""
    return [
        *_unknown_roots(flow),
        *(each for name, node in flow.nodes.items() for each in _node_problems(flow, name, node, queues)),
        *_silent_loops(flow),
        *_unreached(flow),
    ]


def _node_problems(flow: Flow, name: NodeName, node: Node, queues: Collection[QueueId]) -> Iterator[Problem]:
    for key, to in ways(node).items():
        if to not in flow.nodes:
            yield _problem(name, key, _("there is no node {to!r}"), to=to)
    if isinstance(node, (Message, Menu, AskNumber)) and not node.prompts:
        yield _problem(name, "prompts", _("must name at least one prompt"))
    if isinstance(node, Menu):
        yield from _menu_problems(name, node)
    if isinstance(node, (ToQueue, ToVoicemail, ToCallback)) and node.queue_id not in (None, *queues):
        yield _problem(name, "queue", _("there is no queue {queue!r}"), queue=node.queue_id)
    if isinstance(node, HangUp) and node.disposition not in ENDINGS:
        yield _problem(name, "disposition", _("must be {choices}"), choices=", ".join(ENDINGS))
    if isinstance(node, AskNumber) and node.least_digits > node.most_digits:
        yield _problem(name, "least_digits", _("is more than most_digits, {most}"), most=node.most_digits)


def _menu_problems(name: NodeName, menu: Menu) -> Iterator[Problem]:
    if not menu.choices:
        yield _problem(name, "choices", _("must have at least one key"))
    for key in menu.choices:
        if len(key) != 1 or key not in KEYS:
            yield _problem(name, f"choices.{key}", _("is no key of a telephone: 0 to 9, * or #"))


def _unknown_roots(flow: Flow) -> Iterator[Problem]:
    for key, name in (("start", flow.start), ("default", flow.default)):
        if name not in flow.nodes:
            yield Problem(place=key, wording=_("there is no node {to!r}"), values={"to": name})


def _silent_loops(flow: Flow) -> Iterator[Problem]:
    """Nodes that nobody stands in must lead to one where somebody hears something, or out."""
    told: set[NodeName] = set()
    for name in flow.nodes:
        loop = _loop_from(flow, name)
        if loop is not None and told.isdisjoint(loop):
            told.update(loop)
            yield _problem(name, "", _("leads round without a prompt: {nodes}"), nodes=" > ".join(loop))


def _loop_from(flow: Flow, name: NodeName) -> list[NodeName] | None:
    """The way from `name` back to it through nodes that are only passed; None: there is none."""
    open_ways: list[list[NodeName]] = [[name]]
    seen: set[NodeName] = set()
    while open_ways:
        way = open_ways.pop()
        for to in _passed_on(flow, way[-1]):
            if to == name:
                return [*way, to]
            if to not in seen:
                seen.add(to)
                open_ways.append([*way, to])
    return None


def _passed_on(flow: Flow, name: NodeName) -> Iterator[NodeName]:
    node = flow.nodes.get(name)
    if isinstance(node, (ByHours, ByClass)):
        yield from ways(node).values()


def _unreached(flow: Flow) -> Iterator[Problem]:
    reached: set[NodeName] = set()
    left = [flow.start, flow.default]
    while left:
        name = left.pop()
        if name not in reached and name in flow.nodes:
            reached.add(name)
            left += ways(flow.nodes[name]).values()
    for name in flow.nodes:
        if name not in reached:
            yield _problem(name, "", _("no caller can come here from {start!r}"), start=flow.start)


def _problem(name: NodeName, key: str, wording: str, /, **values: object) -> Problem:
    place = f"node.{name}.{key}" if key else f"node.{name}"
    return Problem(place=place, wording=wording, values=values)
