"""What-if: one scenario, one calls file, one policy, one seed; one report."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from router.ledger import LedgerRow
from router.world.clock import START_UTC_US
from router.world.cluster import Cluster, Watchers
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario
from router.world.figures.report import Report, build_report, reference_figures
from router.world.figures.tally import DayTally
from router.world.laws.law import LawResult
from router.world.laws.ledgers import ledger_laws
from router.world.reference.day import Served
from router.world.reference.policies import Policy, play_field

_BY_FLOORS = frozenset({Policy.RESERVE_PULL, Policy.ISOLATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    report: Report
    laws: tuple[LawResult, ...]
    """Empty for the field's policies, which keep no ledger."""

    @property
    def violations(self) -> list[str]:
        return [f"{law.name}: {violation}" for law in self.laws for violation in law.violations]


class Tally(Protocol):
    """What adds up a day from a ledger as it grows, or from outcomes where there is none."""

    def see(self, row: LedgerRow) -> None: ...

    def add_served(self, served: Iterable[Served], *, warmup_ms: int) -> None: ...


def new_tally(scenario: Scenario) -> DayTally:
    """Of a day that has not been played; its warm-up won't count."""
    return DayTally(scenario.site_ids, counts_from_utc_us=START_UTC_US + scenario.warmup_ms * 1000)


def play_into(
    tallies: Sequence[Tally],
    scenario: Scenario,
    calls: list[PlannedCall],
    *,
    policy: Policy,
    seed: int,
    see_row: Callable[[LedgerRow], None] | None = None,
) -> tuple[LawResult, ...]:
    """Play the day once and let all `tallies` add it up; the laws, none for the field's policies."""
    if policy in _BY_FLOORS:
        listeners = [tally.see for tally in tallies] + ([] if see_row is None else [see_row])
        return tuple(_play_floors(scenario, calls, policy, seed, listeners))
    served = play_field(scenario, calls, policy, seed)
    for tally in tallies:
        tally.add_served(served, warmup_ms=scenario.warmup_ms)
    return ()


def play_what_if(
    scenario: Scenario,
    calls: list[PlannedCall],
    *,
    policy: Policy,
    seed: int,
    see_row: Callable[[LedgerRow], None] | None = None,
) -> WhatIf:
    """The same report for the same arguments; `see_row` is told every ledger row on the way."""
    tally = new_tally(scenario)
    laws = play_into([tally], scenario, calls, policy=policy, seed=seed, see_row=see_row)
    report = build_report(
        policy=policy.value,
        seed=seed,
        tally=tally,
        laws=laws,
        reference=reference_figures(scenario, calls),
    )
    return WhatIf(report=report, laws=laws)


def _play_floors(
    scenario: Scenario,
    calls: list[PlannedCall],
    policy: Policy,
    seed: int,
    listeners: Sequence[Callable[[LedgerRow], None]],
) -> list[LawResult]:
    book = ledger_laws()
    objections: list[str] = []

    def see(row: LedgerRow) -> None:
        book.see(row)
        for listener in listeners:
            listener(row)

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
