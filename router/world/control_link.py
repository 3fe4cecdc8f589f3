"""Between a node and its PBX: what each has for the other waits here while the connection is cut.

Nothing is lost by the cut itself, as behind a driver that asks again: it is all heard late, and
in its order. Both sides go on meanwhile, and the node is told when the cut has lasted.
"""

from enum import Enum, auto
from typing import Protocol

from router.facts import Fact, PbxHeard, PbxSilent
from router.ids import CallId, HandoffId, SiteId
from router.orders import Order
from router.world.loop import Loop

SILENT_AFTER_MS = 1_000
"""A connection that is not back by then counts as a PBX that answers nothing."""

UNNOTICED_MS = 5_000
"""A PBX that says nothing any more is given up after so long."""


class Hearing(Enum):
    """What the node believes of its PBX."""

    UNSURE = auto()
    """The connection was lost a moment ago, or the process is new."""
    SILENT = auto()
    HEARD = auto()


class ControlledNode(Protocol):
    """The part of a node that hears its PBX."""

    @property
    def is_up(self) -> bool: ...
    def tell(self, fact: Fact) -> None: ...
    def accept_token(self, token: str, from_site: SiteId) -> HandoffId | None: ...
    def promised(self, token: str, from_site: SiteId) -> tuple[HandoffId, CallId] | None: ...
    def hear_callers(self) -> None:
        """Callers who came while nobody heard them are told now."""
        ...


class OrderedPbx(Protocol):
    """The part of a PBX that takes orders."""

    def carry_out(self, order: Order) -> None: ...


class ControlLink:
    """What the PBX speaks to in the node's place, and the node in the PBX's."""

    def __init__(self, node: ControlledNode, loop: Loop) -> None:
        self._node = node
        self._loop = loop
        self._orders: list[Order] = []
        self._facts: list[Fact] = []
        self._loss_count = 0
        self.is_cut = False
        self.hearing = Hearing.UNSURE

    def connect(self, pbx: OrderedPbx) -> None:
        """Once, before anything is said."""
        self._pbx = pbx

    # --- what goes over it -------------------------------------------------------------

    def carry_out(self, order: Order) -> None:
        if self.is_cut:
            self._orders.append(order)
        else:
            self._pbx.carry_out(order)

    def tell(self, fact: Fact) -> None:
        if self.is_cut:
            self._facts.append(fact)
        else:
            self._node.tell(fact)

    def accept_token(self, token: str, from_site: SiteId) -> HandoffId | None:
        return None if self.is_cut else self._node.accept_token(token, from_site)

    @property
    def is_heard(self) -> bool:
        """Whether what the PBX tells now reaches a process."""
        return self._node.is_up and not self.is_cut

    def promised(self, token: str, from_site: SiteId) -> tuple[HandoffId, CallId] | None:
        return self._node.promised(token, from_site)

    # --- the connection itself ---------------------------------------------------------

    def cut(self) -> None:
        self.is_cut = True
        self.lose(SILENT_AFTER_MS)

    def mend(self) -> None:
        """Unless the PBX or the node's process has died since, and with it what waited."""
        if not self.is_cut:
            return
        orders, told = self._orders, self._facts
        self.renew()
        for order in orders:
            self._pbx.carry_out(order)
        for fact in told:
            self._node.tell(fact)
        self._node.hear_callers()
        self.stand()

    def renew(self) -> None:
        """One of the two is another one now; what waited for the dead one is gone."""
        self.is_cut = False
        self._orders, self._facts = [], []
        self._loss_count += 1
        self.hearing = Hearing.UNSURE

    def process_started(self, *, is_pbx_up: bool) -> None:
        if is_pbx_up:
            self.stand()
        else:
            self.lose(SILENT_AFTER_MS)

    def lose(self, silent_after_ms: int) -> None:
        """The node hears of it in time, unless the connection stands again before."""
        self._loss_count += 1
        self.hearing = Hearing.UNSURE
        self._loop.after(silent_after_ms, self._silent, self._loss_count)

    def stand(self) -> None:
        """The PBX answers."""
        self._loss_count += 1
        if self._node.is_up:
            self.hearing = Hearing.HEARD
            self._node.tell(PbxHeard())

    def _silent(self, loss_number: int) -> None:
        if loss_number == self._loss_count and self._node.is_up:
            self.hearing = Hearing.SILENT
            self._node.tell(PbxSilent())
