"""One return visit: where it stands, and what a try makes of it. All times are the caller's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from router.ids import AgentId, CallId, CustomerId, QueueId
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.policy import VisitPolicy

COUNTED = frozenset({OutboundOutcome.BUSY, OutboundOutcome.NO_ANSWER, OutboundOutcome.FAILED})
"""The customer was dialled in vain. Whatever else fails is the site's own affair and costs no try."""

_DONE_AS = {
    OutboundOutcome.ANSWERED: VisitOutcome.REACHED,
    OutboundOutcome.NO_NUMBER: VisitOutcome.NO_NUMBER,
    OutboundOutcome.NOT_ALLOWED: VisitOutcome.NOT_ALLOWED,
}


class Standing(StrEnum):
    """Whether a visit may be dialled, but for the hours."""

    DUE = "DUE"
    LATER = "LATER"
    """Its day has not come."""
    RESTING = "RESTING"
    """Tried in vain, and its pause is not over."""
    TRYING = "TRYING"
    """Being called."""
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One answered caller who is called again. The number is the visited call's, and stands with it alone."""

    call_id: CallId
    """Of the visited call."""
    customer_id: CustomerId | None
    queue_id: QueueId
    agent_id: AgentId | None
    """Who answered."""
    called_utc_us: int
    due_date: str
    """The site's business day from which on it may be dialled: ISO."""
    business_date: str
    """When it was put on the list."""
    try_count: int = 0
    outbound_id: CallId | None = None
    """The call that goes out for it; at most one."""
    tried_utc_us: int | None = None
    """The end of the last try that counted, or when it was put off."""
    last_outbound_id: CallId | None = None
    last_outcome: OutboundOutcome | None = None
    """Both of the last try, counted or not."""
    done_utc_us: int | None = None
    outcome: VisitOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """The call that goes out for a visit, as far as the site's records have come."""

    visit_id: CallId
    """The visited call."""
    outbound_id: CallId
    is_known: bool
    """Whether there is a record of it at all; both below are None while it lasts."""
    outcome: OutboundOutcome | None
    ended_utc_us: int | None


def standing(visit: Visit, policy: VisitPolicy, *, today: str, now_utc_us: int) -> Standing:
    if visit.done_utc_us is not None:
        return Standing.DONE
    if visit.outbound_id is not None:
        return Standing.TRYING
    if visit.due_date > today:
        return Standing.LATER
    if now_utc_us < rests_until(visit, policy):
        return Standing.RESTING
    return Standing.DUE


def rests_until(visit: Visit, policy: VisitPolicy) -> int:
    """UTC us; 0 for one that was not dialled yet."""
    return 0 if visit.tried_utc_us is None else visit.tried_utc_us + policy.pause_s * 1_000_000


def in_turn(visits: Iterable[Visit]) -> Sequence[Visit]:
    """Whoever is due longest first; of one day those first who were tried least, then least lately."""
    return sorted(
        visits, key=lambda each: (each.due_date, each.try_count, each.tried_utc_us or 0, each.call_id)
    )


def after_try(visit: Visit, outcome: OutboundOutcome, policy: VisitPolicy, *, ended_utc_us: int) -> Visit:
    """The visit when the call that went out for it has ended."""
    is_counted = outcome in COUNTED
    tried = replace(
        visit,
        outbound_id=None,
        try_count=visit.try_count + is_counted,
        tried_utc_us=ended_utc_us if is_counted else visit.tried_utc_us,
        last_outbound_id=visit.outbound_id,
        last_outcome=outcome,
    )
    done_as = _DONE_AS.get(outcome)
    if done_as is None and is_counted and tried.try_count >= policy.try_limit:
        done_as = VisitOutcome.NOT_REACHED
    return tried if done_as is None else done(tried, done_as, ended_utc_us)


def put_off(visit: Visit, at_utc_us: int) -> Visit:
    """It rests as after a try, and none is counted."""
    return replace(visit, tried_utc_us=at_utc_us)


def done(visit: Visit, outcome: VisitOutcome, at_utc_us: int) -> Visit:
    return replace(visit, outcome=outcome, done_utc_us=at_utc_us)
