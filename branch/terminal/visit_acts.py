"""What a person at a desk can want of the return visits: see who is next, call, or let it be."""

from dataclasses import dataclass

from branch.people.visit_names import try_name
from branch.terminal.client import DeskClient
from branch.terminal.menu import Choice, Menu
from branch.terminal.moments import moment
from branch.terminal.seen import VisitDialled, VisitSeen
from node.words import plural
from node.words import text as _
from router.ids import CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class DialVisit:
    """One's own phone rings first."""

    call_id: CallId

    async def ask(self, client: DeskClient) -> Menu | None:
        dialled = await client.dial_visit(self.call_id)
        if dialled.outbound_call_id is not None:
            return None
        return _told(ending(dialled))


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipVisit:
    """Nobody is called: now, or for good."""

    call_id: CallId
    reason: str
    is_for_good: bool

    async def ask(self, client: DeskClient) -> None:
        await client.skip_visit(self.call_id, self.reason, is_for_good=self.is_for_good)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextVisit:
    """Preview: nobody is called before the person says so."""

    async def ask(self, client: DeskClient) -> Menu:
        found = await client.next_visit()
        if not found.visits:
            why = _("customers may not be called at this hour")
            return _told(_("nobody is to be called") if found.is_open else why)
        (visit,) = found.visits
        label = _("Call {customer}", customer=_preview(visit))
        call = Choice(label=label, act=DialVisit(call_id=visit.call_id))
        rest = [*_ways_to_skip(visit.call_id), Choice(label=_("Not now"), act=None)]
        return Menu(title=_("Return visit"), choices=[call, *rest])


def ending(dialled: VisitDialled) -> str:
    """Why nobody is called, now or later."""
    if dialled.outcome == "NO_NUMBER":
        return _("the visit has ended: the customer's number is not known any more")
    return _("the visit has ended: the customer's number may not be dialled from here")


def _ways_to_skip(call_id: CallId) -> list[Choice]:
    """The usual reasons; any other one is written with `trunkline desk skip-visit`."""
    another_time = _("asked for another time")
    put_off = Choice(
        label=_("Put off: {reason}", reason=another_time),
        act=SkipVisit(call_id=call_id, reason=another_time, is_for_good=False),
    )
    taken_off = [
        Choice(
            label=_("Take off the list: {reason}", reason=why),
            act=SkipVisit(call_id=call_id, reason=why, is_for_good=True),
        )
        for why in (_("wants no call"), _("is settled"), _("wrong number"))
    ]
    return [put_off, *taken_off]


def _told(why: str) -> Menu:
    return Menu(title=_("Return visit"), choices=[Choice(label=why, act=None)])


def _preview(visit: VisitSeen) -> str:
    who = visit.customer_name or visit.customer_id or _("unknown caller")
    kind = () if visit.customer_class is None else (visit.customer_class,)
    called = _("called on {moment}", moment=moment(visit.called_utc_us))
    parts = [who, *kind, _("queue {queue}", queue=visit.queue_id), called]
    if visit.agent_id is not None:
        parts.append(_("answered by {agent}", agent=visit.agent_id))
    if visit.last_outcome is not None:
        tries = plural("{count} try", "{count} tries", visit.try_count)
        parts.append(f"{tries} ({try_name(visit.last_outcome)})")
    return "  ".join(parts)
