"""What a person at a desk can want, as values: a key or a command makes one, the client carries it out.

`ask` raises RefusedError: the branch refused, or could not be reached.
"""

from dataclasses import dataclass

from branch.terminal.client import DeskClient
from router.acd.place import Place
from router.ids import AgentId, LegId, QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    async def ask(self, client: DeskClient) -> None:
        await client.ready()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    reason: str

    async def ask(self, client: DeskClient) -> None:
        await client.not_ready(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapupDone:
    async def ask(self, client: DeskClient) -> None:
        await client.wrapup_done()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.answer(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.hang_up(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.hold(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.resume(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferToQueue:
    leg_id: LegId
    queue_id: QueueId

    async def ask(self, client: DeskClient) -> None:
        await client.transfer_to_queue(self.leg_id, self.queue_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferToAgent:
    leg_id: LegId
    agent_id: AgentId

    async def ask(self, client: DeskClient) -> None:
        await client.transfer_to_agent(self.leg_id, self.agent_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One is rung at these places from the next call on; at none of them, at one's own phone."""

    places: tuple[Place, ...]

    async def ask(self, client: DeskClient) -> None:
        await client.set_places(self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One's own phone rings first."""

    number: str

    async def ask(self, client: DeskClient) -> None:
        await client.dial(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit:
    """Log out and leave."""

    async def ask(self, client: DeskClient) -> None:
        await client.log_out()
