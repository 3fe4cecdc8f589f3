"""A ledger written by hand: entries stamped as a desk would, their times read as seconds."""

from itertools import count

from router.call import Disposition, Language
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, NodeName, QueueId, SiteId, Skill
from router.ledger import (
    AgentOffered,
    CallArrived,
    CallConnected,
    CallEnded,
    CallQueued,
    Decision,
    Entry,
    IvrChose,
    IvrEntered,
    LedgerRow,
)

BEIJING = SiteId("beijing")
URUMQI = SiteId("urumqi")
SALES = QueueId("sales")
START_UTC_US = 1_767_571_200_000_000
"""Midnight UTC of 5 January 2026."""
BY_SCORE = Decision(rule="PUSH_BY_SCORE", view_age_ms=40, candidates=((URUMQI, 7, 0.5),))


def utc_us(seconds: float) -> int:
    return START_UTC_US + round(seconds * 1_000_000)


class LedgerBook:
    """Rows of one site. `restart` begins another incarnation, whose monotonic clock starts at 0."""

    def __init__(
        self, site_id: SiteId = BEIJING, business_date: str = "2026-01-05", *, first_seq: int = 1
    ) -> None:
        self.rows: list[LedgerRow] = []
        self.incarnation = 1
        self._site_id = site_id
        self._business_date = business_date
        self._seqs = count(first_seq)
        self._booted_s = 0.0

    def write(self, seconds: float, *entries: Entry) -> list[LedgerRow]:
        written = [
            LedgerRow(
                site_id=self._site_id,
                seq=next(self._seqs),
                at_utc_us=utc_us(seconds),
                mono_ms=Instant(round((seconds - self._booted_s) * 1000)),
                incarnation=self.incarnation,
                business_date=self._business_date,
                entry=entry,
            )
            for entry in entries
        ]
        self.rows += written
        return written

    def restart(self, seconds: float) -> None:
        self.incarnation += 1
        self._booted_s = seconds


def arrived(call: str) -> CallArrived:
    return CallArrived(call_id=CallId(call), dialled="95588", customer_id=None)


def entered_ivr(call: str) -> IvrEntered:
    return IvrEntered(
        call_id=CallId(call),
        queue_id=SALES,
        priority=0,
        skills=(),
        customer_class=None,
        language=Language.CHINESE,
    )


def chose(call: str, choice: str, to_node: str, node: str = "menu") -> IvrChose:
    return IvrChose(
        call_id=CallId(call),
        node=NodeName(node),
        choice=choice,
        to_node=NodeName(to_node),
        language=Language.CHINESE,
    )


def queued(call: str, queue: QueueId = SALES, priority: int = 0) -> CallQueued:
    return CallQueued(
        call_id=CallId(call),
        queue_id=queue,
        skills=(Skill("sales"),),
        priority=priority,
        customer_id=None,
    )


def offered(call: str, leg: str, agent: str = "beijing/1", handoff: str | None = None) -> AgentOffered:
    return AgentOffered(
        call_id=CallId(call),
        leg_id=LegId(leg),
        agent_id=AgentId(agent),
        queue_id=SALES,
        handoff_id=None if handoff is None else HandoffId(handoff),
    )


def connected(call: str, leg: str, waited_ms: int, agent: str = "beijing/1") -> CallConnected:
    return CallConnected(
        call_id=CallId(call),
        queue_id=SALES,
        agent_id=AgentId(agent),
        leg_id=LegId(leg),
        handoff_id=None,
        served_by=BEIJING,
        waited_ms=waited_ms,
    )


def connected_remote(call: str, handoff: str, waited_ms: int) -> CallConnected:
    return CallConnected(
        call_id=CallId(call),
        queue_id=SALES,
        agent_id=None,
        leg_id=None,
        handoff_id=HandoffId(handoff),
        served_by=URUMQI,
        waited_ms=waited_ms,
    )


def ended(
    call: str,
    disposition: Disposition = Disposition.ANSWERED,
    *,
    waited_ms: int = 0,
    talk_ms: int = 0,
    hold_ms: int = 0,
    is_short: bool = False,
    queue: QueueId | None = SALES,
) -> CallEnded:
    return CallEnded(
        call_id=CallId(call),
        queue_id=queue,
        disposition=disposition,
        reason=None,
        waited_ms=waited_ms,
        talk_ms=talk_ms,
        hold_ms=hold_ms,
        is_short=is_short,
    )
