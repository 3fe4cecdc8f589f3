"""Clocks taken for what they are not, by hand: another site's for one's own, one run's for the next."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from router.ids import Instant, SiteId
from router.overflow.help import Help
from router.overflow.helper import RESERVATION_TIMER, HelperSide
from router.overflow.messages import Redirect, Reply, Request
from router.overflow.taking_in import TakingIn
from router.records.moment import Moment
from router.turn import Turn
from router.world.node import Node

Patch = pytest.MonkeyPatch


def _hear_askers_wall_clock(patch: Patch) -> Callable[[], int]:
    """How far the wall clock of whoever asked last is ahead of that of the site asked, in ms."""
    ahead_ms = 0
    receive = Node.receive

    def with_clock(
        self: Node, source: SiteId, incarnation: int, request: Request, answer: Callable[[Reply], None]
    ) -> None:
        nonlocal ahead_ms
        asker = self._around.network._peers[source]
        assert isinstance(asker, Node)
        ahead_ms = (asker.clock.utc_us() - self.clock.utc_us()) // 1_000
        receive(self, source, incarnation, request, answer)

    patch.setattr(Node, "receive", with_clock)
    return lambda: ahead_ms


def reservation_ends_by_the_askers_wall_clock(patch: Patch) -> None:
    ahead_ms = _hear_askers_wall_clock(patch)

    def expect_trunk(self: HelperSide, turn: Turn, help_: Help) -> None:
        left_ms = max(0, self._policy.reservation_ms + ahead_ms())
        self._timers.set((RESERVATION_TIMER, help_.handoff_id), Instant(turn.now + left_ms))

    patch.setattr(HelperSide, "expect_trunk", expect_trunk)


def promised_place_counts_from_the_askers_wall_clock(patch: Patch) -> None:
    ahead_ms = _hear_askers_wall_clock(patch)
    promise = TakingIn.promise

    def by_wall_clock(self: TakingIn, turn: Turn, site_id: SiteId, request: Redirect, token: str) -> None:
        promise(self, turn, site_id, request, token)
        given = self._promises[request.handoff_id]
        queued_at = Instant(given.queued_at + ahead_ms())
        self._promises[request.handoff_id] = replace(given, queued_at=queued_at)

    patch.setattr(TakingIn, "promise", by_wall_clock)


def monotonic_times_outlive_their_run(patch: Patch) -> None:
    def since_ms(self: Moment, earlier: Moment) -> int:
        return self.mono_ms - earlier.mono_ms

    patch.setattr(Moment, "since_ms", since_ms)


CAUGHT_BY: Mapping[Callable[[Patch], None], str] = {
    reservation_ends_by_the_askers_wall_clock: "live.hand_offs_end_in_time",
    promised_place_counts_from_the_askers_wall_clock: "by its promise it was",
    monotonic_times_outlive_their_run: "seniority_is_kept",
}
