"""The laws of callbacks are shown to catch a ledger that breaks them."""

from router.agent import AgentState
from router.callback.outcome import CallbackOutcome
from router.ids import AgentId, CallId
from router.ledger import (
    AgentStateChanged,
    CallbackDone,
    CallbackRequested,
    CallbackTried,
    Entry,
    OutboundBegan,
    OutboundEnded,
)
from router.outbound.outcome import OutboundOutcome
from router.world.laws.ledgers import check_ledgers
from tests.fakes.ledger_book import SALES, LedgerBook

ONE, TWO = AgentId("beijing/1"), AgentId("beijing/2")


def requested(call: str) -> Entry:
    return CallbackRequested(call_id=CallId(call), queue_id=SALES)


def state(agent_id: AgentId, state: AgentState) -> Entry:
    return AgentStateChanged(agent_id=agent_id, state=state, reason=None)


def began(call: str, agent_id: AgentId, name: str) -> Entry:
    return OutboundBegan(call_id=CallId(name), agent_id=agent_id, queue_id=SALES, callback_of=CallId(call))


def tried(call: str) -> Entry:
    return CallbackTried(
        call_id=CallId(call), outbound_id=CallId("o"), outcome=OutboundOutcome.BUSY, is_counted=True
    )


def ended(name: str, agent_id: AgentId = ONE) -> Entry:
    return OutboundEnded(
        call_id=CallId(name),
        agent_id=agent_id,
        outcome=OutboundOutcome.BUSY,
        via=None,
        line_id=None,
        ring_ms=0,
        talk_ms=0,
        hold_ms=0,
    )


def done(call: str) -> Entry:
    return CallbackDone(call_id=CallId(call), outcome=CallbackOutcome.REACHED)


def broken(*entries: Entry) -> set[str]:
    book = LedgerBook()
    for number, entry in enumerate(entries):
        book.write(number, entry)
    return {law.name for law in check_ledgers(book.rows) if law.violation_count}


def test_a_try_with_an_idle_agent_each_breaks_nothing() -> None:
    ready = [state(ONE, AgentState.READY), state(TWO, AgentState.READY)]
    tries = [requested("c1"), requested("c2"), began("c1", ONE, "o1"), began("c2", TWO, "o2")]

    assert broken(*ready, *tries, ended("o1"), tried("c1"), done("c1")) == set()


def test_a_try_with_a_busy_agent_exceeds_the_idle_ones() -> None:
    entries = (requested("c1"), state(ONE, AgentState.TALKING), began("c1", ONE, "o1"))

    assert broken(*entries) == {"callbacks_never_exceed_idle_agents"}


def test_one_agent_for_two_callbacks_is_a_violation() -> None:
    entries = (requested("c1"), requested("c2"), state(ONE, AgentState.READY))

    assert broken(*entries, began("c1", ONE, "o1"), began("c2", ONE, "o2")) == {
        "callbacks_never_exceed_idle_agents"
    }


def test_two_tries_of_one_callback_at_once_are_a_violation() -> None:
    ready = (state(ONE, AgentState.READY), state(TWO, AgentState.READY))

    assert broken(requested("c1"), *ready, began("c1", ONE, "o1"), began("c1", TWO, "o2")) == {
        "callbacks_never_exceed_idle_agents"
    }


def test_a_callback_that_ends_twice_or_is_tried_after_its_end_is_a_violation() -> None:
    assert broken(requested("c1"), done("c1"), done("c1")) == {"callbacks_end_once"}
    assert broken(requested("c1"), done("c1"), tried("c1")) == {"callbacks_end_once"}
    assert broken(requested("c1"), requested("c1")) == {"callbacks_end_once"}
    assert broken(done("c1")) == {"callbacks_end_once"}
