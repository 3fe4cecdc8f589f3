"""A public network that sends its callers elsewhere when a PBX asks it to, by REFER (RFC 3515), or tells it
to, by 302 (RFC 3261 21.3.3).

As operators do it. After a REFER: 202 at once, a call of its own to where it was told, what became of that
in a NOTIFY, and the old call hung up once the new one is answered. After a 302: a call of its own to the
Contact, and what becomes of that is the PBX's concern no more.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from deploy.phones.callers import Caller, OutgoingCall
from deploy.phones.changes import WAIT_LIMIT_S
from deploy.phones.city import City
from deploy.phones.phones import Behaviour
from deploy.phones.sip_calls import Call
from deploy.phones.sip_lines import OnLine
from deploy.phones.sip_text import SipMessage, new_tag, reply, uri_of
from deploy.phones.sip_wire import Address, SipSilenceError

_MOVED_TEMPORARILY = 302


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferAnswer:
    """What the carrier does with the next REFER; as it is, it moves its caller."""

    status: int = 202
    is_silent: bool = False
    """Of one that was accepted, nothing is heard again."""
    hangs_up: bool = True
    """The old call is over when the new one stands."""


MOVES = ReferAnswer()
REFUSES = ReferAnswer(status=603)
SILENT = ReferAnswer(is_silent=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """A REFER that came, and the call that was made for it; None while there is none."""

    call: Call
    target: str
    """The address it named."""
    moved: OutgoingCall | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectAnswer:
    """What the carrier does with the next 302; as it is, it calls there at once."""

    is_followed: bool = True
    delay_s: float = 0.0


FOLLOWS = RedirectAnswer()
LOSES = RedirectAnswer(is_followed=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected:
    """A 302 that came, and the call that was made for it; None while there is none."""

    call: OutgoingCall
    target: str
    """The address it named."""
    onward: OutgoingCall | None


class Carrier(City):
    """Everybody at one address, whose calls can be moved and redirected."""

    def __init__(
        self,
        user: str,
        pbx: Address,
        *,
        host: str,
        port: int = 0,
        people: Mapping[str, Behaviour] | None = None,
        on_refer: ReferAnswer = MOVES,
    ) -> None:
        super().__init__(user, pbx, host=host, port=port, people=people or {})
        self.on_refer = on_refer
        self.on_redirect = FOLLOWS
        self.referred: list[Referred] = []
        """In the order of coming."""
        self.redirected: list[Redirected] = []
        """In the order of coming."""
        self.registered: list[SipMessage] = []
        """In the order of coming."""
        self._legs = AsyncExitStack()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self._legs.aclose()

    def hear(self, request: SipMessage, source: Address) -> None:
        """Whoever registers is let in, and kept."""
        if request.method != "REGISTER":
            super().hear(request, source)
            return
        self.registered.append(request)
        answer = reply(
            request, 200, tag=new_tag(), headers={"Contact": f"{request.header('Contact')};expires=3600"}
        )
        self.socket.respond(request, answer, source)
        self.changes.tell()

    async def wait_registered(self) -> SipMessage:
        """The latest REGISTER, once there is one.

        Raises:
            TimeoutError: nobody has registered.
        """
        await self.changes.until(lambda: bool(self.registered))
        return self.registered[-1]

    async def call(
        self,
        number: str,
        headers: Mapping[str, str] | None = None,
        *,
        sends_rtp: bool = False,
        has_events: bool = True,
    ) -> OutgoingCall:
        """Dial, and go where it is sent to."""
        call = await super().call(number, headers, sends_rtp=sends_rtp, has_events=has_events)
        self.start(self._go_on(call))
        return call

    def hear_refer(self, call: OnLine, request: SipMessage) -> int:
        assert isinstance(call, Call)
        behaviour = self.on_refer
        target = uri_of(request.header("Refer-To"))
        place = len(self.referred)
        self.referred.append(Referred(call=call, target=target, moved=None))
        self.changes.tell()
        if behaviour.status == 202 and not behaviour.is_silent:
            self.start(self._move(place, behaviour))
        return behaviour.status

    def now(self, call: OutgoingCall) -> OutgoingCall:
        """The caller's own call, or the one that it was moved or redirected to."""
        onward = (each.onward for each in self.redirected if each.call is call)
        moved = (each.moved for each in self.referred if each.call is call and _is_answered(each.moved))
        return next((each for each in (*onward, *moved) if each is not None), call)

    async def wait_redirected(self, count: int = 1) -> Redirected:
        """The latest 302 once so many have come.

        Raises:
            TimeoutError: they did not.
        """
        await self.changes.until(lambda: len(self.redirected) >= count)
        return self.redirected[-1]

    async def wait_onward(self, count: int = 1, limit_s: float = WAIT_LIMIT_S) -> OutgoingCall:
        """The latest call that was made for a 302, once there are so many.

        Raises:
            TimeoutError: there are fewer.
        """
        await self.changes.until(lambda: len(self._onward()) >= count, limit_s)
        return self._onward()[-1]

    def _onward(self) -> list[OutgoingCall]:
        return [each.onward for each in self.redirected if each.onward is not None]

    async def wait_referred(self, count: int = 1, limit_s: float = WAIT_LIMIT_S) -> Referred:
        """The latest REFER once so many have come.

        Raises:
            TimeoutError: they did not.
        """
        await self.changes.until(lambda: len(self.referred) >= count, limit_s)
        return self.referred[-1]

    async def wait_moved(self) -> OutgoingCall:
        """The latest call that was made for a REFER, once it is answered.

        Raises:
            TimeoutError: there was none.
            ConnectionRefusedError: whoever was called did not take it.
        """
        await self.changes.until(lambda: bool(self.referred) and self.referred[-1].moved is not None)
        moved = self.referred[-1].moved
        assert moved is not None
        await moved.wait_answered()
        return moved

    def move_late(self) -> None:
        """Do what the latest REFER wanted, after a silence that the test has chosen."""
        self.start(self._move(len(self.referred) - 1, MOVES))

    async def _move(self, place: int, behaviour: ReferAnswer) -> None:
        referred = self.referred[place]
        moved = await self._call(referred.target)
        self.referred[place] = Referred(call=referred.call, target=referred.target, moved=moved)
        self.changes.tell()
        await moved.changes.until(lambda: moved.is_answered or moved.is_over)
        try:
            await referred.call.tell_referred(moved.status)
        except SipSilenceError:
            return  # The PBX that has asked is gone; the call that it asked for stands.
        if moved.status == 200 and behaviour.hangs_up:
            await referred.call.bye()

    async def _go_on(self, call: OutgoingCall) -> None:
        await call.changes.until(lambda: call.is_answered or call.is_over, None)
        if call.status != _MOVED_TEMPORARILY or call.ending_headers is None:
            return
        answer, place = self.on_redirect, len(self.redirected)
        target = uri_of(call.ending_headers.header("Contact"))
        self.redirected.append(Redirected(call=call, target=target, onward=None))
        self.changes.tell()
        if answer.is_followed:
            await asyncio.sleep(answer.delay_s)
            onward = await self._call(target)
            self.redirected[place] = Redirected(call=call, target=target, onward=onward)
            self.changes.tell()

    async def _call(self, target: str) -> OutgoingCall:
        found = re.fullmatch(r"sip:([^@]+)@([^:;]+):(\d+)(?:;.*)?", target)
        assert found, f"where is {target}?"
        pbx = (found[2], int(found[3]))
        leg = await self._legs.enter_async_context(Caller(self.user, pbx, host=self.host))
        return await leg.call(found[1], sends_rtp=True)


def _is_answered(call: OutgoingCall | None) -> bool:
    return call is not None and call.is_answered
