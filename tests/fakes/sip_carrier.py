"""A public network that sends its callers elsewhere when a PBX asks it to, by REFER (RFC 3515).

As operators do it: 202 at once, a call of its own to where it was told, what became of that in a
NOTIFY, and the old call hung up once the new one is answered.
"""

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
from deploy.phones.sip_text import SipMessage, uri_of
from deploy.phones.sip_wire import Address, SipSilenceError


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


class Carrier(City):
    """Everybody at one address, whose calls can be moved."""

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
        self.referred: list[Referred] = []
        """In the order of coming."""
        self._legs = AsyncExitStack()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self._legs.aclose()

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
        """The caller's own call, or the one that it was moved to."""
        moved = (each.moved for each in self.referred if each.call is call)
        return next((each for each in moved if each is not None and each.is_answered), call)

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

    async def _call(self, target: str) -> OutgoingCall:
        found = re.fullmatch(r"sip:([^@]+)@([^:;]+):(\d+)(?:;.*)?", target)
        assert found, f"where is {target}?"
        pbx = (found[2], int(found[3]))
        leg = await self._legs.enter_async_context(Caller(self.user, pbx, host=self.host))
        return await leg.call(found[1], sends_rtp=True)
