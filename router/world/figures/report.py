"""The report that what-if, lab and planner share: the same figures in the same order, to the byte.

Rates are in percent, waits in seconds, three digits after the point; no data is null.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from router.ids import SiteId
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario
from router.world.figures.tally import DayTally, WaitTally
from router.world.laws.law import LawResult
from router.world.reference.policies import play_isolated, play_pooled

Report = dict[str, Any]


def build_report(
    *,
    policy: str,
    seed: int,
    tally: DayTally,
    laws: Iterable[LawResult],
    reference: Mapping[str, Any],
    consolidation: Mapping[str, Any] | None = None,
) -> Report:
    """`consolidation` is null where no night falls, as in a what-if."""
    return {
        "policy": policy,
        "seed": seed,
        "cluster": _cluster(tally),
        "sites": {site_id: _site(tally, site_id) for site_id in tally.sites},
        "laws": {law.name: {"checked": law.checked, "violations": law.violation_count} for law in laws},
        "reference": dict(reference),
        "consolidation": None if consolidation is None else dict(consolidation),
    }


def format_report(report: Report) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def reference_figures(scenario: Scenario, calls: list[PlannedCall]) -> dict[str, Any]:
    """What the same calls would have met in one room, and in rooms that never help each other."""
    found = {}
    for name, play in (("pooled", play_pooled), ("isolated", play_isolated)):
        tally = DayTally(scenario.site_ids)
        tally.add_served(play(scenario, calls), warmup_ms=scenario.warmup_ms)
        found[name] = {
            "sl20_strict": _rounded(tally.cluster.sl20_strict),
            "asa_s": _rounded(tally.cluster.asa_s),
            "abandon_rate": _rounded(tally.cluster.abandon_rate),
        }
    return found


def _cluster(tally: DayTally) -> dict[str, Any]:
    overflow = tally.overflow
    return {
        **_counts(tally.cluster),
        "p95_wait_s": _rounded(tally.cluster.p95_wait_s),
        "abandon_rate": _rounded(tally.cluster.abandon_rate),
        "overflow_confirmed": overflow.confirmed_count,
        "handoffs": {
            "asked": overflow.asked,
            "refused": dict(sorted(overflow.refused.items())),
            "expired": overflow.expired,
            "cancelled": overflow.cancelled,
        },
    }


def _site(tally: DayTally, site_id: SiteId) -> dict[str, Any]:
    return {
        **_counts(tally.sites[site_id]),
        "overflow_out": tally.overflow.out_of(site_id),
        "overflow_in": tally.overflow.into(site_id),
    }


def _counts(waits: WaitTally) -> dict[str, Any]:
    return {
        "offered": waits.offered,
        "answered": waits.answered,
        "abandoned": waits.abandoned,
        "sl20_strict": _rounded(waits.sl20_strict),
        "asa_s": _rounded(waits.asa_s),
    }


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
