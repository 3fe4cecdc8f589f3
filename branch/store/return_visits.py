"""Return visits as the site keeps them: whom to call again, and what came of it; no numbers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select

from branch.store.site_database import SiteDatabase
from branch.store.statements import Values, upsert_rows
from router.call import Disposition
from router.ids import AgentId, CallId, CustomerId, QueueId
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.sampling import AnsweredCall
from router.visit.visit import Try, Visit
from sync.records.tables import CALLERS, CALLS, OUTBOUND_CALLS, RETURN_VISITS

BATCH_SIZE = 200
"""Visits a commit: the running branch's own commits wait no longer than for one of these."""


class ReturnVisits:
    """Serves desks and the commands; its calls block."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    # --- the list ----------------------------------------------------------------------

    def open_visits(self) -> list[Visit]:
        """All that are not done."""
        return self._read(self._all().where(RETURN_VISITS.c.done_utc_us.is_(None)))

    def visits(self) -> list[Visit]:
        """All that ever were, by the day they are or were due."""
        return self._read(self._all().order_by(RETURN_VISITS.c.due_date, RETURN_VISITS.c.call_id))

    def visit(self, call_id: CallId) -> Visit | None:
        return next(iter(self._read(self._all().where(RETURN_VISITS.c.call_id == call_id))), None)

    def add(self, visits: Sequence[Visit]) -> int:
        """Put them on the list, but for those that are or were on it; returns how many were new."""
        return sum(
            self._add(visits[begin : begin + BATCH_SIZE]) for begin in range(0, len(visits), BATCH_SIZE)
        )

    def change(self, call_id: CallId, changed: Callable[[Visit], Visit]) -> Visit | None:
        """Let `changed` say what becomes of a visit; what it raises leaves it as it is. None: no such visit.

        Nobody else changes it meanwhile.
        """
        with self._database.writing() as connection:
            row = connection.execute(
                self._all().where(RETURN_VISITS.c.call_id == call_id).with_for_update()
            ).first()
            if row is None:
                return None
            visit = changed(_visit(row))
            upsert_rows(connection, RETURN_VISITS, [self._values(visit)])
            return visit

    # --- tries -------------------------------------------------------------------------

    def tries(self) -> list[Try]:
        """The calls that go out for visits that are not done."""
        calls = OUTBOUND_CALLS
        query = (
            select(
                RETURN_VISITS.c.call_id,
                RETURN_VISITS.c.outbound_id,
                calls.c.call_id.label("known_id"),
                calls.c.outcome,
                calls.c.ended_utc_us,
            )
            .outerjoin(
                calls,
                (calls.c.site_id == RETURN_VISITS.c.site_id)
                & (calls.c.call_id == RETURN_VISITS.c.outbound_id),
            )
            .where(
                RETURN_VISITS.c.site_id == self._database.site_id,
                RETURN_VISITS.c.done_utc_us.is_(None),
                RETURN_VISITS.c.outbound_id.is_not(None),
            )
        )
        with self._database.reading() as connection:
            return [_try(row) for row in connection.execute(query)]

    # --- calls -------------------------------------------------------------------------

    def answered_calls(self, business_date: str) -> list[AnsweredCall]:
        """The day's calls that were answered and have ended, whose callers' numbers are known."""
        query = self._callable().where(
            CALLS.c.business_date == business_date, CALLS.c.disposition == str(Disposition.ANSWERED)
        )
        with self._database.reading() as connection:
            return [_call(row) for row in connection.execute(query.order_by(CALLS.c.call_id))]

    def answered_call(self, call_id: CallId) -> AnsweredCall | None:
        """None: there is none like that."""
        query = self._callable().where(
            CALLS.c.call_id == call_id, CALLS.c.disposition == str(Disposition.ANSWERED)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _call(row)

    def has_open_calls(self, business_date: str) -> bool:
        """Whether a call that came on this day still lasts."""
        query = select(CALLS.c.call_id).where(
            CALLS.c.site_id == self._database.site_id,
            CALLS.c.business_date == business_date,
            CALLS.c.ended_utc_us.is_(None),
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    # --- inside ------------------------------------------------------------------------

    def _callable(self) -> Select[Any]:
        return (
            select(CALLS)
            .join(CALLERS, (CALLERS.c.site_id == CALLS.c.site_id) & (CALLERS.c.call_id == CALLS.c.call_id))
            .where(
                CALLS.c.site_id == self._database.site_id,
                CALLS.c.queue_id.is_not(None),
                CALLERS.c.number.is_not(None),
            )
        )

    def _add(self, visits: Sequence[Visit]) -> int:
        wanted = [each.call_id for each in visits]
        with self._database.writing() as connection:
            known = select(RETURN_VISITS.c.call_id).where(
                RETURN_VISITS.c.site_id == self._database.site_id, RETURN_VISITS.c.call_id.in_(wanted)
            )
            taken = set(connection.execute(known).scalars())
            new = [self._values(each) for each in visits if each.call_id not in taken]
            upsert_rows(connection, RETURN_VISITS, new)
            return len(new)

    def _all(self) -> Select[Any]:
        return select(RETURN_VISITS).where(RETURN_VISITS.c.site_id == self._database.site_id)

    def _read(self, query: Select[Any]) -> list[Visit]:
        with self._database.reading() as connection:
            return [_visit(row) for row in connection.execute(query)]

    def _values(self, visit: Visit) -> Values:
        # Drivers know str; what they make of its subclasses is their own affair.
        values = {
            name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(visit).items()
        }
        return {"site_id": self._database.site_id, **values}


def _visit(row: Any) -> Visit:
    return Visit(
        call_id=CallId(row.call_id),
        customer_id=None if row.customer_id is None else CustomerId(row.customer_id),
        queue_id=QueueId(row.queue_id),
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        called_utc_us=row.called_utc_us,
        due_date=row.due_date,
        business_date=row.business_date,
        try_count=row.try_count,
        outbound_id=None if row.outbound_id is None else CallId(row.outbound_id),
        tried_utc_us=row.tried_utc_us,
        last_outbound_id=None if row.last_outbound_id is None else CallId(row.last_outbound_id),
        last_outcome=None if row.last_outcome is None else OutboundOutcome(row.last_outcome),
        done_utc_us=row.done_utc_us,
        outcome=None if row.outcome is None else VisitOutcome(row.outcome),
    )


def _try(row: Any) -> Try:
    return Try(
        visit_id=CallId(row.call_id),
        outbound_id=CallId(row.outbound_id),
        is_known=row.known_id is not None,
        outcome=None if row.outcome is None else OutboundOutcome(row.outcome),
        ended_utc_us=row.ended_utc_us,
    )


def _call(row: Any) -> AnsweredCall:
    return AnsweredCall(
        call_id=CallId(row.call_id),
        customer_id=None if row.customer_id is None else CustomerId(row.customer_id),
        queue_id=QueueId(row.queue_id),
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        arrived_utc_us=row.arrived_utc_us,
        business_date=row.business_date,
    )
