"""What a lab has shown: laws over all ledgers, the PBXes' own account, HQ against branches, the report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploy.lab.books import Books, PbxAccount
from deploy.lab.plan import LabPlan
from router.ids import CallId, SiteId
from router.ledger import CallArrived, CallConnected, CallEnded, LedgerRow
from router.world.figures.report import Report, build_report
from router.world.figures.tally import DayTally
from router.world.laws.journal import hq_equals_branches, journal_has_no_gap_below_the_watermark
from router.world.laws.law import VIOLATION_LIMIT, LawResult
from router.world.laws.ledgers import check_ledgers

Accounts = Mapping[SiteId, PbxAccount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """How the day was played."""

    speed: float
    seed: int
    restarts: Mapping[str, int]
    """Processes that had to be started again, and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    report: Report
    laws: Sequence[LawResult]
    are_kpis_equal: bool
    """The report's figures recomputed from HQ's rows are those of the branches' rows."""

    @property
    def is_good(self) -> bool:
        """Whether the lab kept all it promises."""
        consolidation = self.report["consolidation"]
        return (
            self.are_kpis_equal
            and (self.is_all_played or self.was_pbx_down)
            and not any(law.violation_count for law in self.laws)
            and consolidation["certified"] == consolidation["due"]
            and bool(consolidation["digests_equal"])
        )

    @property
    def is_all_played(self) -> bool:
        """Every planned caller met a PBX."""
        played = self.report["lab"]
        return bool(played["played"] == played["planned"])

    @property
    def was_pbx_down(self) -> bool:
        """A PBX ended while the day was played: who called then met nobody."""
        return any(name.startswith("pbx:") for name in self.report["lab"]["restarts"])


def judge(
    plan: LabPlan, books: Books, accounts: Accounts, staging: Staging, reference: Mapping[str, object]
) -> Verdict:
    """Everything a lab promises, from what its databases and its PBXes hold."""
    day = [row for row in books.branches if row.business_date == plan.business_date]
    day_at_hq = [row for row in books.hq if row.business_date == plan.business_date]
    same = hq_equals_branches(day, day_at_hq)
    laws = [
        *check_ledgers(books.branches),
        the_pbx_saw_the_same(books.branches, accounts),
        journal_has_no_gap_below_the_watermark(
            ((row.site_id, row.seq) for row in books.hq), _watermarks(day)
        ),
        same,
    ]
    tally, tally_at_hq = _tally(plan, day), _tally(plan, day_at_hq)
    consolidation = {
        "due": len(plan.sites),
        "certified": len(books.certified),
        "rows_branches": len(day),
        "rows_hq": len(day_at_hq),
        "quarantined": books.quarantined_count,
        "digests_equal": len(books.certified) == len(plan.sites) and not same.violation_count,
    }
    reports = [
        build_report(
            policy="reserve+pull",
            seed=staging.seed,
            tally=each,
            laws=laws,
            reference=reference,
            consolidation=consolidation,
        )
        for each in (tally, tally_at_hq)
    ]
    played = {
        "speed": staging.speed,
        "planned": len(plan.calls),
        "played": sum(account.offered_count for account in accounts.values()),
        "restarts": dict(sorted(staging.restarts.items())),
    }
    return Verdict(report={**reports[0], "lab": played}, laws=laws, are_kpis_equal=reports[0] == reports[1])


def the_pbx_saw_the_same(rows: Iterable[LedgerRow], accounts: Accounts) -> LawResult:
    """Every caller whom a PBX saw answered is one call in the ledger, ended once, and talked if it says so;
    no ledger knows of more callers than its PBX; and where people listen, who talked was heard.

    The PBX's account is its own: no branch has written it.
    """
    known = _Known()
    for row in rows:
        known.see(row)
    faults = []
    checked = 0
    for site_id, account in sorted(accounts.items()):
        for call_id, story in account.stories.items():
            checked += 1
            fault = known.fault(site_id, CallId(call_id), story, account.silence_limit_ms)
            if fault is not None:
                faults.append(f"{site_id}'s PBX saw call {call_id} {fault}")
        arrived_count = known.arrived_count(site_id)
        if arrived_count > account.offered_count:
            faults.append(
                f"{site_id}'s PBX saw {account.offered_count} callers, and the ledger has {arrived_count}"
            )
    return LawResult(
        name="the_pbx_saw_the_same",
        checked=checked,
        violations=faults[:VIOLATION_LIMIT],
        violation_count=len(faults),
    )


class _Known:
    """What the ledgers know of calls."""

    def __init__(self) -> None:
        self._arrived: set[tuple[SiteId, CallId]] = set()
        self._connected: set[CallId] = set()
        self._talk_ms: dict[CallId, int] = {}
        """Of calls that have ended."""

    def see(self, row: LedgerRow) -> None:
        entry = row.entry
        if isinstance(entry, CallArrived):
            self._arrived.add((row.site_id, entry.call_id))
        elif isinstance(entry, CallConnected):
            self._connected.add(entry.call_id)
        elif isinstance(entry, CallEnded):
            self._talk_ms[entry.call_id] = entry.talk_ms

    def arrived_count(self, site_id: SiteId) -> int:
        return sum(site == site_id for site, _call_id in self._arrived)

    def fault(
        self, site_id: SiteId, call_id: CallId, story: Mapping[str, object], silence_limit_ms: int | None
    ) -> str | None:
        """How the PBX's story of a call goes against the ledger; None when it does not."""
        has_talked = int(str(story["conversations"])) > 0
        talk_ms = self._talk_ms.get(call_id)
        if has_talked and call_id not in self._connected:
            return "talk, and the ledger did not"
        if story["taken"] and (site_id, call_id) not in self._arrived:
            return "answered, and the ledger does not know it"
        if story["taken"] and talk_ms is None:
            return "over, and the ledger has no ending"
        if (
            not has_talked
            and talk_ms is not None
            and silence_limit_ms is not None
            and talk_ms > silence_limit_ms
        ):
            return f"hear nobody, and the ledger has {talk_ms} ms of talk"
        return None


def _tally(plan: LabPlan, rows: Iterable[LedgerRow]) -> DayTally:
    tally = DayTally(
        [site.site_id for site in plan.sites],
        counts_from_utc_us=plan.day_start_utc_us + plan.scenario.warmup_ms * 1000,
    )
    for row in rows:
        tally.see(row)
    return tally


def _watermarks(day: Iterable[LedgerRow]) -> dict[SiteId, int]:
    """The last seq of each site's played day: HQ must hold all up to there."""
    last: dict[SiteId, int] = {}
    for row in day:
        last[row.site_id] = max(row.seq, last.get(row.site_id, 0))
    return last
