"""SIP over UDP on loopback: requests are repeated until they are answered, answers until they are
acknowledged, and what comes twice is heard once (RFC 3261 section 17).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from deploy.phones.sip_text import BadSipError, SipMessage, acknowledgement

Address = tuple[str, int]

FIRST_REPEAT_S = 0.5
"""T1 of RFC 3261; every repetition doubles it, up to `LAST_REPEAT_S`, which is T2."""
LAST_REPEAT_S = 4.0

REQUEST_LIMIT_S = 10.0
"""A PBX on loopback that is silent for so long is not there."""

ANSWER_LIMIT_S = 32.0
"""How long an answer to an INVITE is repeated when no ACK comes: 64 times T1."""


class SipEar(Protocol):
    """Who hears what comes in."""

    def hear(self, request: SipMessage, source: Address) -> None:
        """A request, once; ACK included."""
        ...


class SipSilenceError(TimeoutError):
    """A request got no final answer in time."""


@dataclass(slots=True)
class _Asked:
    """A request that waits for its final answer."""

    request: SipMessage
    final: asyncio.Future[SipMessage]
    hear_provisional: Callable[[SipMessage], None] | None
    is_heard: bool = False


class SipSocket(asyncio.DatagramProtocol):
    """One UDP port with its transactions."""

    def __init__(self, ear: SipEar) -> None:
        self._ear = ear
        self._transport: asyncio.DatagramTransport | None = None
        self._freed = asyncio.Event()
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._acks: dict[tuple[str, int], tuple[bytes, Address]] = {}
        self._answers: dict[tuple[str, str, str], bytes | None] = {}
        self._repeating: dict[tuple[str, int], asyncio.Task[None]] = {}
        self.unacknowledged_count = 0
        """Final answers to an INVITE that were repeated in vain."""

    async def open(self, host: str, port: int) -> None:
        """Take this port of this loopback address; 0 is any free one."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))

    def close(self) -> None:
        for task in self._repeating.values():
            task.cancel()
        for asked in self._asked.values():
            asked.final.cancel()
        if self._transport is not None:
            self._transport.close()

    async def wait_freed(self) -> None:
        """Return when the port of a closed socket can be taken again."""
        await self._freed.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._freed.set()

    @property
    def address(self) -> Address:
        assert self._transport is not None, "the socket is not open"
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    async def request(
        self,
        message: SipMessage,
        to: Address,
        *,
        hear_provisional: Callable[[SipMessage], None] | None = None,
        limit_s: float = REQUEST_LIMIT_S,
    ) -> SipMessage:
        """Send a request and return its final answer; a refused INVITE is acknowledged here.

        Raises:
            SipSilenceError: there was none within `limit_s`.
        """
        future = asyncio.get_running_loop().create_future()
        asked = _Asked(message, future, hear_provisional)
        key = (message.branch, message.method)
        self._asked[key] = asked
        try:
            async with asyncio.timeout(limit_s):
                return await self._ask(asked, to)
        except TimeoutError:
            raise SipSilenceError(f"no answer within {limit_s:g} s to {message.start}") from None
        finally:
            del self._asked[key]

    async def _ask(self, asked: _Asked, to: Address) -> SipMessage:
        repeat_s = FIRST_REPEAT_S
        while not asked.final.done():
            # A provisional answer says that the INVITE has arrived; other requests are repeated on.
            if not (asked.is_heard and asked.request.method == "INVITE"):
                self.send(asked.request, to)
            await asyncio.wait({asked.final}, timeout=repeat_s)
            repeat_s = min(2 * repeat_s, LAST_REPEAT_S)
        return asked.final.result()

    def send(self, message: SipMessage, to: Address) -> None:
        """Send once, without any transaction."""
        self._send(message.encode(), to)

    def acknowledge(self, ack: SipMessage, to: Address) -> None:
        """Send an ACK, and again whenever the answer to its INVITE is repeated."""
        self._acks[ack.call_id, ack.cseq] = (ack.encode(), to)
        self.send(ack, to)

    def respond(self, request: SipMessage, response: SipMessage, to: Address) -> None:
        """Answer a request; the answer is given again when the request comes again."""
        encoded = response.encode()
        self._answers[_server_key(request)] = encoded
        self._send(encoded, to)
        if request.method == "INVITE" and response.status >= 200:
            key = (request.call_id, request.cseq)
            self._repeating[key] = asyncio.create_task(self._repeat(encoded, to))

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take one datagram apart; keep-alives are no messages."""
        if not data.strip():
            return
        try:
            message = SipMessage.parse(data)
        except BadSipError:
            return
        if message.is_request:
            self._hear_request(message, addr)
        else:
            self._hear_response(message, addr)

    def _hear_request(self, request: SipMessage, source: Address) -> None:
        if request.method == "ACK":
            task = self._repeating.pop((request.call_id, request.cseq), None)
            if task is None:
                return
            task.cancel()
            self._ear.hear(request, source)
            return
        key = _server_key(request)
        if key not in self._answers:
            self._answers[key] = None
            self._ear.hear(request, source)
            return
        answer = self._answers[key]
        if answer is not None:
            self._send(answer, source)

    def _hear_response(self, response: SipMessage, source: Address) -> None:
        asked = self._asked.get((response.branch, response.method))
        if asked is None or asked.final.done():
            ack = self._acks.get((response.call_id, response.cseq))
            if response.method == "INVITE" and response.status >= 200 and ack is not None:
                self._send(*ack)
            return
        asked.is_heard = True
        if response.status < 200:
            if asked.hear_provisional is not None:
                asked.hear_provisional(response)
            return
        if response.method == "INVITE" and response.status >= 300:
            self.acknowledge(acknowledgement(asked.request, response), source)
        asked.final.set_result(response)

    async def _repeat(self, answer: bytes, to: Address) -> None:
        """Until the ACK cancels this task."""
        repeat_s = FIRST_REPEAT_S
        deadline = asyncio.get_running_loop().time() + ANSWER_LIMIT_S
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(repeat_s)
            self._send(answer, to)
            repeat_s = min(2 * repeat_s, LAST_REPEAT_S)
        self.unacknowledged_count += 1

    def _send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)


def _server_key(request: SipMessage) -> tuple[str, str, str]:
    return request.branch, request.method, request.call_id
