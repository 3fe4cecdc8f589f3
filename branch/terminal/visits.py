"""The list of return visits as a person at a command sees it and works it off."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from branch.people.visit_names import standing_name, try_name
from branch.terminal.client import DeskClient
from branch.terminal.desk import Desk
from branch.terminal.moments import moment
from branch.terminal.one_shot import WhoAndWhere, with_client
from branch.terminal.seen import VisitSeen, VisitsSeen
from branch.terminal.visit_acts import ending
from node.terminal import output, print_json, print_table
from node.words import text as _
from router.ids import CallId

T = TypeVar("T")


def show_list(who: WhoAndWhere, *, as_json: bool) -> None:
    """Print those whose day has come."""
    _print(_asked(who, DeskClient.visits), as_json=as_json)


def show_next(who: WhoAndWhere, *, as_json: bool) -> None:
    """Print the one whose turn it is; nobody else is shown it for a while."""
    _print(_asked(who, DeskClient.next_visit), as_json=as_json)


def dial(who: WhoAndWhere, call_id: str) -> None:
    """Call the customer.

    Raises:
        RefusedError: the branch refused; the list is as it was.
    """
    dialled = _asked(who, lambda client: client.dial_visit(CallId(call_id)))
    if dialled.outbound_call_id is not None:
        _say(_("your phone rings; then the customer is called"))
    else:
        _say(ending(dialled))


def skip(who: WhoAndWhere, call_id: str, reason: str, *, is_for_good: bool) -> None:
    """Say that nobody is to be called, and why.

    Raises:
        RefusedError: the branch refused; the list is as it was.
    """
    _asked(who, lambda client: client.skip_visit(CallId(call_id), reason, is_for_good=is_for_good))
    if is_for_good:
        _say(_("the visit is off the list; why is kept as a note"))
    else:
        _say(_("the visit rests; why is kept as a note"))


def _asked(who: WhoAndWhere, question: Callable[[DeskClient], Awaitable[T]]) -> T:
    answers: list[T] = []

    async def work(client: DeskClient, _desk: Desk) -> None:
        answers.append(await question(client))

    with_client(who, work)
    return answers[-1]


def _print(seen: VisitsSeen, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(seen))
        return
    if not seen.is_open:
        _say(_("customers may not be called at this hour"))
    if not seen.visits:
        _say(_("nobody is to be called"))
        return
    titles = [
        _("Call"),
        _("Customer"),
        _("Queue"),
        _("Called"),
        _("Due"),
        _("State"),
        _("Tries"),
        _("Last try"),
    ]
    print_table(titles, [_cells(each) for each in seen.visits])
    more = seen.visit_count - len(seen.visits)
    if more:
        _say(_("and {count} more", count=more))


def _cells(visit: VisitSeen) -> tuple[str, ...]:
    return (
        visit.call_id,
        visit.customer_name or visit.customer_id or "",
        visit.queue_id,
        moment(visit.called_utc_us),
        visit.due_date,
        standing_name(visit.standing),
        str(visit.try_count),
        try_name(visit.last_outcome),
    )


def _say(message: str) -> None:
    output().print(message, markup=False)
