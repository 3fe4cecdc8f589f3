"""one_terminal_disposition: a call ends once, and nothing of it happens at its owner afterwards.

Hand-offs may still be cancelled and an agent may still wrap up.
"""

from collections.abc import Mapping

from router.call import Disposition
from router.ids import CallId, SiteId
from router.ledger import (
    AgentOffered,
    Announced,
    CallConferenced,
    CallConnected,
    CallEnded,
    CallHeld,
    CallQueued,
    CallTransferred,
    Consulted,
    Entry,
    HandoffDialed,
    IvrChose,
    IvrEntered,
    LedgerRow,
)
from router.world.laws.law import LedgerLaw, Seer

_LATER_ROW = (
    AgentOffered,
    Announced,
    CallConferenced,
    CallConnected,
    CallHeld,
    CallQueued,
    CallTransferred,
    Consulted,
    HandoffDialed,
    IvrChose,
    IvrEntered,
)


class OneTerminalDisposition(LedgerLaw):
    name = "one_terminal_disposition"

    def __init__(self) -> None:
        super().__init__()
        self._ended: dict[CallId, tuple[SiteId, Disposition]] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {CallEnded: self._ends, **dict.fromkeys(_LATER_ROW, self._happens)}

    def _ends(self, row: LedgerRow, entry: CallEnded) -> None:
        self._checked += 1
        before = self._ended.get(entry.call_id)
        if before is None:
            self._ended[entry.call_id] = (row.site_id, entry.disposition)
        else:
            self._violate(
                row, f"call {entry.call_id} ended as {entry.disposition} after {before[1]} at {before[0]}"
            )

    def _happens(self, row: LedgerRow, entry: AgentOffered | CallConnected | HandoffDialed) -> None:
        before = self._ended.get(entry.call_id)
        if before is not None and before[0] == row.site_id:
            self._violate(row, f"{entry.kind} of call {entry.call_id}, which had ended as {before[1]}")
