"""The long-lived stream to one peer: requests out, replies matched to them, silence told in time.

A request is matched with its reply by hand-off and kind; a repeated one shares its answer.
Where the stream is down a request is told as unanswered at once, so that the floor can
turn to another site instead of waiting for this one's return.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable

import grpc
import structlog
from trunkline.handoff.v1 import handoff_pb2 as pb
from trunkline.handoff.v1.handoff_pb2_grpc import HandoffServiceStub

from branch.customers.caller_card import CallerCard
from branch.peers.note_wire import LeftNote, leave_request
from branch.peers.operator import get_status
from branch.peers.wire import (
    KINDS,
    Asked,
    UnreadableReplyError,
    read_reply,
    redirect_refusal,
    redirect_reply,
    redirect_request,
    request_frame,
)
from router.facts import SiteReplied, SiteSilent
from router.ids import HandoffId, SiteId
from router.overflow.messages import Redirect, Reply, Request
from sync.link.refusals import InvalidFieldError
from sync.link.status import refusal_from

RECONNECT_DELAY_MIN_S = 0.1
RECONNECT_DELAY_MAX_S = 2.0
"""A peer that is back is asked again within this; the load board tells of its return no sooner."""

NOTE_LIMIT_S = 1.5
"""So long a person waits for another site to keep a note: its disk is in it, no caller is."""

CONNECT_LIMIT_S = 5.0
"""A peer that took the connection and says nothing is not there."""

_PROBLEM_LIMIT_CHARS = 300

_TIMER_GRAIN_S = 0.001
"""Event loops count in milliseconds: a timer may come this much before its moment."""

Tell = Callable[[SiteReplied | SiteSilent], None]
_Key = tuple[HandoffId, int]

log = structlog.get_logger()


class PeerLine:
    """One peer's stream, and the requests that wait for its answers."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        channel: grpc.aio.Channel,
        tell: Tell,
        keep_guest: Callable[[HandoffId, CallerCard], None],
        answer_limit_s: float,
        request_limit: int,
        rng: random.Random,
    ) -> None:
        self.site_id = site_id
        self.incarnation = 0
        """The peer's, as last seen; 0 before the first time."""
        self.problem = ""
        """Why TLS with the peer failed when it was last looked at."""
        self._up = asyncio.Event()
        self._channel = channel
        self._tell = tell
        self._keep_guest = keep_guest
        self._answer_limit_s = answer_limit_s
        self._timeout_ms = round(answer_limit_s * 1_000)
        self._rng = rng
        self._request_limit = request_limit
        self._outgoing: deque[pb.ExchangeRequest] = deque()
        self._has_outgoing = asyncio.Event()
        self._waiting: dict[_Key, tuple[Request, float]] = {}
        """Each with the moment at which it is given up. All wait equally long: the oldest comes first."""
        self._timer: asyncio.TimerHandle | None = None
        """Runs out no later than the oldest is due; what is answered meanwhile leaves it alone."""

    @property
    def is_connected(self) -> bool:
        return self._up.is_set()

    async def until_connected(self) -> None:
        await self._up.wait()

    def ask(self, asked: Asked) -> None:
        """Send the request; `tell` hears the reply or the silence later, never from inside of this call."""
        key = (asked.request.handoff_id, KINDS[type(asked.request)])
        loop = asyncio.get_running_loop()
        if not self.is_connected or len(self._outgoing) >= self._request_limit:
            loop.call_soon(self._tell, SiteSilent(site_id=self.site_id, request=asked.request))
            return
        self._outgoing.append(request_frame(asked, timeout_ms=self._timeout_ms))
        self._has_outgoing.set()
        self._waiting.pop(key, None)  # A repeated one waits anew, behind all others.
        self._waiting[key] = (asked.request, loop.time() + self._answer_limit_s)
        if self._timer is None:
            self._timer = loop.call_later(self._answer_limit_s, self._give_up_due)

    async def redirect(self, asked: Asked, request: Redirect) -> None:
        """Send it beside the stream; `tell` hears the reply or the silence before this returns."""
        message = redirect_request(asked, timeout_ms=self._timeout_ms)
        stub = HandoffServiceStub(self._channel)
        reply: Reply | None = None
        try:
            response = await stub.Redirect(message, timeout=self._answer_limit_s)
            reply = redirect_reply(request, response)
            self.note_incarnation(response.incarnation)
        except grpc.aio.AioRpcError as error:
            reply = redirect_refusal(request, refusal_from(error).reason)
        except InvalidFieldError as error:
            log.warning("peer_reply_unreadable", peer=self.site_id, problem=str(error))
        if reply is None:
            self._tell(SiteSilent(site_id=self.site_id, request=request))
        else:
            fact = SiteReplied(
                site_id=self.site_id, incarnation=self.incarnation, request=request, reply=reply
            )
            self._tell(fact)

    async def leave_note(self, left: LeftNote, *, site_id: SiteId, incarnation: int) -> None:
        """Have the peer keep a note on a call of its own; `site_id` and `incarnation` are ours.

        Raises:
            RefusedError: it refused, or could not be reached.
        """
        timeout_ms = round(NOTE_LIMIT_S * 1_000)
        request = leave_request(left, site_id=site_id, incarnation=incarnation, timeout_ms=timeout_ms)
        try:
            await HandoffServiceStub(self._channel).LeaveNote(request, timeout=NOTE_LIMIT_S)
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from None

    def note_incarnation(self, incarnation: int) -> None:
        self.incarnation = max(self.incarnation, incarnation)

    async def look(self) -> int | None:
        """Ask the peer how it is, without waiting for it, and note when TLS with it fails.

        Returns its wall clock, in microseconds since 1970; None when it did not answer.
        """
        utc_us, problem = None, ""
        try:
            utc_us = (await get_status(self._channel)).utc_us
        except grpc.aio.AioRpcError as error:
            problem = _tls_problem(error)
        if problem and not self.problem:
            log.warning("peer_tls_failed", peer=self.site_id, problem=problem)
        self.problem = problem
        return utc_us

    async def run(self) -> None:
        """Keep the stream open until cancelled."""
        delay_s = RECONNECT_DELAY_MIN_S
        while True:
            try:
                await self._exchange()
            except (grpc.aio.AioRpcError, TimeoutError) as error:
                log.debug("peer_unreachable", peer=self.site_id, problem=str(error)[:300])
            if self._note_down():
                delay_s = RECONNECT_DELAY_MIN_S
            # Drawn, so that the sites of a cluster do not all come back in one moment.
            await asyncio.sleep(delay_s * self._rng.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, RECONNECT_DELAY_MAX_S)

    async def close(self) -> None:
        await self._channel.close()

    async def _exchange(self) -> None:
        """One stream's life.

        Raises:
            grpc.aio.AioRpcError: it broke, or never came to be.
            TimeoutError: the peer did not open its side.
        """
        call = HandoffServiceStub(self._channel).Exchange(wait_for_ready=True)
        sending: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await call.initial_metadata()
            self._note_up()
            sending = asyncio.create_task(self._send(call), name=f"peer-{self.site_id}-out")
            while isinstance(frame := await call.read(), pb.ExchangeResponse):
                self._take(frame)
        finally:
            call.cancel()
            if sending is not None:
                sending.cancel()
                # A broken stream breaks both ways; what reading raised is what counts.
                await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, call: "grpc.aio.StreamStreamCall[pb.ExchangeRequest, pb.ExchangeResponse]") -> None:
        while True:
            await self._has_outgoing.wait()
            while self._outgoing:
                await call.write(self._outgoing.popleft())
            self._has_outgoing.clear()

    def _take(self, frame: pb.ExchangeResponse) -> None:
        try:
            replied = read_reply(frame)
        except UnreadableReplyError as error:
            log.warning("peer_reply_unreadable", peer=self.site_id, problem=str(error))
            self._give_up((error.handoff_id, error.kind))
            return
        self.note_incarnation(replied.incarnation)
        waiting = self._waiting.pop((replied.handoff_id, replied.kind), None)
        if waiting is None:
            return  # Late: the floor was told of silence already, and asks with GetHandoff where it matters.
        if replied.caller is not None:
            self._keep_guest(replied.handoff_id, replied.caller)
        fact = SiteReplied(
            site_id=self.site_id, incarnation=replied.incarnation, request=waiting[0], reply=replied.reply
        )
        self._tell(fact)

    def _give_up_due(self) -> None:
        """Tell what is due as unanswered, and come back when the next one is."""
        loop = asyncio.get_running_loop()
        self._timer = None
        due_before = loop.time() + _TIMER_GRAIN_S
        due = [key for key, (_, at) in self._waiting.items() if at <= due_before]
        for key in due:
            self._give_up(key)
        if self._waiting and self._timer is None:
            _, oldest_at = next(iter(self._waiting.values()))
            self._timer = loop.call_at(oldest_at, self._give_up_due)

    def _give_up(self, key: _Key) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            self._tell(SiteSilent(site_id=self.site_id, request=waiting[0]))

    def _note_up(self) -> None:
        self._up.set()
        log.info("peer_connected", peer=self.site_id)

    def _note_down(self) -> bool:
        """Tell everything that waits as unanswered; returns whether the stream had been up."""
        was_connected = self.is_connected
        self._up.clear()
        self._outgoing.clear()
        for key in list(self._waiting):
            self._give_up(key)
        if was_connected:
            log.warning("peer_disconnected", peer=self.site_id)
        return was_connected


def _tls_problem(error: grpc.aio.AioRpcError) -> str:
    """Why TLS failed; empty where it did not.

    The cause stands behind the library's own places, and before the state of gRPC's call.
    """
    if refusal_from(error).reason != "LINK_TLS_FAILED":
        return ""
    cause = (error.details() or "").rpartition("OPENSSL_internal:")[2]
    return cause.removesuffix(": OK")[:_PROBLEM_LIMIT_CHARS]
