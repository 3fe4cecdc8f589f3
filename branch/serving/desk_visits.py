"""The part of DeskService that is about return visits."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceServicer

from branch.people.sessions import Session
from branch.people.visiting import Listed, Visiting
from branch.serving.desk_talks import Context, M
from router.ids import AgentId, CallId
from router.visit.visit import Standing

LIST_LIMIT = 200

_STANDINGS: "Mapping[Standing, pb.VisitStanding.ValueType]" = {
    each: pb.VisitStanding.Value(f"VISIT_STANDING_{each}")
    for each in (Standing.DUE, Standing.RESTING, Standing.TRYING)
}


class VisitFace(DeskServiceServicer):
    """Who may ask, and whether it was asked before, is the whole face's to say."""

    def __init__(self, visiting: Visiting) -> None:
        self._visiting = visiting

    @abstractmethod
    async def _session(self, context: Context) -> Session:
        """Who asks."""

    @abstractmethod
    async def _agents_answer(
        self, context: Context, request: Any, serve: Callable[[AgentId], Awaitable[M]]
    ) -> M:
        """Serve it once, for the agent who asks."""

    async def ListVisits(self, request: pb.ListVisitsRequest, context: Context) -> pb.ListVisitsResponse:
        await self._session(context)
        found = await self._visiting.visits()
        return pb.ListVisitsResponse(
            is_open=found.is_open,
            visits=[_visit(each) for each in found.listed[:LIST_LIMIT]],
            visit_count=len(found.listed),
        )

    async def NextVisit(self, request: pb.NextVisitRequest, context: Context) -> pb.NextVisitResponse:
        async def serve(agent_id: AgentId) -> pb.NextVisitResponse:
            found = await self._visiting.next_for(agent_id)
            visit = _visit(found.listed[0]) if found.listed else None
            return pb.NextVisitResponse(is_open=found.is_open, visit=visit)

        return await self._agents_answer(context, request, serve)

    async def DialVisit(self, request: pb.DialVisitRequest, context: Context) -> pb.DialVisitResponse:
        async def serve(agent_id: AgentId) -> pb.DialVisitResponse:
            dialled = await self._visiting.dial(agent_id, CallId(request.call_id))
            return pb.DialVisitResponse(outbound_call_id=dialled.outbound_id, outcome=dialled.outcome)

        return await self._agents_answer(context, request, serve)

    async def SkipVisit(self, request: pb.SkipVisitRequest, context: Context) -> pb.SkipVisitResponse:
        async def serve(agent_id: AgentId) -> pb.SkipVisitResponse:
            await self._visiting.skip(
                agent_id,
                CallId(request.call_id),
                note_id=request.request_id,
                reason=request.reason.strip(),
                is_for_good=request.is_for_good,
            )
            return pb.SkipVisitResponse()

        return await self._agents_answer(context, request, serve)


def _visit(listed: Listed) -> pb.Visit:
    visit, profile = listed.visit, listed.profile
    return pb.Visit(
        call_id=visit.call_id,
        customer_id=visit.customer_id,
        customer_name=None if profile is None else profile.name,
        customer_class=None if profile is None else profile.customer_class,
        queue_id=visit.queue_id,
        agent_id=visit.agent_id,
        called_utc_us=visit.called_utc_us,
        due_date=visit.due_date,
        standing=_STANDINGS[listed.standing],
        try_count=visit.try_count,
        last_outcome=visit.last_outcome,
        tried_utc_us=visit.tried_utc_us,
        kept_for=listed.kept_for,
    )
