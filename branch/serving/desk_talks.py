"""The part of DeskService that is about talks of more than two."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceServicer

from branch.people.sessions import Session
from branch.people.talk_places import TalkPlaces
from router.ids import AgentId, LegId, QueueId
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode

Context = grpc.aio.ServicerContext[Any, Any]
M = TypeVar("M", bound=Message)

_ACTS: "Mapping[pb.RecordingAct.ValueType, RecordingAct]" = {
    pb.RecordingAct.Value(f"RECORDING_ACT_{act}"): act for act in RecordingAct
}
_MODES: "Mapping[pb.SupervisionMode.ValueType, SupervisionMode]" = {
    pb.SupervisionMode.Value(f"SUPERVISION_MODE_{mode}"): mode for mode in SupervisionMode
}


class TalkFace(DeskServiceServicer):
    """Who may ask, and whether it was asked before, is the whole face's to say."""

    def __init__(self, talks: TalkPlaces) -> None:
        self._talks = talks

    @abstractmethod
    async def _agents_act(self, context: Context, request: Any, act: Callable[[AgentId], None], done: M) -> M:
        """Do it once, for the agent who asks."""

    @abstractmethod
    async def _supervisors_act(
        self, context: Context, request: Any, act: Callable[[Session], None], done: M
    ) -> M:
        """Do it once, for the supervisor who asks."""

    async def Consult(self, request: pb.ConsultRequest, context: Context) -> pb.ConsultResponse:
        def act(agent_id: AgentId) -> None:
            self._talks.consult(agent_id, LegId(request.leg_id), AgentId(request.agent_id))

        return await self._agents_act(context, request, act, pb.ConsultResponse())

    async def CompleteTransfer(
        self, request: pb.CompleteTransferRequest, context: Context
    ) -> pb.CompleteTransferResponse:
        def act(agent_id: AgentId) -> None:
            self._talks.complete(agent_id, LegId(request.leg_id))

        return await self._agents_act(context, request, act, pb.CompleteTransferResponse())

    async def CancelConsultation(
        self, request: pb.CancelConsultationRequest, context: Context
    ) -> pb.CancelConsultationResponse:
        def act(agent_id: AgentId) -> None:
            self._talks.cancel(agent_id, LegId(request.leg_id))

        return await self._agents_act(context, request, act, pb.CancelConsultationResponse())

    async def Merge(self, request: pb.MergeRequest, context: Context) -> pb.MergeResponse:
        def act(agent_id: AgentId) -> None:
            self._talks.merge(agent_id, LegId(request.leg_id))

        return await self._agents_act(context, request, act, pb.MergeResponse())

    async def Pickup(self, request: pb.PickupRequest, context: Context) -> pb.PickupResponse:
        def act(agent_id: AgentId) -> None:
            self._talks.pick_up(
                agent_id,
                from_queue=QueueId(request.queue_id) if request.HasField("queue_id") else None,
                from_agent=AgentId(request.agent_id) if request.HasField("agent_id") else None,
            )

        return await self._agents_act(context, request, act, pb.PickupResponse())

    async def Record(self, request: pb.RecordRequest, context: Context) -> pb.RecordResponse:
        def act(agent_id: AgentId) -> None:
            self._talks.record(agent_id, LegId(request.leg_id), _ACTS[request.act])

        return await self._agents_act(context, request, act, pb.RecordResponse())

    async def Supervise(self, request: pb.SuperviseRequest, context: Context) -> pb.SuperviseResponse:
        def act(session: Session) -> None:
            phone = request.phone if request.HasField("phone") else None
            mode = _MODES[request.mode]
            self._talks.supervise(session.person_id, AgentId(request.agent_id), mode, phone)

        return await self._supervisors_act(context, request, act, pb.SuperviseResponse())

    async def EndSupervision(
        self, request: pb.EndSupervisionRequest, context: Context
    ) -> pb.EndSupervisionResponse:
        def act(session: Session) -> None:
            self._talks.end_supervision(session.person_id)

        return await self._supervisors_act(context, request, act, pb.EndSupervisionResponse())
