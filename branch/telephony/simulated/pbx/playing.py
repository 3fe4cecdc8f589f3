"""What callers are played: one thing after the other on each channel, and the telling of its end."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from branch.telephony.driver.vocabulary import ChannelState, Event, Frame
from branch.telephony.simulated.pbx.switch import Channel, RefusedError, Switch
from branch.telephony.simulated.pbx.timers import LabTimers

LANGUAGES = ("zh-CN", "en")
KINDS = ("prompt", "sound", "number", "digits", "silence", "recording")


@dataclass(slots=True, kw_only=True, eq=False)
class Playback:
    name: str
    channel: Channel
    media: list[str]
    timer: asyncio.TimerHandle | None = None


class Playing:
    """All playbacks of one PBX."""

    def __init__(
        self, *, switch: Switch, timers: LabTimers, tell: Callable[[Frame], None], medium_s: float
    ) -> None:
        self._switch = switch
        self._timers = timers
        self._tell = tell
        self._medium_ms = medium_s * 1000
        self._playbacks: dict[str, Playback] = {}
        self._lines: dict[Channel, deque[Playback]] = {}
        """Of each channel: what it hears, and what it will hear afterwards."""

    def play(self, channel_id: str, name: str, media: list[str], language: str) -> None:
        """Play these now, or when what is being played there has come to its end.

        Raises:
            RefusedError: nobody would hear it, or it cannot be played.
        """
        channel = self._switch.channel(channel_id)
        if name in self._playbacks:
            raise RefusedError(409, f"playback {name} exists")
        if channel.state is not ChannelState.UP:
            raise RefusedError(422, f"channel {channel_id} has not been answered")
        unknown = [each for each in media if each.partition(":")[0] not in KINDS]
        if unknown or not media or language not in LANGUAGES:
            raise RefusedError(400, f"cannot play {unknown or media} in {language!r}")
        playback = self._playbacks[name] = Playback(name=name, channel=channel, media=media)
        line = self._lines.setdefault(channel, deque())
        line.append(playback)
        if len(line) == 1:
            self._begin(playback)

    def stop(self, name: str) -> None:
        """Its end is told as if it had come by itself.

        Raises:
            RefusedError: it has come already.
        """
        playback = self._playbacks.get(name)
        if playback is None:
            raise RefusedError(404, f"no playback {name}")
        if playback.timer is not None:
            playback.timer.cancel()
        self._over(playback)

    def _begin(self, playback: Playback) -> None:
        delay_ms = self._medium_ms * len(playback.media)
        playback.timer = self._timers.after(delay_ms, lambda: self._over(playback))
        playback.channel.party.told_playing()

    def _over(self, playback: Playback) -> None:
        del self._playbacks[playback.name]
        line = self._lines[playback.channel]
        was_heard = line[0] is playback
        line.remove(playback)
        self._tell({"event": Event.PLAYED, "playback": playback.name, "channel": playback.channel.channel_id})
        if not line:
            del self._lines[playback.channel]
        elif was_heard:
            self._begin(line[0])
