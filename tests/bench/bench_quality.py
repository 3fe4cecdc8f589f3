"""How near overflow comes to one pooled queue on the same calls: the days of tests/scenarios, all policies.

Writes docs/routing-quality.md. Every figure is a mean over seeds, each seed a day of its own that all
policies meet alike.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from router.world.day.busy_hour import generate
from router.world.day.calls import PlannedCall
from router.world.day.past_day import agents_at
from router.world.day.scenario import Scenario, parse_scenario
from router.world.figures.helping_cost import HelpingCost
from router.world.figures.what_if import play_what_if
from router.world.reference.policies import Policy
from tests.bench import quality_own_loss

COMMAND = "make bench"
SCENARIOS = Path(__file__).parents[1] / "scenarios"
PAGE = Path("docs/routing-quality.md")
SEEDS = range(1, 6)
MANY_SITES = 50
"""From so many on, one seed is a day of enough calls."""
BOARDS_S = (5.0, 60.0)
PLAYED = [policy for policy in Policy if policy is not Policy.ISOLATED]
"""How isolated sites fare, each report says."""

SL_GOAL, ABANDON_GOAL, ASA_GOAL_S = 0.5, 0.3, 0.5
OLD_BOARD_SL_GOAL = 1.0
MANY_ASA_FACTOR, MANY_ASA_SLACK_S = 1.15, 0.5
OWN_LOSS_SLACK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One day, seen in one way."""

    name: str
    scenario: Scenario
    policy: Policy

    @property
    def seeds(self) -> Iterable[int]:
        return SEEDS if len(self.scenario.sites) < MANY_SITES else SEEDS[:1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Of all callers; rates in percent, waits in seconds."""

    service_level: float
    abandoned: float
    asa_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One play of one variant."""

    ours: Quality
    pooled: Quality
    isolated: Quality
    handed_off: float
    """Per cent of the callers who were served by another site."""
    pooled_away: float
    """Per cent whom a pooled queue without a preference would serve away from home."""


def results() -> list[dict[str, Any]]:
    days = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SCENARIOS.glob("*.toml"))}
    scenarios = {name: parse_scenario(text) for name, text in days.items()}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        outcomes = play_all(list(variants(scenarios)), pool)
        costs = quality_own_loss.measure(scenarios, pool)
    tells = {name: text.partition("\n")[0].removeprefix("# ") for name, text in days.items()}
    PAGE.write_text(page(tells, scenarios, outcomes, costs), encoding="utf-8")
    excess = quality_own_loss.worst_excess(costs)
    return [*rows(scenarios, outcomes), row("own_loss_beyond_setting", excess, "points", OWN_LOSS_SLACK)]


def variants(scenarios: dict[str, Scenario]) -> Iterable[Variant]:
    """The large ones first: at the end, no process is left alone with one of them."""
    for name, scenario in sorted(scenarios.items(), key=lambda each: -len(each[1].sites)):
        for policy in PLAYED:
            yield Variant(name=name, scenario=scenario, policy=policy)
        if is_uneven(name):
            for board_s in BOARDS_S:
                old = replace(scenario, board_period_ms=round(board_s * 1000))
                yield Variant(name=f"{name}/{board_s:g}", scenario=old, policy=Policy.RESERVE_PULL)
            sites = tuple(replace(site, home_reserve=1) for site in scenario.sites)
            kept = replace(scenario, sites=sites)
            yield Variant(name=f"{name}/reserve", scenario=kept, policy=Policy.RESERVE_PULL)


def is_uneven(name: str) -> bool:
    """The days for which the goals against the pooled queue are set."""
    return name.startswith("uneven-")


Outcomes = dict[tuple[str, Policy], Outcome]


def play_all(every: Sequence[Variant], pool: Executor) -> Outcomes:
    jobs = [(variant, seed) for variant in every for seed in variant.seeds]
    played = list(pool.map(play, *zip(*jobs, strict=True)))
    return {
        (variant.name, variant.policy): average(
            [outcome for (job, _seed), outcome in zip(jobs, played, strict=True) if job is variant]
        )
        for variant in every
    }


