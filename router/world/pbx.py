"""The virtual PBX of one site, with the people at its phones.

It knows channels and nothing else. It lives on when the node's process dies; what it tells
then is heard by nobody, and a restarted node asks for the inventory.
"""

import random
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from router import facts, orders
from router.agent import RingFailure
from router.ids import AgentId, CallId, HandoffId, LegId, LineId, SiteId
from router.orders import Order
from router.recovery import Inventory, LiveLeg, MediaState
from router.world.carriers import MovedCall
from router.world.day.faults import NO_FAULTS, Faults
from router.world.loop import Loop
from router.world.person import Person
from router.world.public_lines import PublicLines
from router.world.redirects import RedirectListener, Redirects
from router.world.trunk_lines import TrunkLines, TrunkListener

VOICEMAIL_MS = 10_000

LINGER_MS = 60_000
"""An agent hangs up so long after the talk should be over, if the caller still has not."""


class _CallersLeg:
    """What the carrier of a caller who is being moved does at the origin."""

    def __init__(self, pbx: "Pbx", person: Person, handoff_id: HandoffId) -> None:
        self._pbx = pbx
        self._person = person
        self._handoff_id = handoff_id

    def move_tried(self) -> None:
        self._pbx.move_tried(self._person, self._handoff_id)

    def move_done(self) -> None:
        self._pbx.caller_left(self._person)


@dataclass(slots=True)
class _Leg:
    leg_id: LegId
    agent_id: AgentId
    call_id: CallId
    handoff_id: HandoffId | None
    line_id: LineId | None = None
    state: MediaState = MediaState.RINGING
    answered_ms: int = 0


class PbxListener(TrunkListener, RedirectListener, Protocol):
    """The part of a node that hears its PBX."""


