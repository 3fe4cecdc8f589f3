"""Every record read in rounds: each asks for what changed since the one before. No I/O; time is given.

A watch would bring each change as a message of its own, which costs its reader more than all
else that it does with the change; a round brings a second's changes as one answer.
"""

from collections.abc import Iterator

from router.ids import Instant
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.sights import Sight
from sync.loadboard.etcd.view import BoardView
from sync.loadboard.etcd.wire import Header, RangeReply, WatchEvent


class RecordRounds:
    """The records as the last round left them, and what the next has to ask.

    etcd names only what was written since, and counts all that is there at that moment
    (rpc.proto, RangeResponse.count). What is there was there before or was written since: so where
    both together are as many as etcd counts, nobody left, and nothing was missed.
    """

    def __init__(self, prefix: bytes) -> None:
        self._view = BoardView(prefix=prefix, own_site_id=None, reign=Reign())
        self._begin = prefix
        self._end = wire.prefix_end(prefix)
        self._keys: set[bytes] = set()
        self._last: Header | None = None
        """Of the last round; None: the next one lists everything."""
        self._read_at: Instant | None = None

    @property
    def record_count(self) -> int:
        """Of all records that the last round left there, whoever believes them."""
        return len(self._keys)

    def request(self) -> bytes:
        """What to ask etcd now."""
        since = 0 if self._last is None else self._last.revision + 1
        return wire.range_request(self._begin, range_end=self._end, min_mod_revision=since)

    def is_whole(self, reply: RangeReply) -> bool:
        """Whether the answer and what is known are all that there is; a list always is."""
        if self._last is None:
            return True
        if reply.header.cluster_id != self._last.cluster_id or reply.header.revision < self._last.revision:
            return False
        return reply.count == len(self._keys.union(kv.key for kv in reply.kvs))

    def take(self, reply: RangeReply, asked_at: Instant) -> Iterator[Sight]:
        """What a whole answer tells; the round is over when all of it is taken."""
        is_list = self._last is None
        yield from self._view.answered(reply.header, asked_at, self._read_at)
        if is_list:
            self._keys.clear()
            yield from self._view.listed(reply)
        else:
            for kv in reply.kvs:
                yield from self._view.changed(WatchEvent(kv=kv, is_removal=False))
        self._keys.update(kv.key for kv in reply.kvs)
        self._last, self._read_at = reply.header, asked_at

    def forget(self) -> None:
        """Somebody left, or the connection broke: the next round lists everything."""
        self._last = None
