"""The callers' carrier: who is asked whether a caller may be sent on to another site, by a REFER or a 302.

One that does so calls the other PBX itself, whatever becomes of the links between sites. After a REFER it
lets go of its first call once the second one is answered; by a 302 the first one is over. The people live
on in this process.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from branch.telephony.driver.vocabulary import Cause, Event, Frame
from branch.telephony.simulated.pbx.settings import CarrierSection, OnRedirect, OnRefer
from branch.telephony.simulated.pbx.switch import Channel, Switch
from branch.telephony.simulated.pbx.timers import LabTimers
from branch.telephony.simulated.pbx.trunks import FarEnd, Trunks


class Movable(Protocol):
    """Somebody whose carrier has made another call for it."""

    def moved(self, hang_up: Callable[[], None]) -> None:
        """Talks over the other call from now on, which `hang_up` ends."""
        ...

    def sent_on(self, give_up: Callable[[], None]) -> None:
        """Waits for the other call from now on, which `give_up` ends, or its waiting."""
        ...

    def told_answered(self) -> None:
        """The other call is answered, and nobody talks yet."""
        ...

    def joined_there(self) -> None:
        """Hears somebody over the other call."""
        ...

    def parted(self) -> None:
        """Hears nobody any more."""
        ...

    def hang_up(self) -> None:
        """Has enough."""
        ...

    def cut_off(self, cause: Cause) -> None:
        """The other call has ended, or was not taken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Where a carrier is to call, and what it brings along."""

    address: str
    from_site: str
    token: str

    def invite(self, by: str) -> Frame:
        return {"from": self.from_site, "token": self.token, "by": by}


class Carrier:
    """One carrier for all callers of the site."""

    def __init__(
        self,
        settings: CarrierSection,
        *,
        switch: Switch,
        trunks: Trunks,
        timers: LabTimers,
        tell: Callable[[Frame], None],
    ) -> None:
        self.on_refer = settings.on_refer
        """What it does with the next REFER."""
        self.on_redirect = settings.on_redirect
        """What it does with the next 302."""
        self._redirect_delay_s = settings.redirect_delay_s
        self._switch = switch
        self._trunks = trunks
        self._timers = timers
        self._tell = tell
        self._moved: dict[str, Movable] = {}

    def refer(self, channel: Channel, caller: Movable, elsewhere: Elsewhere) -> None:
        """Asked to call there; the channel is blocked until `answered`."""
        self._switch.begin_refer(channel)
        if self.on_refer is OnRefer.REFUSE:
            self.answered(channel)
        elif self.on_refer is OnRefer.MOVE:
            call = _SecondCall(self, channel, caller)
            self._trunks.run(self._trunks.dial_out(call, elsewhere.address, elsewhere.invite("carrier")))

    def answered(self, channel: Channel) -> None:
        """It has said what it has to say, and the caller is still here."""
        self._switch.end_refer(channel)
        self.await_referred(channel)

    def await_referred(self, channel: Channel) -> None:
        """Tell once the channel is usable; told already, where it is."""
        if not channel.is_referred:
            self._tell({"event": Event.REFERRED, "channel": channel.channel_id})

    def holds(self, channel: Channel) -> bool:
        """False: whoever was to be moved has hung up meanwhile."""
        return self._switch.lives(channel)

    def person(self, channel_id: str) -> Movable | None:
        """Who came on that channel and talks, or waits, over another call now."""
        return self._moved.get(channel_id)

    def let_go(self, channel: Channel, caller: Movable) -> None:
        """The first call, now that the second one is answered."""
        self._moved[channel.channel_id] = caller
        self._switch.end(channel, Cause.NORMAL)

    def forget(self, channel: Channel) -> None:
        """The second call is over too."""
        self._moved.pop(channel.channel_id, None)

    def redirect(self, channel: Channel, caller: Movable, elsewhere: Elsewhere) -> None:
        """Told to call there instead.

        Raises:
            RefusedError: the caller was answered here; nothing was done.
        """
        call = _OnwardCall(self, channel, caller)
        answer = self.on_redirect
        self._switch.redirect(channel, lambda: caller.sent_on(call.give_up))
        self._moved[channel.channel_id] = caller
        if answer is OnRedirect.REFUSE:
            call.lost(Cause.REJECTED)
        elif answer is OnRedirect.FOLLOW:
            invite = elsewhere.invite("redirect")
            if "caller" in channel.facts:
                invite["caller"] = channel.facts["caller"]
            self._timers.after_real(
                self._redirect_delay_s, lambda: self._call_onward(call, elsewhere.address, invite)
            )

    def _call_onward(self, call: "_OnwardCall", address: str, invite: Frame) -> None:
        if not call.is_over:
            self._trunks.run(self._trunks.dial_out(call, address, invite))


class _SecondCall(FarEnd):
    """The carrier's own call to the other PBX, which no channel here has a part in."""

    def __init__(self, carrier: Carrier, channel: Channel, caller: Movable) -> None:
        super().__init__()
        self._carrier = carrier
        self._channel = channel
        self._caller = caller
        self._is_answered = False
        self._is_over = False

    def heard(self, frame: Frame) -> None:
        match frame:
            case {"status": 200} if not self._is_answered and not self._is_over:
                self._answered()
            case {"status": int(status)} if status >= 400:
                self.lost(Cause.REJECTED)
            case {"bye": _}:
                self.lost(Cause.NORMAL)
            case _:
                pass

    def lost(self, cause: Cause) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.close()
        if self._is_answered:
            self._carrier.forget(self._channel)
            self._caller.cut_off(cause)
        else:
            self._carrier.answered(self._channel)

    def lose_link(self) -> None:
        """A carrier's call does not go over it."""

    def _answered(self) -> None:
        if not self._carrier.holds(self._channel):
            self._hang_up()
            return
        self._is_answered = True
        self._caller.moved(self._hang_up)
        self._carrier.let_go(self._channel, self._caller)

    def _hang_up(self) -> None:
        self._is_over = True
        self._carrier.forget(self._channel)
        self.say({"bye": int(Cause.NORMAL)})
        self.close()


class _OnwardCall(FarEnd):
    """The carrier's only call for a caller who was sent on by a 302."""

    def __init__(self, carrier: Carrier, channel: Channel, caller: Movable) -> None:
        super().__init__()
        self.is_over = False
        self._carrier = carrier
        self._channel = channel
        self._caller = caller

    def connected(self, writer: asyncio.StreamWriter) -> bool:
        super().connected(writer)
        return not self.is_over

    def heard(self, frame: Frame) -> None:
        if self.is_over:
            return
        match frame:
            case {"status": 200}:
                self._caller.told_answered()
            case {"talk": True}:
                self._caller.joined_there()
            case {"talk": False}:
                self._caller.parted()
            case {"status": int(status)} if status >= 400:
                self.lost(Cause.REJECTED)
            case {"bye": _}:
                self.lost(Cause.NORMAL)
            case _:
                pass

    def lost(self, cause: Cause) -> None:
        if not self.is_over:
            self._end()
            self._caller.cut_off(cause)

    def lose_link(self) -> None:
        """A carrier's call does not go over it."""

    def give_up(self) -> None:
        """The caller has enough, answered or not."""
        if not self.is_over:
            self.say({"bye": int(Cause.NORMAL)})
            self._end()

    def _end(self) -> None:
        self.is_over = True
        self._carrier.forget(self._channel)
        self.close()
