"""DeskService from a person's side: one connection, one log-in, retries that cannot act twice."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from branch.terminal import wire
from branch.terminal.seen import (
    CustomerSeen,
    MessageSeen,
    Person,
    Position,
    Update,
    VisitDialled,
    VisitsSeen,
)
from router.acd.place import Place
from router.errors import RouterError
from router.ids import AgentId, CallId, CustomerId, LegId, QueueId
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from sync.link.refusals import RefusedError
from sync.link.status import refusal_from

ANSWER_LIMIT_S = 2.0
LOGIN_LIMIT_S = 10.0
"""A password costs time on purpose, and others may be before us."""
SILENCE_LIMIT_S = 5.0
"""The branch speaks each second; one that says nothing for so long is not there."""
TRIES = 3
TRY_AGAIN_AFTER_S = 0.3

_TROUBLE = frozenset({"LINK_DOWN", "LINK_TIMEOUT", "PEER_OVERLOADED"})
"""Nobody has answered: the same request may be sent again, and is carried out once."""

R = TypeVar("R", bound=Message)


class DeskClient:
    """Everything raises RefusedError: the branch's refusal, or the link's trouble (LINK_...)."""

    def __init__(self, channel: grpc.aio.Channel, *, token: str | None = None) -> None:
        self._channel = channel
        self._stub = DeskServiceStub(channel)
        self.token = token

    async def log_in(self, name: str, password: str) -> Person:
        request = pb.LoginRequest(request_id=_new_id(), name=name, password=password)
        response = await self._send(self._stub.Login, request, limit_s=LOGIN_LIMIT_S)
        self.token = response.token
        return wire.person(response)

    async def log_out(self) -> None:
        """Leave; somebody who is out already has left."""
        try:
            await self._send(self._stub.Logout, pb.LogoutRequest(request_id=_new_id()))
        except RefusedError as refusal:
            if refusal.reason != "NOT_LOGGED_IN":
                raise
        self.token = None

    # --- an agent's acts ----------------------------------------------------------------

    async def ready(self) -> None:
        await self._send(self._stub.SetState, pb.SetStateRequest(request_id=_new_id(), ready=pb.Ready()))

    async def not_ready(self, reason: str) -> None:
        request = pb.SetStateRequest(request_id=_new_id(), not_ready=pb.NotReady(reason=reason))
        await self._send(self._stub.SetState, request)

    async def wrapup_done(self) -> None:
        request = pb.SetStateRequest(request_id=_new_id(), wrapup_done=pb.WrapupDone())
        await self._send(self._stub.SetState, request)

    async def answer(self, leg_id: LegId) -> None:
        await self._send(self._stub.Answer, pb.AnswerRequest(request_id=_new_id(), leg_id=leg_id))

    async def hang_up(self, leg_id: LegId) -> None:
        await self._send(self._stub.HangUp, pb.HangUpRequest(request_id=_new_id(), leg_id=leg_id))

    async def hold(self, leg_id: LegId) -> None:
        await self._send(self._stub.Hold, pb.HoldRequest(request_id=_new_id(), leg_id=leg_id))

    async def resume(self, leg_id: LegId) -> None:
        await self._send(self._stub.Resume, pb.ResumeRequest(request_id=_new_id(), leg_id=leg_id))

    async def transfer_to_queue(self, leg_id: LegId, queue_id: QueueId) -> None:
        request = pb.TransferRequest(request_id=_new_id(), leg_id=leg_id, queue_id=queue_id)
        await self._send(self._stub.Transfer, request)

    async def transfer_to_agent(self, leg_id: LegId, agent_id: AgentId) -> None:
        request = pb.TransferRequest(request_id=_new_id(), leg_id=leg_id, agent_id=agent_id)
        await self._send(self._stub.Transfer, request)

    # --- talks of more than two ---------------------------------------------------------

    async def consult(self, leg_id: LegId, agent_id: AgentId) -> None:
        request = pb.ConsultRequest(request_id=_new_id(), leg_id=leg_id, agent_id=agent_id)
        await self._send(self._stub.Consult, request)

    async def complete_transfer(self, leg_id: LegId) -> None:
        request = pb.CompleteTransferRequest(request_id=_new_id(), leg_id=leg_id)
        await self._send(self._stub.CompleteTransfer, request)

    async def cancel_consultation(self, leg_id: LegId) -> None:
        request = pb.CancelConsultationRequest(request_id=_new_id(), leg_id=leg_id)
        await self._send(self._stub.CancelConsultation, request)

    async def merge(self, leg_id: LegId) -> None:
        await self._send(self._stub.Merge, pb.MergeRequest(request_id=_new_id(), leg_id=leg_id))

    async def pick_up_at(self, agent_id: AgentId) -> None:
        request = pb.PickupRequest(request_id=_new_id(), agent_id=agent_id)
        await self._send(self._stub.Pickup, request)

    async def pick_up(self) -> None:
        """Whatever rings at a colleague's phone."""
        await self._send(self._stub.Pickup, pb.PickupRequest(request_id=_new_id()))

    async def pick_up_from(self, queue_id: QueueId) -> None:
        request = pb.PickupRequest(request_id=_new_id(), queue_id=queue_id)
        await self._send(self._stub.Pickup, request)

    async def record(self, leg_id: LegId, act: RecordingAct) -> None:
        request = pb.RecordRequest(request_id=_new_id(), leg_id=leg_id, act=wire.recording_act(act))
        await self._send(self._stub.Record, request)

    async def supervise(self, agent_id: AgentId, mode: SupervisionMode, phone: str | None = None) -> None:
        """`phone` is the site's phone to ring; None for the one named after the person."""
        request = pb.SuperviseRequest(
            request_id=_new_id(), agent_id=agent_id, mode=wire.supervision_mode(mode), phone=phone
        )
        await self._send(self._stub.Supervise, request)

    async def end_supervision(self) -> None:
        await self._send(self._stub.EndSupervision, pb.EndSupervisionRequest(request_id=_new_id()))

    async def dial(self, number: str) -> None:
        await self._send(self._stub.Dial, pb.DialRequest(request_id=_new_id(), number=number))

    async def set_places(self, places: Sequence[Place]) -> None:
        request = pb.SetPlacesRequest(
            request_id=_new_id(),
            places=[pb.Place(number=each.number, ring_limit_ms=each.ring_limit_ms) for each in places],
        )
        await self._send(self._stub.SetPlaces, request)

    async def write_note(self, call_id: CallId, text: str) -> None:
        request = pb.WriteNoteRequest(request_id=_new_id(), call_id=call_id, text=text)
        await self._send(self._stub.WriteNote, request)

    async def visits(self) -> VisitsSeen:
        return wire.visits(await self._send(self._stub.ListVisits, pb.ListVisitsRequest()))

    async def next_visit(self) -> VisitsSeen:
        """At most one, kept for the agent."""
        request = pb.NextVisitRequest(request_id=_new_id())
        return wire.next_visit(await self._send(self._stub.NextVisit, request))

    async def dial_visit(self, call_id: CallId) -> VisitDialled:
        request = pb.DialVisitRequest(request_id=_new_id(), call_id=call_id)
        return wire.visit_dialled(await self._send(self._stub.DialVisit, request))

    async def skip_visit(self, call_id: CallId, reason: str, *, is_for_good: bool) -> None:
        request = pb.SkipVisitRequest(
            request_id=_new_id(), call_id=call_id, reason=reason, is_for_good=is_for_good
        )
        await self._send(self._stub.SkipVisit, request)

    async def messages(self, *, with_heard: bool) -> list[MessageSeen]:
        request = pb.ListMessagesRequest(with_heard=with_heard)
        return wire.messages(await self._send(self._stub.ListMessages, request))

    async def mark_heard(self, call_id: CallId) -> None:
        await self._send(self._stub.MarkHeard, pb.MarkHeardRequest(request_id=_new_id(), call_id=call_id))

    async def customer(self, customer_id: CustomerId) -> CustomerSeen:
        request = pb.GetCustomerRequest(customer_id=customer_id)
        return wire.customer(await self._send(self._stub.GetCustomer, request))

    # --- watching -----------------------------------------------------------------------

    async def watch_desk(
        self, after: Position | None, *, is_glance: bool = False
    ) -> AsyncGenerator[Update, None]:
        """An agent's own desk; ends by raising RefusedError only.

        Leaving it, but for a glance, makes the agent unreachable soon.
        """
        request = pb.WatchDeskRequest(after=wire.position(after), is_glance=is_glance)
        async with aclosing(self._stream(self._stub.WatchDesk, request)) as updates:
            async for update in updates:
                yield update

    async def monitor(self, after: Position | None) -> AsyncGenerator[Update, None]:
        """The whole site; ends by raising RefusedError only."""
        request = pb.MonitorRequest(after=wire.position(after))
        async with aclosing(self._stream(self._stub.Monitor, request)) as updates:
            async for update in updates:
                yield update

    async def close(self) -> None:
        await self._channel.close()

    # --- the wire -----------------------------------------------------------------------

    async def _send(
        self, method: Callable[..., Awaitable[R]], request: Message, *, limit_s: float = ANSWER_LIMIT_S
    ) -> R:
        for _ in range(TRIES - 1):
            try:
                return await self._send_once(method, request, limit_s)
            except RefusedError as refusal:
                if not is_trouble(refusal):
                    raise
            await asyncio.sleep(TRY_AGAIN_AFTER_S)
        return await self._send_once(method, request, limit_s)

    async def _send_once(self, method: Callable[..., Awaitable[R]], request: Message, limit_s: float) -> R:
        try:
            return await method(request, timeout=limit_s, metadata=self._metadata())
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from None

    async def _stream(self, method: Callable[..., Any], request: Message) -> AsyncGenerator[Update, None]:
        call = method(request, metadata=self._metadata())
        try:
            while True:
                async with asyncio.timeout(SILENCE_LIMIT_S):
                    response = await call.read()
                if response is grpc.aio.EOF:
                    raise RefusedError("LINK_DOWN", "the branch has ended the watch", {"case": "WATCH_ENDED"})
                yield wire.update(response.update)
        except TimeoutError:
            silence = f"nothing heard for {SILENCE_LIMIT_S:g} s"
            raise RefusedError("LINK_TIMEOUT", silence, {"said": silence}) from None
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from None
        finally:
            call.cancel()

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)


def is_trouble(refusal: RouterError) -> bool:
    """Whether the branch could not be reached, which may pass."""
    return refusal.reason in _TROUBLE


def _new_id() -> str:
    return str(uuid.uuid4())
