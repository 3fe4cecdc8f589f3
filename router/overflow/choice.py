"""Which site is asked: for an idle agent (push) or for a waiting caller (pull)."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass

from router.ids import FOREVER_MS, Instant, QueueId, SiteId
from router.ledger import Decision
from router.overflow.board import Board, SiteView, ViewState, expected_wait_at_s
from router.overflow.policy import OverflowPolicy

_EXPLAINED_LIMIT = 8
"""Candidates kept in a decision's row: enough to understand it, bounded for thousands of sites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    site_id: SiteId
    queue_id: QueueId
    decision: Decision


class Chooser:
    """Choices from this site's view, its configured links and a seeded source of randomness."""

    def __init__(self, board: Board, policy: OverflowPolicy, rng: random.Random) -> None:
        self._board = board
        self._policy = policy
        self._rng = rng
        self._peers = tuple(policy.links)
        self._rotation = rng.randrange(len(self._peers)) if self._peers else 0

    def helper_for(
        self, queue_id: QueueId, home_wait_s: float, asked: Iterable[SiteId], now: Instant
    ) -> Choice | None:
        """The site to ask for an idle agent; None when none is worth asking.

        Args:
            queue_id: the call's queue class.
            home_wait_s: what the call can expect at home; a link must save more than it costs.
            asked: sites that this call has asked already.
            now: the floor's time.
        """
        state = self._board.state(now)
        if state is ViewState.OUT:
            return self._blind(queue_id, "PUSH_BLIND", asked, now, home_wait_s)
        found = []
        for view in self._board.idle_sites(queue_id, now):
            site_id = view.load.site_id
            cost_s = self._cost_s(site_id)
            if site_id not in asked and (cost_s <= 0 or home_wait_s > cost_s):
                found.append((cost_s, view))
        if not found:
            return None
        is_scored = state is not ViewState.UNSCORED
        chosen = self._by_score(found, queue_id) if is_scored else self._rng.choice(found)[1]
        rule = "PUSH_BY_SCORE" if is_scored else "PUSH_AT_RANDOM"
        able = [(view, queue_id, cost_s) for cost_s, view in found]
        return self._choice(chosen, queue_id, rule, able, now, home_wait_s)

    def origin_for(self, queues: Iterable[QueueId], now: Instant) -> Choice | None:
        """The site whose head call has waited longest among those an idle agent can serve."""
        if self._board.state(now) is ViewState.OUT:
            return None
        found: list[tuple[SiteView, QueueId, float]] = []
        for queue_id in queues:
            for view in self._board.waiting_sites(queue_id, now):
                cost_s = self._cost_s(view.load.site_id)
                there = view.load.queues[queue_id]
                if cost_s <= 0 or expected_wait_at_s(there, 0) > cost_s:
                    found.append((view, queue_id, view.head_wait_ms(queue_id, now) / 1000 - cost_s))
        if not found:
            return None
        best = max(wait_s for _, _, wait_s in found)
        chosen, queue_id, _ = self._rng.choice([entry for entry in found if entry[2] >= best])
        return self._choice(chosen, queue_id, "PULL_LONGEST_WAIT", found, now)

    def blind_origin(self, queue_id: QueueId, now: Instant) -> Choice | None:
        """Without a view: the next configured peer, whether it has callers or not."""
        return self._blind(queue_id, "PULL_BLIND", (), now)

    def _by_score(self, found: list[tuple[float, SiteView]], queue_id: QueueId) -> SiteView:
        """The cheapest; among equals one at random, by idle agents, so that nobody runs to one site."""
        best = min(cost_s for cost_s, _ in found)
        equals = [view for cost_s, view in found if cost_s <= best]
        weights = [view.idle_count(queue_id) for view in equals]
        return self._rng.choices(equals, weights)[0]

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
            if site_id not in asked:
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
        chosen: SiteView,
        queue_id: QueueId,
        rule: str,
        found: list[tuple[SiteView, QueueId, float]],
        now: Instant,
        home_wait_s: float | None = None,
    ) -> Choice:
        """`found` are all that could be asked, with their scores; a push knows the wait at home."""
        shown = sorted(found, key=lambda entry: entry[0] is not chosen)[:_EXPLAINED_LIMIT]
        counted = SiteView.waiting_count if home_wait_s is None else SiteView.idle_count
        decision = Decision(
            rule=rule,
            view_age_ms=self._board.age_ms(now),
            candidates=tuple(
                (view.load.site_id, view.load.version, round(score, 3)) for view, _, score in shown
            ),
            seen=tuple((now - view.seen_at, counted(view, wanted)) for view, wanted, _ in shown),
            candidate_count=len(found),
            home_wait_ms=_milliseconds(home_wait_s),
        )
        return Choice(site_id=chosen.load.site_id, queue_id=queue_id, decision=decision)

    def _cost_s(self, site_id: SiteId) -> float:
        link = self._policy.links.get(site_id)
        return link.cost_s if link is not None else 0.0


def _milliseconds(seconds: float | None) -> int | None:
    """For a ledger row, where a wait without an end has a number too."""
    if seconds is None:
        return None
    return FOREVER_MS if math.isinf(seconds) else round(seconds * 1000)
