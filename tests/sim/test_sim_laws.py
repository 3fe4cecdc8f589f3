"""The laws over seeded worlds with faults. A failure prints the command that replays it."""

from pathlib import Path

import pytest

from router.ledger import HandoffConfirmed, HandoffConnected, Role
from router.world.day.faults import NO_FAULTS
from tests.sim.worlds import World, draw_world, play

SEEDS_THAT_FAILED_ONCE = [
    int(line.split("#")[0])
    for line in (Path(__file__).parent / "seeds.txt").read_text(encoding="utf-8").splitlines()
    if line.split("#")[0].strip()
]

WORLDS = 100
STEP = 20


def broken_by(seed: int) -> list[str]:
    """What a world broke, told with its replay."""
    told = play(draw_world(seed), seed).violations
    return [f"replay: python -m tests.sim.replay {seed}", *told] if told else []


@pytest.mark.parametrize("first", range(0, WORLDS, STEP))
def test_every_law_holds_in_worlds_with_faults(first: int) -> None:
    assert [broken for seed in range(first, first + STEP) if (broken := broken_by(seed))] == []


@pytest.mark.parametrize("seed", SEEDS_THAT_FAILED_ONCE)
def test_a_world_that_failed_once_holds(seed: int) -> None:
    assert broken_by(seed) == []


def test_the_worlds_overflow_and_every_law_had_something_to_look_at() -> None:
    played = [play(draw_world(seed), seed) for seed in range(40)]

    checked = {law.name: 0 for law in played[0].results}
    for each in played:
        for law in each.results:
            checked[law.name] += law.checked
    assert sum(each.overflow_count for each in played) > 30
    assert all(checked.values()), checked


def test_the_same_seed_plays_the_same_world() -> None:
    def story(seed: int) -> list[str]:
        lines: list[str] = []
        play(draw_world(seed), seed, lambda now, site, item: lines.append(f"{now} {site} {item}"))
        return lines

    one, other = story(5), story(5)

    assert one == other
    assert len(one) > 1000


@pytest.mark.parametrize("seed", range(300, 312))
def test_without_faults_every_overflow_out_is_confirmed_in(seed: int) -> None:
    drawn = draw_world(seed)
    world = World(scenario=drawn.scenario, calls=drawn.calls, faults=NO_FAULTS)
    bridged: set[str] = set()
    confirmed: set[str] = set()

    def trace(now: int, site_id: str, item: object) -> None:
        if isinstance(item, HandoffConnected) and item.role is Role.ORIGIN:
            bridged.add(item.handoff_id)
        if isinstance(item, HandoffConfirmed):
            confirmed.add(item.handoff_id)

    played = play(world, seed, trace)

    assert played.violations == []
    assert bridged == confirmed
