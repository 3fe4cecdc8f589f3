"""Records of whole days, faults and restarts included, agree with the ledgers they are folded from."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TypeVar

import pytest

from router.ids import AgentId, SiteId
from router.ledger import (
    AgentOffered,
    CallArrived,
    CallEnded,
    HandoffConfirmed,
    HandoffEnded,
    LedgerRow,
    OutboundBegan,
    OutboundEnded,
    Role,
)
from router.records.agent import AgentStateSpan, SessionRecord
from router.records.call import CallRecord
from router.records.fold import Record, fold
from router.records.handoff import HandoffRecord
from router.records.handoff_stage import OVER
from router.records.left import CallbackRecord
from router.records.outgoing import OutboundRecord
from router.world.cluster import Cluster, Watchers
from tests.sim.worlds import draw_world

SEEDS = range(130)
R = TypeVar("R", bound=Record)


Ledgers = dict[SiteId, list[LedgerRow]]


@pytest.fixture(scope="module", params=SEEDS)
def day(request: pytest.FixtureRequest) -> tuple[Cluster, Ledgers]:
    return play(request.param)


@pytest.fixture(scope="module")
def ledgers(day: tuple[Cluster, Ledgers]) -> Ledgers:
    return day[1]


def play(seed: int) -> tuple[Cluster, Ledgers]:
    world = draw_world(seed)
    rows: Ledgers = defaultdict(list)
    watchers = Watchers(see_row=lambda row: rows[row.site_id].append(row), object_to=lambda _: None)
    cluster = Cluster(world.scenario, world.calls, seed=seed, watchers=watchers, faults=world.faults)
    cluster.play()
    return cluster, rows


def of(rows: list[LedgerRow], cls: type[R]) -> list[R]:
    """The site's records of one kind, in the order of their first rows."""
    return [record for record in fold(rows).values() if isinstance(record, cls)]


def test_every_call_has_one_record_with_the_ending_that_the_ledger_gives_it(
    ledgers: Ledgers,
) -> None:
    for rows in ledgers.values():
        arrived = [row.entry.call_id for row in rows if isinstance(row.entry, CallArrived)]
        endings = {row.entry.call_id: row.entry for row in rows if isinstance(row.entry, CallEnded)}

        found = {each.call_id: each for each in of(rows, CallRecord)}

        assert sorted(found) == sorted(arrived)
        for call_id, ending in endings.items():
            call = found[call_id]
            assert (call.disposition, call.waited_ms, call.talk_ms, call.hold_ms) == (
                ending.disposition,
                ending.waited_ms,
                ending.talk_ms,
                ending.hold_ms,
            )


def test_what_the_records_call_open_is_what_the_floors_still_hold(day: tuple[Cluster, Ledgers]) -> None:
    """A world at rest has waiting calls at most, where nobody serves their queue."""
    cluster, ledgers = day
    for site_id, rows in ledgers.items():
        floor = cluster.nodes[site_id].floor
        assert floor is not None

        open_calls = {each.call_id for each in of(rows, CallRecord) if each.ended_utc_us is None}
        open_handoffs = [each for each in of(rows, HandoffRecord) if each.stage not in OVER]
        logged_in = {each.agent_id for each in of(rows, SessionRecord) if each.logout_utc_us is None}

        open_callbacks = {each.call_id for each in of(rows, CallbackRecord) if each.done_utc_us is None}
        assert open_callbacks == {each.call_id for each in floor.callbacks()}
        assert open_calls == {each.call_id for each in floor.calls()}
        assert open_handoffs == []
        assert logged_in == {each.agent_id for each in floor.agents()}


def test_every_offer_of_an_own_call_stands_in_its_record(ledgers: Ledgers) -> None:
    for rows in ledgers.values():
        went_out = {each.entry.call_id for each in rows if isinstance(each.entry, OutboundBegan)}
        offers = [each.entry for each in rows if isinstance(each.entry, AgentOffered)]

        found = sum(each.offer_count for each in of(rows, CallRecord))

        own = [each for each in offers if each.handoff_id is None and each.call_id not in went_out]
        assert found == sum(each.after_leg is None for each in own)


def test_every_call_that_went_out_has_one_record_with_its_ending(ledgers: Ledgers) -> None:
    for rows in ledgers.values():
        began = [row.entry.call_id for row in rows if isinstance(row.entry, OutboundBegan)]
        endings = {row.entry.call_id: row.entry for row in rows if isinstance(row.entry, OutboundEnded)}

        found = {each.call_id: each for each in of(rows, OutboundRecord)}

        assert sorted(found) == sorted(began) == sorted(endings)
        for call_id, ending in endings.items():
            call = found[call_id]
            assert (call.outcome, call.talk_ms, call.via) == (ending.outcome, ending.talk_ms, ending.via)


def test_a_helpers_confirmations_and_talk_stand_in_one_record_each(
    ledgers: Ledgers,
) -> None:
    for rows in ledgers.values():
        entries = [row.entry for row in rows]
        confirmed = sum(isinstance(each, HandoffConfirmed) for each in entries)
        talk_ms = sum(
            each.talk_ms for each in entries if isinstance(each, HandoffEnded) and each.role is Role.HELPER
        )

        found = [each for each in of(rows, HandoffRecord) if each.role is Role.HELPER]

        assert sum(each.confirmed_utc_us is not None for each in found) == confirmed
        assert sum(each.talk_ms for each in found) == talk_ms


def test_an_agents_spans_fill_its_sessions(ledgers: Ledgers) -> None:
    for rows in ledgers.values():
        sessions: dict[AgentId, list[SessionRecord]] = defaultdict(list)
        for session in of(rows, SessionRecord):
            sessions[session.agent_id].append(session)
        spans = of(rows, AgentStateSpan)

        for agent_id, own in sessions.items():
            logins = [*(each.login_seq for each in own), len(rows) + 1]
            for session, (begun, next_begun) in zip(own, pairwise(logins), strict=True):
                within = [
                    each for each in spans if each.agent_id == agent_id and begun < each.from_seq < next_begun
                ]
                assert within[0].from_seq == begun + 1
                assert all(each.to_utc_us == after.from_utc_us for each, after in pairwise(within))
                assert within[-1].to_utc_us == session.logout_utc_us


def test_the_worlds_played_here_have_overflow_failed_rings_and_restarts() -> None:
    kinds: Counter[str] = Counter()
    last_incarnation = 0
    for seed in SEEDS:
        for rows in play(seed)[1].values():
            kinds.update(row.entry.kind for row in rows)
            last_incarnation = max(last_incarnation, rows[-1].incarnation)

    assert kinds["HANDOFF_CONFIRMED"] > 100
    assert kinds["RING_FAILED"] > 100
    assert kinds["OUTBOUND_ANSWERED"] > 20
    assert kinds["CALLBACK_DONE"] > 20
    assert last_incarnation >= 2
