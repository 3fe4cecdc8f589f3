import itertools

import pytest

from router.ids import Instant
from sync.loadboard.etcd.own_key import Grant, KeepAlive, Order, OwnKey, OwnRecord, Put, Rest

BEAT_MS = 3_333
TERM = 2


def at(seconds: float) -> Instant:
    return Instant(round(seconds * 1000))


def own_key() -> OwnKey:
    return OwnKey(keep_alive_interval_ms=BEAT_MS, new_lease_id=itertools.count(501).__next__)


def record(version: int) -> OwnRecord:
    return OwnRecord(order=(1, version), payload=f"v{version}".encode(), is_named=version % 2 == 1)


def put(version: int, *, lease_id: int = 501, term: int = TERM) -> Put:
    return Put(lease_id=lease_id, record=record(version), term=term)


def stored_key(version: int = 1, *, revision: int = 20) -> OwnKey:
    key = own_key()
    key.wants(record(version))
    key.next_step(at(0))
    key.term_heard(TERM)
    key.granted(at(0))
    step = key.next_step(at(0))
    assert isinstance(step, Put)
    key.stored(step, revision)
    return key


def test_without_a_record_there_is_no_lease() -> None:
    assert own_key().next_step(at(0)) == Rest(until=None)


def test_a_record_needs_a_lease_then_a_put_then_a_beat_each_third_of_the_ttl() -> None:
    key = own_key()
    key.wants(record(1))

    assert key.next_step(at(0)) == Grant(lease_id=501)
    key.term_heard(TERM)
    key.granted(at(0))
    assert key.next_step(at(0)) == put(1)
    key.stored(put(1), 20)


def test_a_stored_record_rests_until_the_beat_and_after_it_again() -> None:
    key = stored_key()

    assert key.next_step(at(1)) == Rest(until=at(3.333))
    assert key.next_step(at(3.333)) == KeepAlive(lease_id=501)
    key.kept(at(3.4))
    assert key.next_step(at(3.4)) == Rest(until=at(3.4 + 3.333))


def test_the_beat_goes_before_the_put() -> None:
    key = stored_key()
    key.wants(record(2))

    assert key.next_step(at(4)) == KeepAlive(lease_id=501)


def test_a_grant_whose_answer_was_lost_is_asked_for_under_the_same_id() -> None:
    key = own_key()
    key.wants(record(1))

    assert key.next_step(at(0)) == key.next_step(at(2)) == Grant(lease_id=501)
    assert key.lease_id == 501


def test_a_lost_lease_brings_another_lease_and_the_record_again() -> None:
    key = stored_key()

    key.lease_lost()

    assert key.next_step(at(5)) == Grant(lease_id=502)
    key.granted(at(5))
    assert key.next_step(at(5)) == put(1, lease_id=502)


def test_leases_that_are_lost_at_once_are_not_granted_in_a_flood() -> None:
    key = stored_key()

    key.lease_lost()

    assert key.next_step(at(0.2)) == Rest(until=at(1))
    assert key.next_step(at(1)) == Grant(lease_id=502)


def test_a_newer_record_that_came_during_the_put_is_put_next() -> None:
    key = stored_key()
    key.wants(record(2))
    step = key.next_step(at(1))
    assert step == put(2)
    key.wants(record(3))

    key.stored(put(2), 21)

    assert key.next_step(at(1)) == put(3)


def is_put_again(key: OwnKey) -> bool:
    return isinstance(key.next_step(at(2)), Put)


def test_a_key_that_somebody_removed_is_put_again() -> None:
    key = stored_key(revision=20)

    key.seen(None, 0, 21)

    assert is_put_again(key)


def test_the_removal_of_an_older_key_of_ours_says_nothing_about_the_present_one() -> None:
    key = stored_key(revision=20)

    key.seen(None, 0, 19)

    assert not is_put_again(key)


def test_the_echo_of_our_put_changes_nothing() -> None:
    key = stored_key(1, revision=20)

    assert not key.seen((1, 1), TERM, 20)

    assert not is_put_again(key)


