"""What the simulated PBX and its driver say to each other: JSON, one object a line.

    -> {"id": 7, "do": "channel.answer", "channel": "caller-1"}
    <- {"re": 7, "result": null}     or {"re": 7, "code": 404, "text": "no channel caller-1"}
    <- {"event": "channel_gone", "channel": "caller-1", "cause": 16}

As with Asterisk's interface events may come twice, or before the reply to the request
that caused them; nothing is kept for a client that is away; and the last application to
say hello is the only one. Codes are HTTP's: 404 gone, 409 exists, 422 not yet possible.
"""

import json
from enum import StrEnum

from branch.telephony.driver.vocabulary import Frame

FRAME_LIMIT_BYTES = 16 * 2**20
"""A list of some ten thousand channels still fits."""

PROTOCOL = 1

ALIVE_INTERVAL_S = 1.0
"""The PBX says so often that it is there, in real seconds, and a trunk's end does the same."""
SILENCE_LIMIT_S = 5.0
"""A peer that says nothing for so long is gone, whatever its connection looks like."""


class Role(StrEnum):
    """Who says hello."""

    APPLICATION = "application"
    """Steers the PBX and hears its events; the last one to come is the only one."""
    OPERATOR = "operator"
    """Looks on and plays the people; as many as like to, and none hears events."""


class Play(StrEnum):
    """Requests beyond a driver's: the hello, and what the people of a simulated PBX do."""

    HELLO = "hello"
    SET_PHONE = "phone.set"
    SET_TRUNKS = "trunks.set"
    BEGIN_DAY = "day.begin"
    SET_CARRIER = "carrier.set"
    COUNT = "witness.count"
    CALL = "caller.call"
    GIVE_UP = "caller.give_up"
    PRESS = "caller.press"


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
