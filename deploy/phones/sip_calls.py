"""A SIP call on a line: what is alike for those who call and those who are called (RFC 3261, 3311)."""

import secrets
import time
from collections.abc import Mapping
from enum import Enum
from urllib.parse import quote

from deploy.phones.changes import WAIT_LIMIT_S, Changes
from deploy.phones.sip_lines import Line
from deploy.phones.sip_sdp import answer_sdp, offer_sdp, read_sdp
from deploy.phones.sip_sound import Sound
from deploy.phones.sip_text import SipMessage, reason_of, reply, tag_of, uri_of
from deploy.phones.sip_wire import REQUEST_LIMIT_S, Address, SipSilenceError


class Ending(Enum):
    """Why a call is over."""

    WE_HUNG_UP = "we_hung_up"
    THEY_HUNG_UP = "they_hung_up"
    THEY_CANCELLED = "they_cancelled"
    WE_CANCELLED = "we_cancelled"
    WE_REFUSED = "we_refused"
    THEY_REFUSED = "they_refused"
    LOST = "lost"
    """The other side did not answer any more, or our process closed the line."""


class Call:
    """One call on a line, from either side."""

    def __init__(self, line: Line, *, call_id: str | None = None) -> None:
        self.line = line
        self.sound = Sound()
        self.call_id = call_id or f"{secrets.token_hex(8)}@{line.host}"
        self.changes = Changes()
        self.answered_at: float | None = None
        """By time.monotonic(), as all times here: our 200's ACK came, or theirs did."""
        self.ended_at: float | None = None
        self.ending: Ending | None = None
        self.ending_headers: SipMessage | None = None
        """The BYE or CANCEL that ended it: its Reason tells why."""
        self.is_held = False
        """The other side listens no more, or says so."""
        self.transfer_statuses: list[int] = []
        """What we were told of a transfer that we have asked for: 100 for a beginning."""
        self.target = ""
        self._local = ""
        self._remote = ""
        self._cseq = 1
        self._sdp_version = 1
        line.calls_by_id[self.call_id] = self

    @property
    def is_answered(self) -> bool:
        return self.answered_at is not None

    @property
    def is_over(self) -> bool:
        return self.ending is not None

    async def wait_over(self, limit_s: float = WAIT_LIMIT_S) -> Ending:
        """Who ended it.

        Raises:
            TimeoutError: it is still on.
        """
        await self.changes.until(lambda: self.is_over, limit_s)
        assert self.ending is not None
        return self.ending

    async def wait_sound(self, packets: int, limit_s: float = WAIT_LIMIT_S) -> None:
        """Return once so many packets of sound have come in.

        Raises:
            TimeoutError: fewer came.
        """
        await self.sound.changes.until(lambda: self.sound.received_count >= packets, limit_s)

    async def wait_heard(self, packets: int, limit_s: float = WAIT_LIMIT_S) -> None:
        """Return once so many packets that are not silent have come in.

        Raises:
            TimeoutError: fewer came.
        """
        await self.sound.changes.until(lambda: self.sound.sounding_count >= packets, limit_s)

    async def send_digits(self, digits: str) -> None:
        """Press keys; returns when the last one was sent, or the call is over."""
        await self.sound.send_digits(digits)

    async def send_info_digit(self, digit: str) -> int:
        """Press a key that is told in the signalling (INFO, application/dtmf-relay); returns the status of
        the answer.

        Raises:
            SipSilenceError: there was none.
        """
        body = f"Signal={digit}\r\nDuration=160\r\n"
        headers = {"Content-Type": "application/dtmf-relay"}
        return (await self._request("INFO", body, headers)).status

    async def bye(self) -> None:
        """Hang up an answered call; nothing happens to one that is over."""
        if self.is_over:
            return
        self.finish(Ending.WE_HUNG_UP)
        try:
            await self._request("BYE")
        except SipSilenceError:
            self.ending = Ending.LOST

    async def hold(self, *, is_on: bool) -> int:
        """Put the other side on hold or take it back; returns the status of the answer.

        Raises:
            SipSilenceError: there was none.
        """
        self._sdp_version += 1
        direction = "sendonly" if is_on else "sendrecv"
        offer = offer_sdp(self.line.host, self.sound.port, self._sdp_version, direction=direction)
        answer = await self._request("INVITE", body=offer)
        if answer.status == 200:
            self.take_sdp(answer.body)
            self.acknowledge(answer)
        return answer.status

    async def refer(self, number: str, *, instead_of: "Call | None" = None) -> int:
        """Want the other side to call that number of the PBX's, as a transfer key does, or to take the place
        that we have in another call (RFC 3891); returns the status of the answer.

        Raises:
            SipSilenceError: there was none.
        """
        host, port = self.line.pbx
        replaces = "" if instead_of is None else f"?Replaces={quote(instead_of.dialog, safe='')}"
        refer_to = f"<sip:{number}@{host}:{port}{replaces}>"
        return (await self._request("REFER", headers={"Refer-To": refer_to})).status

    @property
    def dialog(self) -> str:
        """As the other side knows it: its own tag is the one that is written to."""
        return f"{self.call_id};to-tag={tag_of(self._remote)};from-tag={tag_of(self._local)}"

    async def tell_referred(self, status: int) -> None:
        """What has become of a REFER that was answered 202: the one and last NOTIFY (RFC 3515 2.4.5).

        Raises:
            SipSilenceError: nobody wanted to know.
        """
        headers = {
            "Event": "refer",
            "Subscription-State": "terminated;reason=noresource",
            "Content-Type": "message/sipfrag;version=2.0",
        }
        await self._request("NOTIFY", f"SIP/2.0 {status} {reason_of(status)}\r\n", headers)

    def acknowledge(self, answer: SipMessage) -> None:
        """The ACK of a 2xx: a request of its own, and of the INVITE's number."""
        ack = self._build("ACK", answer.cseq)
        self.line.socket.acknowledge(ack, self.line.pbx)

    def take_sdp(self, body: str) -> None:
        """Where to send sound from now on."""
        audio = read_sdp(body)
        if audio is not None:
            self.sound.talk_to(audio)
            self.is_held = not audio.is_open
            self.changes.tell()

    def finish(self, ending: Ending, cause: SipMessage | None = None) -> None:
        """The first ending is the one that counts."""
        if self.ending is None:
            self.ending = ending
            self.ending_headers = cause
            self.ended_at = time.monotonic()
            self.sound.close()
            self.tell()

    def lose(self) -> None:
        self.finish(Ending.LOST)

    def tell(self) -> None:
        """Wake whoever waits for this call or for its line."""
        self.changes.tell()
        self.line.changes.tell()

    def hear(self, request: SipMessage, source: Address) -> None:
        """A request within the call."""
        match request.method:
            case "ACK":
                self.hear_ack(request)
            case "BYE":
                self._respond(request, 200, source)
                self.finish(Ending.THEY_HUNG_UP, request)
            case "CANCEL":
                self._respond(request, 200, source)
                self.hear_cancel(request, source)
            case "INVITE" | "UPDATE":
                self._hear_offer(request, source)
            case "NOTIFY":
                self._respond(request, 200, source)
                self._hear_of_transfer(request.body)
            case "OPTIONS" | "INFO":
                self._respond(request, 200, source)
            case "REFER":
                self._respond(request, self.line.hear_refer(self, request), source)
            case _:
                self._respond(request, 501, source)

    def _hear_of_transfer(self, fragment: str) -> None:
        """The status line of whatever our REFER has led to (RFC 3515 2.4.5)."""
        words = fragment.split(maxsplit=2)
        if len(words) > 1 and words[0] == "SIP/2.0" and words[1].isdigit():
            self.transfer_statuses.append(int(words[1]))
            self.tell()

    def hear_ack(self, request: SipMessage) -> None:
        """It bears the answer when the offer was ours."""
        self.take_sdp(request.body)

    def hear_cancel(self, request: SipMessage, source: Address) -> None:
        """Too late or for nobody, but for those who ring."""

    def _hear_offer(self, request: SipMessage, source: Address) -> None:
        """A change of the call: hold, another place for the sound, another name of the other side."""
        if self.is_over:
            self._respond(request, 481, source)
            return
        self.target = uri_of(request.header("Contact")) or self.target
        self._sdp_version += 1
        offered = read_sdp(request.body)
        if request.body and offered is None:
            self._respond(request, 488, source)
        elif offered is not None:
            self.take_sdp(request.body)
            self._respond(request, 200, source, self.answer_to(request))
        elif request.method == "INVITE":
            self._respond(request, 200, source, self.answer_to(request))
        else:
            self._respond(request, 200, source)

    def answer_to(self, request: SipMessage) -> str:
        """Our SDP: an answer to the one that came, an offer when none did."""
        offered = read_sdp(request.body)
        if offered is None:
            return offer_sdp(self.line.host, self.sound.port, self._sdp_version)
        return answer_sdp(offered, self.line.host, self.sound.port, self._sdp_version)

    def _respond(self, request: SipMessage, status: int, source: Address, body: str = "") -> None:
        tag = tag_of(self._local)
        contact = {"Contact": self.line.contact} if status == 200 and request.method != "BYE" else None
        self.line.socket.respond(request, reply(request, status, tag=tag, headers=contact, body=body), source)

    def set_parties(self, *, local: str, remote: str, target: str) -> None:
        """From and To as this side writes them, tags included."""
        self._local, self._remote, self.target = local, remote, target

    def _build(
        self, method: str, cseq: int, body: str = "", headers: Mapping[str, str] | None = None
    ) -> SipMessage:
        return self.line.build(
            method,
            self.target,
            local=self._local,
            remote=self._remote,
            call_id=self.call_id,
            cseq=cseq,
            headers=headers,
            body=body,
        )

    async def _request(
        self, method: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> SipMessage:
        """A request within the call; signed when the PBX wants it.

        Raises:
            SipSilenceError: no answer came.
        """
        self._cseq += 1
        request = self._build(method, self._cseq, body, headers)
        answer = await self.line.socket.request(request, self.line.pbx, limit_s=REQUEST_LIMIT_S)
        if answer.status in {401, 407} and self.line.password is not None:
            self._cseq += 1
            answer = await self.line.socket.request(self.line.signed(request, answer), self.line.pbx)
        return answer
