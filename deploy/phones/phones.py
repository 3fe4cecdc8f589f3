"""An agent's SIP phone: registers, rings, answers or does not, and keeps its own account of it.

async with Phone("agent1", ("127.0.0.1", 5060), password="...") as phone:
    await phone.register()
    phone.behaviour = Behaviour(ring_ms=300, talk_ms=2_000)
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.phones.changes import WAIT_LIMIT_S
from deploy.phones.sip_calls import Call, Ending
from deploy.phones.sip_lines import Line
from deploy.phones.sip_text import SipMessage, is_stale, new_tag, reply, uri_of, user_of
from deploy.phones.sip_wire import Address

RING_LIMIT_S = 600.0
"""A phone rings no longer than so when nobody decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a phone does with the next call that comes."""

    ring_ms: int | None = 100
    """From the INVITE to its final answer; None rings until somebody decides (`Phone.answer`)."""
    status: int = 200
    """200 answers; 486, 480 and 603 refuse."""
    talk_ms: int | None = None
    """From the answer to our hanging up; None waits for the other side to do so."""
    says_ringing: bool = True
    """Send 180 at once."""
    is_dead: bool = False
    """Never answer anything to an INVITE, as a phone that lost its power."""
    sends_rtp: bool = False
    """Send silence while talking."""
    has_tone: bool = False
    """Send a tone instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A phone's own account of its calls."""

    rung: int
    """INVITEs that were given a 180, or would have been."""
    answered: int
    """Of them, those that were given a 200."""
    talked: int
    """Of them, those whose 200 was acknowledged: two people could speak."""
    cancelled: int
    """Rung, and given up by the PBX before our final answer."""
    refused: int
    """Given a 4xx or 6xx by what was told to the phone."""
    busy: int
    """Came while another call was on, and were given a 486: the PBX should have known."""


class PhoneCall(Call):
    """One call that came to a phone."""

    def __init__(self, line: Line, invite: SipMessage, source: Address) -> None:
        super().__init__(line, call_id=invite.call_id)
        self.invite = invite
        """As it came: `invite.header("X-...")` tells what the PBX has written on it."""
        self.rung_at = time.monotonic()
        self.is_given_200 = False
        self.is_acknowledged = False
        self.decision: int | None = None
        self._source = source
        self.set_parties(
            local=f"{invite.header('To')};tag={new_tag()}",
            remote=invite.header("From"),
            target=uri_of(invite.header("Contact")),
        )

    @property
    def caller(self) -> str:
        """The number that the phone shows."""
        return user_of(self.invite.header("From"))

    def decide(self, status: int) -> None:
        """Give the final answer now."""
        if self.decision is None:
            self.decision = status
            self.changes.tell()

    def ring(self) -> None:
        self._respond(self.invite, 180, self._source)

    def answer(self) -> None:
        """Give the 200; the talk begins with its ACK."""
        self.is_given_200 = True
        self.take_sdp(self.invite.body)
        self._respond(self.invite, 200, self._source, self.answer_to(self.invite))
        self.tell()

    def refuse(self, status: int, ending: Ending = Ending.WE_REFUSED) -> None:
        self._respond(self.invite, status, self._source)
        self.finish(ending)

    def hear_ack(self, request: SipMessage) -> None:
        super().hear_ack(request)
        if self.is_given_200 and not self.is_acknowledged:
            self.is_acknowledged = True
            self.answered_at = time.monotonic()
            self.tell()

    def hear_cancel(self, request: SipMessage, source: Address) -> None:
        if not self.is_over and not self.is_given_200:
            self._respond(self.invite, 487, self._source)
            self.finish(Ending.THEY_CANCELLED, request)

    async def follow(self, behaviour: Behaviour) -> None:
        """Do with it what the phone does, to its end."""
        await self.sound.open(self.line.host)
        await self._decided(behaviour)
        if self.is_over:
            return
        assert self.decision is not None
        if self.decision != 200:
            self.refuse(self.decision)
            return
        self.answer()
        await self.changes.until(lambda: self.is_acknowledged or self.is_over, None)
        await self._talk(behaviour)

    async def _decided(self, behaviour: Behaviour) -> None:
        ring_s = RING_LIMIT_S if behaviour.ring_ms is None else behaviour.ring_ms / 1000
        try:
            await self.changes.until(lambda: self.is_over or self.decision is not None, ring_s)
        except TimeoutError:
            self.decide(480 if behaviour.ring_ms is None else behaviour.status)

    async def _talk(self, behaviour: Behaviour) -> None:
        if behaviour.sends_rtp and not self.is_over:
            self.sound.has_tone = behaviour.has_tone
            self.sound.start_sending()
        talk_s = None if behaviour.talk_ms is None else behaviour.talk_ms / 1000
        try:
            await self.changes.until(lambda: self.is_over, talk_s)
        except TimeoutError:
            await self.bye()


