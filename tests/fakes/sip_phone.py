"""A SIP phone in a test's hands: registers, is rung, lifts, rejects, calls, presses keys, hears audio."""

import asyncio
import secrets
import struct
from collections.abc import Callable
from typing import TypeVar, cast

from tests.fakes.sip import Address, Message, SipSocket, authorization, media_address, response, sdp

T = TypeVar("T")

WAIT_LIMIT_S = 10.0
_FRAME_S = 0.02
_SILENCE = b"\xd5" * 160
_FINAL = 200


class Rtp(asyncio.DatagramProtocol):
    """One call's audio: silence out every 20 ms once it is told where to, packets in counted."""

    def __init__(self) -> None:
        self.received_count = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._sending: asyncio.Task[None] | None = None
        self._sequence, self._stamp, self._source = 0, 0, secrets.randbits(32)

    async def open(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own is one and does not say so before Python 3.12.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.received_count += 1

    def talk_to(self, address: Address) -> None:
        """Send silence, as a phone does that nobody speaks into."""
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_silence(address))

    async def press(self, digits: str, address: Address) -> None:
        """RFC 4733 events: each digit 100 ms long, its end said three times."""
        for digit in digits:
            number = "0123456789*#".index(digit)
            for step in range(8):
                is_end = step >= 5
                event = struct.pack("!BBH", number, 0x80 * is_end | 10, 160 * (min(step, 5) + 1))
                self._send(96 | (0x80 if step == 0 else 0), event, address, is_same_moment=True)
                await asyncio.sleep(_FRAME_S)
            self._stamp += 160 * 10
            await asyncio.sleep(0.1)

    def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        if self._transport is not None:
            self._transport.close()

    async def _send_silence(self, address: Address) -> None:
        while True:
            self._send(8, _SILENCE, address)
            await asyncio.sleep(_FRAME_S)

    def _send(self, kind: int, payload: bytes, address: Address, *, is_same_moment: bool = False) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._stamp += 0 if is_same_moment else 160
        head = struct.pack("!BBHII", 0x80, kind, self._sequence, self._stamp & 0xFFFFFFFF, self._source)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(head + payload, address)


class PhoneCall:
    """One call of a phone, in or out."""

    def __init__(self, phone: "SipPhone", call_id: str, *, is_outgoing: bool) -> None:
        self.call_id = call_id
        self.invite: Message | None = None
        self.is_up = False
        self.is_over = False
        self.status = 0
        """The last answer to our INVITE."""
        self.rtp = Rtp()
        self.tag = secrets.token_hex(6)
        self.cseq = 1
        self.remote = ""
        """The other side's To or From with its tag."""
        self.local = ""
        self.target = ""
        self.media: Address | None = None
        self.is_outgoing = is_outgoing
        self._phone = phone

    def lift(self) -> None:
        assert self.invite is not None
        body = sdp(self._phone.host, self.rtp.port)
        self._phone.answer(self, "200 OK", body)
        self.is_up = True
        self.media = media_address(self.invite.body)
        self.rtp.talk_to(self.media)

    def put_down(self, status: str = "603 Decline") -> None:
        """Reject, cancel or end, whatever there is to do."""
        if self.is_over:
            return
        if self.is_up:
            self._phone.request(self, "BYE")
        elif self.is_outgoing:
            self._phone.cancel(self)
        else:
            self._phone.answer(self, status)
        if not self.is_outgoing or self.is_up:
            self.end()

    async def press(self, digits: str) -> None:
        assert self.media is not None
        await self.rtp.press(digits, self.media)

    def end(self) -> None:
        self.is_over = True
        self.is_up = False
        self.rtp.close()
        self._phone.changed()


