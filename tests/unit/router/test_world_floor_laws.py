"""Each law over live floors is shown to catch a floor that breaks it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, QueueId, SiteId, Skill
from router.ledger import Role
from router.overflow.messages import HandoffState
from router.views import AgentView, CallView, HandoffView
from router.world.laws.floors import UNCONNECTED_LIMIT_MS, FloorLaws

A, B = SiteId("a"), SiteId("b")

WAITING = CallView(
    call_id=CallId("c1"),
    queue_id=QueueId("PS"),
    skills=frozenset({Skill("PS")}),
    state=CallState.QUEUED,
    priority=0,
    queued_at=Instant(1_000),
    customer_id=None,
    agent_id=None,
    leg_ids=(),
    handoff_id=None,
    served_by=None,
)
ANNA = AgentView(
    agent_id=AgentId("a/anna"),
    state=AgentState.READY,
    reason=None,
    since=Instant(0),
    skills=frozenset({Skill("PS")}),
    call_id=None,
    handoff_id=None,
    leg_id=None,
)
TALKING = replace(ANNA, state=AgentState.TALKING)
RINGING = replace(ANNA, state=AgentState.RINGING, call_id=CallId("c1"), leg_id=LegId("l1"))
HELP = HandoffView(
    handoff_id=HandoffId("h1"),
    role=Role.HELPER,
    peer=B,
    state=HandoffState.RESERVED,
    call_id=None,
    agent_id=ANNA.agent_id,
    queue_id=None,
    customer_id=None,
)
REMOTE = replace(HELP, role=Role.ORIGIN, state=HandoffState.RINGING, call_id=CallId("c1"), agent_id=None)


@dataclass(frozen=True)
class Shown:
    """A floor's views, written by hand."""

    call_views: tuple[CallView, ...] = ()
    agent_views: tuple[AgentView, ...] = ()
    handoff_views: tuple[HandoffView, ...] = ()

    def calls(self) -> Iterator[CallView]:
        return iter(self.call_views)

    def agents(self) -> Iterator[AgentView]:
        return iter(self.agent_views)

    def handoffs(self) -> Iterator[HandoffView]:
        return iter(self.handoff_views)


def broken(*moments: Shown, step_ms: int = 1) -> set[str]:
    laws = FloorLaws()
    for number, shown in enumerate(moments):
        laws.look(A, 1, shown, Instant(number * step_ms))
    return {law.name.removeprefix("live.") for law in laws.results() if law.violation_count}


def test_a_caller_beside_a_ready_agent_is_a_violation_and_beside_a_busy_one_is_not() -> None:
    assert broken(Shown((WAITING,), (ANNA,))) == {"no_caller_waits_beside_an_idle_agent"}
    assert broken(Shown((WAITING,), (TALKING,))) == set()
    assert broken(Shown((WAITING,), (replace(ANNA, skills=frozenset()),))) == set()


def test_a_call_that_rings_where_its_state_does_not_say_is_a_violation() -> None:
    offered = replace(WAITING, state=CallState.OFFERED)
    remote = replace(WAITING, state=CallState.OFFERED_REMOTE)

    assert broken(Shown((offered,), (RINGING,))) == set()
    assert broken(Shown((remote,), (), (REMOTE,))) == set()
    assert broken(Shown((offered,), ())) == {"one_open_offer"}
    assert broken(Shown((WAITING,), (RINGING,))) == {"one_open_offer"}
    assert broken(Shown((offered,), (RINGING,), (REMOTE,))) == {"one_open_offer"}


def test_a_reserved_agent_is_kept_by_one_hand_off_that_knows_it() -> None:
    kept = replace(ANNA, state=AgentState.RESERVED)
    second = replace(HELP, handoff_id=HandoffId("h2"))
    name = {"an_agent_has_at_most_one_reservation"}

    assert broken(Shown((), (kept,), (HELP,))) == set()
    assert broken(Shown((), (kept,), ())) == name
    assert broken(Shown((), (ANNA,), (HELP,))) == name
    assert broken(Shown((), (kept,), (HELP, second))) == name


def test_a_call_whose_place_in_time_moves_is_a_violation() -> None:
    later = replace(WAITING, queued_at=Instant(2_000))

    assert broken(Shown((WAITING,)), Shown((WAITING,))) == set()
    assert broken(Shown((WAITING,)), Shown((later,))) == {"seniority_is_kept"}


def test_a_hand_off_that_neither_connects_nor_ends_is_a_violation() -> None:
    kept = Shown((), (replace(ANNA, state=AgentState.RESERVED),), (HELP,))
    connected = Shown((), (TALKING,), (replace(HELP, state=HandoffState.CONNECTED),))

    assert broken(kept, kept, step_ms=UNCONNECTED_LIMIT_MS) == set()
    assert broken(kept, kept, step_ms=UNCONNECTED_LIMIT_MS + 1) == {"hand_offs_end_in_time"}
    assert broken(connected, connected, step_ms=10 * UNCONNECTED_LIMIT_MS) == set()