class Phone(Line):
    """One phone; takes one call at a time."""

    def __init__(
        self,
        user: str,
        pbx: Address,
        *,
        password: str,
        host: str = "127.0.0.1",
        port: int = 0,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(user, pbx, host=host, port=port, password=password)
        self.behaviour = behaviour or Behaviour()
        self.calls: list[PhoneCall] = []
        """Every call that rang, in the order of coming."""
        self.busy_count = 0
        self.is_registered = False
        self._registration_id = secrets.token_hex(8)
        self._registration_tag = new_tag()
        self._registration_cseq = 0

    async def register(self, expires_s: int = 3600) -> None:
        """Tell the PBX where this phone is.

        Raises:
            SipSilenceError: the PBX does not answer.
            ConnectionRefusedError: it does not know the phone or its password.
        """
        await self._register(expires_s)
        self.is_registered = True

    async def unregister(self) -> None:
        """Take that back; a call that rings or is talked on is not touched.

        Raises:
            SipSilenceError: the PBX does not answer.
            ConnectionRefusedError: it does not know the phone or its password.
        """
        await self._register(0)
        self.is_registered = False

    @property
    def counts(self) -> Counts:
        return self.counts_of(self.calls)

    def counts_of(self, calls: list[PhoneCall]) -> Counts:
        """The account of some of the calls only."""
        return Counts(
            rung=len(calls),
            answered=sum(call.is_given_200 for call in calls),
            talked=sum(call.is_acknowledged for call in calls),
            cancelled=sum(call.ending is Ending.THEY_CANCELLED for call in calls),
            refused=sum(call.ending is Ending.WE_REFUSED for call in calls),
            busy=self.busy_count,
        )

    def calls_with(self, header: str, value: str) -> list[PhoneCall]:
        """Those whose INVITE bore this header."""
        return [call for call in self.calls if call.invite.header(header) == value]

    @property
    def talked_by_call_id(self) -> Mapping[str, PhoneCall]:
        """SIP's Call-ID of this leg to the call, of those that were talked on."""
        return {call.call_id: call for call in self.calls if call.is_acknowledged}

    @property
    def call(self) -> PhoneCall | None:
        """The one that rings or is talked on now."""
        return self.calls[-1] if self.calls and not self.calls[-1].is_over else None

    async def wait_ringing(self, limit_s: float = WAIT_LIMIT_S) -> PhoneCall:
        """The call that rings and is not yet answered.

        Raises:
            TimeoutError: none came.
        """
        await self.changes.until(lambda: self.call is not None and not self.call.is_given_200, limit_s)
        assert self.call is not None
        return self.call

    async def wait_talking(self, limit_s: float = WAIT_LIMIT_S) -> PhoneCall:
        """The call that is talked on.

        Raises:
            TimeoutError: there is none.
        """
        await self.changes.until(lambda: self.call is not None and self.call.is_acknowledged, limit_s)
        assert self.call is not None
        return self.call

    async def wait_idle(self, limit_s: float = WAIT_LIMIT_S) -> None:
        """Return when nothing rings and nobody talks.

        Raises:
            TimeoutError: the call goes on.
        """
        await self.changes.until(lambda: self.call is None, limit_s)

    def answer(self) -> None:
        """Pick up, whatever the behaviour says."""
        assert self.call is not None, f"{self.user} has no call"
        self.call.decide(200)

    def refuse(self, status: int = 486) -> None:
        """Press the call away."""
        assert self.call is not None, f"{self.user} has no call"
        self.call.decide(status)

    async def hang_up(self) -> None:
        """End the talk; nothing happens when there is none."""
        if self.call is not None and self.call.is_given_200:
            await self.call.bye()

    def hear_invite(self, request: SipMessage, source: Address) -> None:
        behaviour = self.behaviour
        if behaviour.is_dead:
            return
        if self.call is not None:
            self.busy_count += 1
            self.socket.respond(request, reply(request, 486, tag=new_tag()), source)
            return
        # At once, and not when the sound is ready: whatever comes next must find the phone ringing.
        call = PhoneCall(self, request, source)
        self.calls.append(call)
        if behaviour.says_ringing:
            call.ring()
        call.tell()
        self.start(call.follow(behaviour))

    async def _register(self, expires_s: int) -> None:
        self._registration_cseq += 1
        party = f"<{self.own_uri}>"
        request = self.build(
            "REGISTER",
            f"sip:{self.pbx[0]}",
            local=f"{party};tag={self._registration_tag}",
            remote=party,
            call_id=self._registration_id,
            cseq=self._registration_cseq,
            headers={"Expires": str(expires_s)},
        )
        answer = await self.socket.request(request, self.pbx)
        if answer.status == 401:
            request, answer = await self._prove(request, answer)
        if answer.status == 401 and is_stale(answer):
            # The PBX's clock has leapt since its challenge.
            request, answer = await self._prove(request, answer)
        if answer.status != 200:
            raise ConnectionRefusedError(f"{self.user} may not register: {answer.start}")

    async def _prove(self, request: SipMessage, challenge: SipMessage) -> tuple[SipMessage, SipMessage]:
        """The registration once more, with the password's proof; and its answer."""
        self._registration_cseq += 1
        signed = self.signed(request, challenge)
        return signed, await self.socket.request(signed, self.pbx)
