"""A telephony driver without a PBX, which remembers what it was ordered."""

from collections.abc import Sequence

from branch.telephony.port import TelephonyListener
from router.ids import AgentId, CallId, HandoffId
from router.orders import Order
from router.recovery import Inventory


class OrderedPbx:
    """Remembers its orders."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.accepted: list[tuple[str, HandoffId]] = []
        self.redirected: list[tuple[str, CallId]] = []
        """INVITEs that are callers."""
        self.rejected: list[str] = []
        self.confirmed: list[tuple[AgentId, bool]] = []
        self.untransferred: list[AgentId] = []
        self.played: list[tuple[AgentId, list[CallId]]] = []

    async def start(self, listener: TelephonyListener) -> Inventory:
        return Inventory()

    def carry_out(self, order: Order) -> None:
        self.orders.append(order)

    def accept_trunk(self, trunk_id: str, handoff_id: HandoffId) -> bool:
        if any(handoff_id == each for _trunk, each in self.accepted):
            self.rejected.append(trunk_id)
            return False
        self.accepted.append((trunk_id, handoff_id))
        return True

    def accept_redirected(self, trunk_id: str, call_id: CallId) -> bool:
        if any(call_id == each for _trunk, each in self.redirected):
            self.rejected.append(trunk_id)
            return False
        self.redirected.append((trunk_id, call_id))
        return True

    def reject_trunk(self, trunk_id: str) -> None:
        self.rejected.append(trunk_id)

    def confirm(self, agent_id: AgentId, *, is_done: bool) -> None:
        self.confirmed.append((agent_id, is_done))

    def refuse_transfer(self, agent_id: AgentId) -> None:
        self.untransferred.append(agent_id)

    def play_messages(self, agent_id: AgentId, call_ids: Sequence[CallId]) -> None:
        self.played.append((agent_id, list(call_ids)))

    async def close(self) -> None:
        """Nothing to let go of."""
