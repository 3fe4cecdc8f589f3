"""What a driver asks of any PBX and hears from it, in words of no PBX's own.

A request is a frame `{"id": 7, "do": "channel.answer", "channel": "caller-1"}`, its reply
`{"re": 7, "result": null}` or `{"re": 7, "code": 404, "text": "no channel caller-1"}`, and
an event `{"event": "channel_gone", "channel": "caller-1", "cause": 16}`. Events may come
twice, or before the reply to the request that caused them. Codes are HTTP's: 404 gone,
409 exists, 422 not yet possible.
"""

from enum import IntEnum, StrEnum
from typing import Any

Frame = dict[str, Any]


class Do(StrEnum):
    """The requests, which a link puts into its PBX's own words."""

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
    LINE = "line"
    """Somebody whom we dial out of a line to the public network."""


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
