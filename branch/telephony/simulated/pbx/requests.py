"""What the application may ask of the PBX, request by request."""

from collections.abc import Callable, Mapping
from typing import Any

from branch.telephony.driver.vocabulary import BridgeKind, Cause, Do, Frame, Kind
from branch.telephony.simulated.pbx.callers import Caller
from branch.telephony.simulated.pbx.carriers import Carrier, Elsewhere
from branch.telephony.simulated.pbx.lines import Customer, Lines
from branch.telephony.simulated.pbx.phones import Phones, Ring
from branch.telephony.simulated.pbx.playing import Playing
from branch.telephony.simulated.pbx.recordings import Recordings
from branch.telephony.simulated.pbx.settings import OnRedirect, OnRefer
from branch.telephony.simulated.pbx.switch import Channel, Party, RefusedError, Snoop, Switch
from branch.telephony.simulated.pbx.timers import LabTimers
from branch.telephony.simulated.pbx.trunks import Trunks
from branch.telephony.simulated.wire import Play
from router.ids import CustomerId, QueueId, SiteId
from router.world.day.calls import PlannedCall


class Requests:
    """Carries requests out on the switch."""

    def __init__(
        self,
        *,
        switch: Switch,
        phones: Phones,
        trunks: Trunks,
        lines: Lines,
        carrier: Carrier,
        timers: LabTimers,
        recordings: Recordings,
        begin_day: Callable[[], None],
        count: Callable[[], Frame],
        call: Callable[[PlannedCall, list[str]], str],
        playing: Playing,
        voicemail_s: float,
    ) -> None:
        self._switch = switch
        self._phones = phones
        self._trunks = trunks
        self._lines = lines
        self._carrier = carrier
        self._timers = timers
        self._recordings = recordings
        self._voicemail_s = voicemail_s
        self._playing = playing
        self._by_name: Mapping[str, Callable[[Frame], Any]] = {
            Do.LIST_CHANNELS: lambda _frame: [each.shown() for each in switch.channels()],
            Do.LIST_BRIDGES: lambda _frame: [each.shown() for each in switch.bridges()],
            Do.LIST_PHONES: lambda _frame: [each.shown() for each in phones],
            Do.ORIGINATE: self._originate,
            Do.ANSWER: lambda frame: switch.answer(_text(frame, "channel")),
            Do.RING: lambda frame: switch.channel(_text(frame, "channel")).party.told_ringing(),
            Do.STOP_RING: lambda frame: switch.channel(_text(frame, "channel")).party.told_ringing_over(),
            Do.REFER: self._refer,
            Do.REDIRECT: self._redirect,
            Do.AWAIT_REFERRED: lambda frame: carrier.await_referred(switch.channel(_text(frame, "channel"))),
            Do.HANG_UP: self._hang_up,
            Do.SET: self._set,
            Do.PLAY: self._play,
            Do.STOP_PLAYING: lambda frame: playing.stop(_text(frame, "playback")),
            Do.RECORD: self._record,
            Do.STOP_RECORDING: lambda frame: recordings.stop(_text(frame, "recording")),
            Do.PAUSE_RECORDING: lambda frame: recordings.pause(_text(frame, "recording")),
            Do.UNPAUSE_RECORDING: lambda frame: recordings.unpause(_text(frame, "recording")),
            Do.CREATE_BRIDGE: self._create_bridge,
            Do.ADD: lambda frame: switch.add(_text(frame, "bridge"), _text(frame, "channel")),
            Do.REMOVE: lambda frame: switch.remove(_text(frame, "bridge"), _text(frame, "channel")),
            Do.SNOOP: self._snoop,
            Do.DESTROY_BRIDGE: lambda frame: switch.destroy_bridge(_text(frame, "bridge")),
            Do.START_MUSIC: lambda frame: switch.start_music(_text(frame, "bridge")),
            Do.LIFT: lambda frame: self._ring(frame).lift(),
            Do.PUT_DOWN: self._put_down,
            Play.SET_PHONE: self._set_phone,
            Play.SET_TRUNKS: lambda frame: trunks.set_up(is_up=_flag(frame, "is_up")),
            Play.BEGIN_DAY: lambda _frame: begin_day(),
            Play.SET_CARRIER: self._set_carrier,
            Play.COUNT: lambda _frame: count(),
            Play.CALL: lambda frame: call(_planned(frame), _texts(frame, "keys")),
            Play.PRESS: lambda frame: self._outsider(frame).press(_text(frame, "keys")),
            Play.GIVE_UP: self._give_up,
        }

    def carry_out(self, frame: Frame) -> Any:
        """Do it and return its result.

        Raises:
            RefusedError: it was not done, or there is no such request (400).
        """
        act = self._by_name.get(_text(frame, "do"))
        if act is None:
            raise RefusedError(400, f"no request {frame['do']!r}")
        return act(frame)

    def _originate(self, frame: Frame) -> None:
        kind, _, name = _text(frame, "endpoint").partition("/")
        variables = {str(key): str(value) for key, value in _table(frame, "variables").items()}
        party: Party
        if kind == "phone":
            party = self._phones.ring(name)
        elif kind == "trunk":
            party = self._trunks.call(name, _text(frame, "token"))
        elif kind == "line":
            party = self._lines.call(name)
        else:
            raise RefusedError(404, f"no endpoint {kind}/{name}")
        self._switch.originate(_text(frame, "channel"), _kind(frame), party, variables)

    def _hang_up(self, frame: Frame) -> None:
        channel = self._switch.channel(_text(frame, "channel"))
        try:
            cause = Cause(frame.get("cause", Cause.NORMAL))
        except ValueError:
            raise RefusedError(400, f"no cause {frame['cause']!r}") from None
        self._switch.end(channel, cause)

    def _set(self, frame: Frame) -> None:
        channel = self._switch.channel(_text(frame, "channel"))
        value = frame.get("value")
        channel.variables[_text(frame, "name")] = "" if value == "" else _text(frame, "value")

    def _refer(self, frame: Frame) -> None:
        channel, caller = self._caller(frame)
        self._carrier.refer(channel, caller, _elsewhere(frame))

    def _redirect(self, frame: Frame) -> None:
        channel, caller = self._caller(frame)
        self._carrier.redirect(channel, caller, _elsewhere(frame))

    def _caller(self, frame: Frame) -> tuple[Channel, Caller]:
        """Only callers have a carrier that can be asked."""
        channel = self._switch.channel(_text(frame, "channel"))
        if not isinstance(channel.party, Caller):
            raise RefusedError(422, f"channel {channel.channel_id} is no caller's")
        return channel, channel.party

    def _set_carrier(self, frame: Frame) -> None:
        """What is not named stays."""
        for key, answers in (("on_refer", OnRefer), ("on_redirect", OnRedirect)):
            if key not in frame:
                continue
            answer = _text(frame, key)
            if answer not in set(answers):
                raise RefusedError(400, f"no {key} {answer!r}")
            setattr(self._carrier, key, answers(answer))

    def _play(self, frame: Frame) -> None:
        playback, language = _text(frame, "playback"), _text(frame, "language")
        self._playing.play(_text(frame, "channel"), playback, _texts(frame, "media"), language)

    def _record(self, frame: Frame) -> None:
        """A caller has no more to say after a while; a talk is recorded until somebody stops it."""
        name, of = _text(frame, "recording"), _text(frame, "of")
        if of not in ("caller", "talk"):
            raise RefusedError(400, f"no recording of {of!r}")
        channel = self._recordings.start(name, _text(frame, "channel"))
        if of == "caller":
            channel.party.told_recording()
            self._timers.after(self._voicemail_s * 1000, lambda: self._end_message(name))

    def _end_message(self, name: str) -> None:
        if self._recordings.is_running(name):
            self._recordings.stop(name)

    def _snoop(self, frame: Frame) -> None:
        if frame.get("spy") != "both" or frame.get("whisper") not in ("none", "out"):
            raise RefusedError(400, f"no way to snoop: {frame.get('spy')!r}, {frame.get('whisper')!r}")
        snoop = Snoop(beside=_text(frame, "beside"), is_heard=frame["whisper"] == "out")
        self._switch.snoop(_text(frame, "channel"), snoop)

    def _create_bridge(self, frame: Frame) -> None:
        kind = _text(frame, "kind")
        if kind not in set(BridgeKind):
            raise RefusedError(400, f"no kind of bridge {kind!r}")
        self._switch.create_bridge(_text(frame, "bridge"), BridgeKind(kind))

    def _ring(self, frame: Frame) -> Ring:
        party = self._switch.channel(_text(frame, "channel")).party
        if not isinstance(party, Ring):
            raise RefusedError(404, f"channel {frame['channel']} is no phone's")
        return party

    def _put_down(self, frame: Frame) -> None:
        ring = self._ring(frame)
        ring.put_down(Cause.NORMAL if ring.is_taken else Cause.REJECTED)

    def _give_up(self, frame: Frame) -> None:
        moved = self._carrier.person(_text(frame, "channel"))
        (moved or self._outsider(frame)).hang_up()

    def _outsider(self, frame: Frame) -> Caller | Customer:
        party = self._switch.channel(_text(frame, "channel")).party
        if not isinstance(party, Caller | Customer):
            raise RefusedError(404, f"channel {frame['channel']} is nobody's outside")
        return party

    def _set_phone(self, frame: Frame) -> None:
        self._phones.phone(_text(frame, "agent")).set_registered(is_registered=_flag(frame, "is_registered"))


