"""HandoffService: other sites' requests to the desk, as frames of one stream or one at a time."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

import grpc
from trunkline.handoff.v1 import handoff_pb2 as pb
from trunkline.handoff.v1.handoff_pb2_grpc import HandoffServiceServicer

from branch.customers.caller_card import CallerCard
from branch.peers.note_wire import LeftNote, read_leave_request
from branch.peers.wire import Asked, read_redirect, read_request, refusal_frame, reply_frame
from router.errors import RouterError
from router.ids import CallId, HandoffId, SiteId
from router.overflow.messages import Given, HandoffSeen, HandoffState, Refused, Reply, Reserved
from sync.link.identity import require_site
from sync.link.refusals import ForeignSiteError

SERVICE = pb.DESCRIPTOR.services_by_name["HandoffService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class AnsweringDesk(Protocol):
    """The part of the branch that this face needs."""

    @property
    def incarnation(self) -> int:
        """What every answer carries."""
        ...

    def answer(self, asked: Asked) -> Reply:
        """Answer at once.

        Raises:
            RouterError: refused without an answer; nothing changed.
        """
        ...

    async def answer_for_good(self, asked: Asked) -> Reply:
        """The same, once what the answer promises is kept whatever happens to this process.

        Raises:
            RouterError: refused without an answer; nothing changed.
        """
        ...


class Callers(Protocol):
    """Who calls, here and at the sites that we help."""

    def card_of(self, call_id: CallId) -> CallerCard | None:
        """None: no live call of ours."""
        ...

    def keep_guest(self, handoff_id: HandoffId, card: CallerCard) -> None:
        """Until the hand-off is over."""
        ...


class Notes(Protocol):
    """Who keeps what is written on our calls."""

    async def take(self, site_id: SiteId, left: LeftNote) -> None:
        """Keep what an agent of another site wrote.

        Raises:
            RouterError: it is not kept.
        """
        ...


class HandoffRefusedError(RouterError):
    """The desk's answer to a unary call is a refusal; the stream has a frame for it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"hand-off {refused.handoff_id!r} is refused: {refused.reason}")
        self.reason = refused.reason
        self.handoff_id = refused.handoff_id


