"""Facts about other sites: what they ask, what they answer, and what the load board shows."""

from router import facts
from router.ids import HandoffId, SiteId
from router.orders import Answer, AnswerForGood
from router.overflow.board import ViewState
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Confirm,
    GetHandoff,
    Given,
    HandoffRequest,
    HandoffSeen,
    HandoffState,
    Move,
    Redirect,
    Refusal,
    Refused,
    Reply,
    Request,
    Reserve,
    Reserved,
    ReserveLine,
    TellHandoff,
)
from router.parts import Parts
from router.turn import Turn


class Neighbours:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._incarnations: dict[SiteId, int] = {}
        """The highest seen of each site: what an older one sent is answered STALE_INCARNATION."""

    # --- requests and replies ----------------------------------------------------------

    def asked(self, turn: Turn, fact: facts.SiteAsked) -> None:
        if fact.incarnation < self._incarnations.get(fact.site_id, 0):
            reply: Reply = Refused(handoff_id=fact.request.handoff_id, reason=Refusal.STALE_INCARNATION)
        else:
            self._incarnations[fact.site_id] = fact.incarnation
            if isinstance(fact.request, Reserve):
                self._parts.pulling.heard_of_callers()
            reply = self._reply(turn, fact.site_id, fact.request)
            self._learn(fact.site_id, fact.request, reply)
        is_promise = isinstance(fact.request, Redirect) and isinstance(reply, Reserved)
        answer = AnswerForGood if is_promise else Answer
        turn.order(answer(site_id=fact.site_id, reply=reply))

    def replied(self, turn: Turn, fact: facts.SiteReplied) -> None:
        request, reply = fact.request, fact.reply
        if reply.handoff_id != request.handoff_id or self._is_call_of_ours(reply):
            self.silent(turn, facts.SiteSilent(site_id=fact.site_id, request=request))
            return
        self._expect_more(turn, fact.site_id, request, reply)
        if isinstance(request, Redirect):
            self._parts.redirecting.replied(turn, fact.site_id, request, reply)
        elif isinstance(request, Reserve):
            self._parts.pushing.reserve_replied(turn, fact.site_id, request, reply)
        elif isinstance(request, Claim):
            self._parts.pulling.claim_replied(turn, fact.site_id, request.handoff_id, reply)
        elif isinstance(request, Cancel):
            self._parts.origin.cancel_replied(turn, request.handoff_id, reply)
            self._parts.taking_back.answered(turn, request.handoff_id, reply)
        elif isinstance(request, ReserveLine):
            self._parts.outgoing.line_replied(turn, request, reply)
        else:
            self._talk_replied(turn, fact)

    def _talk_replied(self, turn: Turn, fact: facts.SiteReplied) -> None:
        """About a hand-off whose two ends talk."""
        request, reply = fact.request, fact.reply
        if isinstance(request, Confirm):
            self._parts.origin.confirm_replied(turn, request.handoff_id, reply)
            if isinstance(reply, Acknowledged):
                self._parts.moving.begin(turn, request.handoff_id)
        elif isinstance(request, Move):
            self._parts.moving.helper_replied(turn, request, reply)
        elif isinstance(reply, HandoffSeen):
            self._parts.helper.origin_said(turn, reply)
            self._parts.moving.helper_said(turn, reply.handoff_id, fact.site_id, reply.state, reply.talk_ms)

    def silent(self, turn: Turn, fact: facts.SiteSilent) -> None:
        request = fact.request
        if isinstance(request, Redirect):
            self._parts.redirecting.silent(turn, fact.site_id, request)
        elif isinstance(request, Reserve):
            self._parts.pushing.reserve_silent(turn, fact.site_id, request)
        elif isinstance(request, Claim):
            self._parts.pulling.claim_silent(turn, fact.site_id, request.handoff_id)
        elif isinstance(request, Cancel | Confirm):
            self._parts.origin.resend_later(turn, request.handoff_id)
            self._parts.taking_back.silent(turn, request.handoff_id)
        elif isinstance(request, Move):
            self._parts.moving.helper_silent(request)
        elif isinstance(request, ReserveLine):
            self._parts.outgoing.line_silent(turn, request)
        # A silent GetHandoff needs nothing: the asker's timer asks again. What a TellHandoff says, too.

    # --- the load board ----------------------------------------------------------------

    def load_seen(self, turn: Turn, fact: facts.LoadSeen) -> None:
        """Callers elsewhere: each idle agent that may serve one asks for it."""
        self._parts.board.see(fact.load, turn.now)
        if not self._parts.is_accepting or fact.load.site_id == self._parts.site_id:
            return
        for queue_id, load in fact.load.queues.items():
            queue = self._parts.queues.find(queue_id)
            if load.calls_waiting and queue is not None:
                idle = self._parts.roster.idle.longest_idle(queue.policy.skills, load.calls_waiting)
                for agent_id in idle:
                    if not self._parts.pulling.claim(turn, self._parts.roster.get(agent_id)):
                        break

    def site_gone(self, turn: Turn, fact: facts.SiteGone) -> None:
        self._parts.board.lose(fact.site_id)

    def view_confirmed(self, turn: Turn, fact: facts.ViewConfirmed) -> None:
        self._parts.board.confirm(turn.now)

    def ask_blindly(self, turn: Turn) -> None:
        """The board is out of reach: an idle agent asks the next configured peer."""
        if self._parts.is_accepting and self._parts.board.state(turn.now) is ViewState.OUT:
            self._parts.pulling.claim_blind(turn)

    def _learn(self, site_id: SiteId, request: Request, reply: Reply) -> None:
        """What is asked in vain tells more, and sooner, than the asker's record on the board."""
        if not isinstance(reply, Refused):
            return
        if isinstance(request, Reserve) and reply.reason is Refusal.NO_IDLE_AGENT:
            self._parts.board.hear_of_caller(site_id, request.call.queue_id)
        elif isinstance(request, Claim) and reply.reason is Refusal.NONE_WAITING:
            for queue in self._parts.queues:
                if queue.policy.skills <= request.skills:
                    self._parts.board.hear_of_agent(site_id, queue.policy.queue_id)

    def _expect_more(self, turn: Turn, site_id: SiteId, request: Request, reply: Reply) -> None:
        """Where records lag, what was found is a better hint than what they show: ask there again."""
        if not self._parts.board.records_lag(turn.now):
            return
        if isinstance(request, Reserve) and isinstance(reply, Reserved):
            self._parts.board.hear_of_agent(site_id, request.call.queue_id)
        elif isinstance(request, Claim) and isinstance(reply, Given):
            self._parts.board.hear_of_caller(site_id, reply.call.queue_id)

    # --- inside ------------------------------------------------------------------------

    def _is_call_of_ours(self, reply: Reply) -> bool:
        return isinstance(reply, Given) and self._parts.calls.find(reply.call.call_id) is not None

    def _reply(self, turn: Turn, site_id: SiteId, request: Request) -> Reply:
        if self._is_anothers(site_id, request.handoff_id):
            return self._nothing_to(request)
        if isinstance(request, ReserveLine):
            return self._lend(turn, site_id, request)
        return self._reply_to_handoff(turn, site_id, request)

    def _reply_to_handoff(self, turn: Turn, site_id: SiteId, request: HandoffRequest) -> Reply:
        if isinstance(request, Reserve):
            return self._reserve(turn, site_id, request)
        if isinstance(request, Claim):
            # A Cancel that overtook its Claim left a tombstone on the helper's side of this floor.
            if self._parts.helper.find(request.handoff_id) is not None:
                return Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)
            if self._parts.silence.is_on and self._parts.origin.find(request.handoff_id) is None:
                # Callers wait, but nothing of ours would dial there.
                return Refused(handoff_id=request.handoff_id, reason=Refusal.NOT_ACCEPTING)
            return self._parts.origin.claimed(turn, site_id, request)
        if isinstance(request, Confirm | Move | TellHandoff):
            return self._reply_to_talk(turn, site_id, request)
        if isinstance(request, Cancel):
            self._parts.taking_in.cancelled(turn, request.handoff_id, site_id, request.reason)
            reply = self._parts.origin.cancelled_by_helper(turn, request.handoff_id, site_id, request.reason)
            return reply or self._parts.helper.cancelled(turn, request.handoff_id, site_id, request.reason)
        return self._seen(request)

    def _reserve(self, turn: Turn, site_id: SiteId, request: Reserve) -> Reply:
        """Neither a hand-off nor a call of this site's own comes back to it."""
        helper = self._parts.helper
        is_ours = self._parts.origin.find(request.handoff_id) is not None
        if is_ours or self._parts.calls.find(request.call.call_id) is not None:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)
        is_new = helper.find(request.handoff_id) is None
        reply = helper.reserve(turn, site_id, request, is_accepting=self._parts.may_help)
        if is_new and isinstance(request, Redirect) and isinstance(reply, Reserved):
            self._parts.taking_in.promise(turn, site_id, request, reply.token)
        return reply

    def _reply_to_talk(self, turn: Turn, site_id: SiteId, request: Confirm | Move | TellHandoff) -> Reply:
        if isinstance(request, Confirm):
            return self._parts.helper.confirmed(turn, request.handoff_id, site_id)
        if isinstance(request, Move):
            return self._parts.taking_over.asked(turn, site_id, request)
        is_heard = self._parts.moving.helper_said(
            turn, request.handoff_id, site_id, request.state, request.talk_ms
        )
        if is_heard:
            return Acknowledged(handoff_id=request.handoff_id)
        return Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)

    def _is_anothers(self, site_id: SiteId, handoff_id: HandoffId) -> bool:
        """A hand-off is between two sites; a third one that names it is told nothing of it."""
        known = self._parts.origin.find(handoff_id) or self._parts.helper.find(handoff_id)
        peer = known.peer if known is not None else self._parts.lending.peer_of(handoff_id)
        return peer is not None and peer != site_id

    def _lend(self, turn: Turn, site_id: SiteId, request: ReserveLine) -> Reply:
        """A line for a guest, unless its ids are those of something else here."""
        parts = self._parts
        is_ours = parts.origin.find(request.handoff_id) or parts.helper.find(request.handoff_id)
        if is_ours or parts.outgoing.find(request.call_id) is not None:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)
        return parts.lending.reserve(turn, site_id, request, is_accepting=parts.may_help)

    def _nothing_to(self, request: Request) -> Reply:
        if isinstance(request, GetHandoff):
            return _unknown(request.handoff_id)
        return Refused(handoff_id=request.handoff_id, reason=Refusal.CANCELLED)

    def _seen(self, request: GetHandoff) -> HandoffSeen:
        handoff = self._parts.origin.find(request.handoff_id)
        help_ = self._parts.helper.find(request.handoff_id)
        if handoff is not None:
            call = self._parts.calls.find(handoff.call_id)
            return HandoffSeen(
                handoff_id=request.handoff_id,
                state=handoff.state,
                call_id=handoff.call_id,
                queue_id=call.queue_id if call is not None else None,
            )
        if help_ is not None:
            return HandoffSeen(
                handoff_id=request.handoff_id,
                state=help_.shown_state,
                call_id=help_.call.call_id if help_.call is not None else None,
                queue_id=help_.call.queue_id if help_.call is not None else None,
                talk_ms=help_.talk_ms,
            )
        return _unknown(request.handoff_id)


def _unknown(handoff_id: HandoffId) -> HandoffSeen:
    return HandoffSeen(handoff_id=handoff_id, state=HandoffState.UNKNOWN, call_id=None, queue_id=None)
