import pytest

from sync.loadboard.etcd.cursor import Resume, WatchCursor
from sync.loadboard.etcd.errors import ViewOutdatedError, WatchCanceledError
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchEvent, WatchReply

OURS = 77


def kv(key: str, revision: int) -> KeyValue:
    return KeyValue(key=key.encode(), value=f"v{revision}".encode(), mod_revision=revision)


def listing(revision: int, *kvs: KeyValue, cluster: int = OURS) -> RangeReply:
    return RangeReply(header=Header(cluster_id=cluster, revision=revision, term=2), kvs=kvs, count=len(kvs))


def reply(
    revision: int,
    *events: WatchEvent,
    cluster: int = OURS,
    created: bool = False,
    canceled: bool = False,
    compacted: int = 0,
) -> WatchReply:
    return WatchReply(
        header=Header(cluster_id=cluster, revision=revision, term=2),
        created=created,
        canceled=canceled,
        cancel_reason="permission denied" if canceled else "",
        compact_revision=compacted,
        events=events,
    )


def put(key: str, revision: int) -> WatchEvent:
    return WatchEvent(kv=kv(key, revision), is_removal=False)


def removed(key: str, revision: int) -> WatchEvent:
    return WatchEvent(kv=kv(key, revision), is_removal=True)


def cursor_at(revision: int) -> WatchCursor:
    cursor = WatchCursor()
    cursor.listed(listing(revision, kv("beijing", revision - 3), kv("urumqi", revision - 1)))
    return cursor


def test_a_new_view_lists_first() -> None:
    assert WatchCursor().resume() is None


def test_a_listed_view_watches_from_the_revision_after_the_list() -> None:
    assert cursor_at(10).start_revision == 11


def test_a_resume_begins_after_the_last_event_and_not_after_the_header() -> None:
    cursor = cursor_at(10)

    cursor.received(reply(500, put("lhasa", 12), put("beijing", 13)))

    assert cursor.resume() == Resume(start_revision=14, anchor_key=b"beijing", anchor_revision=13)


def test_a_message_that_created_the_watch_moves_nothing() -> None:
    cursor = cursor_at(10)

    cursor.received(reply(500, created=True))

    assert cursor.start_revision == 11


def test_progress_moves_an_idle_watch_on_to_the_progress_before_it() -> None:
    cursor = cursor_at(10)

    cursor.received(reply(100))
    assert cursor.start_revision == 11
    cursor.received(reply(200))

    assert cursor.start_revision == 101


def test_events_that_a_progress_response_overtook_are_not_skipped_by_a_resume() -> None:
    cursor = cursor_at(10)
    cursor.received(reply(100))

    cursor.received(reply(100, put("lhasa", 99)))

    assert cursor.start_revision == 100


def test_progress_of_one_stream_says_nothing_about_the_next() -> None:
    cursor = cursor_at(10)
    cursor.received(reply(100))
    cursor.resume()

    cursor.received(reply(200))

    assert cursor.start_revision == 11


def test_the_revision_to_resume_from_never_goes_back() -> None:
    cursor = cursor_at(10)
    for revision in (100, 200, 300):
        cursor.received(reply(revision))

    cursor.received(reply(300, put("lhasa", 250)))

    assert cursor.start_revision == 251


def test_an_empty_list_leaves_nothing_to_prove_a_resume_with() -> None:
    cursor = WatchCursor()

    cursor.listed(listing(10))

    assert cursor.resume() is None


def test_a_removal_is_followed_and_the_anchor_stays_the_newest_put() -> None:
    cursor = cursor_at(10)

    cursor.received(reply(12, removed("urumqi", 12)))

    assert cursor.resume() == Resume(start_revision=13, anchor_key=b"urumqi", anchor_revision=9)


@pytest.mark.parametrize(
    "answer",
    [
        listing(10),
        listing(10, KeyValue(key=b"urumqi", value=b"another", mod_revision=9)),
        listing(10, KeyValue(key=b"urumqi", value=b"v9", mod_revision=8)),
        listing(10, kv("urumqi", 9), cluster=OURS + 1),
    ],
)
def test_a_history_without_the_anchor_is_another_store(answer: RangeReply) -> None:
    assert not cursor_at(10).proves(answer)


def test_a_history_with_the_anchor_is_the_same_store() -> None:
    assert cursor_at(10).proves(listing(4_000, kv("urumqi", 9)))


@pytest.mark.parametrize(
    "message",
    [
        reply(50, compacted=40),
        reply(50, canceled=True, compacted=40),
        reply(50, cluster=OURS + 1),
        reply(8, created=True),
    ],
    ids=["compacted", "compacted and canceled", "another cluster", "revision went back"],
)
def test_a_watch_that_cannot_go_on_says_so_and_after_forgetting_lists(message: WatchReply) -> None:
    cursor = cursor_at(10)

    with pytest.raises(ViewOutdatedError):
        cursor.received(message)

    cursor.forget()
    assert cursor.resume() is None


def test_an_answer_may_be_one_revision_behind_the_event_before_it() -> None:
    """A change is sent to its watchers just before etcd counts it."""
    cursor = cursor_at(10)
    cursor.received(reply(11, put("lhasa", 11)))

    cursor.received(reply(10))

    assert cursor.start_revision == 12


def test_a_refused_watch_is_an_error_with_etcds_reason() -> None:
    with pytest.raises(WatchCanceledError, match="permission denied"):
        cursor_at(10).received(reply(50, canceled=True))