def test_a_put_of_ours_that_timed_out_and_was_carried_out_late_is_put_right() -> None:
    key = stored_key(5, revision=20)

    key.seen((1, 4), TERM, 21)

    assert is_put_again(key)


def test_the_late_put_of_an_older_process_is_put_right() -> None:
    key = stored_key(1, revision=20)

    key.seen((0, 900), TERM, 21)

    assert is_put_again(key)


def test_a_list_without_our_key_counts_though_its_revisions_began_again() -> None:
    key = stored_key(1, revision=20)

    key.seen(None, 0, None)

    assert is_put_again(key)


def test_a_newer_process_of_our_name_is_reported_and_left_alone() -> None:
    key = stored_key(1, revision=20)
    newer: Order = (2, 1)

    assert key.seen(newer, TERM, 21)

    assert not is_put_again(key)


@pytest.mark.parametrize(
    ("version", "shown"),
    [(5, (1, 4)), (5, (0, 900)), (5, None), (6, (1, 5))],
    ids=["an older one", "an older process's", "none", "one that named the site"],
)
def test_what_the_second_turn_of_the_digest_lacks_is_put_again_and_once(
    version: int, shown: Order | None
) -> None:
    key = stored_key(version, revision=20)
    key.shown(shown, 19)
    key.shown(shown, 21)
    assert not is_put_again(key), "its writer may have read before our put"

    key.shown(shown, 22)
    again = key.next_step(at(1))
    assert again == put(version)
    assert isinstance(again, Put)
    key.stored(again, 23)
    for revision in (24, 25, 26):
        key.shown(shown, revision)

    assert not is_put_again(key)


@pytest.mark.parametrize(("version", "shown"), [(5, (1, 5)), (6, None)])
def test_what_the_digest_shows_as_it_is_changes_nothing(version: int, shown: Order | None) -> None:
    key = stored_key(version, revision=20)

    assert not any(key.shown(shown, revision) for revision in (21, 22, 23))

    assert not is_put_again(key)


def test_a_newer_process_of_our_name_in_the_digest_is_reported_and_left_alone() -> None:
    key = stored_key(1, revision=20)

    assert [key.shown((2, 1), revision) for revision in (21, 22)] == [False, True]

    assert not is_put_again(key)


def test_paced_puts_leave_time_between_them_and_the_last_record_is_the_one_that_goes() -> None:
    key = stored_key()
    key.pace(1_000)
    key.wants(record(2))
    assert key.next_step(at(1)) == put(2)
    key.stored(put(2), 21)

    key.wants(record(3))
    assert key.next_step(at(1.2)) == Rest(until=at(2))
    key.wants(record(4))
    assert key.next_step(at(2)) == put(4)


def test_a_paced_put_that_waits_does_not_hold_up_the_beat() -> None:
    key = stored_key()
    key.pace(5_000)
    key.wants(record(2))
    key.next_step(at(1))
    key.stored(put(2), 21)
    key.wants(record(3))

    assert key.next_step(at(2)) == Rest(until=at(3.333))
    assert key.next_step(at(3.333)) == KeepAlive(lease_id=501)


def test_a_new_leader_of_etcd_has_the_same_record_put_again() -> None:
    key = stored_key()

    key.term_heard(TERM + 1)

    again = key.next_step(at(1))
    assert again == put(1, term=TERM + 1)
    assert isinstance(again, Put)
    key.stored(again, 21)
    assert key.next_step(at(1)) == Rest(until=at(3.333))


def test_a_put_that_an_election_overtook_is_made_again() -> None:
    key = stored_key()
    key.wants(record(2))
    key.next_step(at(1))

    key.stored(put(2), 21)
    key.term_heard(TERM + 1)

    assert key.next_step(at(1)) == put(2, term=TERM + 1)


def test_a_put_of_before_the_election_that_was_carried_out_late_is_put_right() -> None:
    key = stored_key(1, revision=20)

    key.seen((1, 1), TERM - 1, 21)

    assert is_put_again(key)
