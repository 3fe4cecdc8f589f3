"""What the PBX holds for this branch, as the driver knows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from branch.telephony.driver.vocabulary import ChannelState, Frame, Kind, Variable
from router.call import Language
from router.ids import AgentId, CallId, HandoffId, LegId, LineId, PlaybackId, QueueId, SiteId
from router.ledger import Role
from router.recovery import Inventory, LiveLeg, LiveLine, LiveTrunk, MediaState

_TALK = "talk."


class Stage(IntEnum):
    """How far a channel has come; it never goes back."""

    ASKED = 0
    RINGING = 1
    UP = 2


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """One channel, with what it is to the branch."""

    channel_id: str
    kind: Kind
    stage: Stage = Stage.ASKED
    call_id: CallId | None = None
    handoff_id: HandoffId | None = None
    agent_id: AgentId | None = None
    queue_id: QueueId | None = None
    peer: SiteId | None = None
    line_id: LineId | None = None
    """Of an agent's leg that leads outside."""
    language: Language | None = None
    """Spoken to whoever answers there."""
    is_taken: bool = False
    """A caller whom we have answered; outside, an agent who has said that it is there."""
    talk: str | None = None
    """The talk's bridge that we have put it into."""
    playback_id: PlaybackId | None = None
    """What it hears and we want to know the end of."""
    messages: list[PlaybackId] = field(default_factory=list)
    """Callers' messages that an agent listens to, and has not heard to their end."""
    hears_ring: bool = False
    """Of an agent's leg: the tone of a number that it has dialled."""
    wants_transfer: bool = False
    """Of an agent's phone: it waits to hear what becomes of the transfer that it has asked for."""
    is_recording: bool = False
    is_moved: bool = False
    """A caller's own carrier, on the place of its hand-off's trunk leg."""
    referred_for: HandoffId | None = None
    """Of a caller whose carrier is asked to move it along this hand-off, and has not answered."""
    rejoin: Callable[[], None] | None = None
    """To be done when it has."""
    is_ending: bool = False
    """We have asked for its end, so its end is no news."""
    is_joined: bool = False
    """In a talk, when the PBX was last asked for its bridges."""
    is_undialled: bool = False
    """A leg whose phone still ends another call: a PBX that was asked to ring it now would find it busy."""
    before: "Held | None" = None
    """Of such a leg: the one that its phone still ends."""
    then: Callable[[], None] | None = None
    """To be done when this channel is gone."""

    @property
    def leg_id(self) -> LegId:
        """Agents' channels are named after their legs."""
        return LegId(self.channel_id)

    @property
    def is_answered(self) -> bool:
        """By whom we want: outside, whoever lifts the receiver may be a machine."""
        return self.stage is Stage.UP and (self.line_id is None or self.is_taken)

    @property
    def is_asked_for_key(self) -> bool:
        """Somebody, or something, has lifted the receiver outside, and has not taken the call yet."""
        return self.kind is Kind.PHONE and self.stage is Stage.UP and not self.is_answered

    def media(self) -> MediaState:
        if self.is_joined:
            return MediaState.BRIDGED
        return MediaState.UP if self.is_answered else MediaState.RINGING