class SipPhone:
    """One phone, or one caller at the end of a line, at a PBX."""

    def __init__(self, user: str, password: str, pbx: Address, *, host: str = "127.0.0.1") -> None:
        self.user = user
        self.host = host
        self.calls: list[PhoneCall] = []
        self.rung_count = 0
        self.answers_after_s: float | None = None
        """None: only `lift` answers."""
        self.refuses_with: str | None = None
        """Such as `486 Busy Here`, told to every call at once."""
        self.talks_s: float | None = None
        """Hangs up by itself so long after it lifted."""
        self._password = password
        self._pbx = pbx
        self._socket = SipSocket(self._heard)
        self._register_call = secrets.token_hex(8)
        self._register_cseq = 0
        self._seconds = 0
        self._registered = asyncio.Event()
        self._answered: dict[tuple[str, str], Message] = {}
        self._change = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def port(self) -> int:
        return self._socket.address[1]

    async def open(self) -> None:
        await self._socket.open(self.host)

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for call in self.calls:
            call.rtp.close()
        self._socket.close()

    def changed(self) -> None:
        self._change.set()

    async def until(self, look: Callable[[], T], limit_s: float = WAIT_LIMIT_S) -> T:
        """Wait until `look` sees something that is true, and return it."""
        try:
            async with asyncio.timeout(limit_s):
                while not (seen := look()):
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            said = [(each.status, each.is_up, each.is_over) for each in self.calls]
            raise AssertionError(f"phone {self.user} did not see it; its calls: {said}") from None
        return seen

    # --- registration --------------------------------------------------------------------

    async def register(self, *, seconds: int = 600) -> None:
        """Register, or with 0 seconds unregister, and wait for the PBX's word."""
        self._registered.clear()
        self._seconds = seconds
        self._register("")
        async with asyncio.timeout(WAIT_LIMIT_S):
            await self._registered.wait()

    def _register(self, proof: str) -> None:
        self._register_cseq += 1
        uri = f"sip:{self._pbx[0]}:{self._pbx[1]}"
        headers = self._headers(uri, self._register_call, f"{self._register_cseq} REGISTER", "reg", "")
        headers += [("Contact", self._contact()), ("Expires", str(self._seconds))]
        if proof:
            headers.append(("Authorization", proof))
        self._socket.send(Message(f"REGISTER {uri} SIP/2.0", headers), self._pbx)

    def _register_told(self, told: Message) -> None:
        if told.status == 401:
            uri = f"sip:{self._pbx[0]}:{self._pbx[1]}"
            proof = authorization(
                told["WWW-Authenticate"], user=self.user, password=self._password, method="REGISTER", uri=uri
            )
            self._register(proof)
        elif told.status == _FINAL:
            self._registered.set()

    # --- calls out -----------------------------------------------------------------------

    async def call(self, number: str, **extra: str) -> PhoneCall:
        """INVITE; returns at once. Underscores in names of extra headers are hyphens."""
        call = PhoneCall(self, secrets.token_hex(8), is_outgoing=True)
        await call.rtp.open(self.host)
        self.calls.append(call)
        call.local = f"<sip:{self.user}@{self.host}>;tag={call.tag}"
        call.target = f"sip:{number}@{self._pbx[0]}:{self._pbx[1]}"
        call.remote = f"<{call.target}>"
        self._invite(call, [(key.replace("_", "-"), value) for key, value in extra.items()])
        return call

    def _invite(self, call: PhoneCall, extra: list[tuple[str, str]]) -> None:
        headers = self._headers(call.target, call.call_id, f"{call.cseq} INVITE", call.tag, "")
        headers += [("Contact", self._contact()), ("Content-Type", "application/sdp"), *extra]
        body = sdp(self.host, call.rtp.port)
        call.invite = Message(f"INVITE {call.target} SIP/2.0", headers, body)
        self._socket.send(call.invite, self._pbx)

    def cancel(self, call: PhoneCall) -> None:
        assert call.invite is not None
        kept = [
            each
            for each in call.invite.headers
            if each[0] in ("Via", "From", "To", "Call-ID", "Max-Forwards")
        ]
        uri = call.invite.start.split()[1]
        self._socket.send(
            Message(f"CANCEL {uri} SIP/2.0", [*kept, ("CSeq", f"{call.cseq} CANCEL")]), self._pbx
        )

    def request(self, call: PhoneCall, method: str) -> None:
        """Inside of the call's dialog."""
        call.cseq += 1
        headers = [
            ("Via", self._socket.via()),
            ("Max-Forwards", "70"),
            ("From", call.local),
            ("To", call.remote),
            ("Call-ID", call.call_id),
            ("CSeq", f"{call.cseq} {method}"),
        ]
        self._socket.send(Message(f"{method} {call.target} SIP/2.0", headers), self._pbx)

    def _invite_told(self, call: PhoneCall, told: Message) -> None:
        call.status = told.status
        if told.status >= _FINAL:
            self._acknowledge(call, told)
        if told.status == 401:
            challenge = told["WWW-Authenticate"]
            call.cseq += 1
            proof = authorization(
                challenge, user=self.user, password=self._password, method="INVITE", uri=call.target
            )
            self._invite(call, [("Authorization", proof)])
        elif told.status == _FINAL and not call.is_up and not call.is_over:
            call.is_up = True
            call.remote = told["To"]
            call.target = told["Contact"].strip("<>").partition(">")[0]
            call.media = media_address(told.body)
            call.rtp.talk_to(call.media)
        elif told.status > _FINAL:
            call.end()
        self.changed()

    def _acknowledge(self, call: PhoneCall, told: Message) -> None:
        assert call.invite is not None
        via = call.invite["Via"] if told.status > _FINAL else self._socket.via()
        uri = call.target if told.status > _FINAL else told["Contact"].strip("<>").partition(">")[0]
        headers = [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", told["From"]),
            ("To", told["To"]),
            ("Call-ID", call.call_id),
            ("CSeq", f"{told['CSeq'].split()[0]} ACK"),
        ]
        self._socket.send(Message(f"ACK {uri} SIP/2.0", headers), self._pbx)

    # --- what comes ----------------------------------------------------------------------

    def _heard(self, message: Message, source: Address) -> None:
        if message.status:
            if message.method == "REGISTER":
                self._register_told(message)
            elif message.method == "INVITE":
                call = self._find(message["Call-ID"])
                if call is not None:
                    self._invite_told(call, message)
            return
        if message.method == "ACK":
            return
        done = self._answered.get((message["Call-ID"], message["CSeq"]))
        if done is not None:
            self._socket.send(done, source)
        else:
            self._requested(message, source)

    def _requested(self, message: Message, source: Address) -> None:
        call = self._find(message["Call-ID"])
        match message.method:
            case "INVITE" if call is None:
                self._rung(message)
            case "INVITE" if call is not None:
                answer = response(
                    message,
                    "200 OK",
                    tag=call.tag,
                    contact=self._contact(),
                    body=sdp(self.host, call.rtp.port),
                )
                self._reply(message, answer, source)
            case "CANCEL" | "BYE" if call is not None:
                self._reply(message, response(message, "200 OK", tag=call.tag), source)
                if message.method == "CANCEL" and not call.is_up:
                    self.answer(call, "487 Request Terminated")
                call.end()
            case "BYE" | "CANCEL":
                self._reply(message, response(message, "481 No Such Call", tag="x"), source)
            case _:
                self._reply(message, response(message, "200 OK", tag="x", contact=self._contact()), source)

    def _rung(self, invite: Message) -> None:
        call = PhoneCall(self, invite["Call-ID"], is_outgoing=False)
        call.invite = invite
        call.remote, call.local = invite["From"], f"{invite['To']};tag={call.tag}"
        call.target = invite["Contact"].strip("<>").partition(">")[0]
        is_busy = any(not each.is_over for each in self.calls)
        self.calls.append(call)
        refusal = "486 Busy Here" if is_busy else self.refuses_with
        if refusal is not None:
            self.answer(call, refusal)
            call.end()
            return
        self.rung_count += 1
        self._later(0, self._ring, call)

    def _ring(self, call: PhoneCall) -> None:
        task = asyncio.get_running_loop().create_task(call.rtp.open(self.host))
        task.add_done_callback(lambda _done: self._ringing(call))

    def _ringing(self, call: PhoneCall) -> None:
        if call.is_over:
            return
        self.answer(call, "180 Ringing")
        self.changed()
        if self.answers_after_s is not None:
            self._later(self.answers_after_s, self._lift, call)

    def _lift(self, call: PhoneCall) -> None:
        if call.is_over:
            return
        call.lift()
        if self.talks_s is not None:
            self._later(self.talks_s, call.put_down)

    def answer(self, call: PhoneCall, status: str, body: str = "") -> None:
        assert call.invite is not None
        told = response(call.invite, status, tag=call.tag, contact=self._contact(), body=body)
        self._reply(call.invite, told, self._pbx)

    def _reply(self, request: Message, told: Message, to: Address) -> None:
        self._answered[(request["Call-ID"], request["CSeq"])] = told
        self._socket.send(told, to)

    def _later(self, delay_s: float, act: Callable[..., None], call: PhoneCall | None = None) -> None:
        arguments = () if call is None else (call,)
        self._timers.add(asyncio.get_running_loop().call_later(delay_s, act, *arguments))

    def _find(self, call_id: str) -> PhoneCall | None:
        return next((each for each in self.calls if each.call_id == call_id), None)

    def _contact(self) -> str:
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    def _headers(self, uri: str, call_id: str, cseq: str, tag: str, to_tag: str) -> list[tuple[str, str]]:
        me = f"<sip:{self.user}@{self._pbx[0] if tag == 'reg' else self.host}>"
        return [
            ("Via", self._socket.via()),
            ("Max-Forwards", "70"),
            ("From", f"{me};tag={tag}"),
            ("To", me if tag == "reg" else f"<{uri}>{to_tag}"),
            ("Call-ID", call_id),
            ("CSeq", cseq),
        ]
