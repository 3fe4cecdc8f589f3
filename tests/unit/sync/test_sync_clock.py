import pytest

from router.ids import Instant
from sync.clock import Clock, ManualClock, ScaledClock, StepWatch, SystemClock

DAY_START_US = 1_790_000_000_000_000
LAB_START_US = 1_800_000_000_000_000


class Machine:
    """A machine's two clocks, in nanoseconds, moved by the test."""

    def __init__(self) -> None:
        self.mono_ns = 5_000_000_000
        self.utc_ns = LAB_START_US * 1_000

    def advance_ms(self, duration_ms: int) -> None:
        self.mono_ns += duration_ms * 1_000_000
        self.utc_ns += duration_ms * 1_000_000

    def clock(self, speed: float) -> ScaledClock:
        return ScaledClock(
            speed,
            LAB_START_US,
            DAY_START_US,
            real_mono_ns=lambda: self.mono_ns,
            real_utc_ns=lambda: self.utc_ns,
        )


def test_lab_time_begins_at_its_epoch_and_runs_at_its_speed() -> None:
    machine = Machine()
    clock = machine.clock(60)
    mono_ms = clock.mono_ms()

    machine.advance_ms(1_000)

    assert clock.utc_us() == DAY_START_US + 60_000_000
    assert clock.mono_ms() - mono_ms == 60_000


def test_processes_of_a_lab_agree_on_utc_whatever_moment_they_start() -> None:
    machine = Machine()
    early = machine.clock(60)
    machine.advance_ms(12_345)

    late = machine.clock(60)

    assert late.utc_us() == early.utc_us() == DAY_START_US + 12_345 * 60_000


def test_lab_time_is_finer_than_a_real_millisecond() -> None:
    machine = Machine()
    clock = machine.clock(60)
    mono_ms = clock.mono_ms()

    machine.mono_ns += 100_000

    assert clock.mono_ms() - mono_ms == 6


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_clock_that_stands_or_runs_backwards_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(speed, 0, 0)


def test_the_system_clock_runs_forward_in_the_promised_units() -> None:
    clock: Clock = SystemClock()

    first, second = clock.mono_ms(), clock.mono_ms()

    assert second >= first
    assert 1_700_000_000_000_000 < clock.utc_us() < 4_000_000_000_000_000


def test_time_moves_both_manual_clocks_and_a_step_only_the_wall_clock() -> None:
    clock = ManualClock(mono_ms=10, utc_us=1_000)

    clock.advance_ms(5)
    clock.step_utc(-400)

    assert (clock.mono_ms(), clock.utc_us()) == (15, 5_600)
    with pytest.raises(ValueError, match="forwards"):
        clock.advance_ms(-1)


def readings(clock: Clock) -> tuple[Instant, int]:
    return clock.mono_ms(), clock.utc_us()


@pytest.mark.parametrize("step_ms", [-3_600_000, -600, 600, 86_400_000])
def test_a_stepped_wall_clock_is_told_once_with_its_step(step_ms: int) -> None:
    clock, watch = ManualClock(utc_us=DAY_START_US), StepWatch()
    watch.seen(*readings(clock))
    clock.advance_ms(1_000)
    clock.step_utc(step_ms * 1_000)

    assert watch.seen(*readings(clock)) == step_ms * 1_000
    clock.advance_ms(1_000)
    assert watch.seen(*readings(clock)) is None


def test_a_slewed_clock_is_not_a_stepped_one_however_long_nobody_looked() -> None:
    clock, watch = ManualClock(utc_us=DAY_START_US), StepWatch()
    watch.seen(*readings(clock))

    for _ in range(3):
        clock.advance_ms(3_600_000)
        clock.step_utc(1_800_000)  # 500 ppm of an hour
        assert watch.seen(*readings(clock)) is None


def test_the_gap_between_two_readings_is_below_the_threshold() -> None:
    clock, watch = ManualClock(utc_us=DAY_START_US), StepWatch(threshold_ms=500)
    watch.seen(*readings(clock))

    clock.step_utc(500_000)

    assert watch.seen(*readings(clock)) is None
