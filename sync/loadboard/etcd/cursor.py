"""Where a broken watch goes on, and when it cannot: the revision rules, without any I/O.

- Resume from the last event's mod_revision + 1. A message's header names the store's
  revision, which may be ahead of events still to come: resuming from it loses them.
- A progress response moves an idle watch on, and only to the response before it: etcd
  before 3.5.8 may answer ahead of events that are still queued (etcd issue 15220).
- A store that was wiped can look like the old one and even overtake its revision. So a
  resume proves first that the newest record it knows (the anchor) is in the history.
"""

from dataclasses import dataclass

from sync.loadboard.etcd.errors import ViewOutdatedError, WatchCanceledError
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Watch from `start_revision`, if `anchor_key` was written at `anchor_revision`."""

    start_revision: int
    anchor_key: bytes
    anchor_revision: int


class WatchCursor:
    """One view's position in etcd's history."""

    def __init__(self) -> None:
        self._cluster_id: int | None = None
        self._next_revision: int | None = None
        self._anchor: KeyValue | None = None
        self._last_progress: int | None = None

    @property
    def start_revision(self) -> int:
        """The revision to watch from, after a list or a proven resume."""
        assert self._next_revision is not None, "nothing was listed yet"
        return self._next_revision

    def resume(self) -> Resume | None:
        """How to go on after a break, or None: list again."""
        self._last_progress = None
        if self._next_revision is None or self._anchor is None:
            return None
        return Resume(
            start_revision=self._next_revision,
            anchor_key=self._anchor.key,
            anchor_revision=self._anchor.mod_revision,
        )

    def proves(self, reply: RangeReply) -> bool:
        """Whether the answer about the anchor, as of its revision, shows the history that we know."""
        return self._is_same_cluster(reply.header) and reply.kvs == (self._anchor,)

    def listed(self, reply: RangeReply) -> None:
        """Take a list of all records: the view begins anew."""
        self._cluster_id = reply.header.cluster_id
        self._next_revision = reply.header.revision + 1
        self._anchor = max(reply.kvs, key=lambda kv: kv.mod_revision, default=None)
        self._last_progress = None

    def received(self, reply: WatchReply) -> None:
        """Take one message of the watch, before its events are used.

        Raises:
            ViewOutdatedError: compacted, another cluster, or a revision that went back; list again.
            WatchCanceledError: etcd refuses the watch.
        """
        if reply.compact_revision:
            raise ViewOutdatedError(f"history is compacted up to revision {reply.compact_revision}")
        if reply.canceled:
            raise WatchCanceledError(reply.cancel_reason or "etcd gave no reason")
        self._check_continuity(reply.header)
        if reply.events:
            self._follow_events(reply)
        elif reply.is_progress:
            self._follow_progress(reply.header.revision)

    def forget(self) -> None:
        """Nothing that was known holds any more: the next thing to do is to list."""
        self._next_revision = None

    def _check_continuity(self, header: Header) -> None:
        if not self._is_same_cluster(header):
            raise ViewOutdatedError(f"the cluster is another: {self._cluster_id} became {header.cluster_id}")
        # etcd tells of a change just before it counts it (watchableStoreTxnWrite.End), so an answer
        # to a progress request may be one behind an event that came before it.
        if header.revision < self.start_revision - 2:
            raise ViewOutdatedError(
                f"the store is at revision {header.revision}, behind {self.start_revision - 1} already seen"
            )

    def _is_same_cluster(self, header: Header) -> bool:
        return self._cluster_id is not None and header.cluster_id == self._cluster_id

    def _follow_events(self, reply: WatchReply) -> None:
        self._next_revision = max(self.start_revision, reply.events[-1].kv.mod_revision + 1)
        for event in reply.events:
            if not event.is_removal:
                self._anchor = event.kv

    def _follow_progress(self, revision: int) -> None:
        if self._last_progress is not None:
            self._next_revision = max(self.start_revision, self._last_progress + 1)
        self._last_progress = revision