class Holdings:
    """All held channels, by channel, call and hand-off."""

    def __init__(self) -> None:
        self._channels: dict[str, Held] = {}
        self._callers: dict[CallId, Held] = {}
        self._trunks: dict[HandoffId, Held] = {}
        self._lines: dict[CallId, Held] = {}
        self._last_legs: dict[AgentId, Held] = {}
        self._listening: dict[AgentId, Held] = {}

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._channels.values()))

    def channel(self, channel_id: str) -> Held | None:
        return self._channels.get(channel_id)

    def caller(self, call_id: CallId) -> Held | None:
        return self._callers.get(call_id)

    def leg(self, leg_id: LegId) -> Held | None:
        held = self._channels.get(leg_id)
        return held if held is not None and held.kind is Kind.PHONE else None

    def last_leg_of(self, agent_id: AgentId) -> Held | None:
        """The agent's newest leg that still lives."""
        return self._last_legs.get(agent_id)

    def listening(self, agent_id: AgentId) -> Held | None:
        """The agent's phone, which has asked for messages."""
        return self._listening.get(agent_id)

    def trunk(self, handoff_id: HandoffId) -> Held | None:
        return self._trunks.get(handoff_id)

    def line(self, call_id: CallId) -> Held | None:
        """The one on our line, of a call that goes out."""
        return self._lines.get(call_id)

    def dialled_for(self, call_id: CallId) -> Held | None:
        """The far end of a call that goes out: on our line, or behind the trunk to another site's."""
        out = (each for each in self._trunks.values() if each.kind is Kind.TRUNK_OUT)
        return self.line(call_id) or next((each for each in out if each.call_id == call_id), None)

    def dialling_for(self, call_id: CallId) -> Held | None:
        """The near end of a call that goes out: the leg of the agent who is to be joined with its far end."""
        return next((each for each in self._last_legs.values() if each.call_id == call_id), None)

    def add(self, held: Held) -> None:
        self._channels[held.channel_id] = held
        if held.kind is Kind.CALLER and held.call_id is not None:
            self._callers[held.call_id] = held
        if held.kind in (Kind.TRUNK_IN, Kind.TRUNK_OUT) and held.handoff_id is not None:
            before = self._trunks.get(held.handoff_id)
            if before is None or not before.is_moved:
                self._trunks[held.handoff_id] = held
        if held.kind is Kind.LINE and held.call_id is not None:
            self._lines[held.call_id] = held
        if held.kind is Kind.PHONE and held.agent_id is not None:
            self._last_legs[held.agent_id] = held
        if held.kind is Kind.CODE and held.agent_id is not None:
            self._listening[held.agent_id] = held

    def replace_trunk(self, moved: Held, handoff_id: HandoffId) -> None:
        """A moved caller's leg is the hand-off's trunk leg from now on."""
        if moved.handoff_id is not None:
            del self._trunks[moved.handoff_id]
        moved.handoff_id, moved.is_moved = handoff_id, True
        self._trunks[handoff_id] = moved

    def make_caller(self, held: Held, call_id: CallId) -> None:
        """A channel from another site is a caller of ours from now on."""
        held.kind, held.call_id = Kind.CALLER, call_id
        self.add(held)

    def drop(self, held: Held) -> None:
        del self._channels[held.channel_id]
        if held.call_id is not None and self._callers.get(held.call_id) is held:
            del self._callers[held.call_id]
        if held.call_id is not None and self._lines.get(held.call_id) is held:
            del self._lines[held.call_id]
        if held.handoff_id is not None and self._trunks.get(held.handoff_id) is held:
            del self._trunks[held.handoff_id]
        if held.agent_id is not None and self._last_legs.get(held.agent_id) is held:
            del self._last_legs[held.agent_id]
            before = held.before
            if before is not None and self._channels.get(before.channel_id) is before:
                self._last_legs[held.agent_id] = before
        if held.agent_id is not None and self._listening.get(held.agent_id) is held:
            del self._listening[held.agent_id]

    def inventory(self, *, is_same_run: bool) -> Inventory:
        """What lives and belongs to a call, a leg or a hand-off."""
        trunks = {handoff_id: _trunk(handoff_id, held) for handoff_id, held in self._trunks.items()}
        legs = {held.leg_id: _leg(held) for held in self if held.kind is Kind.PHONE}
        lines = {call_id: _line(call_id, held) for call_id, held in self._lines.items()}
        return Inventory(
            callers=frozenset(self._callers), legs=legs, trunks=trunks, lines=lines, is_same_run=is_same_run
        )


def held_of(shown: Frame) -> Held:
    """A channel as the PBX lists it, with what was written on it."""
    variables, kind = shown["variables"], Kind(shown["kind"])
    peer = variables.get(Variable.PEER) or (shown["facts"].get("from") if kind is Kind.TRUNK_IN else None)
    is_redirected = kind is Kind.TRUNK_IN and Variable.CALL in variables
    return Held(
        channel_id=shown["channel"],
        kind=Kind.CALLER if is_redirected else kind,
        stage=stage_of(shown),
        call_id=variables.get(Variable.CALL),
        handoff_id=variables.get(Variable.HANDOFF),
        agent_id=variables.get(Variable.AGENT),
        queue_id=variables.get(Variable.QUEUE),
        peer=SiteId(peer) if peer else None,
        line_id=variables.get(Variable.LINE),
        is_taken=Variable.TAKEN in variables,
        is_moved=Variable.MOVED in variables,
        referred_for=variables.get(Variable.REFERRED) or None,
    )


def line_channel(call_id: CallId, try_number: int) -> str:
    """Channels on a line are named after the call; late news of one that failed is none of the next one's."""
    return call_id if try_number == 1 else f"{call_id}.{try_number}"


def talk_bridge(channel_id: str) -> str:
    """The bridge of a talk, named after the agent's leg or the trunk leg to a helper."""
    return f"{_TALK}{channel_id}"


def talk_owner(bridge: str) -> str | None:
    """The channel that a talk's bridge is named after; None for any other bridge."""
    return bridge.removeprefix(_TALK) if bridge.startswith(_TALK) else None


def stage_of(shown: Frame) -> Stage:
    """The stage that the PBX tells; what we dialled is up only once it has started too."""
    if shown["state"] == ChannelState.UP and shown.get("is_started", False):
        return Stage.UP
    return Stage.ASKED if shown["state"] == ChannelState.DOWN else Stage.RINGING


def _leg(held: Held) -> LiveLeg:
    assert held.agent_id is not None
    assert held.call_id is not None
    return LiveLeg(
        leg_id=held.leg_id,
        agent_id=held.agent_id,
        call_id=held.call_id,
        handoff_id=held.handoff_id,
        state=held.media(),
        line_id=held.line_id,
    )


def _line(call_id: CallId, held: Held) -> LiveLine:
    return LiveLine(call_id=call_id, state=held.media())


def _trunk(handoff_id: HandoffId, held: Held) -> LiveTrunk:
    assert held.peer is not None
    return LiveTrunk(
        handoff_id=handoff_id,
        peer=held.peer,
        role=Role.ORIGIN if held.kind is Kind.TRUNK_OUT else Role.HELPER,
        call_id=held.call_id,
        state=held.media(),
        is_moved=held.is_moved,
    )
