"""The pooled queue, isolated sites, and the policies of the field, all on one calls file."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from router.ids import SiteId
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario
from router.world.reference.day import Chooser, Day, Served

TIMEOUT_MS = 20_000


class Policy(StrEnum):
    """How calls find agents; the first two are the floor's own, the rest are the field's."""

    RESERVE_PULL = "reserve+pull"
    ISOLATED = "isolated"
    TIMEOUT = "timeout"
    """To the next site's tail after 20 s, once."""
    ROUND_ROBIN = "round-robin"
    """Nobody idle at home: to the sites in rotation, whatever their state."""
    SHORTEST_QUEUE = "shortest-queue"
    """Nobody idle at home: to the shortest queue on the board, home's counted too."""
    MINIMUM_EXPECTED_DELAY = "minimum-expected-delay"
    """To the smallest expected wait on the board, the link's way and cost added."""


def play_pooled(scenario: Scenario, calls: Sequence[PlannedCall]) -> list[Served]:
    """One first-come queue of all agents, without links: the theoretical best.

    While a site is cut off there are two of them: its own, and that of all the others.
    """
    return Day(scenario, is_pooled=True).play(calls)


def play_isolated(scenario: Scenario, calls: Sequence[PlannedCall]) -> list[Served]:
    return Day(scenario).play(calls)


def play_field(scenario: Scenario, calls: Sequence[PlannedCall], policy: Policy, seed: int) -> list[Served]:
    """One of the field's policies, on arrival (or after the timeout), never again afterwards."""
    day = Day(scenario)
    match policy:
        case Policy.TIMEOUT:
            return day.play(calls, move_after_ms=TIMEOUT_MS)
        case Policy.ROUND_ROBIN:
            choose = _round_robin(day)
        case Policy.SHORTEST_QUEUE:
            choose = _shortest_queue(day, random.Random(seed))
        case Policy.MINIMUM_EXPECTED_DELAY:
            choose = _minimum_expected_delay(day, calls)
        case _:
            raise ValueError(f"{policy} is played by the floors themselves")
    return day.play(calls, choose=choose)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One site as the board showed it."""

    idle: int
    staffed: int
    waiting: int


class _Board:
    """All sites as they were at the last whole period; live when the period is 0."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._period_ms = day.scenario.board_period_ms
        self._copied_at = -1
        self._seen: Mapping[SiteId, _Seen] = {}

    def look(self) -> Mapping[SiteId, _Seen]:
        """The copy is taken when somebody first looks in a period: nothing reads it earlier."""
        now = self._day.now
        copied_at = now - now % self._period_ms if self._period_ms else now
        if copied_at != self._copied_at or not self._period_ms:
            self._copied_at = copied_at
            self._seen = {
                site_id: _Seen(room.idle, room.staffed, room.waiting)
                for site_id, room in self._day.rooms.items()
            }
        return self._seen


def _has_idle_at_home(day: Day, call: PlannedCall) -> bool:
    return day.rooms[call.site_id].idle_group(call.queue_id) is not None


def _can_serve(day: Day, site_id: SiteId, call: PlannedCall) -> bool:
    """Nobody is sent to a site that is cut off: the field's policies are told of it at once."""
    return not day.is_apart(call.site_id, site_id) and any(
        group.serves(call.queue_id) for group in day.rooms[site_id].groups
    )


def _round_robin(day: Day) -> Chooser:
    sites = day.scenario.site_ids
    turn = 0

    def choose(call: PlannedCall) -> SiteId:
        nonlocal turn
        if _has_idle_at_home(day, call):
            return call.site_id
        for _ in sites:
            turn += 1
            if _can_serve(day, sites[turn % len(sites)], call):
                return sites[turn % len(sites)]
        return call.site_id

    return choose


def _shortest_queue(day: Day, rng: random.Random) -> Chooser:
    board = _Board(day)

    def choose(call: PlannedCall) -> SiteId:
        if _has_idle_at_home(day, call):
            return call.site_id
        lengths = {
            site_id: seen.waiting - seen.idle
            for site_id, seen in board.look().items()
            if _can_serve(day, site_id, call)
        }
        if not lengths:
            return call.site_id
        shortest = min(lengths.values())
        return rng.choice([site_id for site_id, length in lengths.items() if length == shortest])

    return choose


def _minimum_expected_delay(day: Day, calls: Sequence[PlannedCall]) -> Chooser:
    board = _Board(day)
    scenario = day.scenario
    handle_ms = sum(call.handle_ms for call in calls) / max(1, len(calls)) + scenario.ring_ms

    def delay_ms(seen: _Seen) -> float:
        if seen.staffed <= 0:
            return float("inf")
        return 0.0 if seen.idle > 0 else (seen.waiting + 1) * handle_ms / seen.staffed

    def choose(call: PlannedCall) -> SiteId:
        if _has_idle_at_home(day, call):
            return call.site_id
        home = day.rooms[call.site_id]
        best = call.site_id
        best_ms = delay_ms(_Seen(0, home.staffed, home.waiting))
        for site_id, seen in board.look().items():
            if site_id == call.site_id or not _can_serve(day, site_id, call):
                continue
            link = scenario.link(call.site_id, site_id)
            way_ms = scenario.media_setup_ms + link.rtt_ms / 2 + link.cost_s * 1000
            if delay_ms(seen) + way_ms < best_ms:
                best, best_ms = site_id, delay_ms(seen) + way_ms
        return best

    return choose
