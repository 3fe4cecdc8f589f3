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
    """Dial `endpoint` on a new channel, which is a `kind` to us."""
    ANSWER = "channel.answer"
    RING = "channel.ring"
    """Whoever is on the channel hears that the other end rings: by a 180, or by a tone once it is up."""
    STOP_RING = "channel.stop_ring"
    REFER = "channel.refer"
    """Ask whoever is on the channel, by a REFER, to call the PBX of `site_id` with `token` on behalf of
    `from_site`. The channel is in no bridge; until REFERRED nothing may be asked of it that waits for it."""
    REDIRECT = "channel.redirect"
    """Answer a caller who was not answered yet, by a 302, with the address that REFER would name. The channel
    ends by that, whatever the other end does then; one that is up already is refused."""
    AWAIT_REFERRED = "channel.await_referred"
    """Tell REFERRED of the channel, once it is usable; whoever was away may have missed it."""
    HANG_UP = "channel.hangup"
    SET = "channel.set"
    PLAY = "channel.play"
    """`media` one after the other, in `language` (zh-CN or en); `playback` is our name for it."""
    STOP_PLAYING = "channel.stop_playing"
    """`playback` ends, begun or not."""
    RECORD = "channel.record"
    """Into the file `recording`: what the channel itself says (`of`: caller), until that falls silent, or
    all that is said in the talk that is named after it (`of`: talk)."""
    STOP_RECORDING = "recording.stop"
    PAUSE_RECORDING = "recording.pause"
    UNPAUSE_RECORDING = "recording.unpause"
    TRANSFERRED = "channel.transferred"
    """Tell the phone on the channel what has become of the transfer that it has asked for: `is_done`, or not.
    It ends none of its talk by that."""
    SNOOP = "channel.snoop"
    """Let the channel hear another one (`beside`, `spy`: both) and speak to it (`whisper`: out, or none);
    out of the bridge that it may be in. Adding the channel to a bridge ends it."""
    CREATE_BRIDGE = "bridge.create"
    ADD = "bridge.add"
    REMOVE = "bridge.remove"
    """Take one channel out of a bridge; it hears nobody then."""
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
    REFERRED = "channel_referred"
    """The other end has answered the REFER, whatever it said, and the channel is usable again. Never comes
    from one that promises and then says nothing more."""
    PHONE_STATE = "phone_state"
    RECORDING_FINISHED = "recording_finished"
    """The file `recording` of `channel` is closed; it holds `duration_ms`."""
    DIGIT = "digit"
    """The party on `channel` has pressed the key `digit`. Alone of all events it never comes twice:
    nothing in it would tell a second telling from a second press."""
    HELD = "held"
    """By a key of its own, the phone on `channel` holds whom it talks with, or, not `is_held`, takes them
    back."""
    TRANSFER = "transfer"
    """By a key of its own, the phone on `channel` wants whom it talks with to be given to `digits`, and waits
    for TRANSFERRED. Without digits: to another talk that the phone has."""
    PLAYED = "played"
    """`playback` on `channel` has come to its end, or was stopped. `is_failed`: nothing was heard of it."""
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
    """On a channel from another site it says that this is a caller of ours, whom that site has redirected."""
    TAKEN = "TRUNKLINE_TAKEN"
    """We have answered the caller, so the ledger knows the call; or whoever answered outside is the agent."""
    LINE = "TRUNKLINE_LINE"
    """The line that an agent outside is rung over."""
    QUEUE = "TRUNKLINE_QUEUE"
    AGENT = "TRUNKLINE_AGENT"
    HANDOFF = "TRUNKLINE_HANDOFF"
    PEER = "TRUNKLINE_PEER"
    REFERRED = "TRUNKLINE_REFERRED"
    """The hand-off that the caller's carrier is asked to move it along; empty once it has answered."""
    MOVED = "TRUNKLINE_MOVED"
    """The caller's own carrier, on the place of the trunk leg of HANDOFF."""
    HELD = "TRUNKLINE_HELD"
    """The phone holds whom it talks with by its own key, and the branch has heard of it; empty once it does
    not."""
