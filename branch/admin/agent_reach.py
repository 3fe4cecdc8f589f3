"""Where an agent is reached, as whoever sets a site up writes it: `phone:15`, `+8613800138000:30`."""

from collections.abc import Sequence
from pathlib import Path

from branch.admin.agents import PersonTroubleError
from branch.admin.site_records import SiteRecords, open_site
from branch.admin.written_numbers import written_number
from node.ids import agent_id as id_of
from node.terminal import output, print_json, print_table
from node.troubles import TroubleError
from node.words import text as _
from router.acd.place import OWN_PHONE, PLACE_LIMIT, PLACE_RING_LIMIT_MS, Place
from router.errors import NotAllowedError
from router.ids import AgentId, SiteId
from router.outbound.routes import Routes

_PHONE = "phone"


class BadPlaceError(TroubleError):
    """The text is no place where an agent could be rung."""

    reason = "PLACE_BAD"


def set_reach(file: Path, person: str, written: Sequence[str]) -> None:
    """Let the agent be reached at these places, one after the other; none: at its own phone.

    Raises:
        PersonTroubleError: there is no such agent.
        BadPlaceError, BadNumberError: a place is none, or may not be dialled. Nothing was changed.
    """
    with open_site(file) as records:
        agent_id = _known(records, person)
        settings = records.settings
        routes = Routes(SiteId(settings.site.id), settings.outbound.policy())
        places = [_read(each, settings.site.country, routes) for each in written]
        if len(places) > PLACE_LIMIT:
            raise BadPlaceError(_("an agent has {limit} places at most", limit=PLACE_LIMIT))
        records.agent_places.set_places(agent_id, places)
    if places:
        message = _("{person} is reached there from its next call on", person=agent_id)
    else:
        message = _("{person} is reached at its own phone from its next call on", person=agent_id)
    output().print(message, markup=False)


def show_reach(file: Path, person: str, *, as_json: bool) -> None:
    """Print where the agent is reached.

    Raises:
        PersonTroubleError: there is no such agent.
    """
    with open_site(file) as records:
        agent_id = _known(records, person)
        places = records.agent_places.places().get(agent_id, OWN_PHONE)
    if as_json:
        print_json([{"number": each.number, "ring_limit_ms": each.ring_limit_ms} for each in places])
        return
    cells = [
        (str(position), each.number or _("own phone"), _seconds(each.ring_limit_ms))
        for position, each in enumerate(places, start=1)
    ]
    print_table([_("Place"), _("Where"), _("Rings for")], cells)


def _known(records: SiteRecords, person: str) -> AgentId:
    known = id_of(records.site_id, person)
    if records.people.agent(known) is None:
        raise PersonTroubleError(_("{person} is not known at this site", person=known))
    return known


def _read(written: str, country: str | None, routes: Routes) -> Place:
    where, _colon, seconds = written.partition(":")
    ring_limit_ms = _limit_ms(written, seconds) if seconds or written.endswith(":") else None
    if where == _PHONE:
        return Place(ring_limit_ms=ring_limit_ms)
    number = written_number(where, country)
    try:
        routes.choose_own(number)
    except NotAllowedError as refusal:
        raise BadPlaceError(str(refusal)) from None
    return Place(number=number, ring_limit_ms=ring_limit_ms)


def _limit_ms(written: str, seconds: str) -> int:
    most = PLACE_RING_LIMIT_MS // 1000
    if not (seconds.isascii() and seconds.isdigit() and 1 <= int(seconds) <= most):
        raise BadPlaceError(
            _("{place!r}: after the colon stand 1 to {most} seconds of ringing", place=written, most=most)
        )
    return int(seconds) * 1000


def _seconds(ring_limit_ms: int | None) -> str:
    if ring_limit_ms is None:
        return _("as long as the queue lets it")
    return _("{seconds} s", seconds=ring_limit_ms // 1000)
