"""One caller with a SIP phone, played step by step.

async with Caller("13800000001", ("127.0.0.1", 5060)) as caller:
    call = await caller.call("4000")
    await call.wait_answered()
"""

import time
from collections.abc import Mapping

from deploy.phones.changes import WAIT_LIMIT_S
from deploy.phones.sip_calls import Call, Ending
from deploy.phones.sip_lines import Line
from deploy.phones.sip_sdp import offer_sdp
from deploy.phones.sip_text import SipMessage, new_tag, uri_of
from deploy.phones.sip_wire import SipSilenceError

CALL_LIMIT_S = 120.0
"""From the INVITE to its final answer: a branch answers at once whom it lets wait."""

_CANCEL_KEEPS = {"Via", "Max-Forwards", "From", "To", "Call-ID", "Route"}


class OutgoingCall(Call):
    """One call that a caller has placed."""

    def __init__(self, line: Line, number: str, *, sends_rtp: bool) -> None:
        super().__init__(line)
        self.number = number
        self.status = 0
        """Of the final answer; 0 while there is none."""
        self.is_ringing = False
        """A 180 or a 183 has come."""
        self._is_heard = False
        self._is_given_up = False
        self._sends_rtp = sends_rtp
        self._invite: SipMessage | None = None

    @property
    def has_met_pbx(self) -> bool:
        """The PBX has said something to our INVITE."""
        return self._is_heard or self.status != 0

    async def wait_ringing(self, limit_s: float = WAIT_LIMIT_S) -> None:
        """Return at the first 180 or 183, or when the call is answered without.

        Raises:
            TimeoutError: neither came.
            ConnectionRefusedError: the call ended before.
        """
        await self.changes.until(lambda: self.is_ringing or self.is_answered or self.is_over, limit_s)
        self._refuse_over()

    async def wait_answered(self, limit_s: float = WAIT_LIMIT_S) -> None:
        """Return when the call is answered.

        Raises:
            TimeoutError: it is not.
            ConnectionRefusedError: it ended before; `status` says how.
        """
        await self.changes.until(lambda: self.is_answered or self.is_over, limit_s)
        self._refuse_over()

    async def hang_up(self) -> None:
        """CANCEL before the answer, BYE after it; returns when the call is over.

        Raises:
            TimeoutError: the PBX did not take it.
        """
        if not self.is_answered:
            self._is_given_up = True
            # RFC 3261 section 9.1: there is nothing to cancel until something was heard.
            await self.changes.until(lambda: self._is_heard or self.is_over)
            await self._cancel()
            await self.wait_over()
        await self.bye()

    async def place(self, invite: SipMessage) -> None:
        """Send the INVITE and see it through to its final answer."""
        self._invite = invite
        try:
            answer = await self._invited(invite)
        except SipSilenceError:
            self.finish(Ending.LOST)
            return
        self.status = answer.status
        if answer.status >= 300:
            self.finish(Ending.WE_CANCELLED if self._is_given_up else Ending.THEY_REFUSED, answer)
            return
        self.set_parties(
            local=invite.header("From"),
            remote=answer.header("To"),
            target=uri_of(answer.header("Contact")),
        )
        self.take_sdp(answer.body)
        self.acknowledge(answer)
        self.answered_at = time.monotonic()
        if self._sends_rtp:
            self.sound.start_sending()
        self.tell()
        if self._is_given_up:  # The answer has crossed our CANCEL.
            await self.bye()

    async def _invited(self, invite: SipMessage) -> SipMessage:
        """The final answer, after the password was given when it was asked for."""
        ask = self.line.socket.request
        answer = await ask(
            invite, self.line.pbx, hear_provisional=self._hear_provisional, limit_s=CALL_LIMIT_S
        )
        if answer.status in {401, 407} and self.line.password is not None:
            self._invite = self.line.signed(invite, answer)
            self._cseq = self._invite.cseq
            return await ask(
                self._invite, self.line.pbx, hear_provisional=self._hear_provisional, limit_s=CALL_LIMIT_S
            )
        return answer

    def _hear_provisional(self, answer: SipMessage) -> None:
        self._is_heard = True
        if answer.status in {180, 183}:
            self.is_ringing = True
        self.take_sdp(answer.body)
        self.tell()

    async def _cancel(self) -> None:
        """Part of the INVITE's own transaction, so with its Via."""
        if self._invite is None or self.is_over or self.is_answered:
            return
        headers = [(name, value) for name, value in self._invite.headers if name in _CANCEL_KEEPS]
        headers.append(("CSeq", f"{self._invite.cseq} CANCEL"))
        uri = self._invite.start.split(" ")[1]
        await self.line.socket.request(SipMessage(f"CANCEL {uri} SIP/2.0", headers), self.line.pbx)

    def _refuse_over(self) -> None:
        if self.is_over and not self.is_answered:
            raise ConnectionRefusedError(f"{self.number} was not answered: {self.status}, {self.ending}")


class Caller(Line):
    """Somebody with a SIP phone who calls; the user is the number that is shown."""

    async def call(
        self,
        number: str,
        headers: Mapping[str, str] | None = None,
        *,
        sends_rtp: bool = False,
        has_events: bool = True,
    ) -> OutgoingCall:
        """Dial; returns once the INVITE is on its way. Without `has_events` keys are tones in the sound."""
        call = OutgoingCall(self, number, sends_rtp=sends_rtp)
        await call.sound.open(self.host)
        uri = f"sip:{number}@{self.pbx[0]}:{self.pbx[1]}"
        invite = self.build(
            "INVITE",
            uri,
            local=f"<{self.own_uri}>;tag={new_tag()}",
            remote=f"<{uri}>",
            call_id=call.call_id,
            cseq=1,
            headers=headers,
            body=offer_sdp(self.host, call.sound.port, 1, has_events=has_events),
        )
        self.start(call.place(invite))
        return call


async def dial_code(phone: Line, code: str, limit_s: float = WAIT_LIMIT_S) -> None:
    """Dial a feature code as the phone's owner would; returns when it was confirmed by a hang-up.

    Raises:
        TimeoutError: it was not.
    """
    async with Caller(phone.user, phone.pbx, password=phone.password, host=phone.host) as dialling:
        call = await dialling.call(code)
        await call.wait_over(limit_s)
