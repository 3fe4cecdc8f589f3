"""The world: calls played a minute of CPU, worlds with faults, and how near overflow comes to the pool."""

import time
from typing import Any

from router.world.cluster import Cluster, Watchers
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from router.world.figures.what_if import play_what_if
from router.world.reference.policies import Policy
from tests.sim.worlds import draw_world, play

COMMAND = "make bench"
PLAYS = 3
WORLDS = 40


def results() -> list[dict[str, Any]]:
    scenario = default_scenario(4, duration_s=4 * 3600)
    calls = generate(scenario, 1, BusyHour(occupancy=0.87))
    report = play_what_if(scenario, calls, policy=Policy.RESERVE_PULL, seed=1).report
    ours, pooled = report["cluster"], report["reference"]["pooled"]
    return [
        row(
            "calls_per_cpu_minute",
            max(calls_per_minute(is_overflowing=True) for _ in range(PLAYS)),
            "calls/min",
            "higher",
            None,
        ),
        row(
            "isolated_calls_per_cpu_minute",
            max(calls_per_minute(is_overflowing=False) for _ in range(PLAYS)),
            "calls/min",
            "higher",
            None,
        ),
        row("faulty_worlds_per_cpu_minute", worlds_per_minute(), "worlds/min", "higher", None),
        row("sl20_below_pooled", pooled["sl20_strict"] - ours["sl20_strict"], "points", "lower", 0.5),
        row("abandon_above_pooled", ours["abandon_rate"] - pooled["abandon_rate"], "points", "lower", 0.3),
        row("asa_above_pooled", ours["asa_s"] - pooled["asa_s"], "s", "lower", 0.5),
    ]


def row(name: str, value: float, unit: str, better: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": f"world/{name}",
        "value": value,
        "unit": unit,
        "better": better,
        "goal": goal,
        "command": COMMAND,
    }


def calls_per_minute(*, is_overflowing: bool) -> float:
    """The world alone: no law, no report."""
    scenario = default_scenario(4, duration_s=3600)
    calls = generate(scenario, 1, BusyHour(occupancy=0.87))
    watchers = Watchers(see_row=lambda _row: None, object_to=lambda _text: None)
    cluster = Cluster(scenario, calls, seed=1, watchers=watchers, is_overflowing=is_overflowing)
    before = time.process_time()
    cluster.play()
    return len(calls) / (time.process_time() - before) * 60


def worlds_per_minute() -> float:
    """Small worlds with faults and every law looking on, as the test suite plays them."""
    before = time.process_time()
    for seed in range(WORLDS):
        play(draw_world(seed), seed)
    return WORLDS / (time.process_time() - before) * 60
