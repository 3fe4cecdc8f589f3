"""Rounds: what a second's changes tell, and when everything has to be listed."""

from router.ids import Instant, SiteId
from sync.loadboard.codec import encode
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.rounds import RecordRounds
from sync.loadboard.etcd.sights import RecordRefused, Sight, SiteLeft, SiteSeen
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply
from tests.fakes.board import site_load

PREFIX = b"/trunkline/load/"


class Etcd:
    """The records of a store, and its answers as etcd gives them."""

    def __init__(self) -> None:
        self.cluster_id = 1
        self.revision = 10
        self.kvs: dict[bytes, KeyValue] = {}

    def put(self, site: str, version: int) -> None:
        self.put_bytes(site, encode(site_load(site, version)))

    def put_bytes(self, site: str, value: bytes) -> None:
        self.revision += 1
        key = PREFIX + site.encode()
        self.kvs[key] = KeyValue(key=key, value=value, mod_revision=self.revision)

    def delete(self, site: str) -> None:
        self.revision += 1
        del self.kvs[PREFIX + site.encode()]

    def answer(self, request: bytes) -> RangeReply:
        since = wire._class("RangeRequest").FromString(request).min_mod_revision
        return RangeReply(
            header=Header(cluster_id=self.cluster_id, revision=self.revision, term=2),
            kvs=tuple(kv for kv in self.kvs.values() if kv.mod_revision >= since),
            count=len(self.kvs),
        )


class Reader:
    """Rounds as the writer of the digest makes them."""

    def __init__(self, etcd: Etcd) -> None:
        self.rounds = RecordRounds(PREFIX)
        self.etcd = etcd
        self.read_counts: list[int] = []

    def look(self) -> list[Sight]:
        reply = self.etcd.answer(self.rounds.request())
        self.read_counts = [len(reply.kvs)]
        if not self.rounds.is_whole(reply):
            self.rounds.forget()
            reply = self.etcd.answer(self.rounds.request())
            self.read_counts.append(len(reply.kvs))
        assert self.rounds.is_whole(reply)
        return list(self.rounds.take(reply, Instant(1_000)))


def seen(site: str, version: int) -> SiteSeen:
    return SiteSeen(load=site_load(site, version))


def test_the_first_round_shows_everybody_and_the_next_only_what_changed() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    etcd.put("lhasa", 1)
    reader = Reader(etcd)

    assert reader.look() == [seen("beijing", 1), seen("lhasa", 1)]
    etcd.put("lhasa", 2)
    etcd.put("lhasa", 3)
    etcd.put("urumqi", 1)
    assert reader.look() == [seen("lhasa", 3), seen("urumqi", 1)]
    assert reader.read_counts == [2]
    assert reader.look() == []
    assert reader.read_counts == [0]


def test_who_leaves_is_missed_in_the_count_and_found_by_a_list() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    etcd.put("lhasa", 1)
    reader = Reader(etcd)
    reader.look()

    etcd.delete("beijing")

    assert reader.look() == [SiteLeft(site_id=SiteId("beijing"))]
    assert reader.look() == []
    assert reader.read_counts == [0]


def test_one_that_came_does_not_hide_one_that_left() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    reader = Reader(etcd)
    reader.look()

    etcd.delete("beijing")
    etcd.put("lhasa", 1)

    assert reader.look() == [SiteLeft(site_id=SiteId("beijing")), seen("lhasa", 1)]


def test_one_that_left_and_came_again_has_changed_and_nothing_is_listed() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    etcd.put("lhasa", 1)
    reader = Reader(etcd)
    reader.look()

    etcd.delete("beijing")
    etcd.put("beijing", 2)

    assert reader.look() == [seen("beijing", 2)]
    assert reader.read_counts == [1]


def test_an_unreadable_record_counts_among_those_that_are_there() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    etcd.put_bytes("lhasa", b"\xff\xff")
    reader = Reader(etcd)

    first, second = reader.look()

    assert first == seen("beijing", 1)
    assert isinstance(second, RecordRefused)
    assert reader.look() == []
    assert reader.read_counts == [0]


def test_another_store_or_one_that_went_back_is_listed() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    reader = Reader(etcd)
    reader.look()

    etcd.cluster_id = 2
    assert (reader.look(), reader.read_counts) == ([], [0, 1])

    etcd.revision -= 5
    etcd.put("beijing", 7)
    assert (reader.look(), reader.read_counts) == ([seen("beijing", 7)], [0, 1])


def test_after_a_break_everything_is_listed_and_only_what_changed_is_told() -> None:
    etcd = Etcd()
    etcd.put("beijing", 1)
    etcd.put("lhasa", 1)
    reader = Reader(etcd)
    reader.look()

    reader.rounds.forget()
    etcd.put("lhasa", 2)
    etcd.delete("beijing")

    assert reader.look() == [SiteLeft(site_id=SiteId("beijing")), seen("lhasa", 2)]
