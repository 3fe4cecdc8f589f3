"""What this site knows of the others: their load, how old the view is, and what was sent since.

The age of a record says nothing (it is as old as its last change, and that is fine). What
ages is the view: the time since it was last known to be current.

Who can be asked is kept in order with each change, so that a choice among thousands of
sites looks at a few of them and makes nothing per site.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from router.acd.history import expected_wait_s
from router.ids import Instant, QueueId, SiteId
from router.overflow.draw import WeightedDraw
from router.overflow.lag import RecordLag
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.policy import OverflowPolicy

_SHARE_WINDOW_MS = 1_000

_Index = dict[QueueId, dict[float, WeightedDraw]]
"""Sites of a queue class, by what the link to each costs."""


class ViewState(StrEnum):
    """How far the view may be trusted."""

    FRESH = "FRESH"
    STALE = "STALE"
    """Still used, and shown as stale."""
    UNSCORED = "UNSCORED"
    """Idle peers are asked in random order."""
    OUT = "OUT"
    """Not used: the configured peers are asked in rotation."""


@dataclass(slots=True)
class SiteView:
    """One other site, as seen from here."""

    load: SiteLoad
    seen_at: Instant
    returned_at: Instant | None
    """When it came back after it was gone; None for one that was there from the start."""
    sent: dict[QueueId, int] = field(default_factory=dict)
    """Pushes since this version of the record; taken off its idle agents."""
    claimed: dict[QueueId, int] = field(default_factory=dict)
    """Claims since this version of the record; taken off its waiting calls."""
    is_avoided: bool = False
    """It failed, or refused for good, since this version of the record."""
    knows_of_caller: set[QueueId] = field(default_factory=set)
    """It had nobody idle for a caller of ours since this version, and claims that caller when it has."""
    waiting_since: dict[QueueId, float] = field(default_factory=dict)
    """Where it stands among the sites with callers; absent where it does not."""
    window_since: int = 0
    window_asks: int = 0

    def renew(self, load: SiteLoad, now: Instant) -> None:
        """A version of the record begins, and all that was counted since the last one is in it."""
        self.load, self.seen_at = load, now
        self.sent.clear()
        self.claimed.clear()
        self.is_avoided = False
        self.knows_of_caller.clear()

    def idle_count(self, queue_id: QueueId) -> int:
        queue = self.load.queues.get(queue_id)
        return queue.agents_idle - self.sent.get(queue_id, 0) if queue is not None else 0

    def waiting_count(self, queue_id: QueueId) -> int:
        queue = self.load.queues.get(queue_id)
        return queue.calls_waiting - self.claimed.get(queue_id, 0) if queue is not None else 0


class Board:
    """The other sites in one node's memory, indexed by who has idle agents and who has callers."""

    def __init__(self, site_id: SiteId, policy: OverflowPolicy) -> None:
        self._site_id = site_id
        self._policy = policy
        self._sites: dict[SiteId, SiteView] = {}
        self._gone: set[SiteId] = set()
        self._idle: _Index = {}
        """Who shows idle agents, by what the link to it costs; the weight is their count."""
        self._unshown: _Index = {}
        """Who shows none and was not asked since, likewise; the weight is how many agents work."""
        self._waiting: dict[QueueId, list[tuple[float, SiteId]]] = {}
        """Who shows callers, by since when the first waits, put off by what the link costs, in ms."""
        self._confirmed_at: Instant | None = None
        self._lag = RecordLag(policy)

    # --- what is told ------------------------------------------------------------------

    def see(self, load: SiteLoad, now: Instant) -> None:
        if load.site_id == self._site_id:
            return
        view = self._sites.get(load.site_id)
        if view is None:
            returned_at = now if load.site_id in self._gone else None
            self._gone.discard(load.site_id)
            view = self._sites[load.site_id] = SiteView(load=load, seen_at=now, returned_at=returned_at)
        elif _order(load) < _order(view.load):
            return
        else:
            if load != view.load:
                # A digest takes back what a site showed without a version of its own for it.
                self._lag.replace(load.site_id, now)
            if view.load.queues.keys() != load.queues.keys():
                self._unindex(view)
            view.renew(load, now)
        self._index(view)

    def lose(self, site_id: SiteId) -> None:
        view = self._sites.pop(site_id, None)
        if view is not None:
            self._unindex(view)
            self._gone.add(site_id)
            self._lag.lose(site_id)

    def confirm(self, now: Instant) -> None:
        self._confirmed_at = now

    def hear_of_caller(self, site_id: SiteId, queue_id: QueueId) -> None:
        """It asked for an agent and got none: a caller waits there, whatever its record says."""
        view = self._sites.get(site_id)
        if view is not None and queue_id in view.load.queues:
            view.is_avoided = False
            if view.waiting_count(queue_id) < 1:
                view.claimed[queue_id] = view.load.queues[queue_id].calls_waiting - 1
            self._index(view)

    def hear_of_agent(self, site_id: SiteId, queue_id: QueueId) -> None:
        """It asked for a caller and got none: an agent is idle there, whatever its record says."""
        view = self._sites.get(site_id)
        if view is not None and queue_id in view.load.queues:
            view.is_avoided = False
            view.knows_of_caller.discard(queue_id)
            if view.idle_count(queue_id) < 1:
                view.sent[queue_id] = view.load.queues[queue_id].agents_idle - 1
            self._index(view)

    def hear_of_no_agent(self, site_id: SiteId, queue_id: QueueId, now: Instant) -> None:
        """It was asked for an agent and had none: not again before its record changes."""
        view = self._sites.get(site_id)
        if view is not None and queue_id in view.load.queues:
            view.knows_of_caller.add(queue_id)
            shown_count = view.load.queues[queue_id].agents_idle
            view.sent[queue_id] = shown_count
            if shown_count:
                self._lag.refute(site_id, now)
            self._index(view)

    def hear_of_no_caller(self, site_id: SiteId, queue_id: QueueId, now: Instant) -> None:
        """It was asked for a caller and had none: not again before its record changes."""
        view = self._sites.get(site_id)
        if view is not None and queue_id in view.load.queues:
            shown_count = view.load.queues[queue_id].calls_waiting
            view.claimed[queue_id] = shown_count
            if shown_count:
                self._lag.refute(site_id, now)
            self._index(view)

    # --- what was done -----------------------------------------------------------------

    def note_push(self, site_id: SiteId, queue_id: QueueId, now: Instant) -> None:
        view = self._sites.get(site_id)
        if view is not None:
            view.sent[queue_id] = view.sent.get(queue_id, 0) + 1
            self._count_ask(view, now)
            self._index(view)

    def note_claim(self, site_id: SiteId, queue_id: QueueId, now: Instant) -> None:
        view = self._sites.get(site_id)
        if view is not None:
            view.claimed[queue_id] = view.claimed.get(queue_id, 0) + 1
            self._count_ask(view, now)
            self._index(view)

    def avoid(self, site_id: SiteId) -> None:
        """It did not answer, or refused for good: not again before its record changes."""
        view = self._sites.get(site_id)
        if view is not None:
            view.is_avoided = True
            self._index(view)

    # --- what may be asked -------------------------------------------------------------

    def age_ms(self, now: Instant) -> int | None:
        """Since the view was last known to be current; None when it never was."""
        return None if self._confirmed_at is None else now - self._confirmed_at

    def out_at(self, now: Instant) -> Instant:
        """When the view will be out unless it is confirmed again; `now` when it is out already."""
        if self._confirmed_at is None:
            return now
        return Instant(max(now, self._confirmed_at + self._policy.view_out_ms + 1))

    def state(self, now: Instant) -> ViewState:
        age_ms = self.age_ms(now)
        if age_ms is None or age_ms > self._policy.view_out_ms:
            return ViewState.OUT
        if age_ms > self._policy.view_unscored_ms:
            return ViewState.UNSCORED
        return ViewState.STALE if age_ms > self._policy.view_stale_ms else ViewState.FRESH

    def view(self, site_id: SiteId) -> SiteView:
        """What is known of a site that `idle_groups` or `waiting_sites` names."""
        return self._sites[site_id]

    def idle_groups(self, queue_id: QueueId) -> list[tuple[float, WeightedDraw]]:
        """Sites that show an idle agent of `queue_id`, those of equal link cost together, cheapest first."""
        return _cheapest_first(self._idle.get(queue_id, {}))

    def unshown_groups(self, queue_id: QueueId) -> list[tuple[float, WeightedDraw]]:
        """Likewise, sites that show nobody idle, and were not asked for an agent since they did."""
        return _cheapest_first(self._unshown.get(queue_id, {}))

    def records_lag(self, now: Instant) -> bool:
        """Whether what records show may have been over for long, although the view is fresh."""
        return self._lag.is_on(now)

    def waiting_sites(self, queue_id: QueueId) -> Iterator[tuple[float, SiteView]]:
        """Sites that show a caller of `queue_id`, who waited longest first, the link's cost taken off.

        The figure is a time on this node's clock, in ms: equal ones waited equally long.
        """
        for since, site_id in self._waiting.get(queue_id, ()):
            yield since, self._sites[site_id]

    def cost_s(self, site_id: SiteId) -> float:
        """Seconds of wait that crossing the link to a site must save, of all who wait there together."""
        link = self._policy.links.get(site_id)
        return link.cost_s if link is not None else 0.0

    def may_ask(self, site_id: SiteId, now: Instant) -> bool:
        """Whether the site's share of asks in this second is not used up."""
        view = self._sites[site_id]
        return now - view.window_since >= _SHARE_WINDOW_MS or view.window_asks < self._share(view, now)

    # --- inside ------------------------------------------------------------------------

    def _share(self, view: SiteView, now: Instant) -> int:
        """Asks a second; a site that came back gets a growing part of it."""
        share = self._policy.site_share_per_s
        if view.returned_at is None or now - view.returned_at >= self._policy.ramp_up_ms:
            return share
        return max(1, share * (now - view.returned_at) // self._policy.ramp_up_ms)

    def _count_ask(self, view: SiteView, now: Instant) -> None:
        if now - view.window_since >= _SHARE_WINDOW_MS:
            view.window_since, view.window_asks = now, 0
        view.window_asks += 1

    def _index(self, view: SiteView) -> None:
        """Bring the site to its place among those that can be asked, or take it out."""
        site_id = view.load.site_id
        is_askable = (
            view.load.accepting and not view.is_avoided and view.load.link_headroom.get(self._site_id, 1) > 0
        )
        cost_s = self.cost_s(site_id)
        for queue_id, queue in view.load.queues.items():
            idle_count = view.idle_count(queue_id) if is_askable else 0
            self._weigh(self._idle, queue_id, site_id, cost_s, idle_count)
            is_unshown = is_askable and idle_count <= 0 and queue_id not in view.knows_of_caller
            staffed_count = queue.agents_staffed if is_unshown else 0
            self._weigh(self._unshown, queue_id, site_id, cost_s, staffed_count)
            self._unindex_waiting(view, queue_id)
            if is_askable and view.waiting_count(queue_id) > 0:
                since = view.seen_at - queue.head_wait_ms + cost_s * 1000
                view.waiting_since[queue_id] = since
                insort(self._waiting.setdefault(queue_id, []), (since, site_id))

    def _weigh(self, index: _Index, queue_id: QueueId, site_id: SiteId, cost_s: float, weight: int) -> None:
        if weight > 0:
            groups = index.setdefault(queue_id, {})
            group = groups.get(cost_s)
            if group is None:
                group = groups[cost_s] = WeightedDraw()
            group.put(site_id, weight)
        elif (known := index.get(queue_id, {}).get(cost_s)) is not None:
            known.discard(site_id)

    def _unindex_waiting(self, view: SiteView, queue_id: QueueId) -> None:
        since = view.waiting_since.pop(queue_id, None)
        if since is not None:
            order = self._waiting[queue_id]
            del order[bisect_left(order, (since, view.load.site_id))]

    def _unindex(self, view: SiteView) -> None:
        site_id = view.load.site_id
        for queue_id in view.load.queues:
            for index in (self._idle, self._unshown):
                self._weigh(index, queue_id, site_id, self.cost_s(site_id), 0)
            self._unindex_waiting(view, queue_id)


def _cheapest_first(groups: dict[float, WeightedDraw]) -> list[tuple[float, WeightedDraw]]:
    return [(cost_s, groups[cost_s]) for cost_s in sorted(groups) if groups[cost_s]]


def _order(load: SiteLoad) -> tuple[int, int]:
    return (load.incarnation, load.version)


def expected_wait_at_s(queue: QueueLoad, ahead_count: int) -> float:
    """Seconds until a caller with `ahead_count` before it is served there; infinite without agents."""
    return expected_wait_s(
        ahead_count=ahead_count,
        staffed_count=queue.agents_staffed,
        aht_ms=queue.aht_ms,
        abandon_rate_per_hour=queue.abandon_rate_per_hour,
    )