def _elsewhere(frame: Frame) -> Elsewhere:
    return Elsewhere(
        address=_text(frame, "endpoint").removeprefix("trunk/"),
        from_site=_text(frame, "from_site"),
        token=_text(frame, "token"),
    )


def _planned(frame: Frame) -> PlannedCall:
    customer = frame.get("customer")
    return PlannedCall(
        arrive_ms=0,
        site_id=SiteId(""),
        queue_id=QueueId(_text(frame, "queue")),
        handle_ms=_whole(frame, "handle_ms"),
        patience_ms=_whole(frame, "patience_ms") if frame.get("patience_ms") is not None else None,
        priority=_whole(frame, "priority") if "priority" in frame else 0,
        customer_id=None if customer is None else CustomerId(str(customer)),
    )


def _whole(frame: Frame, key: str) -> int:
    value = frame.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RefusedError(400, f"{key} must be a whole number, is {value!r}")
    return value


def _text(frame: Frame, key: str) -> str:
    value = frame.get(key)
    if not isinstance(value, str) or not value:
        raise RefusedError(400, f"{key} must be text, is {value!r}")
    return value


def _kind(frame: Frame) -> Kind:
    value = _text(frame, "kind")
    if value not in set(Kind):
        raise RefusedError(400, f"no kind {value!r}")
    return Kind(value)


def _texts(frame: Frame, key: str) -> list[str]:
    value = frame.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise RefusedError(400, f"{key} must be an array of texts, is {value!r}")
    return value


def _flag(frame: Frame, key: str) -> bool:
    value = frame.get(key)
    if not isinstance(value, bool):
        raise RefusedError(400, f"{key} must be true or false, is {value!r}")
    return value


def _table(frame: Frame, key: str) -> Mapping[Any, Any]:
    value = frame.get(key, {})
    if not isinstance(value, dict):
        raise RefusedError(400, f"{key} must be an object, is {value!r}")
    return value
