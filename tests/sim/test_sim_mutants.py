"""The laws are no decoration: what a careless change would break, they tell within a few worlds."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from router.world.day.faults import NO_FAULTS
from tests.sim.mutants import CAUGHT_BY
from tests.sim.worlds import draw_world, play

SEEDS = range(120)


def told() -> Iterator[str]:
    """What the worlds show, each of them with its faults and without."""
    for seed in SEEDS:
        world = draw_world(seed)
        for each in (world, replace(world, faults=NO_FAULTS)):
            yield from play(each, seed).violations


@pytest.mark.parametrize("mutant", CAUGHT_BY, ids=lambda mutant: mutant.__name__)
def test_the_laws_tell_of_a_router_broken_by_hand(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)

    assert any(CAUGHT_BY[mutant] in violation for violation in told())


def test_the_same_worlds_break_nothing_by_themselves() -> None:
    assert list(told()) == []
