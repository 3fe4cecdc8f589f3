"""Choosing a site: who is likely to be chosen, and that thousands of sites cost no more memory than a few."""

import random
import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from router.ids import Instant, QueueId, SiteId
from router.overflow.board import Board
from router.overflow.choice import Chooser
from router.overflow.draw import WeightedDraw
from router.overflow.links import Links
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.policy import LinkPolicy, OverflowPolicy

SALES = QueueId("sales")
HOME = SiteId("home")
ALWAYS_S = 1_000.0
NOW = Instant(100_000)


def load(site: str, *, idle: int = 0, waiting: int = 0, head_wait_ms: int = 0, version: int = 1) -> SiteLoad:
    queue = QueueLoad(
        agents_staffed=10,
        agents_idle=idle,
        calls_waiting=waiting,
        head_wait_ms=head_wait_ms,
        aht_ms=180_000,
        abandon_rate_per_hour=20.0,
    )
    return SiteLoad(
        site_id=SiteId(site),
        incarnation=1,
        version=version,
        accepting=True,
        queues={SALES: queue},
        link_headroom={},
    )


def room(*loads: SiteLoad, policy: OverflowPolicy | None = None) -> tuple[Board, Chooser]:
    policy = policy or OverflowPolicy()
    board = Board(HOME, policy)
    board.confirm(NOW)
    for each in loads:
        board.see(each, NOW)
    return board, Chooser(board, policy, Links(policy), random.Random(7))


def helpers(chooser: Chooser, count: int, asked: tuple[SiteId, ...] = ()) -> Counter[str]:
    choices = (chooser.helper_for(SALES, ALWAYS_S, asked, NOW) for _ in range(count))
    return Counter(choice.site_id for choice in choices if choice is not None)


def test_a_site_is_chosen_in_proportion_to_its_idle_agents() -> None:
    _, chooser = room(load("few", idle=1), load("some", idle=3), load("none"), load("many", idle=6))

    chosen = helpers(chooser, 10_000)

    assert set(chosen) == {"few", "some", "many"}
    assert abs(chosen["few"] - 1_000) < 150
    assert abs(chosen["many"] - 6_000) < 250


def test_a_cheaper_link_goes_before_many_idle_agents() -> None:
    far = LinkPolicy(site_id=SiteId("far"), cost_s=5.0)
    policy = OverflowPolicy(links={far.site_id: far})
    _, chooser = room(load("far", idle=90), load("near", idle=1), policy=policy)

    assert helpers(chooser, 100) == {"near": 100}
    assert helpers(chooser, 100, asked=(SiteId("near"),)) == {"far": 100}
    assert chooser.helper_for(SALES, 4.0, (SiteId("near"),), NOW) is None


def test_a_line_is_claimed_from_once_all_who_wait_in_it_save_what_the_link_costs() -> None:
    far = LinkPolicy(site_id=SiteId("far"), cost_s=200.0)
    board, chooser = room(
        load("far", waiting=1, head_wait_ms=500), policy=OverflowPolicy(links={far.site_id: far})
    )

    assert chooser.origin_for([SALES], NOW) is None
    board.see(load("far", waiting=30, head_wait_ms=500, version=2), NOW)
    choice = chooser.origin_for([SALES], NOW)

    assert choice is not None
    assert choice.site_id == "far"


def test_a_site_leaves_the_choice_when_its_last_idle_agent_is_asked_for_and_returns_with_its_record() -> None:
    board, chooser = room(load("one", idle=1), load("two", idle=2))

    board.note_push(SiteId("one"), SALES, NOW)
    assert helpers(chooser, 50) == {"two": 50}
    board.avoid(SiteId("two"))
    assert helpers(chooser, 50) == {}
    board.see(load("one", idle=1, version=2), NOW)
    assert helpers(chooser, 50) == {"one": 50}
    board.lose(SiteId("one"))
    assert helpers(chooser, 50) == {}


def test_the_caller_who_waited_longest_is_claimed_first_whenever_its_record_came() -> None:
    board, chooser = room(load("young", waiting=1, head_wait_ms=2_000))
    later = Instant(NOW + 5_000)
    board.confirm(later)
    board.see(load("old", waiting=1, head_wait_ms=8_000), later)  # waited 1 s longer than young's by now

    choice = chooser.origin_for([SALES], later)

    assert choice is not None
    assert choice.site_id == "old"
    assert choice.decision.candidates == (("old", 1, 8.0), ("young", 1, 7.0))
    board.note_claim(SiteId("old"), SALES, later)
    second = chooser.origin_for([SALES], later)
    assert second is not None
    assert second.site_id == "young"


def test_equally_long_waits_are_claimed_at_random() -> None:
    _, chooser = room(*(load(name, waiting=1, head_wait_ms=900) for name in ("a", "b", "c")))

    choices = (chooser.origin_for([SALES], NOW) for _ in range(300))
    chosen = Counter(choice.site_id for choice in choices if choice is not None)

    assert set(chosen) == {"a", "b", "c"}
    assert min(chosen.values()) > 60


def test_a_choice_among_2000_sites_makes_no_more_than_one_among_20() -> None:
    """Peak memory of both questions, the chosen row included."""
    few, many = _peak_bytes(20), _peak_bytes(2_000)

    assert many < few + 1_024


def _peak_bytes(site_count: int) -> int:
    loads = (load(f"s{n}", idle=1 + n % 7, waiting=n % 3, head_wait_ms=n) for n in range(site_count))
    _, chooser = room(*loads)
    chooser.helper_for(SALES, ALWAYS_S, (), NOW)
    chooser.origin_for([SALES], NOW)
    tracemalloc.start()
    try:
        push = chooser.helper_for(SALES, ALWAYS_S, (), NOW)
        pull = chooser.origin_for([SALES], NOW)
        assert push is not None
        assert pull is not None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=60))
def test_a_draw_covers_exactly_the_weights_that_were_put(steps: list[tuple[int, int]]) -> None:
    """Weight 0 takes out. Every point of the running sum is asked for once."""
    drawn, weights = WeightedDraw(), dict[SiteId, int]()
    for number, weight in steps:
        site_id = SiteId(f"s{number}")
        if weight:
            drawn.put(site_id, weight)
            weights[site_id] = weight
        else:
            drawn.discard(site_id)
            weights.pop(site_id, None)

    found = Counter(drawn._at(point) for point in range(drawn._total()))

    assert found == weights
    assert set(drawn) == set(weights)
