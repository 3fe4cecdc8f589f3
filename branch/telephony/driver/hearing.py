"""Events of the PBX into facts: each step of a channel once, whatever is told twice."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from branch.telephony.driver.endings import ending
from branch.telephony.driver.holdings import Held, Holdings, Stage, held_of, stage_of
from branch.telephony.driver.prompts import TAKING_KEY, Prompts, message_of
from branch.telephony.driver.talks import Talks
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame, Kind, Variable
from branch.telephony.port import CallerRinging, PhoneEvent, PhoneRequest, TelephonyListener, TrunkRinging
from router.agent import RingFailure
from router.facts import (
    Fact,
    HoldAsked,
    KeyPressed,
    LegAnswered,
    LegFailed,
    LegRang,
    LineAnswered,
    MoveTried,
    PbxDied,
    PromptsPlayed,
    RecordingFinished,
    ResumeAsked,
    TrunkAnswered,
    TrunkRang,
    VoicemailRecorded,
)
from router.ids import AgentId, CallId, CustomerId, QueueId, RecordingId, SiteId

_GONE_LIMIT = 10_000
"""Ended channels remembered, so that a late second telling of their start makes no new call."""

_CODES = {
    "login": PhoneEvent.LOGIN,
    "logout": PhoneEvent.LOGOUT,
    "ready": PhoneEvent.READY,
    "not_ready": PhoneEvent.NOT_READY,
}

_STAYS_ON = (PhoneRequest.MESSAGES, PhoneRequest.FORWARD, PhoneRequest.FORWARD_OFF)
"""The phone hears what comes of it before it is put down. A pickup rings the phone, which has to be free."""

log = structlog.get_logger()


class Hearing:
    """Keeps the holdings up to date and collects the news for the listener."""

    def __init__(
        self,
        holdings: Holdings,
        unanswered: Unanswered,
        talks: Talks,
        prompts: Prompts,
        new_id: Callable[[], str],
    ) -> None:
        self._holdings = holdings
        self._unanswered = unanswered
        self._talks = talks
        self._prompts = prompts
        self._new_id = new_id
        self._listener: TelephonyListener | None = None
        self._news: deque[Callable[[TelephonyListener], None]] = deque()
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._phones: dict[AgentId, bool] = {}
        self._by_event: Mapping[str, Callable[[Frame], None]] = {
            Event.CHANNEL_STARTED: self.seen,
            Event.CHANNEL_STATE: self._state_seen,
            Event.REFERRED: self.referred,
            Event.CHANNEL_GONE: lambda frame: self.gone(frame["channel"], Cause(frame["cause"])),
            Event.PHONE_STATE: self.phone_seen,
            Event.RECORDING_FINISHED: self._recorded,
            Event.DIGIT: self._key_pressed,
            Event.HELD: self._hold_pressed,
            Event.TRANSFER: self._transfer_wanted,
            Event.PLAYED: self.played,
        }

    def tell_to(self, listener: TelephonyListener) -> None:
        self._listener = listener

    @property
    def has_news(self) -> bool:
        return bool(self._news)

    def flush(self) -> None:
        """Tell all news; the listener may give orders meanwhile."""
        assert self._listener is not None
        while self._news:
            self._news.popleft()(self._listener)

    def note(self, fact: Fact) -> None:
        """News for the next `flush`."""
        self._news.append(lambda listener: listener.fact_heard(fact))

    # --- events ------------------------------------------------------------------------

    def heard(self, frame: Frame) -> None:
        """Take one event into account."""
        act = self._by_event.get(frame["event"])
        if act is not None:
            act(frame)

    def gone(self, channel_id: str, cause: Cause, reason: str | None = None) -> None:
        """A channel is over. Unknown ones are: nobody, or told before.

        `reason` is for the ledger, where the cause alone would not tell operators enough.
        """
        self._remember_gone(channel_id)
        self._unanswered.forget(channel_id)
        held = self._holdings.channel(channel_id)
        if held is None:
            return
        self._holdings.drop(held)
        self._talks.left(held)
        if held.is_answered and held.kind in (Kind.PHONE, Kind.TRUNK_OUT, Kind.LINE):
            self._talks.end(held)
        fact = None if held.is_ending else ending(held, cause, reason or cause.name)
        if fact is not None:
            self.note(fact)
        if held.then is not None:
            held.then()

    def seen(self, shown: Frame) -> None:
        """A channel as the PBX shows it: new, further than before, or told already."""
        channel_id = shown["channel"]
        if channel_id in self._gone:
            return
        held = self._holdings.channel(channel_id)
        if held is None:
            self._found(shown)
        else:
            self._advance(held, stage_of(shown))

    def phone_seen(self, shown: Frame) -> None:
        """A phone's registration, told when it is not what we knew."""
        agent_id, is_registered = AgentId(shown["agent"]), bool(shown["is_registered"])
        if self._phones.get(agent_id) is not is_registered:
            self._phones[agent_id] = is_registered
            if not is_registered:
                self._stop_ringing(agent_id)
            self._phone_did(agent_id, PhoneEvent.REGISTERED if is_registered else PhoneEvent.UNREACHABLE)

    def _phone_rang(self, held: Held) -> None:
        """It is there, whatever the list said: a phone that registers while we connect is in neither the list
        nor the events. That it leaves must be news again.
        """
        if held.line_id is None and held.agent_id is not None and self._phones.get(held.agent_id) is False:
            self.phone_seen({"agent": held.agent_id, "is_registered": True})

    def _stop_ringing(self, agent_id: AgentId) -> None:
        """A phone that has unregistered never answers, and a PBX would let it ring on."""
        for held in self._holdings:
            is_at_phone = held.kind is Kind.PHONE and held.line_id is None
            is_ringing = is_at_phone and held.stage is not Stage.UP
            if is_ringing and held.agent_id == agent_id and not held.is_ending:
                held.is_ending = True
                if held.is_undialled:
                    self._holdings.drop(held)
                else:
                    self._unanswered.ask(Do.HANG_UP, held.channel_id, cause=int(Cause.NORMAL))
                self.note(LegFailed(leg_id=held.leg_id, reason=RingFailure.UNREACHABLE))

    def played(self, frame: Frame) -> None:
        """What we play there is over, or will never begin; what we have stopped is no news."""
        held = self._holdings.channel(frame["channel"])
        if held is not None and frame["playback"] in held.messages:
            self._message_played(held, frame)
        elif held is not None and held.call_id is not None and held.playback_id == frame["playback"]:
            held.playback_id = None
            if held.kind is Kind.CALLER:
                self.note(PromptsPlayed(call_id=held.call_id, playback_id=frame["playback"]))

    def _message_played(self, phone: Held, frame: Frame) -> None:
        """Heard, unless its file could not be played; after the last one the phone is put down."""
        phone.messages.remove(frame["playback"])
        call_id, agent_id = message_of(frame["playback"]), phone.agent_id
        if call_id is not None and frame.get("is_failed", False):
            self._news.append(lambda listener: listener.message_unplayable(call_id))
        elif call_id is not None and agent_id is not None:
            self._news.append(lambda listener: listener.message_heard(agent_id, call_id))
        if not phone.messages:
            self._unanswered.ask(Do.HANG_UP, phone.channel_id, cause=int(Cause.NORMAL))

    def died(self, reason: str) -> None:
        """The PBX is no more, and with it everything that it held.

        Phones come first: an agent who is free again by the end of a leg would be rung at once.
        """
        for agent_id, is_registered in self._phones.items():
            if is_registered:
                self._phone_did(agent_id, PhoneEvent.UNREACHABLE, reason)
        self._phones.clear()
        self.note(PbxDied(reason=reason))
        self.all_gone(reason)

    def all_gone(self, reason: str) -> None:
        """Nothing that we hold lives."""
        for held in self._holdings:
            self.gone(held.channel_id, Cause.LINK_LOST, reason)
        self._unanswered.clear()
        self._gone.clear()

    def _found(self, shown: Frame) -> None:
        """A channel that we do not hold: somebody calls, or it is left of an earlier process of ours."""
        held = held_of(shown)
        match Kind(shown["kind"]):
            case Kind.CODE:
                self._code_dialled(shown)
                return
            case Kind.CALLER if not held.is_taken:
                self._caller_found(held, shown["facts"])
            case Kind.TRUNK_IN if held.handoff_id is None and not held.is_taken:
                self._trunk_found(held, shown["facts"])
        self._holdings.add(held)

    def _caller_found(self, held: Held, facts: Frame) -> None:
        if held.call_id is None:
            held.call_id = CallId(facts.get("call") or self._new_id())
            self._unanswered.ask(Do.SET, held.channel_id, name=Variable.CALL, value=held.call_id)
        customer, queue = facts.get("customer"), facts.get("queue")
        caller = CallerRinging(
            call_id=held.call_id,
            dialled=facts["dialled"],
            caller_number=facts.get("caller"),
            customer_id=None if customer is None else CustomerId(customer),
            queue_id=None if queue is None else QueueId(queue),
            priority=int(facts.get("priority", 0)),
            is_answered=held.stage is Stage.UP,
        )
        self._news.append(lambda listener: listener.caller_heard(caller))

    def _trunk_found(self, held: Held, facts: Frame) -> None:
        trunk = TrunkRinging(
            trunk_id=held.channel_id,
            from_site=SiteId(facts["from"]),
            token=facts["token"],
            caller_number=facts.get("caller"),
            call_id=held.call_id,
        )
        self._news.append(lambda listener: listener.trunk_heard(trunk))

    def _code_dialled(self, shown: Frame) -> None:
        """Hanging up is the confirmation that the phone waits for."""
        code, agent_id = shown["facts"]["code"], AgentId(shown["facts"]["agent"])
        if code in _STAYS_ON:
            self._holdings.add(replace(held_of(shown), agent_id=agent_id))
            self._ask(agent_id, PhoneRequest(code), _digits(shown))
            return
        self._remember_gone(shown["channel"])
        self._unanswered.ask(Do.HANG_UP, shown["channel"], cause=int(Cause.NORMAL))
        if code in _CODES:
            self._phone_did(agent_id, _CODES[code])
        elif code in set(PhoneRequest):
            self._ask(agent_id, PhoneRequest(code), _digits(shown))
        else:
            log.warning("feature_code_unknown", code=code)

    def _ask(self, agent_id: AgentId, request: PhoneRequest, digits: str) -> None:
        self._news.append(lambda listener: listener.agent_phone_asked(agent_id, request, digits))

    def _state_seen(self, frame: Frame) -> None:
        held = self._holdings.channel(frame["channel"])
        if held is not None:
            self._advance(held, stage_of(frame))

    def _advance(self, held: Held, stage: Stage) -> None:
        """Tell every step up to `stage` that was not told yet."""
        while held.stage < stage:
            held.stage = Stage(held.stage + 1)
            if not held.is_ending:
                self._step_taken(held)

    def _step_taken(self, held: Held) -> None:
        if held.stage is Stage.UP:
            self._lifted(held)
        else:
            self._rang(held)

    def _lifted(self, held: Held) -> None:
        if held.is_asked_for_key:
            self._prompts.ask_for_key(held)
        elif held.kind is Kind.PHONE:
            self.note(LegAnswered(leg_id=held.leg_id))
        elif held.kind is Kind.LINE and held.call_id is not None:
            self.note(LineAnswered(call_id=held.call_id))
        elif held.kind is Kind.TRUNK_OUT and held.handoff_id is not None:
            self.note(TrunkAnswered(handoff_id=held.handoff_id))

    def _rang(self, held: Held) -> None:
        if held.kind is Kind.PHONE:
            self._phone_rang(held)
            self.note(LegRang(leg_id=held.leg_id))
        elif held.kind is Kind.TRUNK_OUT and held.handoff_id is not None:
            self.note(TrunkRang(handoff_id=held.handoff_id))
        if held.kind in (Kind.LINE, Kind.TRUNK_OUT):
            self._let_hear_ringing(held)
        if held.kind in (Kind.LINE, Kind.PHONE):
            self._pass_ringing_on(held)

    def _pass_ringing_on(self, leg: Held) -> None:
        """The other site hears 180 as soon as our agent, or the number that we dial for it, rings."""
        trunk = None if leg.handoff_id is None else self._holdings.trunk(leg.handoff_id)
        if trunk is not None:
            self._unanswered.ask(Do.RING, trunk.channel_id)

    def _let_hear_ringing(self, far_end: Held) -> None:
        """The agent who has dialled hears how it rings: silence would say that nothing happens."""
        leg = None if far_end.call_id is None else self._holdings.dialling_for(far_end.call_id)
        if leg is not None and leg.is_answered and not leg.is_ending:
            leg.hears_ring = True
            self._unanswered.ask(Do.RING, leg.channel_id)

    def referred(self, frame: Frame) -> None:
        """The caller's carrier has answered and the channel is usable: back to where it was."""
        held = self._holdings.channel(frame["channel"])
        if held is None or held.referred_for is None:
            return
        handoff_id, held.referred_for = held.referred_for, None
        self._unanswered.ask(Do.SET, held.channel_id, name=Variable.REFERRED, value="")
        if held.rejoin is not None and not held.is_ending:
            held.rejoin()
        held.rejoin = None
        self.note(MoveTried(handoff_id=handoff_id))

    def _recorded(self, frame: Frame) -> None:
        held = self._holdings.channel(frame["channel"])
        if held is not None and held.is_recording and held.call_id is not None:
            held.is_recording = False
            self.note(VoicemailRecorded(call_id=held.call_id))
        elif held is None or held.kind is Kind.PHONE:
            recording_id = RecordingId(frame["recording"])
            self.note(RecordingFinished(recording_id=recording_id, duration_ms=frame["duration_ms"]))

    def _key_pressed(self, frame: Frame) -> None:
        held, key = self._holdings.channel(frame["channel"]), frame["digit"]
        if held is None or held.is_ending:
            return
        if held.kind is Kind.CALLER and held.call_id is not None:
            self.note(KeyPressed(call_id=held.call_id, key=key))
        elif held.is_asked_for_key and key == TAKING_KEY:
            self._prompts.taken_by_key(held)
            self.note(LegAnswered(leg_id=held.leg_id))

    def _hold_pressed(self, frame: Frame) -> None:
        """As if the agent had asked for it at its desk: the caller hears music, and the ledger knows."""
        held = self._holdings.channel(frame["channel"])
        if held is None or held.kind is not Kind.PHONE or held.agent_id is None:
            return
        if held.is_answered and not held.is_ending:
            is_held = bool(frame["is_held"])
            value = "yes" if is_held else ""
            self._unanswered.ask(Do.SET, held.channel_id, name=Variable.HELD, value=value)
            asked = HoldAsked if is_held else ResumeAsked
            self.note(asked(agent_id=held.agent_id))

    def hold_seen(self, shown: Frame) -> None:
        """What a phone's key did while nobody listened; a PBX whose phones have none says nothing of it."""
        was_held = Variable.HELD in shown["variables"]
        if shown.get("is_held", was_held) is not was_held:
            self._hold_pressed(shown)

    def _transfer_wanted(self, frame: Frame) -> None:
        held = self._holdings.channel(frame["channel"])
        if held is None or held.kind is not Kind.PHONE or held.agent_id is None or held.is_ending:
            self._unanswered.ask(Do.TRANSFERRED, frame["channel"], is_done=False)
            return
        held.wants_transfer = True
        self._ask(held.agent_id, PhoneRequest.TRANSFER, frame["digits"])

    def _phone_did(self, agent_id: AgentId, event: PhoneEvent, reason: str | None = None) -> None:
        self._news.append(lambda listener: listener.agent_phone_heard(agent_id, event, reason))

    def _remember_gone(self, channel_id: str) -> None:
        self._gone[channel_id] = None
        if len(self._gone) > _GONE_LIMIT:
            self._gone.popitem(last=False)


def _digits(shown: Frame) -> str:
    return str(shown["facts"].get("digits") or "")
