"""Requests that the PBX has not answered yet, kept across its absence."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from branch.telephony.driver.vocabulary import Do, Frame


@dataclass(slots=True, kw_only=True)
class Asked:
    """One request; `channel_id` is the channel it is about, where it is about one."""

    frame: Frame
    channel_id: str | None
    then: Callable[[bool], None] | None = None
    """Told whether it was done, once that is answered; never, where the channel is gone before."""
    was_sent: bool = False


class Unanswered:
    """Sends requests in order, and again in order on the next connection.

    All of them may be repeated but originate and refer: where those may already have been carried
    out, the channel's fate is read from the PBX's list, or asked for, and the request is dropped.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Asked] = {}
        self._numbers = itertools.count(1)
        self._send: Callable[[Frame], None] | None = None

    def ask(self, do: Do, channel_id: str | None = None, **parameters: object) -> None:
        """Send it now, or when there is a connection."""
        self._put(None, do, channel_id, parameters)

    def ask_then(
        self, then: Callable[[bool], None], do: Do, channel_id: str | None = None, **parameters: object
    ) -> None:
        """The same, and `then` hears whether it was done."""
        self._put(then, do, channel_id, parameters)

    def _put(
        self,
        then: Callable[[bool], None] | None,
        do: Do,
        channel_id: str | None,
        parameters: Mapping[str, object],
    ) -> None:
        number = next(self._numbers)
        frame: Frame = {"id": number, "do": do, **parameters}
        if channel_id is not None:
            frame["channel"] = channel_id
        self._waiting[number] = Asked(frame=frame, channel_id=channel_id, then=then)
        self._transmit(self._waiting[number])

    def answered(self, reply: Frame) -> Asked | None:
        """The request that `reply` answers; None when it was answered before."""
        return self._waiting.pop(reply["re"], None)

    def connect(self, send: Callable[[Frame], None]) -> None:
        """There is a connection: everything that waits goes out, oldest first."""
        self._send = send
        for asked in self._waiting.values():
            self._transmit(asked)

    def disconnect(self) -> None:
        self._send = None

    def is_unsent(self, channel_id: str) -> bool:
        """Whether the request to dial this channel has never left us."""
        return any(
            asked.channel_id == channel_id and asked.frame["do"] == Do.ORIGINATE and not asked.was_sent
            for asked in self._waiting.values()
        )

    def is_waiting(self, channel_id: str, do: Do) -> bool:
        """Whether such a request about this channel has no answer yet."""
        return any(
            each.channel_id == channel_id and each.frame["do"] == do for each in self._waiting.values()
        )

    def forget(self, channel_id: str) -> None:
        """The channel is gone, and so is the use of what was asked about it."""
        for number in [n for n, asked in self._waiting.items() if asked.channel_id == channel_id]:
            del self._waiting[number]

    def forget_originates(self, living: frozenset[str]) -> None:
        """Those channels were dialled before the connection was lost; not once more."""
        for number in [n for n, asked in self._waiting.items() if _dialled(asked) in living]:
            del self._waiting[number]

    def forget_sent(self, do: Do) -> None:
        """Such requests may have been carried out already; not once more."""
        for number in [n for n, a in self._waiting.items() if a.was_sent and a.frame["do"] == do]:
            del self._waiting[number]

    def clear(self) -> None:
        """The PBX that was asked is no more."""
        self._waiting.clear()

    def _transmit(self, asked: Asked) -> None:
        if self._send is not None:
            asked.was_sent = True
            self._send(asked.frame)


def _dialled(asked: Asked) -> str | None:
    return asked.channel_id if asked.frame["do"] == Do.ORIGINATE else None
