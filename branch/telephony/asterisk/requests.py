"""The driver's requests in ARI's words: one request each."""

from collections.abc import Callable, Mapping
from typing import Any

from branch.telephony.asterisk.alone_name import read_name
from branch.telephony.asterisk.names import (
    ALONE,
    CALLER,
    DIALLED,
    KIND,
    LINE_PREFIX,
    PROMPTS,
    REDIRECT_EXTENSION,
    TOKEN_HEADER,
    TRUNK_EXTENSION,
    TRUNK_OUT_ENDPOINT,
    endpoint_of,
)
from branch.telephony.asterisk.shards import is_queue
from branch.telephony.asterisk.socket import Request
from branch.telephony.driver.holdings import talk_bridge
from branch.telephony.driver.vocabulary import BridgeKind, Do, Frame

_RING_LIMIT_S = 120
"""The desk stops ringing much sooner; this is for a desk that is gone."""
_MESSAGE_LIMIT_S = 180
_SILENCE_LIMIT_S = 8


def request_of(frame: Frame, application: str, bridge: str | None) -> Request:
    """The one ARI request that does what `frame` wants.

    Args:
        frame: a request of the driver's; LIST_* are not among them.
        application: hears of a channel that is dialled.
        bridge: the bridge's name at the PBX, where the frame is about one.
    """
    return _BY_NAME[frame["do"]](frame, application, bridge or "")


def _originate(frame: Frame, application: str, _bridge: str) -> Request:
    kind, _, name = frame["endpoint"].partition("/")
    variables = {str(key): str(value) for key, value in frame["variables"].items()} | {KIND: frame["kind"]}
    query = [("app", application), ("timeout", str(_RING_LIMIT_S))]
    if kind == "phone":
        endpoint = f"PJSIP/{endpoint_of(name)}"
    elif kind == "line":
        line, _, number = name.partition("/")
        endpoint = f"PJSIP/{number}@{LINE_PREFIX}{line}"
    else:
        transport = ";transport=tls" if frame.get("is_encrypted") else ""
        endpoint = f"PJSIP/{TRUNK_OUT_ENDPOINT}/sip:{TRUNK_EXTENSION}@{name}{transport}"
        variables[f"PJSIP_HEADER(add,{TOKEN_HEADER})"] = frame["token"]
    query.append(("endpoint", endpoint))
    if frame.get("beside"):
        query.append(("originator", frame["beside"]))
    if frame.get("caller_id"):
        query.append(("callerId", frame["caller_id"]))
    return Request(method="POST", uri=_channel(frame), query=tuple(query), body={"variables": variables})


def _play(frame: Frame, _application: str, _bridge: str) -> Request:
    media = ",".join(_medium(each) for each in frame["media"])
    uri = _channel(frame, f"/play/{frame['playback']}")
    return _post(uri, media=media, lang=str(frame["language"]).replace("-", "_"))


def _send_elsewhere(frame: Frame, user: str) -> Request:
    """Of a channel that is up, Asterisk asks by a REFER; one that is not, it answers by a 302."""
    whole = f"{user}.{frame['from_site']}.{frame['token']}"
    address = frame["endpoint"].partition("/")[2]
    return _post(_channel(frame, "/redirect"), endpoint=f"PJSIP/sip:{whole}@{address}")


def _await_referred(frame: Frame, _application: str, _bridge: str) -> Request:
    """The last tenth of a second of silence: it is played when the channel has come back to us."""
    return _post(_channel(frame, f"/play/{frame['playback']}"), media="sound:silence/1", offsetms="900")


def _transferred(frame: Frame, _application: str, _bridge: str) -> Request:
    """As the last NOTIFY of its REFER: 200 or 603."""
    states = "channel_answered" if frame["is_done"] else "channel_declined"
    return _post(_channel(frame, "/transfer_progress"), states=states)


def _medium(medium: str) -> str:
    """A flow's prompts are sounds in a folder of their own; a moment of silence is one of Asterisk's."""
    kind, _, name = medium.partition(":")
    if kind == "prompt":
        return f"sound:{PROMPTS}/{name}"
    return f"sound:silence/{name}" if kind == "silence" else medium


