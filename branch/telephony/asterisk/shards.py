"""Which of a site's applications a channel belongs to, so that all about one call goes one way."""

from zlib import crc32

from branch.telephony.driver.vocabulary import Do, Frame

_TALK, _QUEUE = "talk.", "queue."


class Shards:
    """Channels by shard; a channel that was dialled for another shares its shard."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._of: dict[str, int] = {}

    def came(self, channel_id: str, shard: int) -> None:
        """Asterisk has handed the channel to this shard."""
        self._of.setdefault(channel_id, shard)

    def gone(self, channel_id: str) -> None:
        self._of.pop(channel_id, None)

    def of(self, frame: Frame) -> int:
        """0 to count - 1: where a request must go so that it comes after what was sent before."""
        subject = _subject(frame)
        shard = self._of.get(subject)
        if shard is None:
            beside = frame.get("beside")
            shard = self._of.get(beside) if beside else None
            shard = crc32((beside or subject).encode()) % self._count if shard is None else shard
            if frame["do"] == Do.ORIGINATE:
                self._of[subject] = shard
        return shard


def bridge_name(frame: Frame, shard: int) -> str | None:
    """A bridge's name at the PBX: music has one a shard, since two shards' requests have no order."""
    name: str | None = frame.get("bridge")
    return f"{name}.{shard}" if name is not None and is_queue(name) else name


def is_queue(bridge: str) -> bool:
    """Whether callers wait there with music."""
    return bridge.startswith(_QUEUE)


def _subject(frame: Frame) -> str:
    channel: str | None = frame.get("channel")
    if channel is not None:
        return channel
    bridge: str = frame.get("bridge", "")
    return bridge.removeprefix(_TALK) if bridge.startswith(_TALK) else str(frame.get("beside", bridge))
