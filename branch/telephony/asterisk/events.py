"""Asterisk's events and lists in the driver's words."""

from collections.abc import Callable, Mapping
from typing import Any

from branch.telephony.asterisk.names import CODE, DIALLED, KIND, TOKEN
from branch.telephony.asterisk.referring import is_watch
from branch.telephony.asterisk.requests import facts_of
from branch.telephony.driver.holdings import talk_owner
from branch.telephony.driver.vocabulary import BridgeKind, Cause, ChannelState, Event, Frame, Kind, Variable

RECORDING_EVENTS = ("RecordingStarted", "RecordingFinished", "RecordingFailed")

CALL_EVENTS = (
    "StasisStart",
    "ChannelStateChange",
    "ChannelHangupRequest",
    "StasisEnd",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelHold",
    "ChannelUnhold",
    "ChannelTransfer",
    "PlaybackFinished",
    *RECORDING_EVENTS,
    "ApplicationReplaced",
    "RESTResponse",
)
"""What an application for calls is told: some 10 events a call instead of 53."""

PHONE_EVENTS = ("ContactStatusChange", "PeerStatusChange", "ApplicationReplaced", "RESTResponse")

_CAME_IN = (Kind.CALLER, Kind.TRUNK_IN, Kind.CODE)

_STATES = {"Down": ChannelState.DOWN, "Rsrvd": ChannelState.DOWN, "Up": ChannelState.UP}

_CAUSES = {
    # Q.850's own numbers, as chan_pjsip makes them of SIP's answers.
    0: Cause.NORMAL,  # A CANCEL, or a BYE without a Reason header.
    1: Cause.ABSENT,  # 404
    3: Cause.ABSENT,
    16: Cause.NORMAL,
    17: Cause.BUSY,
    19: Cause.NO_ANSWER,
    20: Cause.ABSENT,
    21: Cause.REJECTED,
    26: Cause.NORMAL,  # Answered elsewhere.
    31: Cause.NORMAL,
    38: Cause.LINK_LOST,
    127: Cause.NORMAL,  # 487 after a CANCEL.
}
"""Every other cause is UNAVAILABLE: 18 is SIP's time-out, 34, 41, 42 and 44 are forms of congestion."""


def cause_of(number: int) -> Cause:
    return _CAUSES.get(number, Cause.UNAVAILABLE)


def shown(channel: Mapping[str, Any], *, is_started: bool) -> Frame | None:
    """A channel as the driver wants it; None for one that is none of ours."""
    variables = channel.get("channelvars") or {}
    kind = variables.get(KIND)
    if kind not in set(Kind):
        return None
    facts = facts_of(channel)
    if kind == Kind.TRUNK_IN:
        facts |= {"from": variables.get(Variable.PEER, ""), "token": variables.get(TOKEN, "")}
    elif kind == Kind.CODE:
        facts |= {
            "code": variables.get(CODE, ""),
            "agent": variables.get(Variable.AGENT, ""),
            "digits": variables.get(DIALLED, ""),
        }
    return {
        "channel": channel["id"],
        "kind": kind,
        "state": state_of(channel),
        "is_started": is_started,
        # Asterisk tells every variable that it was told to tell, empty where nobody wrote one.
        "variables": {name: variables[name] for name in Variable if variables.get(name)},
        "facts": facts,
    }


def state_of(channel: Mapping[str, Any]) -> ChannelState:
    return _STATES.get(channel["state"], ChannelState.RINGING)


def is_in_application(channel: Mapping[str, Any]) -> bool:
    """Whether a listed channel has been handed over: its StasisStart was told, to somebody."""
    return bool(channel["dialplan"].get("app_name") == "Stasis")


def is_awaited(listed: Frame) -> bool:
    """Whether a call came in and is the dialplan's still: its StasisStart is told later, and nothing can be
    done with it before.
    """
    return listed["kind"] in _CAME_IN and not listed["is_started"]


def shown_bridge(bridge: Mapping[str, Any]) -> Frame:
    kind = BridgeKind.HOLDING if bridge["bridge_type"] == "holding" else BridgeKind.MIXING
    return {"bridge": bridge["id"], "kind": kind, "channels": list(bridge["channels"])}


