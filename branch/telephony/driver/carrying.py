"""Orders of the desk as requests to the PBX."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from branch.telephony.driver.holdings import Held, Holdings, line_channel, talk_bridge
from branch.telephony.driver.moves import Moves
from branch.telephony.driver.prompts import Prompts, take
from branch.telephony.driver.redirects import Redirects
from branch.telephony.driver.talks import Talks
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import BridgeKind, Cause, Do, Kind, Variable
from branch.telephony.port import NotTelephonyError
from router.call import Language
from router.facts import Fact, TrunkFailed, TrunkHungUp
from router.ids import AgentId, CallId, HandoffId, LineId, QueueId, SiteId
from router.orders import (
    Announce,
    BridgeAgent,
    BridgeLine,
    BridgeTrunk,
    BridgeTrunkLeg,
    BridgeTrunkLine,
    DialLine,
    DialSite,
    HangUpCall,
    HangUpLeg,
    HangUpLine,
    HangUpTrunk,
    HoldCall,
    HoldInQueue,
    HoldLeg,
    JoinTalk,
    MoveCaller,
    Order,
    Overhear,
    PartTalk,
    PauseRecording,
    PlayPrompts,
    RecordTalk,
    RecordVoicemail,
    RedirectCaller,
    RejectTrunk,
    ResumeCall,
    RingAgent,
    StopPrompts,
    StopRecording,
    StopRinging,
    TakeMoved,
    UnpauseRecording,
)
from router.outbound.outcome import OutboundOutcome

_CAUSES = {OutboundOutcome.BUSY: Cause.BUSY, OutboundOutcome.NO_ANSWER: Cause.NO_ANSWER}
"""What a guest's PBX is told of the line that it dialled out of."""


