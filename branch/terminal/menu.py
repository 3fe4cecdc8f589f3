"""What can be wanted at a desk, and a list to choose from by number, or by typing a part of a line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from branch.terminal.client import DeskClient
from branch.terminal.keys import BACKSPACE, ENTER, ESCAPE

VISIBLE_LIMIT = 9


class Act(Protocol):
    """Something to be done."""

    async def ask(self, client: DeskClient) -> "Menu | None":
        """Do it; what comes back is to be chosen from next."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line, and what choosing it means; None: nothing, the menu only closes."""

    label: str
    act: Act | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Open until something is chosen, or Esc is pressed."""

    title: str
    choices: Sequence[Choice]
    typed: str = ""

    @property
    def visible(self) -> Sequence[Choice]:
        """Those that what was typed is a part of, as many as there are digits."""
        part = self.typed.casefold()
        return [each for each in self.choices if part in each.label.casefold()][:VISIBLE_LIMIT]

    def pressed(self, key: str) -> "tuple[Menu | None, Act | None]":
        """The menu afterwards, None once it is closed, and what was chosen."""
        if key == ESCAPE:
            return None, None
        if key == ENTER:
            return self._chosen(0)
        if key in "123456789":
            return self._chosen(int(key) - 1)
        if key == BACKSPACE:
            return replace(self, typed=self.typed[:-1]), None
        return (replace(self, typed=self.typed + key) if key.isprintable() else self), None

    def _chosen(self, index: int) -> "tuple[Menu | None, Act | None]":
        visible = self.visible
        return (None, visible[index].act) if index < len(visible) else (self, None)