def shown_phone(agent_id: str, *, is_registered: bool) -> Frame:
    return {"event": Event.PHONE_STATE, "agent": agent_id, "is_registered": is_registered}


def event_of(told: Mapping[str, Any], is_started: Callable[[str], bool]) -> Frame | None:
    """One event of a call; None for what the driver does not need."""
    act = _BY_TYPE.get(told["type"])
    return None if act is None else act(told, is_started)


def _started(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame | None:
    channel = shown(told["channel"], is_started=True)
    return None if channel is None else {"event": Event.CHANNEL_STARTED, **channel}


def _changed(told: Mapping[str, Any], is_started: Callable[[str], bool]) -> Frame | None:
    channel = shown(told["channel"], is_started=is_started(told["channel"]["id"]))
    return None if channel is None else {"event": Event.CHANNEL_STATE, **channel}


def _left(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame | None:
    """The end of a channel that came in; a dialled one's phone is free at ChannelDestroyed.

    A caller who hangs up is told of by ChannelHangupRequest, before what is played to it fails. StasisEnd
    is the last word, and the only one of a caller whom the dialplan took back.
    """
    if (told["channel"].get("channelvars") or {}).get(KIND) not in _CAME_IN:
        return None
    return {"event": Event.CHANNEL_GONE, "channel": told["channel"]["id"], "cause": int(Cause.NORMAL)}


def _destroyed(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame:
    cause = cause_of(told["cause"])
    return {"event": Event.CHANNEL_GONE, "channel": told["channel"]["id"], "cause": int(cause)}


def _pressed(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame:
    return {"event": Event.DIGIT, "channel": told["channel"]["id"], "digit": told["digit"]}


def _held(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame:
    is_held = told["type"] == "ChannelHold"
    return {"event": Event.HELD, "channel": told["channel"]["id"], "is_held": is_held}


def _asked_to_transfer(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame | None:
    """The same event also tells what we have said of it. Of another talk, the number is where that began."""
    if told.get("state"):
        return None
    wanted = told["refer_to"]["requested_destination"]
    return {
        "event": Event.TRANSFER,
        "channel": told["referred_by"]["source_channel"]["id"],
        "digits": "" if wanted.get("protocol_id") else wanted.get("destination") or "",
    }


def _played(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame:
    playback = told["playback"]
    if is_watch(playback["id"]):
        return {"event": Event.REFERRED, "channel": _target(playback)}
    return {
        "event": Event.PLAYED,
        "channel": _target(playback),
        "playback": playback["id"],
        "is_failed": playback["state"] == "failed",
    }


def _recorded(told: Mapping[str, Any], _is_started: Callable[[str], bool]) -> Frame:
    """Of a talk the bridge is recorded, which is named after the agent's leg."""
    recording = told["recording"]
    target = _target(recording)
    return {
        "event": Event.RECORDING_FINISHED,
        "channel": talk_owner(target) or target,
        "recording": recording["name"],
        "duration_ms": 1_000 * int(recording.get("duration", 0)),
    }


def _target(media: Mapping[str, Any]) -> str:
    """What is played to or recorded: the ID of `channel:ID` and `bridge:ID`."""
    return str(media["target_uri"]).partition(":")[2]


_BY_TYPE: Mapping[str, Callable[[Mapping[str, Any], Callable[[str], bool]], Frame | None]] = {
    "StasisStart": _started,
    "ChannelStateChange": _changed,
    "ChannelHangupRequest": _left,
    "StasisEnd": _left,
    "ChannelDestroyed": _destroyed,
    "ChannelDtmfReceived": _pressed,
    "ChannelHold": _held,
    "ChannelUnhold": _held,
    "ChannelTransfer": _asked_to_transfer,
    "PlaybackFinished": _played,
    "RecordingFinished": _recorded,
    "RecordingFailed": _recorded,
    "ApplicationReplaced": lambda _told, _is_started: {"event": Event.REPLACED},
}