class Carrying:
    """Carries orders out on what is held.

    An order about something that is gone does nothing: its end was told when it came.
    """

    def __init__(
        self,
        holdings: Holdings,
        unanswered: Unanswered,
        talks: Talks,
        note: Callable[[Fact], None],
        trunks: Mapping[SiteId, str],
        publics: Mapping[SiteId, str],
        prompts: Prompts,
    ) -> None:
        self._holdings = holdings
        self._unanswered = unanswered
        self._talks = talks
        self._note = note
        self._trunks = trunks
        self._publics = publics
        self._prompts = prompts
        moves = Moves(
            holdings,
            unanswered,
            talks,
            note,
            way_to=self._carriers_way_to,
            join=self._join,
            hang_up=self._hang_up,
        )
        self._redirects = Redirects(
            holdings, unanswered, note, way_to=self._carriers_way_to, hang_up=self._hang_up
        )
        self._by_type: Mapping[type[Order], Callable[[Any], None]] = {
            HoldInQueue: self._hold_in_queue,
            Announce: self._prompts.announce,
            PlayPrompts: self._prompts.play,
            StopPrompts: self._prompts.stop,
            RecordVoicemail: self._record_voicemail,
            HangUpCall: lambda order: self._hang_up(holdings.caller(order.call_id)),
            RingAgent: self._ring_agent,
            StopRinging: lambda order: self._hang_up(holdings.leg(order.leg_id)),
            HangUpLeg: lambda order: self._hang_up(holdings.leg(order.leg_id)),
            BridgeAgent: self._bridge_agent,
            RecordTalk: self._record_talk,
            PauseRecording: lambda order: self._about_recording(Do.PAUSE_RECORDING, order),
            UnpauseRecording: lambda order: self._about_recording(Do.UNPAUSE_RECORDING, order),
            StopRecording: lambda order: self._about_recording(Do.STOP_RECORDING, order),
            HoldCall: self._hold_call,
            HoldLeg: self._hold_leg,
            JoinTalk: self._join_talk,
            PartTalk: self._part_talk,
            Overhear: self._overhear,
            ResumeCall: self._resume_call,
            DialSite: self._dial_site,
            HangUpTrunk: self._hang_up_trunk,
            BridgeTrunk: lambda order: self._join(
                holdings.trunk(order.handoff_id), holdings.caller(order.call_id)
            ),
            RejectTrunk: lambda order: self._hang_up(holdings.trunk(order.handoff_id), Cause.REJECTED),
            BridgeTrunkLeg: self._bridge_trunk_leg,
            MoveCaller: moves.move_caller,
            TakeMoved: moves.take_moved,
            RedirectCaller: self._redirects.redirect_caller,
            DialLine: self._dial_line,
            BridgeLine: lambda o: self._join(self._holdings.leg(o.leg_id), self._holdings.line(o.call_id)),
            BridgeTrunkLine: self._bridge_trunk_line,
            HangUpLine: lambda o: self._hang_up(self._holdings.line(o.call_id)),
        }

    def carry_out(self, order: Order) -> None:
        """Ask the PBX for what the order wants.

        Raises:
            NotTelephonyError: the order is for somebody else.
        """
        act = self._by_type.get(type(order))
        if act is None:
            raise NotTelephonyError(order)
        act(order)

    def accept_trunk(self, trunk_id: str, handoff_id: HandoffId) -> bool:
        """The INVITE belongs to the hand-off from now on, unless another one does."""
        held, first = self._holdings.channel(trunk_id), self._holdings.trunk(handoff_id)
        if first is not None and first is not held:
            self._hang_up(held, Cause.REJECTED)
            return False
        if held is None:
            self._note(TrunkHungUp(handoff_id=handoff_id))
            return True
        held.handoff_id = handoff_id
        self._holdings.add(held)
        self._unanswered.ask(Do.SET, trunk_id, name=Variable.HANDOFF, value=handoff_id)
        return True

    def accept_redirected(self, trunk_id: str, call_id: CallId) -> bool:
        return self._redirects.accept(trunk_id, call_id)

    def reject_trunk(self, trunk_id: str) -> None:
        """403."""
        self._hang_up(self._holdings.channel(trunk_id), Cause.REJECTED)

    def confirm(self, agent_id: AgentId, *, is_done: bool) -> None:
        phone = self._holdings.listening(agent_id)
        if phone is not None and is_done:
            self._hang_up(phone)
        elif phone is not None:
            self._prompts.refuse(phone)

    def refuse_transfer(self, agent_id: AgentId) -> None:
        leg = self._holdings.last_leg_of(agent_id)
        if leg is not None:
            self._tell_of_transfer(leg, is_done=False)

    def _tell_of_transfer(self, leg: Held, *, is_done: bool) -> None:
        if leg.wants_transfer:
            leg.wants_transfer = False
            self._unanswered.ask(Do.TRANSFERRED, leg.channel_id, is_done=is_done)

    def play_messages(self, agent_id: AgentId, call_ids: Sequence[CallId], language: Language) -> None:
        phone = self._holdings.listening(agent_id)
        if phone is not None:
            self._prompts.play_messages(phone, call_ids, language)

    def _hold_in_queue(self, order: HoldInQueue) -> None:
        caller = self._holdings.caller(order.call_id)
        if caller is None:
            return
        take(caller, self._unanswered)
        self._put_on_music(caller, order.queue_id)

    def _put_on_music(self, held: Held, queue_id: QueueId | None) -> None:
        """One holding bridge a queue; asking for one that exists costs a refusal and no more."""
        bridge = _music_bridge(queue_id)
        beside = held.channel_id
        self._unanswered.ask(Do.CREATE_BRIDGE, bridge=bridge, kind=BridgeKind.HOLDING, beside=beside)
        self._unanswered.ask(Do.START_MUSIC, bridge=bridge, beside=beside)
        self._talks.left(held)
        self._unanswered.ask(Do.ADD, held.channel_id, bridge=bridge)

    def _record_voicemail(self, order: RecordVoicemail) -> None:
        caller = self._holdings.caller(order.call_id)
        if caller is None:
            return
        take(caller, self._unanswered)
        self._prompts.hush(caller)
        caller.is_recording = True
        # A PBX records nobody who hears a queue's music; one who does not is refused, and that is all.
        self._unanswered.ask(Do.REMOVE, caller.channel_id, bridge=_music_bridge(order.queue_id))
        # A call has one message at most, so its own id names the file.
        self._unanswered.ask(Do.RECORD, caller.channel_id, recording=order.call_id, of="caller")

    def _ring_agent(self, order: RingAgent) -> None:
        leg = Held(
            channel_id=order.leg_id,
            kind=Kind.PHONE,
            call_id=order.call_id,
            agent_id=order.agent_id,
            queue_id=order.queue_id,
            handoff_id=order.handoff_id,
        )
        variables = {
            Variable.CALL: order.call_id,
            Variable.AGENT: order.agent_id,
            Variable.QUEUE: order.queue_id,
        }
        if order.handoff_id is not None:
            variables[Variable.HANDOFF] = order.handoff_id
        endpoint = f"phone/{order.agent_id}"
        if order.outside is not None:
            leg.line_id, leg.language = order.outside.line_id, order.outside.language
            variables[Variable.LINE] = order.outside.line_id
            endpoint = _line_endpoint(order.outside.line_id, order.outside.number)
        self._originate(leg, endpoint, variables, beside=self._other_side(leg))

    def _dial_site(self, order: DialSite) -> None:
        address = self._trunks.get(order.site_id)
        if address is None:
            self._note(TrunkFailed(handoff_id=order.handoff_id, reason="NO_TRUNK"))
            return
        trunk = Held(
            channel_id=order.handoff_id,
            kind=Kind.TRUNK_OUT,
            call_id=order.call_id,
            handoff_id=order.handoff_id,
            peer=order.site_id,
        )
        variables = {
            Variable.CALL: order.call_id,
            Variable.HANDOFF: order.handoff_id,
            Variable.PEER: order.site_id,
        }
        near = self._holdings.caller(order.call_id) or self._holdings.dialling_for(order.call_id)
        self._originate(trunk, f"trunk/{address}", variables, beside=near, token=order.token)

    def _dial_line(self, order: DialLine) -> None:
        line = Held(
            channel_id=line_channel(order.call_id, order.try_number),
            kind=Kind.LINE,
            call_id=order.call_id,
            handoff_id=order.handoff_id,
        )
        variables: dict[Variable, str] = {Variable.CALL: order.call_id}
        if order.handoff_id is not None:
            variables[Variable.HANDOFF] = order.handoff_id
            near = self._holdings.trunk(order.handoff_id)
        else:
            near = self._holdings.dialling_for(order.call_id)
        self._originate(line, _line_endpoint(order.line_id, order.number), variables, beside=near)

    def _hang_up_trunk(self, order: HangUpTrunk) -> None:
        cause = Cause.NORMAL if order.outcome is None else _CAUSES.get(order.outcome, Cause.UNAVAILABLE)
        self._hang_up(self._holdings.trunk(order.handoff_id), cause)

    def _bridge_trunk_line(self, order: BridgeTrunkLine) -> None:
        trunk = self._holdings.trunk(order.handoff_id)
        if trunk is not None:
            self._unanswered.ask(Do.ANSWER, trunk.channel_id)
        self._join(self._holdings.line(order.call_id), trunk)

    def _originate(
        self,
        held: Held,
        endpoint: str,
        variables: Mapping[Variable, str],
        *,
        beside: Held | None,
        **headers: str,
    ) -> None:
        """`beside` is the channel that the new one will be joined with."""
        if self._holdings.channel(held.channel_id) is not None:
            return
        before = None if held.agent_id is None else self._holdings.last_leg_of(held.agent_id)
        self._holdings.add(held)
        if beside is not None:
            headers["beside"] = beside.channel_id

        def dial() -> None:
            held.is_undialled = False
            if self._holdings.channel(held.channel_id) is held:
                self._unanswered.ask(
                    Do.ORIGINATE,
                    held.channel_id,
                    endpoint=endpoint,
                    kind=held.kind,
                    variables=dict(variables),
                    **headers,
                )

        if before is not None and before.is_ending:
            held.is_undialled, held.before, before.then = True, before, dial
        else:
            dial()

    def _bridge_trunk_leg(self, order: BridgeTrunkLeg) -> None:
        trunk = self._holdings.trunk(order.handoff_id)
        if trunk is not None:
            self._unanswered.ask(Do.ANSWER, trunk.channel_id)
        self._join(self._holdings.leg(order.leg_id), trunk)

    def _join(self, owner: Held | None, other: Held | None) -> None:
        """A talk of two, in the bridge of the one who serves."""
        if owner is None or other is None:
            return
        if other.referred_for is not None:
            other.rejoin = lambda: self._join(self._holdings.channel(owner.channel_id), other)
            return
        self._prompts.hush(other)
        if owner.hears_ring:
            owner.hears_ring = False
            self._unanswered.ask(Do.STOP_RING, owner.channel_id)
        bridge = talk_bridge(owner.channel_id)
        self._unanswered.ask(Do.CREATE_BRIDGE, bridge=bridge, kind=BridgeKind.MIXING)
        for each in (other, owner):
            self._talks.joined(each, bridge)
            self._unanswered.ask(Do.ADD, each.channel_id, bridge=bridge)

    def _hold_call(self, order: HoldCall) -> None:
        leg = self._holdings.leg(order.leg_id)
        other = None if leg is None else self._other_side(leg)
        if leg is not None and other is not None:
            self._put_on_music(other, leg.queue_id)

    def _resume_call(self, order: ResumeCall) -> None:
        leg = self._holdings.leg(order.leg_id)
        self._join(leg, None if leg is None else self._other_side(leg))

    def _bridge_agent(self, order: BridgeAgent) -> None:
        leg, caller = self._holdings.leg(order.leg_id), self._holdings.caller(order.call_id)
        if leg is not None and caller is not None and order.recording_notice is not None:
            self._prompts.tell_of_recording(caller, order.leg_id, order.recording_notice)
        self._join(leg, caller)

    def _record_talk(self, order: RecordTalk) -> None:
        leg = self._holdings.leg(order.leg_id)
        if leg is not None:
            self._unanswered.ask(Do.RECORD, leg.channel_id, recording=order.recording_id, of="talk")

    def _about_recording(self, do: Do, order: PauseRecording | UnpauseRecording | StopRecording) -> None:
        """Whose talk it is tells the link the way that the request to record went; it may be over."""
        self._unanswered.ask(do, recording=order.recording_id, beside=order.leg_id)

    def _hold_leg(self, order: HoldLeg) -> None:
        leg = self._holdings.leg(order.leg_id)
        if leg is not None:
            self._put_on_music(leg, leg.queue_id)

    def _join_talk(self, order: JoinTalk) -> None:
        self._join(self._holdings.leg(order.leg_id), self._holdings.leg(order.joining))

    def _part_talk(self, order: PartTalk) -> None:
        leg = self._holdings.leg(order.parting)
        if leg is not None:
            self._talks.left(leg)
            self._unanswered.ask(Do.REMOVE, leg.channel_id, bridge=talk_bridge(order.leg_id))

    def _overhear(self, order: Overhear) -> None:
        leg, beside = self._holdings.leg(order.leg_id), self._holdings.leg(order.beside)
        if leg is not None and beside is not None:
            whisper = "out" if order.is_whispering else "none"
            self._unanswered.ask(
                Do.SNOOP, leg.channel_id, beside=beside.channel_id, spy="both", whisper=whisper
            )

    def _carriers_way_to(self, site_id: SiteId) -> str | None:
        address = self._publics.get(site_id) or self._trunks.get(site_id)
        return None if address is None else f"trunk/{address}"

    def _other_side(self, leg: Held) -> Held | None:
        """Whom the agent serves: a caller, the trunk from the caller's site, or whom it has dialled."""
        if leg.handoff_id is not None:
            return self._holdings.trunk(leg.handoff_id)
        if leg.call_id is None:
            return None
        return self._holdings.caller(leg.call_id) or self._holdings.dialled_for(leg.call_id)

    def _hang_up(self, held: Held | None, cause: Cause = Cause.NORMAL) -> None:
        if held is None or held.is_ending:
            return
        held.is_ending = True
        if held.is_undialled:
            self._let_go(held)
            return
        # A phone is let go of because it has given its caller away.
        self._tell_of_transfer(held, is_done=True)
        self._unanswered.ask(Do.HANG_UP, held.channel_id, cause=int(cause))

    def _let_go(self, undialled: Held) -> None:
        """It was never dialled; whoever waits for it waits for nothing."""
        self._holdings.drop(undialled)
        if undialled.then is not None:
            undialled.then()


def _line_endpoint(line_id: LineId, number: str) -> str:
    return f"line/{line_id}/{number}"


def _music_bridge(queue_id: QueueId | None) -> str:
    return f"queue.{queue_id or 'hold'}"
