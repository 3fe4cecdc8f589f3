"""The seat of the digest's writer: when a site should try to take it."""

import random

from router.ids import Instant
from sync.loadboard.etcd.seat import SILENCE_MS, VACANT_DELAY_MS, Seat

NOW = Instant(10_000)


def seat(seed: int = 1) -> Seat:
    return Seat(random.Random(seed), NOW)


def test_sites_that_see_the_seat_free_try_within_a_second_each_at_its_own_moment() -> None:
    moments = {seat(seed).try_at for seed in range(50)}

    assert all(NOW <= moment < NOW + VACANT_DELAY_MS for moment in moments)
    assert len(moments) > 40


def test_a_seat_that_is_taken_is_not_tried_while_its_writer_beats() -> None:
    mine = seat()
    mine.seen(7, NOW)
    for second in range(1, 20):
        now = Instant(NOW + second * 1_000)
        assert mine.try_at > now
        mine.beat(now)


def test_a_writer_that_falls_silent_has_its_seat_tried_as_it_was_seen() -> None:
    mine = seat()
    mine.seen(7, NOW)

    assert NOW + SILENCE_MS <= mine.try_at < NOW + SILENCE_MS + VACANT_DELAY_MS
    assert mine.revision == 7


def test_a_silent_writers_seat_is_tried_also_by_who_has_to_look_again_and_again() -> None:
    mine = seat()
    mine.seen(7, NOW)
    try_at = mine.try_at

    for tenth in range(1, 40):
        mine.seen(7, Instant(NOW + tenth * 100))

    assert mine.try_at == try_at


def test_a_seat_that_is_left_is_free_again() -> None:
    mine = seat()
    mine.seen(7, NOW)
    mine.seen(None, Instant(NOW + 500))

    assert mine.revision == 0
    assert mine.try_at < NOW + 500 + VACANT_DELAY_MS


def test_who_failed_tries_again_later() -> None:
    mine = seat()
    mine.failed(Instant(NOW + 2_000))

    assert mine.try_at >= NOW + 2_000
