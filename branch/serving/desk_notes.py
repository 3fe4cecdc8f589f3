"""The part of DeskService that is about notes on contacts."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceServicer

from branch.people.note_writing import NoteWriting
from branch.serving.desk_talks import Context, M
from router.ids import AgentId, CallId


class NoteFace(DeskServiceServicer):
    """Who may ask, and whether it was asked before, is the whole face's to say."""

    def __init__(self, notes: NoteWriting) -> None:
        self._notes = notes

    @abstractmethod
    async def _agents_answer(
        self, context: Context, request: Any, serve: Callable[[AgentId], Awaitable[M]]
    ) -> M:
        """Serve it once, for the agent who asks."""

    async def WriteNote(self, request: pb.WriteNoteRequest, context: Context) -> pb.WriteNoteResponse:
        async def serve(agent_id: AgentId) -> pb.WriteNoteResponse:
            text = request.text.strip()
            await self._notes.write(agent_id, CallId(request.call_id), request.request_id, text)
            return pb.WriteNoteResponse()

        return await self._agents_answer(context, request, serve)
