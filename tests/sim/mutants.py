"""Faults put into the router by hand, each with the laws that must cry over it.

A mutant is a patch in memory, made by the function that is named after it. It says what a
careless change would do: a cancel dropped, a reservation kept for ever, a place lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from router.acd.calls import Call, Calls
from router.acd.ringing import Ringing
from router.acd.roster import Agent
from router.acd.silence import PbxSilence
from router.call import CallState, Disposition
from router.callback.callbacks import Callbacks
from router.callers import Callers
from router.ids import CallId, HandoffId, LegId, SiteId
from router.ledger import CallEnded
from router.orders import StopRinging
from router.overflow.help import Help
from router.overflow.helper import HelperSide
from router.overflow.messages import Acknowledged, Claim, HandoffState, Reply, Reserve
from router.overflow.origin import Handoff, Origin
from router.overflow.redirecting import Redirecting
from router.overflow.taking_in import TakingIn
from router.resumption import Resumption
from router.settling import Settling
from router.turn import Turn

Patch = pytest.MonkeyPatch


def nothing(*_given: object, **_named: object) -> None:
    """What a forgotten act does."""


def origin_gives_nothing_up(patch: Patch) -> None:
    patch.setattr(Origin, "expire", nothing)


def reservation_without_deadline(patch: Patch) -> None:
    patch.setattr(HelperSide, "expect_trunk", nothing)


def cancel_is_acknowledged_and_dropped(patch: Patch) -> None:
    def cancelled(_self: HelperSide, _turn: Turn, handoff_id: HandoffId, *_rest: object) -> Reply:
        return Acknowledged(handoff_id=handoff_id)

    patch.setattr(HelperSide, "cancelled", cancelled)


def cancel_is_never_sent(patch: Patch) -> None:
    patch.setattr(Origin, "send_cancel", nothing)


def agent_is_promised_without_a_lock(patch: Patch) -> None:
    def keep_agent(self: HelperSide, _turn: Turn, help_: Help, agent: Agent) -> None:
        self._helps[help_.handoff_id] = help_
        help_.agent_id = agent.agent_id
        self._links.take(help_.peer)

    patch.setattr(HelperSide, "keep_agent", keep_agent)


def call_that_rings_elsewhere_keeps_its_place(patch: Patch) -> None:
    def trunk_rang(self: Origin, _turn: Turn, handoff: Handoff) -> None:
        handoff.state = HandoffState.RINGING

    patch.setattr(Origin, "trunk_rang", trunk_rang)


def call_taken_at_home_stays_dialled(patch: Patch) -> None:
    patch.setattr(Origin, "let_go", nothing)


def place_is_lost_on_rona(patch: Patch) -> None:
    line_up = Calls.line_up

    def anew(self: Calls, turn: Turn, call: Call) -> None:
        call.queued_at = turn.now
        line_up(self, turn, call)

    patch.setattr(Calls, "line_up", anew)


def leg_is_left_ringing(patch: Patch) -> None:
    stop = Ringing.stop

    def forgets(self: Ringing, turn: Turn, leg_id: LegId) -> None:
        before = len(turn.outcome)
        stop(self, turn, leg_id)
        turn.outcome[before:] = [each for each in turn.outcome[before:] if not isinstance(each, StopRinging)]

    patch.setattr(Ringing, "stop", forgets)


def second_agent_is_rung(patch: Patch) -> None:
    offer = Settling.offer

    def twice(self: Settling, turn: Turn, call: Call, agents: list[Agent]) -> None:
        offer(self, turn, call, agents)
        call.state = CallState.QUEUED
        self._parts.calls.line_up(turn, call)

    patch.setattr(Settling, "offer", twice)


def idle_agent_looks_for_nobody(patch: Patch) -> None:
    patch.setattr(Settling, "_serve_with", nothing)


def caller_who_hung_up_is_kept(patch: Patch) -> None:
    patch.setattr(Callers, "caller_hung_up", nothing)


def call_ends_twice(patch: Patch) -> None:
    end = Calls._end

    def twice(self: Calls, turn: Turn, call: Call, disposition: Disposition, reason: str | None) -> None:
        end(self, turn, call, disposition, reason)
        turn.write(replace(next(each for each in reversed(turn.outcome) if isinstance(each, CallEnded))))

    patch.setattr(Calls, "_end", twice)


def strays_are_kept_after_a_restart(patch: Patch) -> None:
    patch.setattr(Resumption, "_drop_strays", nothing)


def talk_is_confirmed_unconnected(patch: Patch) -> None:
    def confirmed(self: HelperSide, turn: Turn, handoff_id: HandoffId, _site_id: SiteId) -> Reply:
        help_ = self._helps.get(handoff_id)
        if help_ is not None:
            self._confirm(turn, help_)
        return Acknowledged(handoff_id=handoff_id)

    def reserve_confirms(self: HelperSide, turn: Turn, help_: Help) -> None:
        self._confirm(turn, help_)

    patch.setattr(HelperSide, "confirmed", confirmed)
    patch.setattr(HelperSide, "expect_trunk", reserve_confirms)


def tombstone_is_forgotten(patch: Patch) -> None:
    def remember(self: HelperSide, _turn: Turn, help_: Help) -> None:
        help_.state = HandoffState.OVER
        self._helps.pop(help_.handoff_id, None)

    patch.setattr(HelperSide, "_remember_over", remember)


def claim_heard_twice_gives_two_callers(patch: Patch) -> None:
    claimed = Origin.claimed

    def anew(self: Origin, turn: Turn, site_id: SiteId, claim: Claim) -> Reply:
        self._handoffs.pop(claim.handoff_id, None)
        return claimed(self, turn, site_id, claim)

    patch.setattr(Origin, "claimed", anew)


def reservation_heard_twice_keeps_two_agents(patch: Patch) -> None:
    reserve = HelperSide.reserve

    def anew(self: HelperSide, turn: Turn, site_id: SiteId, request: Reserve, *, is_accepting: bool) -> Reply:
        self._helps.pop(request.handoff_id, None)
        return reserve(self, turn, site_id, request, is_accepting=is_accepting)

    patch.setattr(HelperSide, "reserve", anew)


def callback_is_never_done(patch: Patch) -> None:
    patch.setattr(Callbacks, "_finish", nothing)


def unanswered_hand_off_is_guessed_connected(patch: Patch) -> None:
    def guess(self: HelperSide, turn: Turn, handoff_id: HandoffId) -> None:
        help_ = self._helps.get(handoff_id)
        if help_ is not None and help_.state is HandoffState.CONNECTED:
            self._confirm(turn, help_)

    patch.setattr(HelperSide, "ask_origin", guess)


def silent_pbx_keeps_its_agents_idle(patch: Patch) -> None:
    def begin(self: PbxSilence, _turn: Turn) -> None:
        self.is_on = True

    patch.setattr(PbxSilence, "begin", begin)


def who_was_kept_back_stays_so(patch: Patch) -> None:
    def end(self: PbxSilence, _turn: Turn) -> None:
        self.is_on = False

    patch.setattr(PbxSilence, "end", end)


def origin_waits_for_a_silent_pbx(patch: Patch) -> None:
    patch.setattr(Origin, "pbx_silent", nothing)


def refused_redirect_forgets_the_caller(patch: Patch) -> None:
    def stay(self: Redirecting, turn: Turn, handoff: Handoff, reason: str) -> None:
        self._calls.held_back.pop(handoff.call_id, None)
        self._origin.refused(turn, handoff, reason)

    patch.setattr(Redirecting, "_stay", stay)


def sent_on_call_does_not_end(patch: Patch) -> None:
    def end_gone(self: Calls, turn: Turn, call: Call, *_words: object) -> None:
        self.take_out(call)
        self.held_back.pop(call.call_id, None)
        turn.unserved.pop(call.call_id, None)
        del self._calls[call.call_id]

    patch.setattr(Calls, "end_gone", end_gone)


def sent_on_call_ends_again_as_abandoned(patch: Patch) -> None:
    end = Calls.end_gone

    def twice(self: Calls, turn: Turn, call: Call, disposition: Disposition, reason: str | None) -> None:
        end(self, turn, call, disposition, reason)
        ended = next(each for each in reversed(turn.outcome) if isinstance(each, CallEnded))
        turn.write(replace(ended, disposition=Disposition.ABANDONED_IN_QUEUE))

    patch.setattr(Calls, "end_gone", twice)


def redirects_token_is_good_twice(patch: Patch) -> None:
    def forget(self: TakingIn, handoff_id: HandoffId) -> None:
        promise = self._promises[handoff_id]
        self._promises[handoff_id] = replace(promise, own_call_id=CallId(self._new_id()))

    patch.setattr(TakingIn, "_forget", forget)


def promise_dies_with_the_reservation(patch: Patch) -> None:
    expire = HelperSide.expire

    def with_promise(self: HelperSide, turn: Turn, handoff_id: HandoffId) -> None:
        expire(self, turn, handoff_id)
        self._timers.set(("promise", handoff_id), turn.now)

    patch.setattr(HelperSide, "expire", with_promise)


CAUGHT_BY: Mapping[Callable[[Patch], None], str] = {
    origin_gives_nothing_up: "live.hand_offs_end_in_time",
    reservation_without_deadline: "live.hand_offs_end_in_time",
    cancel_is_acknowledged_and_dropped: "kept its agent until it expired",
    cancel_is_never_sent: "kept its agent until it expired",
    agent_is_promised_without_a_lock: "an_agent_has_at_most_one_reservation",
    call_that_rings_elsewhere_keeps_its_place: "live.one_open_offer",
    call_taken_at_home_stays_dialled: "no_call_is_lost",
    place_is_lost_on_rona: "seniority_is_kept",
    leg_is_left_ringing: "channels are up at rest",
    second_agent_is_rung: "one_open_offer",
    idle_agent_looks_for_nobody: "no_caller_waits_beside_an_idle_agent",
    caller_who_hung_up_is_kept: "not at rest",
    call_ends_twice: "one_terminal_disposition",
    strays_are_kept_after_a_restart: "channels are up at rest",
    talk_is_confirmed_unconnected: "overflow_balances",
    unanswered_hand_off_is_guessed_connected: "overflow_balances",
    tombstone_is_forgotten: "no_call_is_lost",
    claim_heard_twice_gives_two_callers: "KeyError",
    reservation_heard_twice_keeps_two_agents: "an_agent_has_at_most_one_reservation",
    callback_is_never_done: "callbacks_end_once",
    silent_pbx_keeps_its_agents_idle: "while the PBX is silent",
    origin_waits_for_a_silent_pbx: "while the PBX is silent",
    refused_redirect_forgets_the_caller: "talks and was never picked up",
    sent_on_call_does_not_end: "no_call_is_lost",
    sent_on_call_ends_again_as_abandoned: "one_terminal_disposition",
    redirects_token_is_good_twice: "redirects_arrive_once",
    promise_dies_with_the_reservation: "whom it had promised a place",
    who_was_kept_back_stays_so: "is kept back from a PBX that answers",
}
"""Each mutant with words of what catches it: a law's name, what a world at rest must not show, or the
exception of a machine that broke itself: the first caller's deadline finds no hand-off."""
