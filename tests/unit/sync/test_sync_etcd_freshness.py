from router.ids import Instant
from sync.loadboard.etcd.freshness import Freshness


def at(seconds: float) -> Instant:
    return Instant(round(seconds * 1000))


def test_a_view_that_was_never_confirmed_has_no_age_and_asks_at_once() -> None:
    freshness = Freshness(progress_interval_ms=1_000)

    assert freshness.age_ms(at(100)) is None
    assert freshness.ask_in_ms(at(100)) == 0


def test_an_event_confirms_the_view_and_puts_off_the_asking() -> None:
    freshness = Freshness(progress_interval_ms=1_000)

    freshness.told(at(10))

    assert freshness.age_ms(at(10.4)) == 400
    assert freshness.ask_in_ms(at(10.4)) == 600
    assert freshness.ask_in_ms(at(12)) == 0


def test_an_answer_proves_what_was_true_when_it_was_asked_for() -> None:
    freshness = Freshness(progress_interval_ms=1_000)
    freshness.asked(at(10))

    freshness.answered()

    assert freshness.age_ms(at(18)) == 8_000


def test_the_oldest_unanswered_question_counts() -> None:
    freshness = Freshness(progress_interval_ms=1_000)
    freshness.asked(at(10))
    freshness.asked(at(11))

    freshness.answered()

    assert freshness.age_ms(at(12)) == 2_000


def test_an_unanswered_question_is_asked_again_once_an_interval() -> None:
    freshness = Freshness(progress_interval_ms=1_000)
    freshness.told(at(5))
    freshness.asked(at(10))

    assert freshness.ask_in_ms(at(10)) == 1_000
    assert freshness.ask_in_ms(at(11)) == 0
    freshness.asked(at(11))
    assert freshness.ask_in_ms(at(11.2)) == 800


def test_what_was_asked_on_a_broken_stream_confirms_nothing() -> None:
    freshness = Freshness(progress_interval_ms=1_000)
    freshness.told(at(5))
    freshness.asked(at(10))
    freshness.interrupted()

    freshness.answered()

    assert freshness.age_ms(at(11)) == 6_000
    assert freshness.ask_in_ms(at(11)) == 0


def test_a_late_answer_never_makes_the_view_older() -> None:
    freshness = Freshness(progress_interval_ms=1_000)
    freshness.asked(at(10))
    freshness.told(at(12))

    freshness.answered()

    assert freshness.age_ms(at(12)) == 0
