"""Lines of this site that other sites' agents dial out of: reserved by a request, used once.

The guest's site reserves and gets a one-time token; its PBX brings the token in an INVITE,
and only then the number is dialled. A reservation holds a place on the line and expires.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from router import ledger
from router.errors import RouterError
from router.ids import CallId, HandoffId, Instant, LineId, SiteId
from router.orders import BridgeTrunkLine, DialLine, HangUpLine, HangUpTrunk, RejectTrunk
from router.outbound.lines import Lines
from router.outbound.outcome import OutboundOutcome
from router.outbound.routes import Routes, Way
from router.overflow.links import Links
from router.overflow.messages import Refusal, Refused, Reply, Reserved, ReserveLine
from router.overflow.policy import OverflowPolicy
from router.overflow.trunk_refusal import TrunkRefusal
from router.recovery import OpenLoan
from router.timers import Timers
from router.turn import Turn
from router.views import LoanView

LOAN_TIMER = "loan"
FORGET_LOAN_TIMER = "forget_loan"

ANSWERS_KEPT = 20_000
"""Requests of one peer whose answers are remembered; honest peers stay far below it."""


@dataclass(slots=True)
class Loan:
    """One call of another site's agent over a line of ours."""

    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    line_id: LineId
    number: str | None
    """Until it is dialled."""
    lent_at: Instant | None = None
    answered_at: Instant | None = None


