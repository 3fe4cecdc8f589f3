"""The world's own parts: time, messages, board, tokens."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from router.facts import Fact, LoadSeen, SiteGone, ViewConfirmed
from router.ids import HandoffId, SiteId
from router.overflow.load import SiteLoad
from router.overflow.messages import Acknowledged, Confirm, Reply, Request
from router.world.day.busy_hour import default_scenario
from router.world.day.faults import (
    NO_FAULTS,
    Faults,
    LinkOutage,
    SiteOutage,
    draw_control_outages,
    draw_faults,
)
from router.world.load_board import LEASE_MS, LoadBoard
from router.world.loop import Loop
from router.world.network import Network
from router.world.tokens import TokenDesk, id_maker

A, B = SiteId("a"), SiteId("b")
H1 = HandoffId("h1")


@dataclass
class Node:
    """Hears everything and acknowledges everything."""

    is_up: bool = True
    incarnation: int = 1
    heard: list[Fact] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def tell(self, fact: Fact) -> None:
        self.heard.append(fact)

    def receive(
        self, source: SiteId, incarnation: int, request: Request, answer: Callable[[Reply], None]
    ) -> None:
        self.asked.append(request)
        answer(Acknowledged(handoff_id=request.handoff_id))


def test_events_come_in_order_of_time_and_the_late_ones_of_an_instant_last() -> None:
    loop, seen = Loop(), list[str]()

    loop.late_at(5, seen.append, "hang-up")
    loop.at(5, seen.append, "answer")
    loop.at(3, loop.after, 1, seen.append, "before")
    loop.run(5)

    assert seen == ["before", "answer", "hang-up"]
    assert loop.now == 5


def ask(faults: Faults, *, until_ms: int = 10_000, is_up: bool = True) -> tuple[Node, list[str]]:
    loop, told = Loop(), list[str]()
    nodes = {A: Node(), B: Node(is_up=is_up)}
    network = Network(loop, default_scenario(2), nodes, faults, random.Random(1))
    network.ask(
        A,
        B,
        Confirm(handoff_id=H1),
        limit_ms=500,
        replied=lambda _incarnation, _reply: told.append(f"replied at {loop.now}"),
        silent=lambda: told.append(f"silent at {loop.now}"),
    )
    loop.run(until_ms)
    return nodes[B], told


def test_an_answer_comes_after_one_round_trip_and_once() -> None:
    assert ask(NO_FAULTS)[1] == ["replied at 60"]
    assert ask(Faults(doubled_share=1.0))[1] == ["replied at 60"]


def test_a_doubled_request_arrives_twice() -> None:
    assert len(ask(Faults(doubled_share=1.0))[0].asked) == 2


def test_a_lost_message_a_dead_node_and_a_cut_way_are_silence_at_the_limit() -> None:
    answers_lost = Faults(link_outages=(LinkOutage(from_ms=0, until_ms=9_999, source=B, target=A),))

    assert ask(Faults(lost_share=1.0))[1] == ["silent at 500"]
    assert ask(NO_FAULTS, is_up=False)[1] == ["silent at 500"]
    assert ask(answers_lost)[1] == ["silent at 500"]
    assert len(ask(answers_lost)[0].asked) == 1


def test_a_site_that_is_cut_off_neither_asks_nor_is_asked() -> None:
    for cut in (A, B):
        outage = SiteOutage(site_id=cut, from_ms=0, until_ms=5)
        assert ask(Faults(cut_offs=(outage,)), until_ms=500)[1] == ["silent at 500"]


def test_an_answer_after_the_limit_finds_nobody() -> None:
    told = ask(Faults(late_share=1.0, late_max_ms=1_000_000), until_ms=3_000_000)[1]

    assert told == ["silent at 500"]


def load(site_id: SiteId, version: int) -> SiteLoad:
    return SiteLoad(
        site_id=site_id, incarnation=1, version=version, accepting=True, queues={}, link_headroom={}
    )


def versions(node: Node) -> list[int]:
    return [fact.load.version for fact in node.heard if isinstance(fact, LoadSeen)]


def test_a_board_is_copied_once_a_period_and_shows_the_last_record_of_others() -> None:
    loop, nodes = Loop(), {A: Node(), B: Node()}
    board = LoadBoard(loop, nodes, NO_FAULTS, period_ms=60_000)
    board.start()

    board.publish(load(A, 1))
    loop.run(59_999)
    board.publish(load(A, 2))
    assert versions(nodes[B]) == []
    loop.run(180_000)

    assert versions(nodes[B]) == [2]
    assert versions(nodes[A]) == []
    assert sum(isinstance(fact, ViewConfirmed) for fact in nodes[B].heard) > 80


def test_with_no_period_a_record_is_seen_at_once() -> None:
    loop, nodes = Loop(), {A: Node(), B: Node()}
    board = LoadBoard(loop, nodes, NO_FAULTS, period_ms=0)
    board.start()

    board.publish(load(A, 1))
    loop.run(0)

    assert versions(nodes[B]) == [1]


def test_a_dead_nodes_record_goes_with_its_lease_and_who_was_cut_off_is_shown_everything() -> None:
    loop, nodes = Loop(), {A: Node(), B: Node()}
    cut = SiteOutage(from_ms=0, until_ms=30_000, site_id=B)
    board = LoadBoard(loop, nodes, Faults(board_outages=(cut,)), period_ms=1_000)
    board.start()

    board.publish(load(A, 1))
    loop.run(29_000)
    assert nodes[B].heard == []
    loop.run(35_000)
    assert versions(nodes[B]) == [1]
    nodes[A].is_up = False
    loop.run(35_000 + LEASE_MS + 5_000)

    assert SiteGone(site_id=A) in nodes[B].heard


def test_a_token_lets_in_once_and_only_from_its_origin_in_its_run() -> None:
    desk, restarted = TokenDesk(B, 1), TokenDesk(B, 2)
    token = desk.mint(H1, A)

    assert restarted.accept(token, A) is None
    assert desk.accept(token, SiteId("c")) is None
    assert desk.accept(token, A) == H1
    assert desk.accept(token, A) is None


def test_ids_of_two_sites_never_meet() -> None:
    one, other = id_maker(1), id_maker(2)

    assert len({make() for make in (one, other) for _ in range(100)}) == 200


def test_drawn_faults_heal_before_the_end_and_are_the_same_for_the_same_seed() -> None:
    plans = [draw_faults(random.Random(seed), (A, B), 60_000) for seed in range(100)]
    outages = [
        each for plan in plans for each in (*plan.node_outages, *plan.board_outages, *plan.link_outages)
    ]
    cuts = [each for seed in range(100) for each in draw_control_outages(random.Random(seed), (A, B), 60_000)]

    assert plans[7] == draw_faults(random.Random(7), (A, B), 60_000)
    assert min(len(outages), len(cuts)) > 50
    assert all(each.until_ms <= 60_000 for each in (*outages, *cuts))
