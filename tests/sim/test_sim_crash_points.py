"""Both sides of a hand-off die before each of its rows, orders and messages, one place a world.

The worlds are a few calls long, so every place there is can be tried. What was under way is
resolved by asking: afterwards every law holds, no call is lost and none is doubled.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from router.ids import QueueId, SiteId
from router.ledger import HandoffConfirmed, HandoffDialed, HandoffRedirected, HandoffTakenIn
from router.orders import AnswerForGood, Order, RedirectCaller
from router.overflow.policy import Media
from router.world.cluster import Cluster
from router.world.day.calls import PlannedCall
from router.world.day.faults import Faults
from router.world.day.scenario import Scenario, ScenarioSite
from router.world.node import Node
from tests.sim.worlds import Played, World, play

HOME, HELPER = SiteId("a"), SiteId("b")
QUEUE = QueueId("PS")
COMMIT_MS = 20
DOWN_MS = (1, 700, 8_000)
"""How long a process is away: back before anybody noticed, after a question, after every deadline."""

NEVER = -1

_MILESTONES = (HandoffDialed, HandoffConfirmed, HandoffRedirected, HandoffTakenIn)


@dataclass(slots=True)
class Plan:
    """Where the one process dies, and how many places there were."""

    site_id: SiteId = HOME
    at: int = NEVER
    down_ms: int = 1
    seen: Counter[SiteId] = field(default_factory=Counter)


def call(site_id: SiteId, arrive_ms: int, handle_ms: int) -> PlannedCall:
    return PlannedCall(
        arrive_ms=arrive_ms, site_id=site_id, queue_id=QUEUE, handle_ms=handle_ms, patience_ms=60_000
    )


STORIES: dict[str, Sequence[PlannedCall]] = {
    "push": (call(HOME, 100, 9_000), call(HOME, 200, 4_000)),
    "pull": (call(HELPER, 100, 3_000), call(HOME, 200, 9_000), call(HOME, 300, 4_000)),
    "redirect": (call(HOME, 100, 9_000), call(HOME, 200, 4_000)),
    "caller_gives_up": (
        call(HOME, 100, 9_000),
        PlannedCall(arrive_ms=200, site_id=HOME, queue_id=QUEUE, handle_ms=4_000, patience_ms=900),
    ),
}


def world_of(story: str) -> World:
    scenario = Scenario(
        duration_ms=20_000,
        board_period_ms=0,
        link_rtt_ms=60,
        media_setup_ms=400,
        ring_ms=500,
        sites=(ScenarioSite(site_id=HOME, agents=1), ScenarioSite(site_id=HELPER, agents=1)),
        queues=(QUEUE,),
        media=Media.REDIRECT if story == "redirect" else Media.BRIDGE,
    )
    # Above 0 lets processes die; where, the plan says.
    faults = Faults(commit_ms=COMMIT_MS, crash_share=1.0)
    return World(scenario=scenario, calls=list(STORIES[story]), faults=faults)


def play_with(plan: Plan, story: str, told: list[object] | None = None) -> Played:
    class Dying(Cluster):
        """A cluster in which one process dies once, at the planned place."""

        def _crash_point(self, node: Node, item_count: int) -> int | None:
            first = plan.seen[node.site_id]
            plan.seen[node.site_id] += item_count + 1
            is_here = node.site_id == plan.site_id and first <= plan.at < first + item_count + 1
            return plan.at - first if is_here else None

        def _crash(self, node: Node) -> None:
            node.stop()
            self.loop.after(plan.down_ms, self._start_node, node)

    def trace(_now: int, _site_id: SiteId, item: object) -> None:
        if told is not None and isinstance(item, _MILESTONES):
            told.append(item)

    return play(world_of(story), 1, trace, Dying)


def broken_wherever_it_dies(story: str, site_id: SiteId) -> list[str]:
    whole = Plan()
    assert play_with(whole, story).violations == []

    broken = []
    for at in range(whole.seen[site_id]):
        for down_ms in DOWN_MS:
            played = play_with(Plan(site_id=site_id, at=at, down_ms=down_ms), story)
            broken += [f"dies at {at} for {down_ms} ms: {each}" for each in played.violations]
    return broken


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("site_id", [HOME, HELPER])
def test_whoever_dies_wherever_no_call_is_lost_or_doubled(story: str, site_id: SiteId) -> None:
    assert broken_wherever_it_dies(story, site_id) == []


@pytest.mark.parametrize(
    ("order", "site_id", "told"),
    [
        (AnswerForGood, HELPER, "whom it had promised a place"),
        (RedirectCaller, HOME, "did not send on"),
    ],
)
def test_it_would_tell_of_a_redirect_that_does_not_wait_for_its_rows(
    order: type[Order], site_id: SiteId, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "is_irreversible", False)

    assert any(told in each for each in broken_wherever_it_dies("redirect", site_id))


@pytest.mark.parametrize(
    ("story", "milestones"),
    [
        ("push", [HandoffDialed, HandoffConfirmed]),
        ("pull", [HandoffDialed, HandoffConfirmed]),
        ("redirect", [HandoffRedirected, HandoffTakenIn]),
    ],
)
def test_the_stories_are_about_a_hand_off(story: str, milestones: list[type[object]]) -> None:
    told: list[object] = []

    play_with(Plan(), story, told)

    assert [type(each) for each in told] == milestones
