"""A story as people read it at a terminal, and as programs do."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hq.clock_names import clock_name
from hq.explain.decisions import decision_lines, decision_of, decision_tree
from hq.explain.sentences import sentence
from hq.explain.story import Story
from node.terminal import Column, output, print_table
from node.words import text as _
from router.ids import SiteId
from router.ledger import CallArrived, CallEnded, HandoffConnected, LedgerRow, Role


def print_story(story: Story, zone: ZoneInfo | None) -> None:
    """`zone` is that of the times; None is this machine's own."""
    began_us = story.began.at_utc_us
    rows = [
        (_clock(row, zone), f"{(row.at_utc_us - began_us) / 1e6:+.3f}", row.site_id, _told(row))
        for row in story.rows
    ]
    moment = _moment(story.began, zone)
    title = _(
        "Call {call}, {day}; times: {clock}",
        call=story.call_id,
        day=moment.date(),
        clock=clock_name(moment, zone),
    )
    columns: list[Column | str] = [
        _("time"),
        Column(title=_("after s"), is_number=True),
        _("site"),
        _("what happened"),
    ]
    print_table(columns, rows, title=title)
    for line in _summary(story):
        output().print(line, markup=False)


def story_tree(story: Story) -> dict[str, Any]:
    """For programs: every row with its sentence, fields and decision."""
    began_us = story.began.at_utc_us
    return {
        "call_id": story.call_id,
        "origin": story.began.site_id,
        "silent_sites": list(story.silent_sites),
        "rows": [_row_tree(row, began_us) for row in story.rows],
    }


def _row_tree(row: LedgerRow, began_us: int) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "site": row.site_id,
        "seq": row.seq,
        "at_utc": (datetime.fromtimestamp(row.at_utc_us // 1_000_000, UTC)).replace(
            microsecond=row.at_utc_us % 1_000_000
        ),
        "after_ms": (row.at_utc_us - began_us) // 1000,
        "kind": row.entry.kind,
        "told": sentence(row.entry),
        "fields": {
            field.name: getattr(row.entry, field.name)
            for field in fields(row.entry)
            if field.name != "decision"
        },
    }
    decided = decision_of(row)
    if decided is not None:
        tree["decision"] = decision_tree(*decided)
    return tree


def _told(row: LedgerRow) -> str:
    decided = decision_of(row)
    lines = [sentence(row.entry)]
    if decided is not None:
        lines += [f"  {line}" for line in decision_lines(*decided)]
    return "\n".join(lines)


def _summary(story: Story) -> list[str]:
    """What a person wants to know first, last: it stands where the eye is."""
    lines = []
    own = [row for row in story.rows if getattr(row.entry, "call_id", None) == story.call_id]
    ended = [row.entry for row in own if isinstance(row.entry, CallEnded)]
    if ended:
        lines.append(f"{story.began.site_id}: {sentence(ended[-1])}")
    elif isinstance(story.began.entry, CallArrived):
        lines.append(_("The call has not ended by these rows."))
    served = [
        row.entry
        for row in story.rows
        if isinstance(row.entry, HandoffConnected) and row.entry.role is Role.HELPER
    ]
    lines += [
        _("Served away from home, by {agent_id}.", agent_id=entry.agent_id)
        for entry in served
        if entry.agent_id
    ]
    if story.silent_sites:
        lines.append(
            _(
                "No rows of {sites} are here: ask their own databases too (--from-ledger again), or HQ's"
                " after its night.",
                sites=", ".join(story.silent_sites),
            )
        )
    if len({row.site_id for row in story.rows}) > 1:
        lines.append(_("Each site's rows bear the time of its own clock."))
    return lines


def _moment(row: LedgerRow, zone: ZoneInfo | None) -> datetime:
    return datetime.fromtimestamp(row.at_utc_us / 1e6, UTC).astimezone(zone)


def _clock(row: LedgerRow, zone: ZoneInfo | None) -> str:
    return f"{_moment(row, zone):%H:%M:%S}.{row.at_utc_us // 1000 % 1000:03d}"


def zone_of(zones: Mapping[SiteId, str], site_id: SiteId) -> ZoneInfo | None:
    """The site's own wall clock where HQ knows it."""
    return ZoneInfo(zones[site_id]) if site_id in zones else None
