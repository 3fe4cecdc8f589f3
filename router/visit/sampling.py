"""Which of a day's answered calls are visited: a share of them, by the call id alone.

Nobody chooses: whoever has the day's records (HQ has) can compute the same sample again.
A greater share holds every call of a smaller one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from router.ids import AgentId, CallId, CustomerId, QueueId
from router.visit.policy import VisitPolicy
from router.visit.visit import Visit

_SCALE = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCall:
    """A call that was answered, and whose caller's number is known."""

    call_id: CallId
    customer_id: CustomerId | None
    queue_id: QueueId
    agent_id: AgentId | None
    arrived_utc_us: int
    business_date: str


def is_sampled(call_id: CallId, share: float) -> bool:
    """Whether the first 64 bits of the id's SHA-256, read as a fraction, are below `share`.

    A hash, because ids are made of time: their own digits say how late in the day a call was.
    """
    return int.from_bytes(sha256(call_id.encode()).digest()[:8], "big") < share * _SCALE


def sample(calls: Iterable[AnsweredCall], policy: VisitPolicy, *, listed_on: str) -> Sequence[Visit]:
    """The visits of these calls, in their order; `listed_on` is the business day they are put on the list."""
    return [
        visit_of(call, due_date=days_after(call.business_date, policy.after_days), listed_on=listed_on)
        for call in calls
        if (not policy.queues or call.queue_id in policy.queues) and is_sampled(call.call_id, policy.share)
    ]


def visit_of(call: AnsweredCall, *, due_date: str, listed_on: str) -> Visit:
    return Visit(
        call_id=call.call_id,
        customer_id=call.customer_id,
        queue_id=call.queue_id,
        agent_id=call.agent_id,
        called_utc_us=call.arrived_utc_us,
        due_date=due_date,
        business_date=listed_on,
    )


def days_to_list(today: str, policy: VisitPolicy) -> Sequence[str]:
    """The days that are over and whose visits are not overdue, the earliest first.

    A branch that was down for a night puts them on the list when it is back; one that begins
    to visit does not begin with last week.
    """
    return [days_after(today, -count) for count in range(policy.after_days, 0, -1)]


def days_after(business_date: str, count: int) -> str:
    return (date.fromisoformat(business_date) + timedelta(days=count)).isoformat()
