"""A site whose key is still there after an election has to prove that it lives."""

from router.ids import Instant, SiteId
from sync.loadboard.codec import encode, stamped
from sync.loadboard.etcd.digest_view import DigestView
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.sights import OwnKeySeen, Sight, SiteLeft, SiteSeen
from sync.loadboard.etcd.view import BoardView
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchEvent
from tests.fakes.board import site_load

PREFIX = b"/trunkline/load/"
LHASA_LEFT = SiteLeft(site_id=SiteId("lhasa"))
LHASA_SEEN = SiteSeen(load=site_load("lhasa", 1))


class View:
    """A board's view, told everything under a term and at a time."""

    def __init__(self, reign: Reign | None = None, confirmed_at: Instant | None = None) -> None:
        """With both it takes over from another view."""
        self._view = BoardView(prefix=PREFIX, own_site_id=SiteId("hq"), reign=reign or Reign())
        self._confirmed_at = confirmed_at

    def lists(self, *kvs: KeyValue, term: int, seconds: float) -> list[Sight]:
        header = self._header(term)
        sights = [
            *self._view.answered(header, at(seconds), self._confirmed_at),
            *self._view.listed(RangeReply(header=header, kvs=kvs, count=len(kvs))),
        ]
        self._confirmed_at = at(seconds)
        return [sight for sight in sights if not isinstance(sight, OwnKeySeen)]

    def hears(self, *kvs: KeyValue, term: int, seconds: float) -> list[Sight]:
        """A watch's answer; without a key, how far it is."""
        sights = list(self._view.answered(self._header(term), at(seconds), self._confirmed_at))
        for kv in kvs:
            sights += self._view.changed(WatchEvent(kv=kv, is_removal=False))
        self._confirmed_at = at(seconds)
        return sights

    def _header(self, term: int) -> Header:
        return Header(cluster_id=1, revision=50, term=term)


def at(seconds: float) -> Instant:
    return Instant(round(seconds * 1000))


def key_of(site: str, *, term: int, version: int = 1) -> KeyValue:
    value = stamped(encode(site_load(site, version)), term)
    return KeyValue(key=PREFIX + site.encode(), value=value, mod_revision=5)


def view_of_lhasa() -> View:
    view = View()
    assert view.lists(key_of("lhasa", term=2), term=2, seconds=100) == [LHASA_SEEN]
    return view


def test_a_site_that_does_not_put_again_after_an_election_leaves_after_five_seconds() -> None:
    view = view_of_lhasa()

    assert view.hears(term=3, seconds=102) == []
    assert view.hears(term=3, seconds=104.9) == []
    assert view.hears(term=3, seconds=105) == [LHASA_LEFT]
    assert view.hears(term=3, seconds=105.1) == []


def test_a_site_that_puts_again_stays_and_that_is_no_news() -> None:
    view = view_of_lhasa()
    view.hears(term=3, seconds=102)

    assert view.hears(key_of("lhasa", term=3), term=3, seconds=103) == []
    assert view.hears(term=3, seconds=200) == []


def test_a_further_election_gives_no_more_time() -> None:
    view = view_of_lhasa()
    view.hears(term=3, seconds=101)

    assert view.hears(term=4, seconds=104.5) == []
    assert view.hears(term=4, seconds=105) == [LHASA_LEFT]


def test_after_a_long_outage_nobody_is_in_view_before_it_puts_again() -> None:
    view = view_of_lhasa()

    assert view.hears(term=3, seconds=120) == [LHASA_LEFT]
    assert view.hears(key_of("lhasa", term=3), term=3, seconds=121) == [LHASA_SEEN]


def test_what_was_put_before_the_outage_and_is_told_after_it_proves_nothing() -> None:
    view = view_of_lhasa()
    view.hears(term=3, seconds=120)

    assert view.hears(key_of("lhasa", term=2, version=2), term=3, seconds=120.1) == []
    assert view.hears(key_of("urumqi", term=2), term=3, seconds=120.2) == []


def test_who_looks_for_the_first_time_sees_only_who_put_under_this_leader() -> None:
    keys = key_of("lhasa", term=2), key_of("urumqi", term=3)

    sights = View().lists(*keys, term=3, seconds=100)

    assert sights == [SiteSeen(load=site_load("urumqi", 1))]


def test_a_list_of_after_the_outage_takes_back_who_did_not_put_again() -> None:
    view = view_of_lhasa()

    assert view.lists(key_of("lhasa", term=2), term=3, seconds=120) == [LHASA_LEFT]


def test_a_site_that_had_to_prove_itself_and_left_is_new_when_it_comes() -> None:
    view = view_of_lhasa()
    view.hears(term=3, seconds=120)
    assert view.lists(term=3, seconds=121) == []

    assert view.lists(key_of("lhasa", term=3), term=3, seconds=122) == [LHASA_SEEN]


def test_a_member_that_has_not_heard_of_the_new_leader_makes_nobody_leave() -> None:
    view = view_of_lhasa()
    view.hears(key_of("lhasa", term=3), term=3, seconds=102)

    assert view.hears(term=2, seconds=103) == []
    assert view.hears(term=3, seconds=200) == []


def test_a_site_that_tells_no_term_is_believed_as_long_as_its_key_is_there() -> None:
    view = View()
    view.lists(key_of("lhasa", term=0), term=2, seconds=100)

    assert view.hears(term=3, seconds=200) == []


def test_what_a_digest_told_after_the_election_gives_nobody_more_time() -> None:
    reign = Reign()
    digest = DigestView(prefix=b"/trunkline/digest/", own_site_id=SiteId("hq"), reign=reign, known={})
    confirmed_at = at(100)
    for term, seconds in ((2, 100), (3, 102), (3, 106)):
        list(digest.answered(Header(cluster_id=1, revision=50, term=term), at(seconds), confirmed_at))
        confirmed_at = at(seconds)

    view = View(reign, confirmed_at)
    sights = view.lists(key_of("lhasa", term=2), key_of("urumqi", term=3), term=3, seconds=106.1)

    assert sights == [SiteSeen(load=site_load("urumqi", 1))]
