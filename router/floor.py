"""One site's floor: its calls, its agents and its hand-offs, as one pure machine.

Told a fact with a time, it returns orders and ledger entries; `next_timer()` says when to
come back even if nothing happens. The same code runs live under `branch/desk/desk.py`, on
virtual time in `router/world`, and in a planner's what-if.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from router import facts, ledger
from router.acd import calls, ringing, talking
from router.acd.calls import Call
from router.acd.policy import LastResort, QueuePolicy
from router.acd.queues import settings_of
from router.acd.roster import view as agent_view
from router.call import CallState, Disposition, Language
from router.callback import callbacks
from router.callback.policy import CallbackPolicy
from router.callers import Callers
from router.desks import Desks
from router.facts import Fact
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, QueueId, SiteId
from router.ivr import Ivr, IvrPlan
from router.neighbours import Neighbours
from router.orders import Outcome
from router.outbound import lending, outbound
from router.outbound.line_facts import LineFacts
from router.outbound.policy import OutboundPolicy
from router.overflow import helper, moving, origin, own_loss, pushing, taking_back, taking_in, taking_over
from router.overflow.load import SiteLoad
from router.overflow.policy import OverflowPolicy
from router.parts import Parts
from router.publishing import PUBLISH_TIMER, Publishing
from router.recovery import Inventory, OpenWork
from router.resumption import Resumption
from router.settling import Settling
from router.talk import consulting, supervising
from router.talk.pickup import Pickup
from router.talk.talks import Talks
from router.turn import Turn
from router.views import (
    AgentView,
    CallbackView,
    CallView,
    HandoffView,
    LoanView,
    OutboundView,
    RecordingState,
    SupervisionView,
)

_BLIND_TIMER = "blind"
_RETRY_WAIT_MS = 1_000
"""A caller whose wait limit passed while a phone rang is looked at again after so long."""


class Floor:
    """The one machine a site runs. Not safe for use by two tasks at once."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        incarnation: int,
        policies: Iterable[QueuePolicy],
        overflow: OverflowPolicy,
        new_id: Callable[[], str],
        rng: random.Random,
        mint_token: Callable[[HandoffId, SiteId], str],
        ivr: IvrPlan | None = None,
        language: Language = Language.CHINESE,
        outbound: OutboundPolicy | None = None,
        callback: CallbackPolicy | None = None,
    ) -> None:
        """`ivr` is what callers go through first; None: each asks for a person at once.

        `language` is spoken to callers who have not chosen one. Without an `outbound` policy
        nothing may be dialled.
        """
        self._parts = Parts(
            site_id=site_id,
            policies=policies,
            overflow=overflow,
            new_id=new_id,
            rng=rng,
            mint_token=mint_token,
            language=language,
            outbound=outbound or OutboundPolicy(),
            callback=callback or CallbackPolicy(),
        )
        self._settling = Settling(self._parts)
        self._lines = LineFacts(self._parts)
        self._callers = Callers(self._parts, self._lines)
        self._ivr = Ivr(self._parts, self._callers, ivr)
        self._desks = Desks(self._parts, self._callers, self._settling)
        self._talks = Talks(self._parts, self._callers, self._desks)
        self._pickup = Pickup(self._parts, self._settling)
        self._neighbours = Neighbours(self._parts)
        self._publishing = Publishing(self._parts, incarnation)
        self._handlers = self._fact_handlers()
        self._deadlines = self._deadline_handlers()
        self._readopted_call_count = 0
        self._keep_idle_orders()

    # --- the four verbs ----------------------------------------------------------------

    def handle(self, fact: Fact, now: Instant) -> Outcome:
        """Take in what happened.

        Raises:
            RouterError: refused; nothing changed.
        """
        turn = Turn(now)
        self._handlers[type(fact)](turn, fact)
        if turn.has_changed:
            self._settle(turn)
            self._finish(turn)
        return turn.outcome

    def handle_timer(self, now: Instant) -> Outcome:
        """Work off every deadline that is due."""
        turn = Turn(now)
        while (key := self._parts.timers.pop_due(now)) is not None:
            kind, subject = key
            self._deadlines[kind](turn, subject)
            if turn.has_changed:
                self._settle(turn)
        self._finish(turn)
        return turn.outcome

    def next_timer(self) -> Instant | None:
        return self._parts.timers.next()

    def resume(self, work: OpenWork, alive: Inventory, now: Instant) -> Outcome:
        """Take up what lived through a restart; once, before the first fact."""
        turn = Turn(now)
        Resumption(self._parts, self._ivr, work, alive).resume(turn)
        self._readopted_call_count = len(self._parts.calls)
        if turn.has_changed:
            self._settle(turn)
            self._finish(turn)
        return turn.outcome

    # --- views -------------------------------------------------------------------------

    def calls(self) -> Iterator[CallView]:
        for call in self._parts.calls:
            yield self._call_view(call)

    def call(self, call_id: CallId) -> CallView | None:
        call = self._parts.calls.find(call_id)
        return self._call_view(call) if call is not None else None

    def agents(self) -> Iterator[AgentView]:
        for agent in self._parts.roster:
            yield agent_view(agent)

    def agent(self, agent_id: AgentId) -> AgentView | None:
        agent = self._parts.roster.find(agent_id)
        return agent_view(agent) if agent is not None else None

    def handoffs(self) -> Iterator[HandoffView]:
        yield from self._parts.origin.views()
        yield from self._parts.helper.views()

    def supervisions(self) -> Iterator[SupervisionView]:
        for each in self._parts.supervising.supervisions:
            yield SupervisionView(
                supervisor=each.supervisor,
                leg_id=each.leg_id,
                agent_id=each.agent_id,
                mode=each.mode,
                is_up=each.is_up,
            )

    def outbound(self) -> Iterator[OutboundView]:
        yield from self._parts.outgoing.views()

    def loans(self) -> Iterator[LoanView]:
        yield from self._parts.lending.views()

    def callbacks(self) -> Iterator[CallbackView]:
        yield from self._parts.callbacks.views()

    def policies(self) -> Iterator[QueuePolicy]:
        for queue in self._parts.queues:
            yield queue.policy

    def position(self, call_id: CallId) -> int | None:
        """1 for the head of its queue; None when it does not wait."""
        waiting = self._parts.calls.waiting
        return waiting.position(call_id) if call_id in waiting else None

    def promised(self, token_hash: str, site_id: SiteId) -> HandoffId | None:
        """The hand-off whose redirected caller may come with the token of that hash, from that site."""
        return self._parts.taking_in.known_by(token_hash, site_id)

    def promised_call(self, handoff_id: HandoffId, site_id: SiteId) -> CallId | None:
        """What a redirected caller's call will be here; None for one who is not waited for."""
        return self._parts.taking_in.own_call(handoff_id, site_id)

    def load(self, now: Instant) -> SiteLoad:
        return self._publishing.load(now)

    def view_age_ms(self, now: Instant) -> int | None:
        """Of the load board, on this floor's clock; None before it was first confirmed."""
        return self._parts.board.age_ms(now)

    @property
    def own_loss_points(self) -> float | None:
        """Of service level, that helping has cost the callers of the last hours; None without a limit."""
        return self._parts.own_loss.points

    @property
    def is_accepting(self) -> bool:
        return self._parts.is_accepting

    # --- the node's facts --------------------------------------------------------------

    def _policy_applied(self, turn: Turn, fact: facts.PolicyApplied) -> None:
        policy = fact.policy
        was = self._parts.queues.find(policy.queue_id)
        has_new_skills = was is not None and was.policy.skills != policy.skills
        self._parts.queues.apply(policy)
        self._keep_idle_orders()
        turn.write(
            ledger.PolicyChanged(
                queue_id=policy.queue_id, version=policy.version, settings=settings_of(policy)
            )
        )
        self._parts.callbacks.policy_changed(turn, policy.queue_id)
        for call in list(self._parts.calls):
            if call.queue_id == policy.queue_id and call.call_id in self._parts.calls.waiting:
                if has_new_skills:
                    self._parts.origin.let_go(turn, call, "POLICY_CHANGED")
                    self._parts.calls.move(turn, call, policy.queue_id)
                turn.unserved[call.call_id] = None

    def _accepting_changed(self, turn: Turn, fact: facts.AcceptingChanged) -> None:
        if self._parts.is_accepting and not fact.is_accepting:
            turn.write(ledger.NodeDrained(reason=fact.reason))
        self._parts.is_accepting = fact.is_accepting
        if fact.is_accepting:
            self._parts.callbacks.look_again(turn)

    def _pbx_silent(self, turn: Turn, fact: facts.PbxSilent) -> None:
        self._callers.pbx_silent(turn, fact)
        self._publishing.note_change(turn)

    def _pbx_heard(self, turn: Turn, fact: facts.PbxHeard) -> None:
        self._callers.pbx_heard(turn, fact)
        self._publishing.note_change(turn)

    def _clock_stepped(self, turn: Turn, fact: facts.ClockStepped) -> None:
        turn.write(ledger.ClockStepped(by_ms=fact.by_ms))

    def _node_started(self, turn: Turn, fact: facts.NodeStarted) -> None:
        turn.write(ledger.NodeStarted(version=fact.version, readopted_call_count=self._readopted_call_count))
        if self._parts.overflow.is_enabled and self._parts.overflow.links:
            self._set_blind_timer(turn)

    # --- deadlines ---------------------------------------------------------------------

    def _wrapup_over(self, turn: Turn, agent_id: str) -> None:
        self._parts.talking.end_wrapup(turn, self._parts.roster.get(AgentId(agent_id)))

    def _wait_over(self, turn: Turn, call_id: str) -> None:
        """The caller has waited as long as its queue lets it."""
        call = self._parts.calls.get(CallId(call_id))
        if call.call_id not in self._parts.calls.waiting:
            if call.state in (CallState.OFFERED, CallState.OFFERED_REMOTE):
                self._parts.timers.set((calls.WAIT_TIMER, call_id), Instant(turn.now + _RETRY_WAIT_MS))
            return
        last_resort = self._parts.queues.get(call.queue_id).policy.last_resort
        if last_resort is LastResort.VOICEMAIL:
            self._callers.send_to_voicemail(turn, call)
        elif last_resort is LastResort.CALLBACK:
            self._callers.request_callback(turn, call)
        else:
            self._parts.origin.let_go(turn, call, "TIMED_OUT")
            self._parts.calls.end_unanswered(turn, call, Disposition.TIMED_OUT, None)

    def _forget_handoff(self, handoff_id: HandoffId) -> None:
        self._parts.origin.forget(handoff_id)
        self._parts.moving.forget(handoff_id)

    def _announce(self, turn: Turn, call_id: str) -> None:
        self._parts.announcing.announce(turn, self._parts.calls.get(CallId(call_id)))

    def _blind(self, turn: Turn, _subject: str) -> None:
        self._neighbours.ask_blindly(turn)
        self._set_blind_timer(turn)

    def _set_blind_timer(self, turn: Turn) -> None:
        """Nobody is asked blindly while there is a view, so the timer sleeps as long as it lasts."""
        soonest = Instant(turn.now + self._parts.pulling.blind_wait_ms)
        at = max(soonest, self._parts.board.out_at(turn.now))
        self._parts.timers.set((_BLIND_TIMER, ""), at)

    # --- inside ------------------------------------------------------------------------

    def _settle(self, turn: Turn) -> None:
        self._parts.consulting.follow(turn)
        self._parts.supervising.follow(turn)
        self._parts.recordings.follow(turn)
        self._parts.own_loss.follow(turn)
        self._settling.settle(turn)
        self._parts.redirecting.follow(turn)

    def _finish(self, turn: Turn) -> None:
        if turn.outcome:
            self._parts.own_loss.follow(turn)
            self._publishing.note_change(turn)

    def _keep_idle_orders(self) -> None:
        self._parts.roster.idle.keep_orders({q.policy.distribution for q in self._parts.queues})

    def _call_view(self, call: Call) -> CallView:
        handoff = self._parts.origin.find(call.handoff_id) if call.handoff_id is not None else None
        is_remote = call.state in (CallState.OFFERED_REMOTE, CallState.CONNECTED_REMOTE)
        return CallView(
            call_id=call.call_id,
            queue_id=call.queue_id,
            skills=call.skills,
            state=call.state,
            priority=call.priority,
            queued_at=call.queued_at,
            customer_id=call.customer_id,
            agent_id=call.agent_id,
            leg_ids=tuple(call.ringing) if call.leg_id is None else (call.leg_id,),
            handoff_id=call.handoff_id,
            served_by=handoff.peer if is_remote and handoff is not None else None,
            consultation=self._parts.consulting.view(call.call_id),
            recording=self._recording_of(call),
        )

    def _recording_of(self, call: Call) -> RecordingState:
        recording = self._parts.recordings.find(call.call_id)
        if recording is None:
            return RecordingState.NONE
        return RecordingState.PAUSED if recording.since is None else RecordingState.RUNNING

    def _fact_handlers(self) -> dict[type[Fact], Callable[[Turn, Any], None]]:
        callers, desks, neighbours, lines = self._callers, self._desks, self._neighbours, self._lines
        talks = self._talks
        return {
            facts.CallArrived: self._ivr.call_arrived,
            facts.KeyPressed: self._ivr.key_pressed,
            facts.PromptsPlayed: self._ivr.prompts_played,
            facts.CustomerFound: self._ivr.customer_found,
            facts.CustomerNotFound: self._ivr.customer_not_found,
            facts.FlowApplied: self._ivr.flow_applied,
            facts.CallerHungUp: callers.caller_hung_up,
            facts.CallFailed: callers.call_failed,
            facts.PbxDied: callers.pbx_died,
            facts.PbxSilent: self._pbx_silent,
            facts.PbxHeard: self._pbx_heard,
            facts.CallerChoseVoicemail: callers.voicemail_chosen,
            facts.CallerChoseCallback: callers.callback_chosen,
            facts.VoicemailRecorded: callers.voicemail_recorded,
            facts.MessageFound: callers.message_found,
            facts.CallerLeftAlone: callers.left_alone,
            facts.LegRang: callers.leg_rang,
            facts.LegAnswered: talks.leg_answered,
            facts.LegFailed: talks.leg_failed,
            facts.LegHungUp: talks.leg_hung_up,
            facts.TrunkCallArrived: callers.trunk_call_arrived,
            facts.TrunkRang: callers.trunk_rang,
            facts.TrunkAnswered: callers.trunk_answered,
            facts.TrunkFailed: callers.trunk_failed,
            facts.TrunkHungUp: callers.trunk_hung_up,
            facts.MoveTried: callers.move_tried,
            facts.TrunkMoved: callers.trunk_moved,
            facts.AgentLoggedIn: desks.logged_in,
            facts.AgentLoggedOut: desks.logged_out,
            facts.AgentBecameReady: desks.became_ready,
            facts.AgentBecameNotReady: desks.became_not_ready,
            facts.AgentBecameUnreachable: desks.became_unreachable,
            facts.PhoneLost: desks.phone_lost,
            facts.ReachChanged: desks.reach_changed,
            facts.WrapupFinished: desks.wrapup_finished,
            facts.HoldAsked: talks.hold_asked,
            facts.ResumeAsked: talks.resume_asked,
            facts.TransferAsked: talks.transfer_asked,
            facts.HangUpAsked: talks.hang_up_asked,
            facts.ConsultAsked: talks.consult_asked,
            facts.CompleteAsked: talks.complete_asked,
            facts.CancelAsked: talks.cancel_asked,
            facts.MergeAsked: talks.merge_asked,
            facts.PickupAsked: self._pickup.asked,
            facts.RecordingAsked: talks.recording_asked,
            facts.RecordingFinished: talks.recording_finished,
            facts.SuperviseAsked: talks.supervise_asked,
            facts.SupervisionEndAsked: talks.supervision_end_asked,
            facts.DialAsked: lines.dial_asked,
            facts.NumberFound: lines.number_found,
            facts.LineAnswered: lines.line_answered,
            facts.LineFailed: lines.line_failed,
            facts.LineHungUp: lines.line_hung_up,
            facts.CallingHoursChanged: lines.calling_hours_changed,
            facts.SiteAsked: neighbours.asked,
            facts.SiteReplied: neighbours.replied,
            facts.SiteSilent: neighbours.silent,
            facts.LoadSeen: neighbours.load_seen,
            facts.SiteGone: neighbours.site_gone,
            facts.ViewConfirmed: neighbours.view_confirmed,
            facts.PolicyApplied: self._policy_applied,
            facts.AcceptingChanged: self._accepting_changed,
            facts.ClockStepped: self._clock_stepped,
            facts.NodeStarted: self._node_started,
        }

    def _deadline_handlers(self) -> dict[str, Callable[[Turn, str], None]]:
        parts = self._parts
        return {
            ringing.RING_TIMER: lambda turn, leg: self._callers.ring_over(turn, LegId(leg)),
            talking.WRAPUP_TIMER: self._wrapup_over,
            consulting.CONSULT_TIMER: lambda turn, leg: parts.consulting.expire(turn, LegId(leg)),
            supervising.SUPERVISE_TIMER: lambda turn, leg: parts.supervising.expire(turn, LegId(leg)),
            calls.WAIT_TIMER: self._wait_over,
            calls.ANNOUNCE_TIMER: self._announce,
            calls.FLOW_TIMER: lambda turn, call_id: self._ivr.waited(turn, CallId(call_id)),
            pushing.ASK_AGAIN_TIMER: lambda turn, q: parts.pushing.ask_again(turn, QueueId(q)),
            origin.DIAL_TIMER: lambda turn, h: parts.origin.expire(turn, HandoffId(h)),
            origin.HANDOFF_TIMER: lambda turn, h: parts.origin.expire(turn, HandoffId(h)),
            origin.RESEND_TIMER: lambda turn, h: parts.origin.resend(turn, HandoffId(h)),
            origin.FORGET_TIMER: lambda _turn, h: self._forget_handoff(HandoffId(h)),
            moving.MOVE_TIMER: lambda turn, h: parts.moving.wake(turn, HandoffId(h)),
            taking_over.ARRIVAL_TIMER: lambda _turn, h: parts.taking_over.forget(HandoffId(h)),
            taking_in.PROMISE_TIMER: lambda turn, h: parts.taking_in.expire(turn, HandoffId(h)),
            helper.RESERVATION_TIMER: lambda turn, h: parts.helper.expire(turn, HandoffId(h)),
            helper.CONFIRM_TIMER: lambda turn, h: parts.helper.ask_origin(turn, HandoffId(h)),
            taking_back.TELL_AGAIN_TIMER: lambda turn, h: parts.taking_back.tell_again(turn, HandoffId(h)),
            helper.FORGET_TIMER: lambda _turn, h: parts.helper.forget(HandoffId(h)),
            own_loss.LATE_TIMER: lambda _turn, c: parts.own_loss.target_passed(CallId(c)),
            callbacks.PAUSE_TIMER: lambda turn, c: parts.callbacks.pause_over(turn, CallId(c)),
            outbound.ANSWER_TIMER: lambda turn, c: parts.outgoing.expire(turn, CallId(c)),
            lending.LOAN_TIMER: lambda turn, h: parts.lending.expire(turn, HandoffId(h)),
            lending.FORGET_LOAN_TIMER: lambda _turn, h: parts.lending.forget(HandoffId(h)),
            PUBLISH_TIMER: lambda turn, _: self._publishing.publish(turn),
            _BLIND_TIMER: self._blind,
        }
