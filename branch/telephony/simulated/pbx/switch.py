"""Channels and bridges: what lives, who is joined with whom, and what may not be done yet.

Pure bookkeeping on the PBX's own event loop. Each channel has a party behind it (a caller,
a phone, the other end of a trunk), which is told what happens to its channel; the
application on the control connection is told through `tell`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from branch.telephony.driver.vocabulary import BridgeKind, Cause, ChannelState, Event, Frame, Kind


class RefusedError(Exception):
    """A request that cannot be done; `code` is what HTTP would answer."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Party:
    """Who is behind a channel; each kind of party minds what concerns it.

    Told from inside of the switch, so it acts later and not at once.
    """

    def dialled(self, channel: "Channel") -> None:
        """The application wants this party, over a channel it originated."""

    def told_ringing(self) -> None:
        """The application lets the other end know that it rings there."""

    def told_ringing_over(self) -> None:
        """The application lets the other end hear no more of that."""

    def told_answered(self) -> None:
        """The application has answered this party's call."""

    def told_playing(self) -> None:
        """Hears something new of the application's."""

    def told_recording(self) -> None:
        """The application records what this party says."""

    def joined(self, others: "list[Channel]") -> None:
        """Hears `others` from now on: all who are in the bridge."""

    def parted(self) -> None:
        """Hears nobody any more."""

    def ended(self, cause: Cause) -> None:
        """The channel is gone, whoever ended it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    channel_id: str
    kind: Kind
    party: Party
    facts: Mapping[str, str] = field(default_factory=dict)
    """What came with the call: the number dialled, the trunk's token, the feature code."""
    variables: dict[str, str] = field(default_factory=dict)
    state: ChannelState = ChannelState.DOWN
    is_started: bool = False
    answered_at_ms: int | None = None
    bridge: "Bridge | None" = None
    is_with_somebody: bool = False
    is_referred: bool = False
    """Its party's carrier is asked to call elsewhere, and has not answered: blocked meanwhile."""
    snoop: "Snoop | None" = None

    def shown(self) -> Frame:
        return {
            "channel": self.channel_id,
            "kind": self.kind,
            "state": self.state,
            "is_started": self.is_started,
            "facts": dict(self.facts),
            "variables": dict(self.variables),
            "snoops_on": None if self.snoop is None else self.snoop.beside,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoop:
    """A channel hears another one's talk from outside of it."""

    beside: str
    is_heard: bool
    """By the other one alone."""


@dataclass(slots=True, kw_only=True, eq=False)
class Bridge:
    bridge_id: str
    kind: BridgeKind
    members: list[Channel] = field(default_factory=list)
    has_music: bool = False

    def shown(self) -> Frame:
        members = [each.channel_id for each in self.members]
        return {"bridge": self.bridge_id, "kind": self.kind, "channels": members, "has_music": self.has_music}


class Switch:
    """All channels and bridges of one PBX."""

    def __init__(self, *, tell: Callable[[Frame], None], now_ms: Callable[[], int]) -> None:
        self._tell = tell
        self._now_ms = now_ms
        self._channels: dict[str, Channel] = {}
        self._bridges: dict[str, Bridge] = {}
        self.when_ended: Callable[[Channel], None] = lambda _channel: None
        """Told of each channel that is over, before anybody else."""

    # --- what its people and trunks do ---------------------------------------------

    def arrive(self, channel: Channel) -> None:
        """A call comes in from outside; it rings until the application answers it."""
        channel.state, channel.is_started = ChannelState.RINGING, True
        self._channels[channel.channel_id] = channel
        self._tell({"event": Event.CHANNEL_STARTED, **channel.shown()})

    def rang(self, channel: Channel) -> None:
        """The phone, or the far end, rings."""
        if self.lives(channel) and channel.state is ChannelState.DOWN:
            self._set_state(channel, ChannelState.RINGING)

    def picked_up(self, channel: Channel) -> None:
        """The one whom the application dialled has answered."""
        if not self.lives(channel) or channel.state is ChannelState.UP:
            return
        channel.is_started = True
        channel.answered_at_ms = self._now_ms()
        self._set_state(channel, ChannelState.UP)
        self._tell({"event": Event.CHANNEL_STARTED, **channel.shown()})

    def pressed(self, channel: Channel, keys: str) -> None:
        """The party presses these keys; nobody hears them before the call is answered."""
        if self.lives(channel) and channel.state is ChannelState.UP:
            for key in keys:
                self._tell({"event": Event.DIGIT, "channel": channel.channel_id, "digit": key})

    def end(self, channel: Channel, cause: Cause) -> None:
        """The channel is over, by whomever; a second time does nothing."""
        if self._channels.pop(channel.channel_id, None) is None:
            return
        self.when_ended(channel)
        self._leave(channel)
        for listener in self._channels.values():
            if listener.snoop is not None and listener.snoop.beside == channel.channel_id:
                listener.snoop = None
        self._tell({"event": Event.CHANNEL_GONE, "channel": channel.channel_id, "cause": int(cause)})
        channel.party.ended(cause)

    # --- what the application asks for ---------------------------------------------

    def channels(self) -> Iterable[Channel]:
        return self._channels.values()

    def bridges(self) -> Iterable[Bridge]:
        return self._bridges.values()

    def channel(self, channel_id: str) -> Channel:
        try:
            return self._channels[channel_id]
        except KeyError:
            raise RefusedError(404, f"no channel {channel_id}") from None

    def originate(self, channel_id: str, kind: Kind, party: Party, variables: Mapping[str, str]) -> None:
        if channel_id in self._channels:
            raise RefusedError(409, f"channel {channel_id} exists")
        channel = Channel(channel_id=channel_id, kind=kind, party=party, variables=dict(variables))
        self._channels[channel_id] = channel
        party.dialled(channel)

    def answer(self, channel_id: str) -> None:
        channel = self.channel(channel_id)
        if channel.state is ChannelState.UP:
            return
        if not channel.is_started:
            raise RefusedError(422, f"channel {channel_id} was not answered by its own party yet")
        channel.answered_at_ms = self._now_ms()
        self._set_state(channel, ChannelState.UP)
        channel.party.told_answered()

    def begin_refer(self, channel: Channel) -> None:
        """Block the channel until `end_refer`.

        Raises:
            RefusedError: it is in a bridge, is not up, or is blocked already.
        """
        if channel.bridge is not None or channel.state is not ChannelState.UP or channel.is_referred:
            raise RefusedError(422, f"channel {channel.channel_id} cannot be referred now")
        channel.is_referred = True

    def end_refer(self, channel: Channel) -> None:
        channel.is_referred = False

    def redirect(self, channel: Channel, before_end: Callable[[], None]) -> None:
        """The channel ends, and its caller does not: `before_end` tells it so.

        Raises:
            RefusedError: it was answered, so nobody can be told any more to call elsewhere instead.
        """
        if channel.state is ChannelState.UP:
            raise RefusedError(422, f"channel {channel.channel_id} cannot be redirected now")
        before_end()
        self.end(channel, Cause.NORMAL)

    def create_bridge(self, bridge_id: str, kind: BridgeKind) -> None:
        if bridge_id in self._bridges:
            raise RefusedError(409, f"bridge {bridge_id} exists")
        self._bridges[bridge_id] = Bridge(bridge_id=bridge_id, kind=kind)

    def start_music(self, bridge_id: str) -> None:
        self._bridge(bridge_id).has_music = True

    def destroy_bridge(self, bridge_id: str) -> None:
        bridge = self._bridge(bridge_id)
        for member in list(bridge.members):
            self._leave(member)
        del self._bridges[bridge_id]

    def add(self, bridge_id: str, channel_id: str) -> None:
        """Put a channel into a bridge, out of the one it may be in."""
        bridge, channel = self._bridge(bridge_id), self.channel(channel_id)
        if not channel.is_started or channel.state is not ChannelState.UP or channel.is_referred:
            raise RefusedError(422, f"channel {channel_id} has not started, or is being referred")
        if channel.bridge is bridge:
            return
        self._leave(channel)
        channel.snoop = None
        channel.bridge = bridge
        bridge.members.append(channel)
        self._tell_members(bridge)

    def remove(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; it hears nobody."""
        bridge, channel = self._bridge(bridge_id), self.channel(channel_id)
        if channel.bridge is not bridge:
            raise RefusedError(422, f"channel {channel_id} is not in bridge {bridge_id}")
        self._leave(channel)

    def snoop(self, channel_id: str, snoop: Snoop) -> None:
        """Let a channel hear another one, out of the bridge that it may be in."""
        channel, beside = self.channel(channel_id), self.channel(snoop.beside)
        for each in (channel, beside):
            if not each.is_started or each.state is not ChannelState.UP:
                raise RefusedError(422, f"channel {each.channel_id} has not started")
        self._leave(channel)
        channel.snoop = snoop

    def _bridge(self, bridge_id: str) -> Bridge:
        try:
            return self._bridges[bridge_id]
        except KeyError:
            raise RefusedError(404, f"no bridge {bridge_id}") from None

    def lives(self, channel: Channel) -> bool:
        """Whether the channel is not over."""
        return self._channels.get(channel.channel_id) is channel

    def _set_state(self, channel: Channel, state: ChannelState) -> None:
        channel.state = state
        self._tell({"event": Event.CHANNEL_STATE, "channel": channel.channel_id, "state": state})

    def _leave(self, channel: Channel) -> None:
        bridge, channel.bridge = channel.bridge, None
        if bridge is None:
            return
        bridge.members.remove(channel)
        self._part(channel)
        self._tell_members(bridge)

    def _tell_members(self, bridge: Bridge) -> None:
        is_talk = bridge.kind is BridgeKind.MIXING and len(bridge.members) > 1
        for member in list(bridge.members):
            if is_talk:
                member.is_with_somebody = True
                member.party.joined([each for each in bridge.members if each is not member])
            else:
                self._part(member)

    def _part(self, channel: Channel) -> None:
        if channel.is_with_somebody:
            channel.is_with_somebody = False
            channel.party.parted()
