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
    Role,
)
from router.records.agent import AgentStateSpan, SessionRecord
from router.records.call import CallRecord
from router.records.fold import Record, fold
from router.records.handoff import HandoffRecord
from router.records.handoff_stage import OVER
from router.world.cluster import Cluster, Watchers
from tests.sim.worlds import draw_world

SEEDS = range(40)
R = TypeVar("R", bound=Record)


@pytest.fixture(scope="module", params=SEEDS)
def ledgers(request: pytest.FixtureRequest) -> dict[SiteId, list[LedgerRow]]:
    return play(request.param)


def play(seed: int) -> dict[SiteId, list[LedgerRow]]:
    world = draw_world(seed)
    rows: dict[SiteId, list[LedgerRow]] = defaultdict(list)
    watchers = Watchers(see_row=lambda row: rows[row.site_id].append(row), object_to=lambda _: None)
    Cluster(world.scenario, world.calls, seed=seed, watchers=watchers, faults=world.faults).play()
    return rows


def of(rows: list[LedgerRow], cls: type[R]) -> list[R]:
    """The site's records of one kind, in the order of their first rows."""
    return [record for record in fold(rows).values() if isinstance(record, cls)]


def test_every_call_has_one_record_with_the_ending_that_the_ledger_gives_it(
    ledgers: dict[SiteId, list[LedgerRow]],
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


def test_nothing_is_left_open_when_a_world_has_come_to_rest(ledgers: dict[SiteId, list[LedgerRow]]) -> None:
    for rows in ledgers.values():
        assert [each for each in of(rows, CallRecord) if each.ended_utc_us is None] == []
        assert [each for each in of(rows, HandoffRecord) if each.stage not in OVER] == []


def test_every_offer_of_an_own_call_stands_in_its_record(ledgers: dict[SiteId, list[LedgerRow]]) -> None:
    for rows in ledgers.values():
        offers = [each.entry for each in rows if isinstance(each.entry, AgentOffered)]

        found = sum(each.offer_count for each in of(rows, CallRecord))

        assert found == sum(each.handoff_id is None for each in offers)


def test_a_helpers_confirmations_and_talk_stand_in_one_record_each(
    ledgers: dict[SiteId, list[LedgerRow]],
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


def test_an_agents_spans_fill_its_sessions(ledgers: dict[SiteId, list[LedgerRow]]) -> None:
    for rows in ledgers.values():
        spans: dict[AgentId, list[AgentStateSpan]] = defaultdict(list)
        for span in of(rows, AgentStateSpan):
            spans[span.agent_id].append(span)

        for session in of(rows, SessionRecord):
            first, *_ = within = [
                each
                for each in spans[session.agent_id]
                if each.from_seq > session.login_seq
                and (session.logout_utc_us is None or each.from_utc_us <= session.logout_utc_us)
            ]
            assert first.from_seq == session.login_seq + 1
            assert all(each.to_utc_us == after.from_utc_us for each, after in pairwise(within))
            assert within[-1].to_utc_us == session.logout_utc_us


def test_the_worlds_played_here_have_overflow_failed_rings_and_restarts() -> None:
    kinds: Counter[str] = Counter()
    last_incarnation = 0
    for seed in SEEDS:
        for rows in play(seed).values():
            kinds.update(row.entry.kind for row in rows)
            last_incarnation = max(last_incarnation, rows[-1].incarnation)

    assert kinds["HANDOFF_CONFIRMED"] > 100
    assert kinds["RING_FAILED"] > 100
    assert last_incarnation >= 2
