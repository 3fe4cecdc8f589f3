"""What the simulated PBX and its driver say to each other: JSON, one object a line.

    -> {"id": 7, "do": "channel.answer", "channel": "caller-1"}
    <- {"re": 7, "result": null}     or {"re": 7, "code": 404, "text": "no channel caller-1"}
    <- {"event": "channel_gone", "channel": "caller-1", "cause": 16}

As with Asterisk's interface events may come twice, or before the reply to the request
that caused them; nothing is kept for a client that is away; and the last application to
say hello is the only one. Codes are HTTP's: 404 gone, 409 exists, 422 not yet possible.
"""

import json
from enum import IntEnum, StrEnum
from typing import Any

Frame = dict[str, Any]

FRAME_LIMIT_BYTES = 16 * 2**20
"""A list of some ten thousand channels still fits."""

PROTOCOL = 1

ALIVE_INTERVAL_S = 1.0
"""The PBX says so often that it is there, in real seconds, and a trunk's end does the same."""
SILENCE_LIMIT_S = 5.0
"""A peer that says nothing for so long is gone, whatever its connection looks like."""


class Do(StrEnum):
    """The requests."""

    HELLO = "hello"
    LIST_CHANNELS = "channels.list"
    LIST_BRIDGES = "bridges.list"
    LIST_PHONES = "phones.list"
    ORIGINATE = "channel.originate"
    ANSWER = "channel.answer"
    RING = "channel.ring"
    HANG_UP = "channel.hangup"
    SET = "channel.set"
    PLAY = "channel.play"
    RECORD = "channel.record"
    CREATE_BRIDGE = "bridge.create"
    ADD = "bridge.add"
    DESTROY_BRIDGE = "bridge.destroy"
    START_MUSIC = "bridge.moh"
    LIFT = "phone.lift"
    PUT_DOWN = "phone.put_down"
    SET_PHONE = "phone.set"
    SET_TRUNKS = "trunks.set"
    COUNT = "witness.count"
    CALL = "caller.call"
    GIVE_UP = "caller.give_up"


class Role(StrEnum):
    """Who says hello."""

    APPLICATION = "application"
    """Steers the PBX and hears its events; the last one to come is the only one."""
    OPERATOR = "operator"
    """Looks on and plays the people; as many as like to, and none hears events."""


class Event(StrEnum):
    """What the PBX tells unasked."""

    CHANNEL_STARTED = "channel_started"
    """The channel is in our hands: an INVITE came in, or what we dialled has answered."""
    CHANNEL_STATE = "channel_state"
    CHANNEL_GONE = "channel_gone"
    PHONE_STATE = "phone_state"
    RECORDING_FINISHED = "recording_finished"
    REPLACED = "replaced"
    """Another client has said hello; this connection ends."""
    ALIVE = "alive"


class Kind(StrEnum):
    """Whose channel it is."""

    CALLER = "caller"
    PHONE = "phone"
    CODE = "code"
    """An agent has dialled a feature code."""
    TRUNK_IN = "trunk_in"
    TRUNK_OUT = "trunk_out"


class ChannelState(StrEnum):
    DOWN = "DOWN"
    RINGING = "RINGING"
    UP = "UP"


class BridgeKind(StrEnum):
    HOLDING = "holding"
    """Its members hear music and not each other."""
    MIXING = "mixing"


class Cause(IntEnum):
    """Why a channel ended: Q.850, as Asterisk says it."""

    NORMAL = 16
    BUSY = 17
    NO_ANSWER = 19
    ABSENT = 20
    REJECTED = 21
    """A phone's reject, and a trunk's 403."""
    LINK_LOST = 38
    """Network out of order: the peer's end is gone without a word."""
    UNAVAILABLE = 42
    """Switching equipment congestion: a trunk's 503."""


class Variable(StrEnum):
    """What the driver writes on its channels, so that a restarted branch finds its way."""

    CALL = "TRUNKLINE_CALL"
    TAKEN = "TRUNKLINE_TAKEN"
    """The caller was put into a queue, so the ledger knows the call."""
    QUEUE = "TRUNKLINE_QUEUE"
    AGENT = "TRUNKLINE_AGENT"
    HANDOFF = "TRUNKLINE_HANDOFF"
    PEER = "TRUNKLINE_PEER"


class BadFrameError(ValueError):
    """A line that is no JSON object; whoever sent it speaks another language."""


def encode(frame: Frame) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Frame:
    """One line as a frame.

    Raises:
        BadFrameError: it is not one.
    """
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadFrameError(f"not JSON: {error}") from None
    if not isinstance(frame, dict):
        raise BadFrameError(f"a frame is an object, not {type(frame).__name__}")
    return frame
