"""A branch process that kills itself, or another process, at one step of its work.

`python -m tests.fakes.dying_branch FOLDER branch run FILE` notes every step in FOLDER/steps. When
FOLDER/die_at holds a step's name, it dies there by SIGKILL the next time it comes to it; when a
second line names a process and a signal, that one is sent it instead, once. Steps are what the desk
does, and in no list; KINDS are those of all rows of one turn, joined by a plus:

- `decided KINDS`: the floor has decided, and nothing of it has left its memory but another site's answer;
- `given KINDS`: the rows are the store's, which has hardly begun to write them;
- `written KINDS`: they are on the disk, and the orders that waited for them have not left;
- `left ORDER`: an order is carried out.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGKILL
from typing import Any

from branch.commands import register
from branch.desk.desk import Desk, Ledger
from branch.wiring import core
from node import cli
from router.ledger import LedgerRow
from router.orders import Ask, Order
from sync.records.derived import CallerRecord

STEPS = "steps"
DIE_AT = "die_at"


class Steps:
    """What the process has come to."""

    def __init__(self, folder: Path) -> None:
        self._notes = (folder / STEPS).open("a", encoding="utf-8", buffering=1)
        self._die_at = folder / DIE_AT

    def come_to(self, step: str) -> None:
        self._notes.write(step + "\n")
        if not self._die_at.exists():
            return
        deadly, _, victim = self._die_at.read_text(encoding="utf-8").partition("\n")
        if deadly == step and victim:
            self._die_at.unlink()
            pid, signal = map(int, victim.split())
            os.kill(pid, signal)
        elif deadly == step:
            os.kill(os.getpid(), SIGKILL)


class WatchedLedger:
    """The store, with the steps of its rows."""

    def __init__(self, ledger: Ledger, steps: Steps) -> None:
        self._ledger = ledger
        self._steps = steps
        self._given: deque[tuple[int, str]] = deque()
        """Turns that are not written yet: their last seq and their kinds."""

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        kinds = "+".join(row.entry.kind for row in rows)
        self._steps.come_to(f"decided {kinds}")
        self._ledger.append(rows, callers)
        self._given.append((rows[-1].seq, kinds))
        self._steps.come_to(f"given {kinds}")

    def note_written(self, seq: int) -> None:
        while self._given and self._given[0][0] <= seq:
            self._steps.come_to(f"written {self._given.popleft()[1]}")


def dying_desk(steps: Steps) -> Callable[..., Desk]:
    """Makes desks that come to steps."""

    class DyingDesk(Desk):
        def __init__(self, *, ledger: Ledger, carry_out: Callable[[Order], None], **others: Any) -> None:
            self._watched = WatchedLedger(ledger, steps)

            def leave(order: Order) -> None:
                carry_out(order)
                name = type(order.request if isinstance(order, Ask) else order).__name__
                steps.come_to(f"left {name}")

            super().__init__(ledger=self._watched, carry_out=leave, **others)

        def committed(self, seq: int) -> None:
            self._watched.note_written(seq)
            super().committed(seq)

    return DyingDesk


def main() -> None:
    folder = Path(sys.argv.pop(1))
    # The one place where a branch's desk is made.
    core.Desk = dying_desk(Steps(folder))  # type: ignore[assignment,attr-defined]
    cli.entry_point_groups = lambda: [register]
    cli.main()


if __name__ == "__main__":
    main()
