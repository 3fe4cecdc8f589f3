"""One caller's way through a flow: keys, ends of prompts and time in, moves out.

No clock: whoever walks it passes the site's local time, and comes back when a `Wait` is over.
However the caller behaves, the way ends: each stay takes a limited number of tries, and who
has come through `NODE_LIMIT` nodes is brought to a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from router.call import Language
from router.flow.nodes import KEYS, AskNumber, ByClass, ByHours, Flow, Menu, Message, Prompt, ToQueue, WayOut
from router.flow.opening_hours import Opening
from router.ids import NodeName

NODE_LIMIT = 200
"""More than any caller who wants something chooses; a line that nobody speaks on must not stay for ever."""

PROMPT_LIMIT_MS = 60_000
"""No prompt is longer: a PBX that has not told its end by then never will."""

LOOKUP_LIMIT_MS = 3_000
"""Whose number it is must be known by then, else it is nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Tell the caller these, one after the other; come back after `limit_ms` if no end is told."""

    prompts: tuple[Prompt, ...]
    limit_ms: int


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop what is being played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Come back after so long, unless something happens before."""

    wait_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Find the customer with this number, within `limit_ms`."""

    digits: str
    limit_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chose:
    """The caller has left a node; what was pressed stands here only where it is a menu's key."""

    node: NodeName
    choice: str
    to: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The flow is over for this caller; always the last move."""

    way: WayOut


Move = Play | Hush | Wait | LookUp | Chose | Leave
Moves = Sequence[Move]


class Phase(StrEnum):
    PLAYING = "PLAYING"
    LISTENING = "LISTENING"
    LOOKING_UP = "LOOKING_UP"
    LEFT = "LEFT"


class Walk:
    """Where one caller stands. The flow must be without a fault."""

    __slots__ = (
        "_digits",
        "_entered_count",
        "_flow",
        "_sought",
        "_try_count",
        "customer_class",
        "language",
        "node",
        "phase",
    )

    def __init__(self, flow: Flow, *, language: Language, customer_class: str | None) -> None:
        self.node = flow.start
        self.phase = Phase.LISTENING
        self.language = language
        self.customer_class = customer_class
        """None: nobody knows the caller."""
        self._flow = flow
        self._digits = ""
        self._sought = ""
        self._try_count = 0
        self._entered_count = 0

    # --- what happens ------------------------------------------------------------------

    def begin(self, at: datetime, node: NodeName | None = None) -> Moves:
        """Start; at `node` where an earlier process had come to."""
        if node is None:
            return self._enter(self._flow.start, at)
        return self._enter(node if node in self._flow.nodes else self._flow.default, at)

    def pressed(self, key: str, at: datetime) -> Moves:
        """A key; one that comes where nobody is asked for it does nothing."""
        node = self._flow.nodes[self.node]
        is_asked = isinstance(node, (Menu, AskNumber)) and self.phase in (Phase.PLAYING, Phase.LISTENING)
        if not is_asked or key not in KEYS:
            return []
        hushed = self._hush()
        if isinstance(node, Menu):
            return [*hushed, *self._choose(node, key, at)]
        assert isinstance(node, AskNumber)
        return [*hushed, *self._collect(node, key, at)]

    def played(self, at: datetime) -> Moves:
        """The prompts have come to their end."""
        if self.phase is not Phase.PLAYING:
            return []
        node = self._flow.nodes[self.node]
        if isinstance(node, Message):
            return self._go("PLAYED", node.to, at)
        assert isinstance(node, (Menu, AskNumber)), "only there somebody hears something"
        return self._listen(node)

    def waited(self, at: datetime) -> Moves:
        """The last `Wait`, or limit, is over."""
        node = self._flow.nodes[self.node]
        match self.phase, node:
            case Phase.PLAYING, _:
                return self.played(at)
            case Phase.LISTENING, Menu():
                return self._try_again(node, (), at)
            case Phase.LISTENING, AskNumber():
                return self._look_up(node, at)
            case Phase.LOOKING_UP, _:
                return self.not_found(self._sought, at)
        return []

    def seeks(self, digits: str) -> bool:
        """Whether whose number this is would still be news."""
        return self.phase is Phase.LOOKING_UP and digits == self._sought

    def found(self, digits: str, customer_class: str, at: datetime) -> Moves:
        """The number is a customer's."""
        node = self._flow.nodes[self.node]
        if not self.seeks(digits) or not isinstance(node, AskNumber):
            return []
        self.customer_class = customer_class
        return self._go("FOUND", node.found, at)

    def not_found(self, digits: str, at: datetime) -> Moves:
        """The number is nobody's, or nobody could tell."""
        node = self._flow.nodes[self.node]
        if not self.seeks(digits) or not isinstance(node, AskNumber):
            return []
        return self._try_again(node, node.invalid, at)

    def changed(self, flow: Flow, at: datetime) -> Moves:
        """Another flow holds: who stands where it has no such node any more goes to its default."""
        before, self._flow = self._flow.nodes[self.node], flow
        if self.phase is Phase.LEFT or type(flow.nodes.get(self.node)) is type(before):
            return []
        return [*self._hush(), *self._go("NODE_REMOVED", flow.default, at)]

    # --- menus and numbers -------------------------------------------------------------

    def _choose(self, menu: Menu, key: str, at: datetime) -> Moves:
        choice = menu.choices.get(key)
        if choice is None:
            return self._try_again(menu, menu.invalid, at)
        self.language = choice.language or self.language
        return self._go(key, choice.to, at)

    def _collect(self, node: AskNumber, key: str, at: datetime) -> Moves:
        if key == "#":
            return self._look_up(node, at)
        self._digits = "" if key == "*" else self._digits + key
        return self._look_up(node, at) if len(self._digits) >= node.most_digits else self._listen(node)

    def _look_up(self, node: AskNumber, at: datetime) -> Moves:
        self._sought, self._digits = self._digits, ""
        if len(self._sought) < node.least_digits:
            return self._try_again(node, (), at)
        self.phase = Phase.LOOKING_UP
        return [LookUp(digits=self._sought, limit_ms=LOOKUP_LIMIT_MS)]

    def _try_again(self, node: Menu | AskNumber, said: tuple[Prompt, ...], at: datetime) -> Moves:
        self._try_count += 1
        if self._try_count < node.try_limit:
            return self._play((*said, *node.prompts))
        return self._go("NOTHING", node.otherwise if isinstance(node, Menu) else node.not_found, at)

    # --- from node to node -------------------------------------------------------------

    def _go(self, choice: str, to: NodeName, at: datetime) -> Moves:
        return [Chose(node=self.node, choice=choice, to=to), *self._enter(to, at)]

    def _enter(self, name: NodeName, at: datetime) -> Moves:
        self.node, self._try_count, self._digits = name, 0, ""
        self._entered_count += 1
        if self._entered_count > NODE_LIMIT:
            return self._leave(ToQueue())
        match self._flow.nodes[name]:
            case ByHours() as node:
                opening = node.hours.at(at)
                return self._go(opening, _way_at(node, opening), at)
            case ByClass() as node:
                to = node.classes.get(self.customer_class or "", node.otherwise)
                return self._go(self.customer_class or "UNKNOWN", to, at)
            case Message() | Menu() | AskNumber() as node:
                return self._play(node.prompts)
            case way:
                return self._leave(way)

    def _play(self, prompts: tuple[Prompt, ...]) -> Moves:
        self.phase = Phase.PLAYING
        return [Play(prompts=prompts, limit_ms=PROMPT_LIMIT_MS * len(prompts))]

    def _listen(self, node: Menu | AskNumber) -> Moves:
        self.phase = Phase.LISTENING
        return [Wait(wait_ms=node.wait_ms)]

    def _hush(self) -> Moves:
        if self.phase is not Phase.PLAYING:
            return []
        self.phase = Phase.LISTENING
        return [Hush()]

    def _leave(self, way: WayOut) -> Moves:
        self.phase = Phase.LEFT
        return [Leave(way=way)]


def _way_at(node: ByHours, opening: Opening) -> NodeName:
    if opening is Opening.HOLIDAY and node.holiday is not None:
        return node.holiday
    return node.open if opening is Opening.OPEN else node.closed