class HandoffFace(HandoffServiceServicer):
    """Served to peers; a peer speaks for itself only."""

    def __init__(self, desk: AnsweringDesk, callers: Callers, notes: Notes) -> None:
        self._desk = desk
        self._callers = callers
        self._notes = notes

    async def Exchange(  # type: ignore[override]  # the stub knows one of gRPC's two styles, the slower
        self, request_iterator: AsyncIterator[pb.ExchangeRequest], context: Context
    ) -> None:
        """Answer frame by frame until the peer ends the stream."""
        # The peer takes the stream for open once it hears this.
        await context.send_initial_metadata(())
        async for frame in request_iterator:
            await context.write(self._answered_by_frame(frame))

    async def Reserve(self, request: pb.ReserveRequest, context: Context) -> pb.ReserveResponse:
        frame = self._answered(pb.ExchangeRequest(envelope=request.envelope, reserve=request.reserve))
        return pb.ReserveResponse(incarnation=frame.incarnation, reserved=frame.reserved)

    async def Claim(self, request: pb.ClaimRequest, context: Context) -> pb.ClaimResponse:
        frame = self._answered(pb.ExchangeRequest(envelope=request.envelope, claim=request.claim))
        return pb.ClaimResponse(incarnation=frame.incarnation, given=frame.given)

    async def Confirm(self, request: pb.ConfirmRequest, context: Context) -> pb.ConfirmResponse:
        frame = self._answered(pb.ExchangeRequest(envelope=request.envelope, confirm=pb.Confirm()))
        return pb.ConfirmResponse(incarnation=frame.incarnation)

    async def Cancel(self, request: pb.CancelRequest, context: Context) -> pb.CancelResponse:
        frame = self._answered(pb.ExchangeRequest(envelope=request.envelope, cancel=request.cancel))
        return pb.CancelResponse(incarnation=frame.incarnation)

    async def GetHandoff(self, request: pb.GetHandoffRequest, context: Context) -> pb.GetHandoffResponse:
        frame = self._answered(pb.ExchangeRequest(envelope=request.envelope, get_handoff=pb.GetHandoff()))
        return pb.GetHandoffResponse(incarnation=frame.incarnation, seen=frame.seen)

    async def ReserveLine(self, request: pb.ReserveLineRequest, context: Context) -> pb.ReserveLineResponse:
        frame = self._answered(
            pb.ExchangeRequest(envelope=request.envelope, reserve_line=request.reserve_line)
        )
        return pb.ReserveLineResponse(incarnation=frame.incarnation, reserved=frame.reserved)

    async def Move(self, request: pb.MoveRequest, context: Context) -> pb.MoveResponse:
        frame = self._answered(pb.ExchangeRequest(envelope=request.envelope, move=request.move))
        return pb.MoveResponse(incarnation=frame.incarnation, reserved=frame.reserved)

    async def TellHandoff(self, request: pb.TellHandoffRequest, context: Context) -> pb.TellHandoffResponse:
        frame = self._answered(
            pb.ExchangeRequest(envelope=request.envelope, tell_handoff=request.tell_handoff)
        )
        return pb.TellHandoffResponse(incarnation=frame.incarnation)

    async def Redirect(self, request: pb.RedirectRequest, context: Context) -> pb.RedirectResponse:
        asked = read_redirect(request)
        require_site(asked.site_id)
        reply = await self._desk.answer_for_good(asked)
        if isinstance(reply, Refused):
            raise HandoffRefusedError(reply)
        assert isinstance(reply, Reserved), "nothing else answers a Redirect"
        if asked.caller is not None:
            self._callers.keep_guest(reply.handoff_id, asked.caller)
        return pb.RedirectResponse(
            incarnation=self._desk.incarnation, reserved=pb.Reserved(token=reply.token)
        )

    async def LeaveNote(self, request: pb.LeaveNoteRequest, context: Context) -> pb.LeaveNoteResponse:
        site_id, left = read_leave_request(request)
        require_site(site_id)
        await self._notes.take(site_id, left)
        return pb.LeaveNoteResponse(incarnation=self._desk.incarnation)

    def _answered(self, frame: pb.ExchangeRequest) -> pb.ExchangeResponse:
        """Raises:
        RouterError: refused, for the interceptor to translate.
        """
        asked = read_request(frame)
        require_site(asked.site_id)
        reply = self._desk.answer(asked)
        if isinstance(reply, Refused):
            raise HandoffRefusedError(reply)
        return self._reply_frame(asked, reply)

    def _answered_by_frame(self, frame: pb.ExchangeRequest) -> pb.ExchangeResponse:
        """Raises:
        ForeignSiteError: the peer speaks for another site; this ends the stream.
        """
        try:
            asked = read_request(frame)
            require_site(asked.site_id)
            return self._reply_frame(asked, self._desk.answer(asked))
        except ForeignSiteError:
            raise
        except RouterError as refusal:
            return refusal_frame(
                frame, reason=refusal.reason, message=str(refusal), incarnation=self._desk.incarnation
            )

    def _reply_frame(self, asked: Asked, reply: Reply) -> pb.ExchangeResponse:
        """Who the call is from goes with the call, whichever side has asked for the hand-off."""
        card = None
        if isinstance(reply, Given):
            card = self._callers.card_of(reply.call.call_id)
        elif isinstance(reply, HandoffSeen):
            card = self._card_of_seen(reply)
        elif isinstance(reply, Reserved) and asked.caller is not None:
            self._callers.keep_guest(reply.handoff_id, asked.caller)
        return reply_frame(asked.request, reply, incarnation=self._desk.incarnation, caller=card)

    def _card_of_seen(self, seen: HandoffSeen) -> CallerCard | None:
        """To a site that is no part of the hand-off the call's id was not told, and so neither is this."""
        is_over = seen.state in (HandoffState.UNKNOWN, HandoffState.OVER)
        return None if is_over or seen.call_id is None else self._callers.card_of(seen.call_id)
