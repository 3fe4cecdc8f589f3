"""A listener that remembers what a telephony driver told it, and waits for more."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from branch.telephony.port import CallerRinging, PhoneEvent, PhoneRequest, TrunkRinging
from router.facts import Fact
from router.ids import AgentId, CallId
from router.recovery import Inventory

T = TypeVar("T")

WAIT_LIMIT_S = 30.0


class TelephonyEar:
    """Hears everything in order."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.callers: list[CallerRinging] = []
        self.trunks: list[TrunkRinging] = []
        self.phones: list[tuple[AgentId, PhoneEvent]] = []
        self.requests: list[tuple[AgentId, PhoneRequest, str]] = []
        self.unplayable: list[CallId] = []
        self.heard: list[tuple[AgentId, CallId]] = []
        self.lost_count = 0
        self.silent_count = 0
        self.inventories: list[Inventory] = []
        self._told = asyncio.Event()

    def fact_heard(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._told.set()

    def caller_heard(self, caller: CallerRinging) -> None:
        self.callers.append(caller)
        self._told.set()

    def trunk_heard(self, trunk: TrunkRinging) -> None:
        self.trunks.append(trunk)
        self._told.set()

    def agent_phone_heard(self, agent_id: AgentId, event: PhoneEvent, reason: str | None) -> None:
        self.phones.append((agent_id, event))
        self._told.set()

    def agent_phone_asked(self, agent_id: AgentId, request: PhoneRequest, digits: str) -> None:
        self.requests.append((agent_id, request, digits))
        self._told.set()

    def message_unplayable(self, call_id: CallId) -> None:
        self.unplayable.append(call_id)
        self._told.set()

    def message_heard(self, agent_id: AgentId, call_id: CallId) -> None:
        self.heard.append((agent_id, call_id))
        self._told.set()

    def pbx_lost(self) -> None:
        self.lost_count += 1
        self._told.set()

    def pbx_silent(self) -> None:
        self.silent_count += 1
        self._told.set()

    def pbx_back(self, inventory: Inventory) -> None:
        self.inventories.append(inventory)
        self._told.set()

    async def until(self, look: Callable[[], T]) -> T:
        """Wait until `look` sees something that is true, and return it."""
        try:
            async with asyncio.timeout(WAIT_LIMIT_S):
                while not (seen := look()):
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise AssertionError(f"not heard; heard {self.facts} {self.phones[-5:]}") from None
        return seen

    async def fact(self, fact: Fact) -> None:
        """Wait until exactly this was told."""
        await self.until(lambda: fact in self.facts)

    async def caller(self, number: int = 0) -> CallerRinging:
        """Wait for the `number`th caller."""
        await self.until(lambda: len(self.callers) > number)
        return self.callers[number]

    async def trunk(self, number: int = 0) -> TrunkRinging:
        await self.until(lambda: len(self.trunks) > number)
        return self.trunks[number]

    async def phone(self, agent_id: AgentId, event: PhoneEvent) -> None:
        await self.until(lambda: (agent_id, event) in self.phones)