class Lending:
    """All of this site's lines that others use, and the answers given lately."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        overflow: OverflowPolicy,
        routes: Routes,
        lines: Lines,
        links: Links,
        timers: Timers[tuple[str, str]],
        mint_token: Callable[[HandoffId, SiteId], str],
    ) -> None:
        self._site_id = site_id
        self._overflow = overflow
        self._routes = routes
        self._lines = lines
        self._links = links
        self._timers = timers
        self._mint_token = mint_token
        self._loans: dict[HandoffId, Loan] = {}
        self._answers: dict[HandoffId, tuple[SiteId, Reply]] = {}
        self._expired: set[HandoffId] = set()
        """Answered with a token that no INVITE brought in time."""

    def find(self, handoff_id: HandoffId) -> Loan | None:
        return self._loans.get(handoff_id)

    def find_by_call(self, call_id: CallId) -> Loan | None:
        return next((each for each in self._loans.values() if each.call_id == call_id), None)

    def peer_of(self, handoff_id: HandoffId) -> SiteId | None:
        """Who asked for it, as long as the answer is remembered."""
        answer = self._answers.get(handoff_id)
        return answer[0] if answer is not None else None

    def views(self) -> Iterator[LoanView]:
        for loan in self._loans.values():
            yield LoanView(
                handoff_id=loan.handoff_id,
                peer=loan.peer,
                call_id=loan.call_id,
                is_dialled=loan.lent_at is not None,
            )

    def reserve(self, turn: Turn, site_id: SiteId, request: ReserveLine, *, is_accepting: bool) -> Reply:
        """A place on a line for a guest; repeated requests are answered alike for the token's life."""
        known = self._answers.get(request.handoff_id)
        if known is not None:
            return known[1]
        if len(self._answers) >= ANSWERS_KEPT:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.NOT_ACCEPTING)
        reply = self._decide(turn, site_id, request, is_accepting=is_accepting)
        self._answers[request.handoff_id] = (site_id, reply)
        self._timers.set(
            (FORGET_LOAN_TIMER, request.handoff_id), Instant(turn.now + self._overflow.handoff_limit_ms)
        )
        return reply

    def invited(self, turn: Turn, handoff_id: HandoffId, site_id: SiteId) -> None:
        """The INVITE with our token: the number is dialled, once."""
        loan = self._loans.get(handoff_id)
        if loan is None or loan.peer != site_id or loan.number is None:
            turn.order(RejectTrunk(handoff_id=handoff_id, reason=self._refusal_of(handoff_id, site_id)))
            return
        self._timers.cancel((LOAN_TIMER, loan.handoff_id))
        loan.lent_at = turn.now
        turn.write(
            ledger.LineLent(
                handoff_id=loan.handoff_id, peer=loan.peer, call_id=loan.call_id, line_id=loan.line_id
            )
        )
        turn.order(
            DialLine(
                call_id=loan.call_id,
                line_id=loan.line_id,
                number=loan.number,
                handoff_id=loan.handoff_id,
            )
        )
        loan.number = None

    def answered(self, turn: Turn, loan: Loan) -> None:
        if loan.answered_at is None:
            loan.answered_at = turn.now
            turn.order(BridgeTrunkLine(handoff_id=loan.handoff_id, call_id=loan.call_id))

    def line_over(self, turn: Turn, loan: Loan, outcome: OutboundOutcome) -> None:
        """The customer is gone, or never came."""
        why = outcome if loan.answered_at is None else None
        turn.order(HangUpTrunk(handoff_id=loan.handoff_id, outcome=why))
        self._end(turn, loan, outcome)

    def trunk_over(self, turn: Turn, loan: Loan) -> None:
        """The guest's agent hung up."""
        if loan.lent_at is not None:
            turn.order(HangUpLine(call_id=loan.call_id))
        self._end(turn, loan, OutboundOutcome.AGENT_GAVE_UP)

    def expire(self, turn: Turn, handoff_id: HandoffId) -> None:
        """No INVITE came: the place on the line is free again."""
        self._expired.add(handoff_id)
        self._end(turn, self._loans[handoff_id], OutboundOutcome.FAILED)

    def forget(self, handoff_id: HandoffId) -> None:
        del self._answers[handoff_id]
        self._expired.discard(handoff_id)

    # --- after a restart ---------------------------------------------------------------

    def resume(self, turn: Turn, work: OpenLoan, *, is_ringing: bool) -> None:
        """A call over our line whose two channels outlived the process."""
        loan = Loan(work.handoff_id, work.peer, work.call_id, work.line_id, None, lent_at=work.lent_at)
        self._hold_place(loan)
        if not is_ringing:
            self.answered(turn, loan)

    def end_absent(self, turn: Turn, work: OpenLoan) -> None:
        turn.write(
            ledger.LineReturned(
                handoff_id=work.handoff_id,
                peer=work.peer,
                call_id=work.call_id,
                line_id=work.line_id,
                outcome=OutboundOutcome.INTERRUPTED,
                talk_ms=0,
            )
        )

    # --- inside ------------------------------------------------------------------------

    def _decide(self, turn: Turn, site_id: SiteId, request: ReserveLine, *, is_accepting: bool) -> Reply:
        try:
            way = self._routes.choose_for(site_id, request.number)
            self._lines.require(way)
        except RouterError as refusal:
            return Refused(handoff_id=request.handoff_id, reason=Refusal(refusal.reason))
        if not is_accepting or self.find_by_call(request.call_id) is not None:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.NOT_ACCEPTING)
        if self._links.headroom(site_id) <= 0:
            return Refused(handoff_id=request.handoff_id, reason=Refusal.LINK_FULL)
        self._hold_place(Loan(request.handoff_id, site_id, request.call_id, way.line_id, request.number))
        # A reservation without a deadline would keep a place on the line for ever.
        self._timers.set((LOAN_TIMER, request.handoff_id), Instant(turn.now + self._overflow.reservation_ms))
        return Reserved(handoff_id=request.handoff_id, token=self._mint_token(request.handoff_id, site_id))

    def _refusal_of(self, handoff_id: HandoffId, site_id: SiteId) -> TrunkRefusal:
        if self.peer_of(handoff_id) != site_id:
            return TrunkRefusal.FOREIGN
        if handoff_id in self._loans:
            return TrunkRefusal.USED
        return TrunkRefusal.EXPIRED if handoff_id in self._expired else TrunkRefusal.ENDED

    def _hold_place(self, loan: Loan) -> None:
        self._loans[loan.handoff_id] = loan
        self._lines.take(self._way(loan))
        self._links.take(loan.peer)

    def _way(self, loan: Loan) -> Way:
        return Way(site_id=self._site_id, line_id=loan.line_id)

    def _end(self, turn: Turn, loan: Loan, outcome: OutboundOutcome) -> None:
        del self._loans[loan.handoff_id]
        self._timers.cancel((LOAN_TIMER, loan.handoff_id))
        self._lines.give_back(self._way(loan))
        self._links.give_back(loan.peer)
        if loan.lent_at is None:
            return
        has_talked = loan.answered_at is not None
        turn.write(
            ledger.LineReturned(
                handoff_id=loan.handoff_id,
                peer=loan.peer,
                call_id=loan.call_id,
                line_id=loan.line_id,
                outcome=OutboundOutcome.ANSWERED if has_talked else outcome,
                talk_ms=turn.now - loan.answered_at if loan.answered_at is not None else 0,
            )
        )
