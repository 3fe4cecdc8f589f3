"""What a branch is built of, as its file says."""

import time

import pytest

from branch import parts
from node.settings import ClockSection


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_a_clock_with_an_origin_shows_it_at_any_speed(speed: float) -> None:
    began_us = time.time_ns() // 1000

    clock = parts.clock(ClockSection(speed=speed, started_at_utc_us=began_us, epoch_utc_us=0))

    assert 0 <= clock.utc_us() <= 60_000_000 * speed


def test_a_clock_without_an_origin_is_the_machines() -> None:
    before_us = time.time_ns() // 1000

    assert before_us <= parts.clock(ClockSection()).utc_us() <= before_us + 60_000_000
