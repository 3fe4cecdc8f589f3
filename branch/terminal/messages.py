"""`trunkline desk messages` and `heard`: what callers left when nobody answered."""

from dataclasses import asdict
from datetime import datetime

from branch.terminal.client import DeskClient
from branch.terminal.desk import Desk
from branch.terminal.one_shot import WhoAndWhere, with_client
from branch.terminal.seen import MessageSeen
from node.terminal import print_json, print_table
from node.words import text as _
from router.ids import CallId


def show(who: WhoAndWhere, *, with_heard: bool, as_json: bool) -> None:
    """Print them."""
    found: list[MessageSeen] = []

    async def work(client: DeskClient, _desk: Desk) -> None:
        found.extend(await client.messages(with_heard=with_heard))

    with_client(who, work)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    cells = [
        (
            _moment(each.left_utc_us),
            each.queue_id,
            each.number or _("withheld number"),
            "" if each.heard_utc_us is None else f"{_moment(each.heard_utc_us)} {each.heard_by}",
            each.call_id,
        )
        for each in found
    ]
    print_table([_("Left"), _("Queue"), _("From"), _("Heard"), _("Call")], cells)


def mark_heard(who: WhoAndWhere, call_id: str) -> None:
    """Raises:
    RefusedError: there is no such message.
    """

    async def work(client: DeskClient, _desk: Desk) -> None:
        await client.mark_heard(CallId(call_id))

    with_client(who, work)


def _moment(utc_us: int) -> str:
    """On this machine's clock."""
    return f"{datetime.fromtimestamp(utc_us / 1_000_000).astimezone():%m-%d %H:%M}"
