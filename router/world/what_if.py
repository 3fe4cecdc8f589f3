"""What-if: one scenario, one calls file, one policy, one seed; one report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from router.ledger import LedgerRow
from router.world.calls import PlannedCall
from router.world.cluster import Cluster, Watchers
from router.world.laws.law import LawResult
from router.world.laws.ledgers import ledger_laws
from router.world.node import START_UTC_US
from router.world.reference.policies import Policy, play_field
from router.world.report import Report, build_report, reference_figures
from router.world.scenario import Scenario
from router.world.tally import DayTally

_BY_FLOORS = frozenset({Policy.RESERVE_PULL, Policy.ISOLATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    report: Report
    laws: tuple[LawResult, ...]
    """Empty for the field's policies, which keep no ledger."""

    @property
    def violations(self) -> list[str]:
        return [f"{law.name}: {violation}" for law in self.laws for violation in law.violations]


def play_what_if(
    scenario: Scenario,
    calls: list[PlannedCall],
    *,
    policy: Policy,
    seed: int,
    see_row: Callable[[LedgerRow], None] | None = None,
) -> WhatIf:
    """The same report for the same arguments; `see_row` is told every ledger row on the way."""
    tally = DayTally(scenario.site_ids, counts_from_utc_us=START_UTC_US + scenario.warmup_ms * 1000)
    laws: Iterable[LawResult] = ()
    if policy in _BY_FLOORS:
        laws = _play_floors(scenario, calls, policy, seed, tally, see_row)
    else:
        tally.add_served(play_field(scenario, calls, policy, seed), warmup_ms=scenario.warmup_ms)
    report = build_report(
        policy=policy.value,
        seed=seed,
        tally=tally,
        laws=laws,
        reference=reference_figures(scenario, calls),
    )
    return WhatIf(report=report, laws=tuple(laws))


def _play_floors(
    scenario: Scenario,
    calls: list[PlannedCall],
    policy: Policy,
    seed: int,
    tally: DayTally,
    see_row: Callable[[LedgerRow], None] | None,
) -> list[LawResult]:
    book = ledger_laws()
    objections: list[str] = []

    def see(row: LedgerRow) -> None:
        book.see(row)
        tally.see(row)
        if see_row is not None:
            see_row(row)

    cluster = Cluster(
        scenario,
        calls,
        seed=seed,
        watchers=Watchers(see_row=see, object_to=objections.append),
        is_overflowing=policy is Policy.RESERVE_PULL,
    )
    cluster.play()
    results = book.results(cluster.in_system())
    phones = LawResult(
        name="a_phone_rings_for_one_call",
        checked=cluster.loop.event_count,
        violations=objections,
        violation_count=len(objections),
    )
    return [*results, phones]
