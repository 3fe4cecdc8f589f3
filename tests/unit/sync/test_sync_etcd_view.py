from collections.abc import Iterable

from router.ids import SiteId
from sync.loadboard.codec import encode
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.sights import OwnKeySeen, RecordRefused, Sight, SiteLeft, SiteSeen
from sync.loadboard.etcd.view import BoardView
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchEvent
from tests.fakes.board import site_load

PREFIX = b"/trunkline/load/"


def view() -> BoardView:
    return BoardView(prefix=PREFIX, own_site_id=SiteId("hq"), reign=Reign())


def kv(site: str, value: bytes, revision: int = 5) -> KeyValue:
    return KeyValue(key=PREFIX + site.encode(), value=value, mod_revision=revision)


def stored(site: str, version: int) -> KeyValue:
    return kv(site, encode(site_load(site, version)))


def listing(*kvs: KeyValue) -> RangeReply:
    return RangeReply(header=Header(cluster_id=1, revision=50, term=2), kvs=kvs, count=len(kvs))


def put(entry: KeyValue) -> WatchEvent:
    return WatchEvent(kv=entry, is_removal=False)


def removal(site: str) -> WatchEvent:
    return WatchEvent(kv=kv(site, b""), is_removal=True)


def of_others(sights: Iterable[Sight]) -> list[Sight]:
    return [sight for sight in sights if not isinstance(sight, OwnKeySeen)]


def test_the_first_list_shows_every_other_site_and_that_our_key_is_missing() -> None:
    sights = list(view().listed(listing(stored("beijing", 1), stored("lhasa", 2))))

    assert sights == [
        OwnKeySeen(payload=None, revision=None),
        SiteSeen(load=site_load("beijing", 1)),
        SiteSeen(load=site_load("lhasa", 2)),
    ]


def test_a_list_after_a_break_tells_only_what_changed_and_who_left() -> None:
    board = view()
    list(board.listed(listing(stored("beijing", 1), stored("lhasa", 2), stored("urumqi", 3))))

    sights = of_others(board.listed(listing(stored("beijing", 1), stored("lhasa", 4))))

    assert sights == [SiteLeft(site_id=SiteId("urumqi")), SiteSeen(load=site_load("lhasa", 4))]


def test_events_show_who_came_changed_and_left() -> None:
    board = view()

    assert list(board.changed(put(stored("beijing", 1)))) == [SiteSeen(load=site_load("beijing", 1))]
    assert list(board.changed(put(stored("beijing", 2)))) == [SiteSeen(load=site_load("beijing", 2))]
    assert list(board.changed(removal("beijing"))) == [SiteLeft(site_id=SiteId("beijing"))]


def test_a_record_put_again_as_it_was_is_no_news_unless_it_was_gone_between() -> None:
    board = view()
    list(board.changed(put(stored("beijing", 1))))

    assert list(board.changed(put(stored("beijing", 1)))) == []
    list(board.changed(removal("beijing")))
    assert list(board.changed(put(stored("beijing", 1)))) == [SiteSeen(load=site_load("beijing", 1))]


def test_a_site_that_was_never_seen_cannot_leave() -> None:
    assert list(view().changed(removal("beijing"))) == []


def test_our_own_key_is_shown_apart_with_its_revision() -> None:
    own = encode(site_load("hq", 1))

    assert list(view().changed(put(kv("hq", own, revision=9)))) == [OwnKeySeen(payload=own, revision=9)]
    assert list(view().changed(removal("hq"))) == [OwnKeySeen(payload=None, revision=5)]


def test_an_unreadable_record_takes_its_site_out_and_is_told_once() -> None:
    board = view()
    list(board.changed(put(stored("beijing", 1))))

    first = list(board.changed(put(kv("beijing", b"\xff"))))
    second = list(board.changed(put(kv("beijing", b"\xff\xff"))))

    assert [type(sight) for sight in first] == [SiteLeft, RecordRefused]
    assert second == []


def test_an_unreadable_record_of_an_unknown_site_is_refused_and_nobody_leaves() -> None:
    sights = list(view().listed(listing(kv("beijing", b"\xff"))))

    assert [type(sight) for sight in sights] == [OwnKeySeen, RecordRefused]


def test_a_readable_record_brings_an_unreadable_site_back() -> None:
    board = view()
    list(board.changed(put(kv("beijing", b"\xff"))))

    assert list(board.changed(put(stored("beijing", 2)))) == [SiteSeen(load=site_load("beijing", 2))]


def test_a_key_that_is_no_text_does_not_end_the_view() -> None:
    sights = list(view().changed(put(KeyValue(key=PREFIX + b"\xff\xfe", value=b"x", mod_revision=5))))

    assert [type(sight) for sight in sights] == [RecordRefused]