def play(variant: Variant, seed: int) -> Outcome:
    calls = generate(variant.scenario, seed)
    report = play_what_if(variant.scenario, calls, policy=variant.policy, seed=seed).report
    cluster = report["cluster"]
    return Outcome(
        ours=quality(cluster),
        pooled=quality(report["reference"]["pooled"]),
        isolated=quality(report["reference"]["isolated"]),
        handed_off=100 * cluster["overflow_confirmed"] / cluster["offered"],
        pooled_away=pooled_away(variant.scenario, calls),
    )


def quality(figures: dict[str, Any]) -> Quality:
    return Quality(
        service_level=figures["sl20_strict"], abandoned=figures["abandon_rate"], asa_s=figures["asa_s"]
    )


def pooled_away(scenario: Scenario, calls: Sequence[PlannedCall]) -> float:
    """Whoever is free is as likely to be of any site as the site has agents at work who serve the call."""
    return 100 * (1 - mean(_home_share(scenario, call) for call in calls))


def _home_share(scenario: Scenario, call: PlannedCall) -> float:
    """Of all agents who serve such a call at its arrival, those of its own site."""
    first = {site.site_id: site.agents for site in scenario.sites}
    working = agents_at(first, scenario.roster, call.arrive_ms) if scenario.roster else first
    able = {
        site.site_id: working[site.site_id]
        for site in scenario.sites
        if (site.skills is None or str(call.queue_id) in site.skills)
        and not scenario.is_apart(call.site_id, site.site_id, call.arrive_ms)
    }
    return able.get(call.site_id, 0) / max(1, sum(able.values()))


def average(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        ours=_average([each.ours for each in outcomes]),
        pooled=_average([each.pooled for each in outcomes]),
        isolated=_average([each.isolated for each in outcomes]),
        handed_off=mean(each.handed_off for each in outcomes),
        pooled_away=mean(each.pooled_away for each in outcomes),
    )


def _average(qualities: Sequence[Quality]) -> Quality:
    return Quality(
        service_level=mean(each.service_level for each in qualities),
        abandoned=mean(each.abandoned for each in qualities),
        asa_s=mean(each.asa_s for each in qualities),
    )


# --- goals ------------------------------------------------------------------------------


def rows(scenarios: dict[str, Scenario], outcomes: Outcomes) -> Iterable[dict[str, Any]]:
    """The worst of each kind, so that a goal is met when all days meet it."""
    uneven = [name for name in scenarios if is_uneven(name)]
    fresh = [outcomes[day, Policy.RESERVE_PULL] for name in uneven for day in (name, f"{name}/5")]
    old = [outcomes[f"{name}/60", Policy.RESERVE_PULL] for name in uneven]
    every = [outcomes[name, Policy.RESERVE_PULL] for name in scenarios]
    yield row("sl20_below_pooled", max(map(below, fresh)), "points", SL_GOAL)
    abandoned = max(each.ours.abandoned - each.pooled.abandoned for each in fresh)
    yield row("abandon_above_pooled", abandoned, "points", ABANDON_GOAL)
    yield row("asa_above_pooled", max(each.ours.asa_s - each.pooled.asa_s for each in fresh), "s", ASA_GOAL_S)
    yield row("sl20_below_pooled_60s_board", max(map(below, old)), "points", OLD_BOARD_SL_GOAL)
    for name, scenario in scenarios.items():
        if len(scenario.sites) >= MANY_SITES:
            one = outcomes[name, Policy.RESERVE_PULL]
            bound_s = MANY_ASA_FACTOR * one.pooled.asa_s + MANY_ASA_SLACK_S
            yield row(f"asa_{name}_against_bound", one.ours.asa_s / bound_s, "ratio", 1.0)
    handed_off = max(each.handed_off / each.pooled_away for each in every)
    yield row("handoffs_against_pooled_away", handed_off, "ratio", 1.0)
    costly = outcomes["links-that-cost", Policy.RESERVE_PULL].handed_off
    free = outcomes["uneven-05-091", Policy.RESERVE_PULL].handed_off
    yield row("handoffs_where_links_cost_vs_free", costly / free, "ratio", 1.0)


def below(outcome: Outcome) -> float:
    return outcome.pooled.service_level - outcome.ours.service_level


def row(name: str, value: float, unit: str, goal: float) -> dict[str, Any]:
    return {
        "name": f"quality/{name}",
        "value": value,
        "unit": unit,
        "better": "lower",
        "goal": goal,
        "command": COMMAND,
    }


