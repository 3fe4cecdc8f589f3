"""A telephony driver without a PBX, which remembers what it was ordered."""

from branch.telephony.port import TelephonyListener
from router.ids import HandoffId
from router.orders import Order
from router.recovery import Inventory


class OrderedPbx:
    """Remembers its orders."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.accepted: list[tuple[str, HandoffId]] = []
        self.rejected: list[str] = []

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

    def reject_trunk(self, trunk_id: str) -> None:
        self.rejected.append(trunk_id)

    async def close(self) -> None:
        """Nothing to let go of."""
