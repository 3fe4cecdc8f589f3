"""Channels whose carrier was asked by REFER to call elsewhere: what is wanted of them waits for its answer.

Until the carrier has said what came of it, Asterisk reads that channel and does nothing else for it, and
it tells nobody what was said. A request that waits for the channel would keep all that came after it on
its websocket, so none is sent. A request to play is only queued: its end says that the channel is free.
"""

import secrets

from branch.telephony.driver.vocabulary import Do, Frame

_PREFIX = "referred."
_AT_ONCE = (Do.REFER, Do.AWAIT_REFERRED, Do.HANG_UP, Do.PUT_DOWN)
"""They wait for nothing, and a caller whose carrier says nothing can be let go."""


class Referring:
    """Requests by the channel that they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Frame]] = {}

    def begin(self, channel_id: str) -> str:
        """From now on; returns the name of the playback whose end will tell that it is over."""
        self._waiting.setdefault(channel_id, [])
        return f"{_PREFIX}{channel_id}.{secrets.token_hex(4)}"

    def listed(self, channel_id: str) -> None:
        """An earlier connection has begun it, and may have missed its end."""
        self._waiting.setdefault(channel_id, [])

    def is_early(self, frame: Frame) -> bool:
        """Whether the request has to wait, and is kept here."""
        waiting = self._waiting.get(frame.get("channel", ""))
        if waiting is None or frame["do"] in _AT_ONCE:
            return False
        waiting.append(frame)
        return True

    def over(self, channel_id: str) -> list[Frame]:
        """The carrier has answered, was not asked after all, or the channel is gone: what has waited."""
        return self._waiting.pop(channel_id, [])


def is_watch(playback: str) -> bool:
    """Whether a playback's end tells that a channel is free, and is none of the driver's."""
    return playback.startswith(_PREFIX)