# --- the page ---------------------------------------------------------------------------

HEAD = f"""# Routing quality

Written by `make bench`. Days of `tests/scenarios`, each made anew for {len(SEEDS)} seeds
(one seed from {MANY_SITES} sites on) and met alike by all policies; each is one command away:
`trunkline whatif --scenario tests/scenarios/surge.toml`. The *pooled queue* is one first-come
queue of all agents without links (two of them while a site is cut off: its own, and that of the
others); nobody who does not know the future beats it by much. Figures:
service level (answered within 20 s, of all callers) in percent, in brackets those who gave up,
then the mean wait.

Goals on uneven sites with a board up to 5 s old: within {SL_GOAL} points of service level,
{ABANDON_GOAL} points of abandonment and {ASA_GOAL_S} s of mean wait of the pooled queue; with a
board 60 s old, within {OLD_BOARD_SL_GOAL:g} point; from {MANY_SITES} sites on, a mean wait of at
most {MANY_ASA_FACTOR} times the pooled one and {MANY_ASA_SLACK_S} s. Everywhere no more hand-offs
than calls that a pooled queue would serve away from home. A site with a `max_own_loss` loses at
most its setting and {OWN_LOSS_SLACK:g} point.
"""

OWN_LOSS_HEAD = f"""## What helping costs

Points within 20 s, with 95 % intervals, as paired differences over {len(quality_own_loss.SEEDS)} days
of other callers each: what the site's own callers lose against a site that helps nobody, with its
setting and without; and what the callers of all sites lose by the setting
(`trunkline whatif --similar-days`).
"""


def page(
    tells: dict[str, str],
    scenarios: dict[str, Scenario],
    outcomes: Outcomes,
    costs: Sequence[HelpingCost],
) -> str:
    parts = [HEAD, "## Against the pooled queue\n", against_pooled(tells, outcomes)]
    parts += ["## All policies\n\nService level, and mean wait.\n", all_policies(scenarios, outcomes)]
    parts += ["## Old boards, and agents kept back\n", old_boards(scenarios, outcomes)]
    parts += [OWN_LOSS_HEAD, table(quality_own_loss.cells(costs))]
    return "\n".join(parts)


def against_pooled(tells: dict[str, str], outcomes: Outcomes) -> str:
    cells = [["Day", "Pooled queue", "reserve+pull", "Handed off", "Pooled: away from home"]]
    for name, told in tells.items():
        one = outcomes[name, Policy.RESERVE_PULL]
        away = f"{one.pooled_away:.0f} %"
        cells.append(
            [f"`{name}`: {told}", shown(one.pooled), shown(one.ours), f"{one.handed_off:.0f} %", away]
        )
    return table(cells)


def all_policies(scenarios: Iterable[str], outcomes: Outcomes) -> str:
    cells = [["Day", "pooled", "isolated", *(policy.value for policy in PLAYED)]]
    for name in scenarios:
        one = outcomes[name, Policy.RESERVE_PULL]
        found = [one.pooled, one.isolated, *(outcomes[name, policy].ours for policy in PLAYED)]
        cells.append([f"`{name}`", *(f"{each.service_level:.1f} · {each.asa_s:.1f} s" for each in found)])
    return table(cells)


def old_boards(scenarios: dict[str, Scenario], outcomes: Outcomes) -> str:
    cells = [["Day", "Pooled queue", "1 s", "5 s", "60 s", "1 s, home_reserve 1"]]
    for name in filter(is_uneven, scenarios):
        seen = [outcomes[f"{name}{suffix}", Policy.RESERVE_PULL] for suffix in ("", "/5", "/60", "/reserve")]
        cells.append([f"`{name}`", shown(seen[0].pooled), *(shown(each.ours) for each in seen)])
    return table(cells)


def shown(one: Quality) -> str:
    return f"{one.service_level:.1f} ({one.abandoned:.1f}) {one.asa_s:.1f} s"


def table(cells: Sequence[Sequence[str]]) -> str:
    head, *body = ["| " + " | ".join(line) + " |\n" for line in cells]
    return head + "|" + "---|" * len(cells[0]) + "\n" + "".join(body)
