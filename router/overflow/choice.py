"""Which site is asked: for an idle agent (push) or for a waiting caller (pull)."""

import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from router.ids import FOREVER_MS, Instant, QueueId, SiteId
from router.ledger import Decision
from router.overflow.board import Board, SiteView, ViewState, expected_wait_at_s
from router.overflow.draw import WeightedDraw
from router.overflow.links import Links
from router.overflow.policy import OverflowPolicy

_EXPLAINED_LIMIT = 8
"""Candidates kept in a decision's row: enough to understand it, bounded for thousands of sites."""

_LOOKED_AT_LIMIT = 32
"""Sites looked at to fill that row."""

_Group = tuple[float, WeightedDraw]
"""Sites that the link's cost, in seconds, makes equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    site_id: SiteId
    queue_id: QueueId
    decision: Decision


class Chooser:
    """Choices from this site's view, its configured links and a seeded source of randomness."""

    def __init__(self, board: Board, policy: OverflowPolicy, links: Links, rng: random.Random) -> None:
        self._board = board
        self._links = links
        self._rng = rng
        self._peers = tuple(policy.links)
        self._rotation = rng.randrange(len(self._peers)) if self._peers else 0

    def helper_for(
        self, queue_id: QueueId, home_wait_s: float, asked: Iterable[SiteId], now: Instant
    ) -> Choice | None:
        """The site to ask for an idle agent; None when none is worth asking.

        Args:
            queue_id: the call's queue class.
            home_wait_s: what those who wait at home save by it, all together; a link must save more
                than it costs.
            asked: sites that this call has asked already.
            now: the floor's time.
        """
        state = self._board.state(now)
        if state is ViewState.OUT:
            return self._blind(queue_id, "PUSH_BLIND", asked, now, home_wait_s)
        groups = _worth_it(self._board.idle_groups(queue_id), home_wait_s)

        def may_take(site_id: SiteId) -> bool:
            return site_id not in asked and self._may_ask(site_id, now)

        if state is ViewState.UNSCORED:
            rule, chosen = "PUSH_AT_RANDOM", self._at_random(groups, may_take)
        else:
            rule, chosen = "PUSH_BY_SCORE", self._by_score(groups, may_take)
        if chosen is None and self._board.records_lag(now):
            groups = _worth_it(self._board.unshown_groups(queue_id), home_wait_s)
            rule, chosen = "PUSH_UNSHOWN", self._by_score(groups, may_take)
        if chosen is None:
            return None
        others = ((site_id, cost_s) for cost_s, group in groups for site_id in group)
        shown = [(chosen, queue_id, self._board.cost_s(chosen))]
        for site_id, cost_s in islice(others, _LOOKED_AT_LIMIT):
            if site_id != chosen and may_take(site_id) and len(shown) < _EXPLAINED_LIMIT:
                shown.append((site_id, queue_id, cost_s))
        count = sum(len(group) for _, group in groups)
        return self._choice(rule, shown, count, now, home_wait_s)

    def origin_for(self, queues: Iterable[QueueId], now: Instant) -> Choice | None:
        """The site whose head call has waited longest among those an idle agent can serve."""
        if self._board.state(now) is ViewState.OUT:
            return None
        found: list[tuple[float, SiteId, QueueId]] = []
        for queue_id in queues:
            found += islice(self._longest_waiting(queue_id, now), _EXPLAINED_LIMIT)
        if not found:
            return None
        found.sort(key=lambda entry: entry[0])
        longest_count = sum(since <= found[0][0] for since, _, _ in found)
        found.insert(0, found.pop(self._rng.randrange(longest_count)))
        shown = [(site_id, of, (now - since) / 1000) for since, site_id, of in found[:_EXPLAINED_LIMIT]]
        return self._choice("PULL_LONGEST_WAIT", shown, len(found), now)

    def blind_origin(self, queue_id: QueueId, now: Instant) -> Choice | None:
        """Without a view: the next configured peer, whether it has callers or not."""
        return self._blind(queue_id, "PULL_BLIND", (), now)

    def _longest_waiting(self, queue_id: QueueId, now: Instant) -> Iterator[tuple[float, SiteId, QueueId]]:
        """Sites worth claiming a caller from, who waited longest first."""
        for since, view in self._board.waiting_sites(queue_id):
            site_id = view.load.site_id
            if self._is_worth_it(view, queue_id) and self._may_ask(site_id, now):
                yield since, site_id, queue_id

    def _may_ask(self, site_id: SiteId, now: Instant) -> bool:
        return self._links.headroom(site_id) > 0 and self._board.may_ask(site_id, now)

    def _is_worth_it(self, view: SiteView, queue_id: QueueId) -> bool:
        """Whether all who wait there save more than the link costs when the first of them is served here."""
        cost_s = self._board.cost_s(view.load.site_id)
        behind_count = view.waiting_count(queue_id) - 1
        return cost_s <= 0 or expected_wait_at_s(view.load.queues[queue_id], behind_count) > cost_s

    def _by_score(self, groups: list[_Group], may_take: Callable[[SiteId], bool]) -> SiteId | None:
        """The cheapest; among equals one at random, by idle agents, so that nobody runs to one site."""
        for _, group in groups:
            chosen = group.draw(self._rng, may_take)
            if chosen is not None:
                return chosen
        return None

    def _at_random(self, groups: list[_Group], may_take: Callable[[SiteId], bool]) -> SiteId | None:
        """Any of them, each as likely as the next."""
        left = list(groups)
        while left:
            drawn = self._rng.choices(range(len(left)), [len(group) for _, group in left])[0]
            chosen = left.pop(drawn)[1].draw_evenly(self._rng, may_take)
            if chosen is not None:
                return chosen
        return None

    def _blind(
        self,
        queue_id: QueueId,
        rule: str,
        asked: Iterable[SiteId],
        now: Instant,
        home_wait_s: float | None = None,
    ) -> Choice | None:
        for _ in self._peers:
            self._rotation = (self._rotation + 1) % len(self._peers)
            site_id = self._peers[self._rotation]
            if site_id not in asked and self._links.headroom(site_id) > 0:
                decision = Decision(
                    rule=rule,
                    view_age_ms=self._board.age_ms(now),
                    candidates=(),
                    home_wait_ms=_milliseconds(home_wait_s),
                )
                return Choice(site_id=site_id, queue_id=queue_id, decision=decision)
        return None

    def _choice(
        self,
        rule: str,
        shown: list[tuple[SiteId, QueueId, float]],
        count: int,
        now: Instant,
        home_wait_s: float | None = None,
    ) -> Choice:
        """The first of those shown, and why: what each scored, and what was seen of it.

        `count` are all that were in question; a push knows what it saves at home.
        """
        views = [self._board.view(site_id) for site_id, _, _ in shown]
        counted = SiteView.waiting_count if home_wait_s is None else SiteView.idle_count
        decision = Decision(
            rule=rule,
            view_age_ms=self._board.age_ms(now),
            candidates=tuple(
                (site_id, view.load.version, round(score, 3))
                for view, (site_id, _, score) in zip(views, shown, strict=True)
            ),
            seen=tuple(
                (now - view.seen_at, counted(view, wanted))
                for view, (_, wanted, _) in zip(views, shown, strict=True)
            ),
            candidate_count=count,
            home_wait_ms=_milliseconds(home_wait_s),
        )
        return Choice(site_id=shown[0][0], queue_id=shown[0][1], decision=decision)


def _worth_it(groups: list[_Group], home_wait_s: float) -> list[_Group]:
    """Those whose link costs less than is saved at home."""
    return [(cost_s, group) for cost_s, group in groups if cost_s <= 0 or home_wait_s > cost_s]


def _milliseconds(seconds: float | None) -> int | None:
    """For a ledger row, where a wait without an end has a number too."""
    if seconds is None:
        return None
    return FOREVER_MS if math.isinf(seconds) else round(seconds * 1000)
