"""The shell of `trunkline import technion`: a data file in, a calls file out, and what was left out."""

import gzip
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from node.ids import refuse
from node.plays import BadFileError
from node.terminal import Column, output, print_table
from node.troubles import TroubleError
from node.words import marked
from node.words import text as _
from router.id_rules import site_fault
from router.ids import SiteId
from router.problems import BadInputError
from router.world.day.busy_hour import site_names
from router.world.day.calls import PlannedCall, format_calls
from router.world.technion.calls import BankHabits, Drawn, Window, draw_calls
from router.world.technion.rows import BankData, Skipped, read_rows


class BadImportError(TroubleError):
    """An option that does not fit the data."""

    reason = "INPUT_INVALID"


def run(
    path: Path,
    *,
    sites: str,
    weights: str | None,
    day: str,
    begin: str,
    end: str,
    seed: int,
    out: Path,
    has_priorities: bool,
) -> None:
    """Write the calls of one day and say what became of its rows.

    Raises:
        BadImportError, BadFileError, OSError: nothing was written.
    """
    site_ids = parse_sites(sites)
    shares = parse_weights(weights, len(site_ids))
    window = Window(from_s=parse_clock(begin), until_s=parse_clock(end))
    if window.from_s >= window.until_s:
        raise BadImportError(_("--from {begin} must come before --to {end}", begin=begin, end=end))
    data = _read(path)
    date = _known_day(data, day)
    drawn = draw_calls(
        (call for call in data.calls if call.date == date),
        BankHabits(data.calls),
        sites=site_ids,
        weights=shares,
        window=window,
        seed=seed,
        has_priorities=has_priorities,
    )
    with out.open("w", encoding="utf-8", newline="") as file:
        file.writelines(format_calls(drawn.calls))
    _print_rows(data, date, drawn)
    _print_sites(drawn.calls, site_ids, window)


def parse_sites(text: str) -> tuple[SiteId, ...]:
    """A number of sites, which then have the lab's names, or the names themselves."""
    is_number = text.isdecimal()
    if is_number and int(text) > 0:
        return site_names(int(text))
    names = tuple(SiteId(name.strip()) for name in text.split(","))
    for name in names:
        refuse(site_fault(name))
    if is_number or len(set(names)) < len(names):
        raise BadImportError(
            _("--sites must be a number or names like beijing,urumqi; it is {text}", text=text)
        )
    return names


def parse_weights(text: str | None, count: int) -> tuple[float, ...]:
    """One share a site, in the order of the sites; equal shares without any."""
    if text is None:
        return (1.0,) * count
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if len(shares) != count or not all(0 <= share < 1e9 for share in shares) or sum(shares) <= 0:
        raise BadImportError(
            _("--weights must be {count} numbers, such as 5,3,2; it is {text}", count=count, text=text)
        )
    return shares


def parse_clock(text: str) -> int:
    """`9`, `9:30` or `24` as seconds after midnight."""
    found = re.fullmatch(r"(\d{1,2})(?::(\d\d))?", text)
    seconds = int(found[1]) * 3600 + int(found[2] or 0) * 60 if found else -1
    if not found or not 0 <= seconds <= 86_400 or int(found[2] or 0) > 59:
        raise BadImportError(_("a time of day is written 9, 9:30 or 24; it is {text}", text=text))
    return seconds


def _read(path: Path) -> BankData:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="latin-1") as packed:
                return read_rows(packed)
        with path.open(encoding="latin-1") as plain:
            return read_rows(plain)
    except BadInputError as error:
        raise BadFileError(path, error.problems) from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise BadImportError(f"{path}: {error}") from error


def _known_day(data: BankData, day: str) -> str:
    """1999-02-03 or 990203, as the data writes it."""
    date = day.replace("-", "")[-6:]
    if date not in data.row_counts:
        known = ", ".join(data.days)
        raise BadImportError(_("the file has no day {day}; it has {known}", day=day, known=known))
    return date


def _print_rows(data: BankData, date: str, drawn: Drawn) -> None:
    kept = sum(call.date == date for call in data.calls)
    print_table(
        [_("rows of the day"), Column(title=_("count"), is_number=True)],
        [
            (_("in the file"), data.row_counts[date]),
            *(
                (_("left out: {reason}", reason=_(_REASONS[reason])), data.skipped[(date, reason)])
                for reason in Skipped
                if data.skipped[(date, reason)]
            ),
            (_("kept"), kept),
            (_("of those, in the chosen hours: the calls written"), len(drawn.calls)),
            (_("hung up; their service time was drawn from their type's"), drawn.services_drawn),
            (_("answered; their patience was drawn beyond what they waited"), drawn.patiences_drawn),
        ],
    )


def _print_sites(calls: Sequence[PlannedCall], site_ids: Sequence[SiteId], window: Window) -> None:
    """With the agents that the work alone would keep busy: a scenario needs somewhat more."""
    number = Counter(call.site_id for call in calls)
    work_ms: Counter[SiteId] = Counter()
    for call in calls:
        work_ms[call.site_id] += call.handle_ms
    hours_ms = (window.until_s - window.from_s) * 1000
    print_table(
        [
            _("site"),
            Column(title=_("calls"), is_number=True),
            Column(title=_("agents kept busy"), is_number=True),
        ],
        [(site_id, number[site_id], f"{work_ms[site_id] / hours_ms:.1f}") for site_id in site_ids],
    )
    output().print(_("Queues: {queues}", queues=", ".join(sorted({call.queue_id for call in calls}))))


_REASONS: Mapping[Skipped, str] = {
    Skipped.BROKEN: marked("fields are missing or are no numbers"),
    Skipped.PHANTOM: marked("marked as phantom calls"),
    Skipped.OVER_MIDNIGHT: marked("asked for a person after midnight"),
    Skipped.WAITED_TOO_LONG: marked("waited over 15 minutes, says the row"),
    Skipped.NO_AGENT: marked("answered, and no agent is named"),
    Skipped.NO_SERVICE: marked("answered, with a service of 0 seconds"),
    Skipped.SERVED_AND_HUNG_UP: marked("hung up, yet with a service time"),
    Skipped.NEVER_ASKED: marked("hung up before asking for a person"),
}
