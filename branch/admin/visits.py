"""The return visits of a site, as whoever runs it sees and changes them; the branch may be running."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

from branch.admin.site_records import SiteRecords, open_site
from branch.people.visit_names import standing_name, try_name
from node.terminal import output, print_json, print_table
from node.troubles import TroubleError
from node.words import text as _
from router.ids import CallId, CustomerId
from router.visit.outcome import VisitOutcome
from router.visit.sampling import visit_of
from router.visit.visit import Standing, Visit, done, in_turn, standing


class VisitTroubleError(TroubleError):
    """The call cannot be visited, or its visit not be changed."""

    reason = "VISIT_TROUBLE"


def show(file: Path, *, with_done: bool, as_json: bool) -> None:
    """Print the list, in the order of turns; with those that are done, when asked."""
    with open_site(file) as records:
        visits = records.return_visits.visits() if with_done else records.return_visits.open_visits()
        names = {each.customer_id: each.name for each in records.customers.customers()}
        rows = [(each, _standing(records, each)) for each in in_turn(visits)]
    if as_json:
        print_json([{**asdict(visit), "standing": stands} for visit, stands in rows])
        return
    titles = [_("Call"), _("Customer"), _("Queue"), _("Due"), _("State"), _("Tries"), _("Last try")]
    cells = [
        (
            visit.call_id,
            _customer(visit, names),
            visit.queue_id,
            visit.due_date,
            standing_name(stands, visit.outcome),
            str(visit.try_count),
            try_name(visit.last_outcome),
        )
        for visit, stands in rows
    ]
    print_table(titles, cells)


def add(file: Path, call_id: str, due: str | None) -> None:
    """Raises:
    VisitTroubleError: no such call, or it is or was on the list; nothing was changed.
    """
    with open_site(file) as records:
        today = records.today()
        call = records.return_visits.answered_call(CallId(call_id))
        if call is None:
            raise VisitTroubleError(
                _("{call} is no answered call of this site whose caller's number is known", call=call_id)
            )
        visit = visit_of(call, due_date=today if due is None else _day(due), listed_on=today)
        if not records.return_visits.add([visit]):
            raise VisitTroubleError(_("{call} is on the list, or was; see `list --all`", call=call_id))
    _say(_("{call} is on the list from {day} on", call=call_id, day=visit.due_date))


def remove(file: Path, call_id: str) -> None:
    """Raises:
    VisitTroubleError: it is not on the list, or being called; nothing was changed.
    """
    with open_site(file) as records:
        take_off = partial(_taken_off, at_utc_us=records.utc_us())
        if records.return_visits.change(CallId(call_id), take_off) is None:
            raise _unknown(call_id)
    _say(_("{call} is off the list", call=call_id))


# --- inside ---------------------------------------------------------------------------------


def _taken_off(visit: Visit, *, at_utc_us: int) -> Visit:
    if visit.done_utc_us is not None:
        raise _unknown(visit.call_id)
    if visit.outbound_id is not None:
        raise VisitTroubleError(_("the customer of {call} is being called", call=visit.call_id))
    return done(visit, VisitOutcome.REMOVED, at_utc_us)


def _unknown(call_id: str) -> VisitTroubleError:
    return VisitTroubleError(_("{call} is not on the list", call=call_id))


def _standing(records: SiteRecords, visit: Visit) -> Standing:
    policy = records.settings.visits.policy()
    return standing(visit, policy, today=records.today(), now_utc_us=records.utc_us())


def _customer(visit: Visit, names: Mapping[CustomerId, str]) -> str:
    return "" if visit.customer_id is None else names.get(visit.customer_id) or visit.customer_id


def _day(written: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise VisitTroubleError(_("{day!r} is no day; write it as 2026-03-02", day=written)) from None


def _say(message: str) -> None:
    output().print(message, markup=False)
