"""The helper's PBX dies at every moment of a hand-off, a world each.

Whoever was with the helper is soon in its place at home again, or released: nobody waits for a
phone that never rings, or listens to silence. Afterwards every law holds.
"""

from dataclasses import dataclass, field

import pytest

from router.facts import LoadSeen, ViewConfirmed
from router.ids import HandoffId, SiteId
from router.ledger import Role
from router.orders import PublishLoad
from router.overflow.messages import HandoffState
from router.world.cluster import Cluster
from router.world.day.faults import Faults, LinkOutage, PbxOutage
from router.world.trunk_lines import SILENT_TRUNK_MS
from tests.sim.test_sim_crash_points import COMMIT_MS, HELPER, HOME, STORIES, world_of
from tests.sim.worlds import Played, World, play

DOWN_MS = (700, 8_000)
AFTER_THE_DAY_MS = 100_000
TOLD_WITHIN_MS = 100
"""One message, and the row that goes with it."""
CUT_MS = 2_500
TOLD_AGAIN_WITHIN_MS = 1_500
"""A question's deadline and the pause after it, once the link is mended."""

_OF_THE_BOARD = (LoadSeen, ViewConfirmed, PublishLoad)


@dataclass(slots=True)
class Death:
    """How the helper's PBX dies, and what came of the hand-offs that it took part in."""

    at_ms: int
    down_ms: int = DOWN_MS[0]
    is_noticed: bool = True
    is_cut: bool = False
    """The helper cannot tell its origin at first."""
    taken: dict[HandoffId, HandoffState] = field(default_factory=dict)
    """At that moment, as the origin saw them."""
    left: set[HandoffId] = field(default_factory=set)
    """Those of them that the origin believes in when they should be over."""

    @property
    def limit_ms(self) -> int:
        if not self.is_noticed:
            return SILENT_TRUNK_MS + TOLD_WITHIN_MS
        return CUT_MS + TOLD_AGAIN_WITHIN_MS if self.is_cut else TOLD_WITHIN_MS

    def faults(self) -> Faults:
        until_ms = self.at_ms + self.down_ms
        cut = LinkOutage(from_ms=self.at_ms, until_ms=self.at_ms + CUT_MS, source=HELPER, target=HOME)
        return Faults(
            commit_ms=COMMIT_MS,
            pbx_outages=(
                PbxOutage(from_ms=self.at_ms, until_ms=until_ms, site_id=HELPER, is_noticed=self.is_noticed),
            ),
            link_outages=(cut,) if self.is_cut else (),
        )


def play_death(story: str, death: Death, moments: set[int] | None = None) -> Played:
    class Watched(Cluster):
        def _kill_pbx(self, outage: PbxOutage) -> None:
            death.taken = at_home(self)
            super()._kill_pbx(outage)
            self.loop.after(death.limit_ms, self._look_home)

        def _look_home(self) -> None:
            death.left = death.taken.keys() & at_home(self).keys()

    def trace(now: int, _site_id: SiteId, item: object) -> None:
        if moments is not None and not isinstance(item, _OF_THE_BOARD):
            moments.add(now)

    whole = world_of(story)
    world = World(scenario=whole.scenario, calls=whole.calls, faults=death.faults())
    return play(world, 1, trace, Watched)


def at_home(cluster: Cluster) -> dict[HandoffId, HandoffState]:
    """The hand-offs that the origin believes in."""
    floor = cluster.nodes[HOME].floor
    assert floor is not None
    return {each.handoff_id: each.state for each in floor.handoffs() if each.role is Role.ORIGIN}


def moments_of(story: str) -> list[int]:
    """When anything happens anywhere while nothing goes wrong, and the moment after each."""
    moments: set[int] = set()
    assert play_death(story, Death(at_ms=AFTER_THE_DAY_MS), moments).violations == []
    return sorted(moments | {now + 1 for now in moments if now < AFTER_THE_DAY_MS})


@pytest.mark.parametrize(
    ("is_noticed", "is_cut"),
    [(True, False), (False, False), (True, True)],
    ids=["noticed", "silent", "noticed_and_cut_off"],
)
@pytest.mark.parametrize("story", STORIES)
def test_whenever_the_helpers_pbx_dies_the_caller_is_home_again_or_released(
    story: str, is_noticed: bool, is_cut: bool
) -> None:
    broken, states = [], set[HandoffState]()
    for at_ms in moments_of(story):
        for down_ms in DOWN_MS:
            death = Death(at_ms=at_ms, down_ms=down_ms, is_noticed=is_noticed, is_cut=is_cut)
            played = play_death(story, death)
            states |= set(death.taken.values())
            broken += [f"dies at {at_ms} for {down_ms} ms: {each}" for each in played.violations]
            broken += [f"dies at {at_ms} for {down_ms} ms and {each} goes on" for each in death.left]

    assert broken == []
    # Whoever is redirected is out of its origin's hands once the helper has said yes.
    under_way = {HandoffState.ASKING} if story == "redirect" else {HandoffState.DIALING, HandoffState.RINGING}
    assert states >= under_way
    assert (HandoffState.CONNECTED in states) is (story not in ("caller_gives_up", "redirect"))
