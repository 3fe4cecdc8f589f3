"""What a person at a desk can want of a talk of more than two."""

from dataclasses import dataclass

from branch.terminal.client import DeskClient
from router.ids import AgentId, LegId, QueueId
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult:
    leg_id: LegId
    agent_id: AgentId

    async def ask(self, client: DeskClient) -> None:
        await client.consult(self.leg_id, self.agent_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTransfer:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.complete_transfer(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelConsultation:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.cancel_consultation(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    leg_id: LegId

    async def ask(self, client: DeskClient) -> None:
        await client.merge(self.leg_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUpAt:
    """What rings at a colleague's phone."""

    agent_id: AgentId

    async def ask(self, client: DeskClient) -> None:
        await client.pick_up_at(self.agent_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """Whatever rings at a colleague's phone."""

    async def ask(self, client: DeskClient) -> None:
        await client.pick_up()


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUpFrom:
    """A queue's most senior caller."""

    queue_id: QueueId

    async def ask(self, client: DeskClient) -> None:
        await client.pick_up_from(self.queue_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    leg_id: LegId
    act: RecordingAct

    async def ask(self, client: DeskClient) -> None:
        await client.record(self.leg_id, self.act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervise:
    agent_id: AgentId
    mode: SupervisionMode
    phone: str | None = None

    async def ask(self, client: DeskClient) -> None:
        await client.supervise(self.agent_id, self.mode, self.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSupervision:
    async def ask(self, client: DeskClient) -> None:
        await client.end_supervision()
