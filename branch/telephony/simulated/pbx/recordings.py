"""What the PBX records: who, since when, and how long; nobody listens to it, so no file is written."""

from collections.abc import Callable
from dataclasses import dataclass

from branch.telephony.driver.vocabulary import Event, Frame, Kind
from branch.telephony.simulated.pbx.switch import Channel, RefusedError, Switch


@dataclass(slots=True, kw_only=True)
class Recording:
    channel: Channel
    recorded_ms: int
    since_ms: int | None
    """None while it is paused."""


class Recordings:
    """Those in progress, by name; each ends with its channel at the latest."""

    def __init__(self, switch: Switch, tell: Callable[[Frame], None], now_ms: Callable[[], int]) -> None:
        self._recordings: dict[str, Recording] = {}
        self._switch = switch
        self._tell = tell
        self._now_ms = now_ms
        switch.when_ended = self._channel_ended

    def start(self, name: str, channel_id: str) -> Channel:
        """Record what goes over the channel."""
        if name in self._recordings:
            raise RefusedError(409, f"recording {name} exists")
        channel = self._switch.channel(channel_id)
        self._recordings[name] = Recording(channel=channel, recorded_ms=0, since_ms=self._now_ms())
        return channel

    def pause(self, name: str) -> None:
        recording = self._recording(name)
        recording.recorded_ms, recording.since_ms = self._length_ms(recording), None

    def unpause(self, name: str) -> None:
        recording = self._recording(name)
        if recording.since_ms is None:
            recording.since_ms = self._now_ms()

    def stop(self, name: str) -> None:
        """Close the file and tell so."""
        recording = self._recording(name)
        del self._recordings[name]
        self._tell(
            {
                "event": Event.RECORDING_FINISHED,
                "channel": recording.channel.channel_id,
                "recording": name,
                "duration_ms": self._length_ms(recording),
            }
        )

    def is_running(self, name: str) -> bool:
        return name in self._recordings

    def _channel_ended(self, channel: Channel) -> None:
        """A caller who hangs up before the end of its message has left none."""
        for name in [name for name, each in self._recordings.items() if each.channel is channel]:
            if channel.kind is Kind.CALLER:
                del self._recordings[name]
            else:
                self.stop(name)

    def _recording(self, name: str) -> Recording:
        try:
            return self._recordings[name]
        except KeyError:
            raise RefusedError(404, f"no recording {name}") from None

    def _length_ms(self, recording: Recording) -> int:
        running_ms = 0 if recording.since_ms is None else self._now_ms() - recording.since_ms
        return recording.recorded_ms + running_ms
