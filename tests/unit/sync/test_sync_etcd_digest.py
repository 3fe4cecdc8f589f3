"""The digest: what a writer makes of the records, and what a reader makes of the writer's turns."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ids import Instant, SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.digest import Beat, decode_beat, encode_beat, is_named
from sync.loadboard.etcd.aggregate import EDITION_INTERVAL_MS, PLACE_KEPT_MS, Aggregate
from sync.loadboard.etcd.digest_view import DigestView
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.sights import (
    BeatHeard,
    DigestRefused,
    OwnShown,
    Sight,
    SiteLeft,
    SiteSeen,
    WriterSeen,
)
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchEvent
from tests.fakes.board import SALES, queue_load, site_load

PREFIX = b"/trunkline/digest/"
HQ = SiteId("hq")


def load(site: str, version: int, *, idle: int = 0, waiting: int = 0, incarnation: int = 1_000) -> SiteLoad:
    base = site_load(site, version, incarnation=incarnation)
    return replace(base, queues={SALES: queue_load(idle=idle, waiting=waiting)}, link_headroom={})


class Board:
    """One writer and one reader, without an etcd between them."""

    def __init__(self, known: dict[SiteId, SiteLoad] | None = None) -> None:
        self.aggregate = Aggregate(7)
        self.view = DigestView(prefix=PREFIX, own_site_id=HQ, reign=Reign(), known=known or {})
        self.now = Instant(1_000)
        self.records: set[SiteId] = set()

    def publish(self, *loads: SiteLoad) -> None:
        for each in loads:
            self.aggregate.see(each, None, self.now)
            self.records.add(each.site_id)

    def lose(self, name: str) -> None:
        """Its record is gone."""
        self.aggregate.lose(SiteId(name), self.now)
        self.records.remove(SiteId(name))

    def written(self) -> list[tuple[bytes, bytes]]:
        """One turn of the writer."""
        return list(self.aggregate.keys(len(self.records), 40, self.now))

    def turn(self) -> list[Sight]:
        """The same as its reader hears it of others."""
        return [sight for sight in self._sights() if not isinstance(sight, OwnShown)]

    def own(self) -> tuple[int, int] | None:
        """What its reader hears of itself."""
        (shown,) = [sight for sight in self._sights() if isinstance(sight, OwnShown)]
        assert shown.revision == 5
        return shown.order

    def _sights(self) -> list[Sight]:
        events = [put(name, value) for name, value in self.written()]
        return [sight for event in events for sight in self.view.changed(event)]

    def told(self) -> list[Sight]:
        """The same without the beat that ends it."""
        *sights, beat = self.turn()
        assert isinstance(beat, BeatHeard)
        return sights


def put(name: bytes, value: bytes, revision: int = 5) -> WatchEvent:
    return WatchEvent(kv=key_value(name, value, revision), is_removal=False)


def key_value(name: bytes, value: bytes, revision: int = 5) -> KeyValue:
    return KeyValue(key=PREFIX + name, value=value, mod_revision=revision)


def test_sites_with_idle_agents_or_callers_are_told_and_the_others_are_not() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2), load("lhasa", 1), load("urumqi", 2, waiting=4))

    assert board.turn() == [
        SiteSeen(load=load("beijing", 3, idle=2)),
        SiteSeen(load=load("urumqi", 2, waiting=4)),
        BeatHeard(view_age_ms=40, site_count=3),
    ]


def test_only_what_changed_is_told_again() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2), load("urumqi", 2, waiting=4))
    board.turn()

    assert board.told() == []
    board.publish(load("beijing", 4, idle=1))
    assert board.told() == [SiteSeen(load=load("beijing", 4, idle=1))]


def test_a_site_that_is_no_longer_named_has_nobody_idle_and_nobody_waiting() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2))
    board.turn()

    board.publish(load("beijing", 4))

    emptied = load("beijing", 3, idle=0)
    assert board.told() == [SiteSeen(load=emptied)]
    assert board.told() == []
    board.publish(load("beijing", 5, idle=2))
    assert board.told() == [SiteSeen(load=load("beijing", 5, idle=2))]


def test_a_site_that_does_not_accept_is_not_named() -> None:
    board = Board()
    board.publish(replace(load("beijing", 3, idle=2), accepting=False))

    assert board.told() == []


def test_ones_own_load_is_not_told() -> None:
    board = Board()
    board.publish(load("hq", 1, idle=5))

    assert board.told() == []


def test_what_every_turn_shows_of_ones_own_record_is_told() -> None:
    board = Board()
    assert board.own() is None

    board.publish(load("hq", 1, idle=5), load("lhasa", 2, idle=1))
    assert [board.own(), board.own()] == [(1_000, 1), (1_000, 1)]
    board.publish(load("hq", 2))
    assert board.own() is None
    assert not is_named(load("hq", 2))
    assert is_named(load("hq", 1, idle=5))


def test_a_caller_has_waited_longer_by_the_time_that_the_writer_held_the_record() -> None:
    board = Board()
    board.publish(load("urumqi", 2, waiting=1))
    board.now = Instant(board.now + 700)

    (seen,) = board.told()

    assert isinstance(seen, SiteSeen)
    assert seen.load.queues[SALES].head_wait_ms == 1_500 + 700


def test_a_dead_site_is_unnamed_at_once_and_leaves_when_its_place_is_given_up() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2), load("lhasa", 1, idle=1))
    board.turn()

    board.lose("beijing")

    assert board.told() == [SiteSeen(load=load("beijing", 3))]
    board.now = Instant(board.now + PLACE_KEPT_MS - 1)
    assert board.told() == []
    board.now = Instant(board.now + 1)
    assert board.told() == [SiteLeft(site_id=SiteId("beijing"))]


def test_a_site_that_is_believed_again_is_named_with_the_next_turn() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2), load("lhasa", 1, idle=1))
    board.turn()
    board.aggregate.lose(SiteId("beijing"), board.now)
    board.turn()

    board.now = Instant(board.now + 1_000)
    board.publish(load("beijing", 4, idle=1))

    assert board.told() == [SiteSeen(load=load("beijing", 4, idle=1))]


def test_a_writer_that_believes_nobody_yet_counts_who_is_there_and_names_each_as_it_comes() -> None:
    board = Board()
    board.records = {SiteId("beijing"), SiteId("lhasa")}

    first = board.turn()
    board.now = Instant(board.now + 1_000)
    board.publish(load("lhasa", 2, idle=1))
    second = board.turn()

    assert first == [BeatHeard(view_age_ms=40, site_count=2)]
    assert second == [SiteSeen(load=load("lhasa", 2, idle=1)), BeatHeard(view_age_ms=40, site_count=2)]


def test_a_restarted_site_is_named_with_the_directory_that_knows_its_incarnation() -> None:
    board = Board()
    board.publish(load("beijing", 9, idle=2))
    board.turn()

    younger = load("beijing", 1, idle=3, incarnation=2_000)
    board.publish(younger)

    assert board.told() == [SiteSeen(load=load("beijing", 9))]
    board.now = Instant(board.now + EDITION_INTERVAL_MS)
    assert board.told() == [SiteSeen(load=younger)]


def test_what_another_view_told_is_taken_over_and_put_right() -> None:
    known = {SiteId(name): load(name, 4, idle=1) for name in ("beijing", "lhasa", "gone")}
    board = Board(known)
    board.publish(load("beijing", 4, idle=1), load("lhasa", 5))

    assert board.told() == [SiteLeft(site_id=SiteId("gone")), SiteSeen(load=load("lhasa", 4))]


def test_another_writers_directory_makes_the_former_ones_queues_worthless() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2), load("lhasa", 1, idle=1))
    board.turn()
    board.aggregate = Aggregate(8)
    board.publish(load("lhasa", 1, idle=1))
    only_directory_and_beat = [key for key in board.written() if b"queue" not in key[0]]

    sights = [s for name, value in only_directory_and_beat for s in board.view.changed(put(name, value))]

    # Place 0 was Beijing's and is Lhasa's now: its row must not be read under the new directory.
    assert sights[:2] == [SiteLeft(site_id=SiteId("beijing")), SiteSeen(load=load("lhasa", 1))]


def test_a_digest_that_is_found_confirms_nothing_and_tells_nothing_before_it_beats() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2))
    found = tuple(key_value(name, value) for name, value in board.written())

    header = Header(cluster_id=1, revision=50, term=2)
    sights = list(board.view.listed(RangeReply(header=header, kvs=found, count=len(found))))

    assert sights == [WriterSeen(revision=None)]
    assert board.turn() == [
        SiteSeen(load=load("beijing", 3, idle=2)),
        BeatHeard(view_age_ms=40, site_count=1),
    ]


def test_a_foreign_key_is_refused_once_and_the_next_good_turn_counts() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2))
    bad = put(b"queue/sales", b"\xff\xff")

    first, second = list(board.view.changed(bad)), list(board.view.changed(bad))

    assert [type(sight) for sight in first] == [DigestRefused]
    assert second == []
    assert board.told() == [SiteSeen(load=load("beijing", 3, idle=2))]


def test_what_a_turn_told_that_was_never_written_is_told_by_the_next() -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2), load("lhasa", 1, idle=1))
    board.turn()
    board.publish(load("beijing", 4), load("lhasa", 2), load("urumqi", 1, waiting=1))

    lost = board.written()
    board.aggregate.doubt()

    assert [name for name, _ in lost] == [b"sites", b"queue/sales", b"beat"]
    assert board.told() == [
        SiteSeen(load=load("beijing", 3)),
        SiteSeen(load=load("lhasa", 1)),
        SiteSeen(load=load("urumqi", 1, waiting=1)),
    ]


def test_who_writes_is_seen_to_come_and_go() -> None:
    view = Board().view

    assert list(view.changed(put(b"writer", b"lhasa", revision=12))) == [WriterSeen(revision=12)]
    removal = WatchEvent(kv=key_value(b"writer", b"", 13), is_removal=True)
    assert list(view.changed(removal)) == [WriterSeen(revision=None)]


@given(st.binary(max_size=200), st.sampled_from([b"sites", b"queue/sales", b"beat"]))
def test_no_bytes_of_anybody_end_the_reading(value: bytes, name: bytes) -> None:
    board = Board()
    board.publish(load("beijing", 3, idle=2))

    list(board.view.changed(put(name, value)))
    list(board.view.changed(put(b"beat", encode_beat(Beat(view_age_ms=1, site_count=1)))))

    board.aggregate = Aggregate(9)
    board.publish(load("beijing", 4, idle=1))
    assert board.view.known == {} or SiteId("beijing") in board.view.known
    board.turn()
    assert board.view.known[SiteId("beijing")] == load("beijing", 4, idle=1)


@pytest.mark.parametrize(
    "beat", [Beat(view_age_ms=0, site_count=0), Beat(view_age_ms=1_499, site_count=2_000)]
)
def test_a_beat_is_read_as_it_was_written(beat: Beat) -> None:
    assert decode_beat(encode_beat(beat)) == beat