class Pbx:
    def __init__(
        self,
        site_id: SiteId,
        listener: PbxListener,
        trunks: TrunkLines,
        *,
        loop: Loop,
        people: MutableMapping[CallId, Person],
        redirects: MutableMapping[SiteId, Redirects],
        ring_ms: int,
        faults: Faults,
        rng: random.Random,
        object_to: Callable[[str], None],
    ) -> None:
        self.site_id = site_id
        self.trunks = trunks
        self.lines = PublicLines(listener, loop)
        self.run = 1
        """Counts restarts of the PBX: calls of an earlier run are gone."""
        self.is_down = False
        self._listener = listener
        self._loop = loop
        self._people = people
        self._ring_ms = ring_ms
        self._faults = faults
        self._has_faults = faults != NO_FAULTS
        self._rng = rng
        self._object_to = object_to
        self._callers: dict[CallId, Person] = {}
        self._legs: dict[LegId, _Leg] = {}
        self._phones: dict[AgentId, LegId] = {}
        self.redirects = redirects[site_id] = Redirects(
            site_id,
            listener,
            loop=loop,
            setup_ms=trunks.setup_ms,
            faults=faults,
            rng=rng,
            others=redirects,
            take=self._take_in,
            object_to=object_to,
        )
        self._acts = self._order_acts()

    # --- for the node ------------------------------------------------------------------

    @property
    def order_types(self) -> Iterable[type[Order]]:
        return self._acts.keys()

    def carry_out(self, order: Order) -> None:
        """Do it, if what it is about still lives."""
        if not self.is_down:
            self._acts[type(order)](order)

    def inventory(self, *, last_run: int) -> Inventory:
        legs = {
            leg.leg_id: LiveLeg(
                leg_id=leg.leg_id,
                agent_id=leg.agent_id,
                call_id=leg.call_id,
                handoff_id=leg.handoff_id,
                state=leg.state,
                line_id=leg.line_id,
            )
            for leg in self._legs.values()
        }
        return Inventory(
            callers=frozenset(self._callers),
            legs=legs,
            trunks=self.trunks.live(),
            lines=self.lines.live(),
            is_same_run=last_run == self.run,
        )

    def callers(self) -> Iterator[Person]:
        yield from list(self._callers.values())

    @property
    def channel_count(self) -> int:
        own = len(self._callers) + len(self._legs) + len(self.trunks.live()) + len(self.lines)
        return own + self.redirects.ringing_count

    # --- callers -----------------------------------------------------------------------

    def call_in(self, person: Person) -> bool:
        """A caller's INVITE; False when nothing answers it (a blocked call, never offered)."""
        if self.is_down:
            return False
        self._callers[person.call_id] = person
        self._expect_patience(person, person.plan.patience_ms)
        return True

    def _expect_patience(self, person: Person, patience_ms: int | None) -> None:
        if patience_ms is not None:
            self._loop.late_at(self._loop.now + patience_ms, self._lose_patience, person)

    def _take_in(self, person: Person, call_id: CallId) -> None:
        """Whom another site has sent: a caller of this PBX, with the patience that is left."""
        person.call_id = call_id
        self._people[call_id] = self._callers[call_id] = person
        plan = person.plan
        left_ms = None if plan.patience_ms is None else plan.arrive_ms + plan.patience_ms - self._loop.now
        self._expect_patience(person, left_ms)

    def _redirect_caller(self, order: orders.RedirectCaller) -> None:
        person = self._callers.pop(order.call_id, None)
        if person is None:
            return
        if person.is_queued:
            self._object_to(f"{order.call_id} is sent on after it was picked up")
        self.redirects.send(person, order)

    def _lose_patience(self, person: Person) -> None:
        if not person.is_answered:
            self._caller_hangs_up(person)

    def _caller_hangs_up(self, person: Person) -> None:
        if person.moved is not None and person.moved.hang_up is not None:
            person.moved.hang_up()
        self.caller_left(person)

    def caller_left(self, person: Person) -> None:
        """The caller's leg here is gone, by its own side."""
        if self._callers.pop(person.call_id, None) is not None:
            self._listener.tell(facts.CallerHungUp(call_id=person.call_id))

    def _hold_in_queue(self, order: orders.HoldInQueue) -> None:
        person = self._callers.get(order.call_id)
        if person is not None:
            person.is_queued = True

    def _hang_up_call(self, order: orders.HangUpCall) -> None:
        self._callers.pop(order.call_id, None)

    def _record_voicemail(self, order: orders.RecordVoicemail) -> None:
        if order.call_id in self._callers:
            self._loop.after(VOICEMAIL_MS, self._voicemail_done, order.call_id)

    def _voicemail_done(self, call_id: CallId) -> None:
        if call_id in self._callers:
            self._listener.tell(facts.VoicemailRecorded(call_id=call_id))

    # --- agents' legs ------------------------------------------------------------------

    def _ring_agent(self, order: orders.RingAgent) -> None:
        if order.leg_id in self._legs or (order.handoff_id and not self.trunks.has(order.handoff_id)):
            return
        busy = self._phones.get(order.agent_id)
        if busy is not None:
            self._object_to(f"{order.agent_id} is rung by {order.leg_id} while on {busy}")
            return
        line_id = order.outside.line_id if order.outside is not None else None
        leg = _Leg(order.leg_id, order.agent_id, order.call_id, order.handoff_id, line_id)
        self._legs[leg.leg_id] = leg
        self._phones[leg.agent_id] = leg.leg_id
        self._loop.after(0, self._rings, leg)
        self._plan_reaction(leg)

    def _rings(self, leg: _Leg) -> None:
        if leg.leg_id not in self._legs:
            return
        self._listener.tell(facts.LegRang(leg_id=leg.leg_id))
        if leg.handoff_id is not None:
            self.trunks.ring(leg.handoff_id)

    def _plan_reaction(self, leg: _Leg) -> None:
        """Answers after the ring time, unless the draw says that this agent does not."""
        if self._has_faults:
            draw = self._rng.random()
            for share, reason in (
                (self._faults.no_answer_share, None),
                (self._faults.rejected_share, RingFailure.REJECTED),
                (self._faults.unreachable_share, RingFailure.UNREACHABLE),
            ):
                if draw < share:
                    if reason is not None:
                        self._loop.after(self._ring_ms // 2, self._refuse_ring, leg, reason)
                    return
                draw -= share
        self._loop.after(self._ring_ms, self._pick_up, leg)

    def _refuse_ring(self, leg: _Leg, reason: RingFailure) -> None:
        if leg.leg_id in self._legs and leg.state is MediaState.RINGING:
            self._drop(leg.leg_id)
            self._listener.tell(facts.LegFailed(leg_id=leg.leg_id, reason=reason))

    def _pick_up(self, leg: _Leg) -> None:
        if leg.leg_id not in self._legs:
            return
        leg.state, leg.answered_ms = MediaState.UP, self._loop.now
        # Whoever is called back ends that talk: such a call has no plan.
        person = self._people.get(leg.call_id)
        if person is not None:
            linger_ms = LINGER_MS if person.hangs_up_first else 0
            self._loop.after(person.plan.handle_ms + linger_ms, self._agent_hangs_up, leg)
        self._listener.tell(facts.LegAnswered(leg_id=leg.leg_id))

    def _agent_hangs_up(self, leg: _Leg) -> None:
        if self._drop(leg.leg_id):
            self._listener.tell(facts.LegHungUp(leg_id=leg.leg_id))

    def _stop_ringing(self, order: orders.StopRinging) -> None:
        leg = self._legs.get(order.leg_id)
        if leg is None:
            return
        self._drop(leg.leg_id)
        if self._has_faults:
            stopped = facts.LegFailed(leg_id=leg.leg_id, reason=RingFailure.STOPPED)
            self._loop.after(0, self._listener.tell, stopped)

    def _hang_up_leg(self, order: orders.HangUpLeg) -> None:
        self._drop(order.leg_id)

    def _bridge_agent(self, order: orders.BridgeAgent) -> None:
        leg = self._legs.get(order.leg_id)
        person = self._callers.get(order.call_id)
        if leg is None or person is None:
            return
        leg.state = MediaState.BRIDGED
        self._talk(person)

    def _join_talk(self, order: orders.JoinTalk) -> None:
        """Agents hear each other; the caller has been told to whom it belongs."""
        joining = self._legs.get(order.joining)
        if joining is not None and order.leg_id in self._legs:
            joining.state = MediaState.BRIDGED

    def _talk(self, person: Person) -> None:
        if not person.is_queued:
            self._object_to(f"{person.call_id} talks and was never picked up")
        if not person.is_answered and person.hangs_up_first:
            self._loop.after(person.plan.handle_ms, self._caller_hangs_up, person)
        person.is_answered = True

    def _drop(self, leg_id: LegId) -> bool:
        leg = self._legs.pop(leg_id, None)
        if leg is not None:
            del self._phones[leg.agent_id]
        return leg is not None

    # --- trunk legs --------------------------------------------------------------------

    def _dial_site(self, order: orders.DialSite) -> None:
        if order.call_id in self._callers:
            self.trunks.dial(order.handoff_id, order.call_id, order.site_id, order.token)

    def _bridge_trunk(self, order: orders.BridgeTrunk) -> None:
        person = self._callers.get(order.call_id)
        if person is not None and self.trunks.bridge(order.handoff_id):
            self._talk(person)

    def _move_caller(self, order: orders.MoveCaller) -> None:
        person = self._callers.get(order.call_id)
        if person is None:
            return
        leg = _CallersLeg(self, person, order.handoff_id)
        person.moved = MovedCall(leg, loop=self._loop, setup_ms=self.trunks.setup_ms)
        person.moved.place(
            self._rng,
            self._faults,
            lambda call: self.trunks.move(call, order.site_id, order.token),
        )

    def move_tried(self, person: Person, handoff_id: HandoffId) -> None:
        """The carrier's last word, of a caller who is still here."""
        if person.call_id in self._callers:
            self._listener.tell(facts.MoveTried(handoff_id=handoff_id))

    def _take_moved(self, order: orders.TakeMoved) -> None:
        self.trunks.take(order.handoff_id, order.move_id)

    def _bridge_trunk_leg(self, order: orders.BridgeTrunkLeg) -> None:
        leg = self._legs.get(order.leg_id)
        if leg is not None:
            leg.state = MediaState.BRIDGED
            self.trunks.answer(order.handoff_id)

    # --- the PBX itself ----------------------------------------------------------------

    def crash(self) -> None:
        self.is_down = self.trunks.is_down = self.redirects.is_down = True
        self._callers.clear()
        self._legs.clear()
        self._phones.clear()
        self.trunks.crash()
        self.lines.crash()
        self.redirects.crash()

    def come_back(self) -> None:
        self.is_down = self.trunks.is_down = self.redirects.is_down = False
        self.run += 1

    def _order_acts(self) -> dict[type[Order], Callable[[Any], None]]:
        return {
            orders.HoldInQueue: self._hold_in_queue,
            orders.Announce: lambda _order: None,
            orders.RecordVoicemail: self._record_voicemail,
            orders.HangUpCall: self._hang_up_call,
            orders.RingAgent: self._ring_agent,
            orders.StopRinging: self._stop_ringing,
            orders.HangUpLeg: self._hang_up_leg,
            orders.BridgeAgent: self._bridge_agent,
            orders.JoinTalk: self._join_talk,
            orders.PartTalk: lambda _order: None,
            orders.RecordTalk: lambda _order: None,
            orders.PauseRecording: lambda _order: None,
            orders.UnpauseRecording: lambda _order: None,
            orders.StopRecording: lambda _order: None,
            orders.Overhear: lambda _order: None,
            orders.HoldLeg: lambda _order: None,
            orders.HoldCall: lambda _order: None,
            orders.ResumeCall: lambda _order: None,
            orders.DialSite: self._dial_site,
            orders.HangUpTrunk: lambda order: self.trunks.hang_up(order.handoff_id),
            orders.BridgeTrunk: self._bridge_trunk,
            orders.MoveCaller: self._move_caller,
            orders.TakeMoved: self._take_moved,
            orders.RedirectCaller: self._redirect_caller,
            orders.RejectTrunk: lambda order: self.trunks.reject(order.handoff_id),
            orders.BridgeTrunkLeg: self._bridge_trunk_leg,
            orders.DialLine: self.lines.dial,
            orders.BridgeLine: self.lines.bridge,
            orders.HangUpLine: self.lines.hang_up,
        }
