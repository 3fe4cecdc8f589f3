import random
from statistics import fmean

import pytest

from router.kpi.confidence import estimate, paired_difference, student_quantile


@pytest.mark.parametrize(
    ("degrees", "published"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (19, 2.093), (30, 2.042), (120, 1.980)],
)
def test_the_quantiles_are_those_of_the_printed_tables(degrees: int, published: float) -> None:
    """Student's t, 97.5 %, as every statistics book prints it."""
    assert student_quantile(degrees) == pytest.approx(published, abs=0.0005)


def test_an_interval_of_five_plays_by_hand() -> None:
    found = estimate([90.0, 92.0, 91.0, 93.0, 94.0])

    assert found is not None
    assert (found.mean, found.count) == (92.0, 5)
    assert found.half == pytest.approx(2.776 * 1.5811 / 5**0.5, abs=0.001)
    assert found.low == pytest.approx(90.037, abs=0.001)


def test_one_play_has_a_mean_and_no_interval_and_none_has_nothing() -> None:
    alone = estimate([3.0, None])

    assert alone is not None
    assert (alone.mean, alone.half, alone.low, alone.is_clear) == (3.0, None, None, False)
    assert estimate([None, None]) is None


def test_pairs_show_a_small_difference_that_two_separate_intervals_hide() -> None:
    days = [80.0, 90.0, 70.0, 85.0, 95.0]
    better = [day + 1 + 0.1 * number for number, day in enumerate(days)]

    difference, ours = paired_difference(better, days), estimate(better)

    assert difference is not None
    assert ours is not None
    assert difference.mean == pytest.approx(1.2)
    assert difference.is_clear
    assert ours.low is not None
    assert ours.low < fmean(days), "the days themselves differ by far more"


def test_a_play_without_the_figure_leaves_its_pair_out() -> None:
    found = paired_difference([1.0, None, 5.0], [0.0, 3.0, None])

    assert found is not None
    assert (found.mean, found.count) == (1.0, 1)


def test_about_95_of_100_intervals_hold_the_mean_that_was_drawn_from() -> None:
    rng = random.Random(1)
    found = [estimate([rng.gauss(10, 3) for _ in range(5)]) for _ in range(2000)]

    held = sum(each is not None and abs(each.mean - 10) <= (each.half or 0) for each in found)

    assert 0.935 < held / 2000 < 0.965
