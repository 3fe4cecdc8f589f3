"""The callers' carrier: who is asked by a REFER whether a caller may be sent on to another site.

One that moves callers calls the other PBX itself, whatever becomes of the links between sites, and lets
go of its first call once the second one is answered. The people live on in this process.
"""

from collections.abc import Callable
from typing import Protocol

from branch.telephony.driver.vocabulary import Cause, Event, Frame
from branch.telephony.simulated.pbx.settings import OnRefer
from branch.telephony.simulated.pbx.switch import Channel, Switch
from branch.telephony.simulated.pbx.trunks import FarEnd, Trunks


class Movable(Protocol):
    """Somebody whose carrier has made another call for it."""

    def moved(self, hang_up: Callable[[], None]) -> None:
        """Talks over the other call from now on, which `hang_up` ends."""
        ...

    def hang_up(self) -> None:
        """Has enough."""
        ...

    def cut_off(self, cause: Cause) -> None:
        """The other call has ended."""
        ...


class Carrier:
    """One carrier for all callers of the site."""

    def __init__(
        self, on_refer: OnRefer, *, switch: Switch, trunks: Trunks, tell: Callable[[Frame], None]
    ) -> None:
        self.on_refer = on_refer
        """What it does with the next REFER."""
        self._switch = switch
        self._trunks = trunks
        self._tell = tell
        self._moved: dict[str, Movable] = {}

    def refer(self, channel: Channel, caller: Movable, *, address: str, from_site: str, token: str) -> None:
        """Asked to call `address`; the channel is blocked until `answered`."""
        self._switch.begin_refer(channel)
        if self.on_refer is OnRefer.REFUSE:
            self.answered(channel)
        elif self.on_refer is OnRefer.MOVE:
            call = _SecondCall(self, channel, caller)
            invite = {"from": from_site, "token": token, "by": "carrier"}
            self._trunks.run(self._trunks.dial_out(call, address, invite))

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
        """Who came on that channel and talks over another call now."""
        return self._moved.get(channel_id)

    def let_go(self, channel: Channel, caller: Movable) -> None:
        """The first call, now that the second one is answered."""
        self._moved[channel.channel_id] = caller
        self._switch.end(channel, Cause.NORMAL)

    def forget(self, channel: Channel) -> None:
        """The second call is over too."""
        self._moved.pop(channel.channel_id, None)


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