def _record(frame: Frame, _application: str, _bridge: str) -> Request:
    """A talk is heard in its bridge; a caller who speaks to nobody, on its own channel."""
    name = frame["recording"]
    if frame["of"] == "talk":
        bridge = talk_bridge(frame["channel"])
        return _post(f"bridges/{bridge}/record", name=name, format="wav", ifExists="fail")
    return _post(
        _channel(frame, "/record"),
        name=name,
        format="wav",
        maxDurationSeconds=str(_MESSAGE_LIMIT_S),
        maxSilenceSeconds=str(_SILENCE_LIMIT_S),
        ifExists="overwrite",
        beep="true",
        terminateOn="#",
    )


def _live(frame: Frame, act: str) -> str:
    return f"recordings/live/{frame['recording']}/{act}"


def _snoop(frame: Frame, application: str, _bridge: str) -> Request:
    return _post(
        f"channels/{frame['beside']}/snoop/{frame['snoop']}",
        app=application,
        spy=frame["spy"],
        whisper=frame["whisper"],
    )


def _create_bridge(frame: Frame, _application: str, bridge: str) -> Request:
    kind = "holding" if frame["kind"] == BridgeKind.HOLDING else "mixing"
    return _post(f"bridges/{bridge}", type=kind)


def _hang_up(frame: Frame, _application: str, _bridge: str) -> Request:
    query = (("reason_code", str(frame["cause"])),)
    return Request(method="DELETE", uri=_channel(frame), query=query)


def _set(frame: Frame, _application: str, _bridge: str) -> Request:
    return _post(_channel(frame, "/variable"), variable=frame["name"], value=frame["value"])


def _add(frame: Frame, _application: str, bridge: str) -> Request:
    role = {"role": "holding_participant"} if is_queue(bridge) else {}
    return _post(
        f"bridges/{bridge}/addChannel", channel=frame["channel"], inhibitConnectedLineUpdates="true", **role
    )


_BY_NAME: Mapping[str, Callable[[Frame, str, str], Request]] = {
    Do.ORIGINATE: _originate,
    Do.ANSWER: lambda frame, _application, _bridge: _post(_channel(frame, "/answer")),
    Do.RING: lambda frame, _application, _bridge: _post(_channel(frame, "/ring")),
    Do.STOP_RING: lambda frame, _application, _bridge: Request(method="DELETE", uri=_channel(frame, "/ring")),
    Do.HANG_UP: _hang_up,
    Do.SET: _set,
    Do.PLAY: _play,
    Do.STOP_PLAYING: lambda frame, _application, _bridge: Request(
        method="DELETE", uri=f"playbacks/{frame['playback']}"
    ),
    Do.REFER: lambda frame, _application, _bridge: _send_elsewhere(frame, TRUNK_EXTENSION),
    Do.REDIRECT: lambda frame, _application, _bridge: _send_elsewhere(frame, REDIRECT_EXTENSION),
    Do.AWAIT_REFERRED: _await_referred,
    Do.RECORD: _record,
    Do.STOP_RECORDING: lambda frame, _application, _bridge: _post(_live(frame, "stop")),
    Do.PAUSE_RECORDING: lambda frame, _application, _bridge: _post(_live(frame, "pause")),
    Do.UNPAUSE_RECORDING: lambda frame, _application, _bridge: Request(
        method="DELETE", uri=_live(frame, "pause")
    ),
    Do.TRANSFERRED: _transferred,
    Do.SNOOP: _snoop,
    Do.CREATE_BRIDGE: _create_bridge,
    Do.ADD: _add,
    Do.REMOVE: lambda frame, _application, bridge: _post(
        f"bridges/{bridge}/removeChannel", channel=frame["channel"]
    ),
    Do.DESTROY_BRIDGE: lambda _frame, _application, bridge: Request(method="DELETE", uri=f"bridges/{bridge}"),
    Do.PUT_DOWN: lambda frame, _application, _bridge: Request(
        method="DELETE", uri=_channel(frame), query=(("reason_code", "21"),)
    ),
}


def _post(uri: str, **query: str) -> Request:
    return Request(method="POST", uri=uri, query=tuple(query.items()))


def _channel(frame: Frame, act: str = "") -> str:
    return f"channels/{frame['channel']}{act}"


def facts_of(channel: Mapping[str, Any]) -> Frame:
    """What a PBX knows of a channel beyond the driver's own variables."""
    variables = channel.get("channelvars") or {}
    facts = {
        "dialled": variables.get(DIALLED) or channel["dialplan"]["exten"],
        "caller": variables.get(CALLER) or None,
    }
    name = read_name(variables.get(ALONE) or "")
    return facts if name is None else facts | {"call": name.call_id}
