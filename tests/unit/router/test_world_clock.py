import pytest

from router.ids import Instant, SiteId
from router.world.clock import START_UTC_US, SiteClock
from router.world.day.faults import ClockError
from router.world.loop import Loop

A = SiteId("a")


def test_without_an_error_both_clocks_show_the_worlds_time() -> None:
    loop = Loop()
    clock = SiteClock(loop, ClockError(site_id=A))
    loop.run(90_000)

    assert (clock.mono_ms(), clock.utc_us()) == (90_000, START_UTC_US + 90_000_000)
    assert clock.world_time(Instant(91_000)) == 91_000
    assert clock.world_time(Instant(89_000)) == 90_000


def test_only_the_wall_clock_is_ahead_and_is_set_and_both_drift() -> None:
    loop = Loop()
    clock = SiteClock(loop, ClockError(site_id=A, ahead_ms=-5_000, drift_ppm=50_000, booted_ms=700))
    loop.run(100_000)
    clock.step(3_000)

    assert (clock.mono_ms(), clock.utc_us()) == (105_700, START_UTC_US + 103_000_000)


@pytest.mark.parametrize("drift_ppm", [-50_000, -50, 0, 200, 50_000])
def test_a_deadline_is_due_at_the_first_instant_that_shows_it(drift_ppm: int) -> None:
    loop = Loop()
    clock = SiteClock(loop, ClockError(site_id=A, drift_ppm=drift_ppm, booted_ms=40_000))
    loop.run(777)
    for due in range(41_000, 41_300):
        loop.run(clock.world_time(Instant(due)) - 1)
        before = clock.mono_ms()
        loop.run(clock.world_time(Instant(due)))
        assert before < due <= clock.mono_ms()


@pytest.mark.parametrize(("is_booted_anew", "shows"), [(True, 1_000), (False, 61_000)])
def test_a_monotonic_clock_goes_on_with_the_next_run_unless_the_machine_was_booted(
    is_booted_anew: bool, shows: int
) -> None:
    loop = Loop()
    clock = SiteClock(loop, ClockError(site_id=A, booted_ms=1_000, is_booted_anew=is_booted_anew))
    loop.run(60_000)
    clock.process_starts()

    assert clock.mono_ms() == shows
    assert clock.utc_us() == START_UTC_US + 60_000_000
    assert clock.world_time(Instant(shows + 5)) == 60_005
