"""The laws are no decoration: what a careless change would break, they tell within a few worlds."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from router.world.day.faults import NO_FAULTS, ClockError
from tests.sim import clock_mutants, mutants
from tests.sim.worlds import World, draw_world, play

SEEDS = range(120)

HOUR_MS = 3_600_000


def clocks_apart(world: World) -> World:
    """Every site an hour ahead of the one before it, and a fifth of all messages lost."""
    errors = tuple(
        ClockError(
            site_id=site_id, ahead_ms=number * HOUR_MS, booted_ms=number * HOUR_MS, is_booted_anew=True
        )
        for number, site_id in enumerate(world.scenario.site_ids)
    )
    return replace(world, faults=replace(world.faults, clock_errors=errors, lost_share=0.2))


def told() -> Iterator[str]:
    """What the worlds show, each of them with its faults and without."""
    for seed in SEEDS:
        world = draw_world(seed)
        for each in (world, replace(world, faults=NO_FAULTS)):
            yield from play(each, seed).violations


def told_of_clocks() -> Iterator[str]:
    for seed in SEEDS:
        yield from play(clocks_apart(draw_world(seed)), seed).violations


@pytest.mark.parametrize("mutant", mutants.CAUGHT_BY, ids=lambda mutant: mutant.__name__)
def test_the_laws_tell_of_a_router_broken_by_hand(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)

    assert any(mutants.CAUGHT_BY[mutant] in violation for violation in told())


@pytest.mark.parametrize("mutant", clock_mutants.CAUGHT_BY, ids=lambda mutant: mutant.__name__)
def test_the_laws_tell_of_clocks_compared_by_hand(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)

    assert any(clock_mutants.CAUGHT_BY[mutant] in violation for violation in told_of_clocks())


def test_the_same_worlds_break_nothing_by_themselves() -> None:
    assert [*told(), *told_of_clocks()] == []
