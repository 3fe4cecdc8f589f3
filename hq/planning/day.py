"""The day a planner plays: out of a ledger, or out of a scenario and its calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hq.clock_names import clock_name
from hq.planning.ledger_book import open_book
from hq.planning.past import read_past
from node.plays import read_calls, read_scenario
from node.troubles import TroubleError
from node.words import plural
from node.words import text as _
from router.ids import SiteId
from router.world.day.busy_hour import MadeUpDay, generate
from router.world.day.calls import PlannedCall
from router.world.day.past_day import PastDay
from router.world.day.scenario import Scenario

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadChoiceError(TroubleError):
    """Options that do not go together, or that ask for what can't be had."""

    reason = "INPUT_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDay:
    """A day with all that is needed to play it, and to say what time it is in it."""

    name: str
    scenario: Scenario
    past: PastDay | None
    """Of a ledger: drawn anew for each seed."""
    calls: list[PlannedCall]
    """Of a calls file, or made up by the scenario; empty with a ledger."""
    made_up: MadeUpDay | None = None
    """What `calls` are made up by: it makes other days too."""
    began_utc_us: int | None = None
    """Of a ledger: the scenario's first instant."""
    business_date: str | None = None
    zones: Mapping[SiteId, str]
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()
    """What a reader must know of how the day was made."""

    def clock(self, at_ms: int) -> datetime:
        """The wall clock of the first site, or the time since the scenario's start, at a played moment."""
        if self.began_utc_us is None:
            return _EPOCH + timedelta(milliseconds=at_ms)
        moment = _EPOCH + timedelta(microseconds=self.began_utc_us, milliseconds=at_ms)
        return moment.astimezone(self._zone(self.scenario.site_ids[0]))

    def clock_name(self) -> str:
        """Whose clock `clock` is, for whoever reads a time of it."""
        if self.began_utc_us is None:
            return _("since the scenario's start")
        return clock_name(self.clock(0), self._zone(self.scenario.site_ids[0]))

    def from_midnight(self, site_id: SiteId, minutes: int) -> int:
        """The played moment, in ms, of so many minutes after midnight on the site's wall clock."""
        if self.began_utc_us is None or self.business_date is None:
            return minutes * 60_000
        day = date.fromisoformat(self.business_date) + timedelta(days=minutes // 1440)
        local = datetime.combine(day, time(minutes // 60 % 24, minutes % 60))
        zone = self._zone(site_id)
        moment = local.astimezone() if zone is None else local.replace(tzinfo=zone)
        return ((moment - _EPOCH) // timedelta(microseconds=1) - self.began_utc_us) // 1000

    def _zone(self, site_id: SiteId) -> ZoneInfo | None:
        """None: this machine's own, since a branch's database does not say."""
        return ZoneInfo(self.zones[site_id]) if site_id in self.zones else None


def read_day(
    *, from_ledger: str | None, day: str | None, scenario: Path | None, calls: Path | None, seed: int = 1
) -> PlannedDay:
    """The day that the options name; `seed` makes one for a scenario without a calls file.

    Raises:
        BadChoiceError: they do not go together.
        BadLedgerError, BadFileError, OSError: what they name can't be used.
    """
    if from_ledger is not None:
        if day is None:
            raise BadChoiceError(_("--from-ledger needs --day too, such as --day 2026-03-02"))
        if calls is not None:
            raise BadChoiceError(_("--from-ledger brings its own calls; leave --calls out"))
        return _of_ledger(from_ledger, day, None if scenario is None else read_scenario(scenario))
    if scenario is None:
        raise BadChoiceError(
            _("give --scenario, with --calls or for a made-up day, or --from-ledger and --day")
        )
    if day is not None:
        raise BadChoiceError(_("--day belongs to --from-ledger; a calls file is one day already"))
    return _of_files(scenario, calls, seed)


def _of_files(scenario_path: Path, calls_path: Path | None, seed: int) -> PlannedDay:
    scenario = read_scenario(scenario_path)
    calls = generate(scenario, seed) if calls_path is None else read_calls(calls_path, scenario)
    source = calls_path or scenario_path
    if not calls:
        raise BadChoiceError(_("{path} has no calls within the scenario's duration", path=source))
    return PlannedDay(
        name=source.name,
        scenario=scenario,
        past=None,
        calls=calls,
        made_up=MadeUpDay(scenario) if calls_path is None else None,
        zones={},
        left_out={},
    )


def _of_ledger(where: str, day: str, like: Scenario | None) -> PlannedDay:
    with open_book(where) as book:
        past = read_past(book, day, like)
        zones = book.time_zones()
        is_hq = book.is_hq
    notes = []
    if past.mixed_sites:
        notes.append(
            _(
                "agents of {sites} do not all serve the same queues; here each serves all that any did",
                sites=", ".join(past.mixed_sites),
            )
        )
    if past.away_count:
        notes.append(
            plural(
                "{count} caller was served by another site, which this ledger does not know: here the site is"
                " alone, and fares worse than it did; ask HQ's database",
                "{count} callers were served by other sites, which this ledger does not know: here the site"
                " is alone, and fares worse than it did; ask HQ's database",
                past.away_count,
            )
        )
    if past.helped_count:
        notes.append(
            plural(
                "{count} call of other sites was served here and is left out; HQ's database has them all",
                "{count} calls of other sites were served here and are left out; HQ's database has them all",
                past.helped_count,
            )
        )
    if not is_hq:
        notes.append(_("times are this machine's; HQ's database knows each site's time zone"))
    return PlannedDay(
        name=day,
        scenario=past.scenario,
        past=past.day,
        calls=[],
        began_utc_us=past.began_utc_us,
        business_date=day,
        zones=zones,
        left_out=past.left_out,
        notes=tuple(notes),
    )
