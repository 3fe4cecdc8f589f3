"""The list of return visits: filled, kept for who looks, dialled within the hours, and never tried twice."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time

import pytest

from branch.customers.contact_note import Contact
from branch.people.calling_hours import CallingHours, Hours
from branch.people.refusals import (
    NoteLimitError,
    OutOfHoursError,
    UnknownVisitError,
    VisitNotDueError,
    VisitTakenError,
)
from branch.people.visiting import PREVIEW_LIMIT_MS, Visiting
from router.errors import NotAllowedError, RouterError, WrongStateError
from router.ids import AgentId, CallId, CustomerId, QueueId, SiteId
from router.ledger import Entry, LedgerRow, OutboundBegan, OutboundEnded
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.policy import VisitPolicy
from router.visit.sampling import AnsweredCall
from router.visit.visit import Standing, Visit
from sync.clock import ManualClock
from sync.records.business_day import BusinessCalendar
from tests.fakes.ledger_book import LedgerBook
from tests.fakes.visit_records import VisitRecords

KIM, ANN = AgentId("beijing/1001"), AgentId("beijing/1002")
C1, C2 = CallId("c1"), CallId("c2")
NUMBER = "+861066660001"
NOON_UTC_US = round(datetime(2026, 1, 7, 4, tzinfo=UTC).timestamp() * 1_000_000)
"""12:00 in Shanghai, of a Wednesday."""
HOUR_US = 3_600_000_000


def visit(call_id: CallId, due_date: str = "2026-01-07") -> Visit:
    return Visit(
        call_id=call_id,
        customer_id=CustomerId("acme"),
        queue_id=QueueId("sales"),
        agent_id=KIM,
        called_utc_us=1,
        due_date=due_date,
        business_date="2026-01-06",
    )


@dataclass
class ListAtWork:
    """The list of a site, its clock, and a floor that takes every call or refuses it."""

    policy: VisitPolicy = field(default_factory=lambda: VisitPolicy(try_limit=2))
    refusal: RouterError | None = None
    dialled: list[tuple[AgentId, CallId, str]] = field(default_factory=list)
    note_refusal: RouterError | None = None
    notes: list[tuple[Contact, str, AgentId, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ManualClock(utc_us=NOON_UTC_US)
        self.rows: list[LedgerRow] = []
        self.book = LedgerBook(SiteId("beijing"))
        self.records = VisitRecords(rows=self.rows)
        self.records.add([visit(C1), visit(C2, "2026-01-08")])
        self.records.numbers = {C1: NUMBER, C2: "+861066660002"}
        self.restart()

    def restart(self) -> None:
        """A process that has forgotten everything but what is kept."""
        self.visiting = Visiting(
            records=self.records,
            number_of=self.records.numbers.get,
            known_as=lambda _customer: None,
            dial=self._dial,
            keep_note=self._keep_note,
            new_id=lambda: str(uuid.uuid4()),
            policy=self.policy,
            hours=CallingHours(
                [Hours(begin=time(9), end=time(20), days=frozenset(range(1, 6)))], "Asia/Shanghai"
            ),
            calendar=BusinessCalendar("Asia/Shanghai"),
            clock=self.clock,
        )

    def _dial(self, agent_id: AgentId, call_id: CallId, number: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.dialled.append((agent_id, call_id, number))

    async def _keep_note(self, contact: Contact, note_id: str, author: AgentId, text: str) -> None:
        if self.note_refusal is not None:
            raise self.note_refusal
        self.notes.append((contact, note_id, author, text))

    async def skip(self, agent_id: AgentId, call_id: CallId, *, is_for_good: bool = False) -> None:
        await self.visiting.skip(
            agent_id, call_id, note_id="n1", reason="asked for Monday", is_for_good=is_for_good
        )

    def write(self, entry: Entry) -> None:
        """A row reaches the disk now."""
        (row,) = self.book.write(0, entry)
        self.rows.append(replace(row, at_utc_us=self.clock.utc_us()))

    def began(self) -> CallId:
        """The call dialled last is on the disk."""
        agent_id, call_id, _number = self.dialled[-1]
        self.write(
            OutboundBegan(call_id=call_id, agent_id=agent_id, queue_id=QueueId("outbound"), callback_of=None)
        )
        return call_id

    def ended(self, outcome: OutboundOutcome) -> None:
        """The call dialled last is over."""
        self.write(
            OutboundEnded(
                call_id=self.began(),
                agent_id=KIM,
                outcome=outcome,
                via=None,
                line_id=None,
                ring_ms=0,
                talk_ms=0,
                hold_ms=0,
            )
        )

    async def standing(self, call_id: CallId = C1) -> Standing | None:
        """None: not on the list now."""
        listed = (await self.visiting.visits()).listed
        return next((each.standing for each in listed if each.visit.call_id == call_id), None)


@pytest.fixture
def at() -> ListAtWork:
    return ListAtWork()


# --- the turn -----------------------------------------------------------------------------


async def test_the_list_shows_who_is_due_today_and_the_number_only_to_the_line(at: ListAtWork) -> None:
    whole = await at.visiting.visits()
    dialled = await at.visiting.dial(KIM, C1)

    assert [(each.visit.call_id, each.standing) for each in whole.listed] == [(C1, Standing.DUE)]
    assert "6666" not in repr(whole)
    assert at.dialled == [(KIM, dialled.outbound_id, NUMBER)]
    assert await at.standing() is Standing.TRYING


async def test_what_one_agent_looks_at_is_not_shown_to_another_for_a_while(at: ListAtWork) -> None:
    at.records.add([visit(CallId("c3"))])

    mine = [(await at.visiting.next_for(KIM)).listed[0].visit.call_id for _ in range(2)]
    hers = (await at.visiting.next_for(ANN)).listed[0].visit.call_id
    with pytest.raises(VisitTakenError):
        await at.visiting.dial(ANN, C1)
    at.clock.advance_ms(PREVIEW_LIMIT_MS)
    after_it = [(await at.visiting.next_for(ANN)).listed[0].visit.call_id for _ in range(2)]

    assert (mine, hers) == ([C1, C1], "c3")
    assert after_it == [C1, C1], "kept for nobody any more, the first is first again"
    assert (await at.visiting.dial(ANN, C1)).outbound_id is not None


async def test_two_agents_cannot_call_one_customer(at: ListAtWork) -> None:
    await at.visiting.dial(KIM, C1)

    with pytest.raises(VisitTakenError):
        await at.visiting.dial(ANN, C1)

    assert (await at.visiting.next_for(ANN)).listed == []
    assert len(at.dialled) == 1


async def test_outside_the_hours_the_list_is_shown_and_nobody_is_called(at: ListAtWork) -> None:
    at.clock.step_utc(8 * HOUR_US)  # 20:00

    whole, turn = await at.visiting.visits(), await at.visiting.next_for(KIM)
    with pytest.raises(OutOfHoursError):
        await at.visiting.dial(KIM, C1)

    assert (whole.is_open, turn.is_open, turn.listed) == (False, False, ())
    assert len(whole.listed) == 1
    assert at.dialled == []


async def test_nobody_is_called_before_the_day_or_who_is_not_on_the_list(at: ListAtWork) -> None:
    with pytest.raises(VisitNotDueError) as refused:
        await at.visiting.dial(KIM, C2)
    with pytest.raises(UnknownVisitError):
        await at.visiting.dial(KIM, CallId("c9"))

    assert refused.value.state == Standing.LATER


# --- tries --------------------------------------------------------------------------------


async def test_a_customer_who_is_busy_is_called_again_after_the_pause_until_the_limit(
    at: ListAtWork,
) -> None:
    seen: list[Standing | None] = []
    for _ in range(2):
        await at.visiting.dial(KIM, C1)
        at.clock.advance_ms(30_000)
        at.ended(OutboundOutcome.BUSY)
        seen.append(await at.standing())
        at.clock.advance_ms(3_600_000 - 1)
        seen.append(await at.standing())
        at.clock.advance_ms(1)
        seen.append(await at.standing())

    assert seen == [Standing.RESTING, Standing.RESTING, Standing.DUE, None, None, None]
    assert at.records.kept[C1].outcome is VisitOutcome.NOT_REACHED


async def test_who_is_reached_is_called_no_more(at: ListAtWork) -> None:
    await at.visiting.dial(KIM, C1)
    at.ended(OutboundOutcome.ANSWERED)
    await at.visiting.look()

    with pytest.raises(UnknownVisitError):
        await at.visiting.dial(KIM, C1)

    assert at.records.kept[C1].outcome is VisitOutcome.REACHED


async def test_a_refused_call_is_no_try(at: ListAtWork) -> None:
    at.refusal = WrongStateError("agent 'beijing/1001'", "TALKING", "an agent without a call")

    with pytest.raises(WrongStateError):
        await at.visiting.dial(KIM, C1)

    assert at.records.kept[C1] == visit(C1)


async def test_a_number_that_was_erased_or_may_not_be_dialled_ends_the_visit(at: ListAtWork) -> None:
    at.records.add([visit(CallId("c3"))])
    erased = await at.visiting.dial(KIM, CallId("c3"))
    at.refusal = NotAllowedError(NUMBER)
    barred = await at.visiting.dial(KIM, C1)

    assert (erased.outbound_id, erased.outcome) == (None, VisitOutcome.NO_NUMBER)
    assert (barred.outbound_id, barred.outcome) == (None, VisitOutcome.NOT_ALLOWED)
    assert at.records.kept[C1].outbound_id is None
    assert (await at.visiting.visits()).listed == []


async def test_a_visit_that_is_taken_off_while_it_is_dialled_is_not_called(at: ListAtWork) -> None:
    def take_off(call_id: CallId) -> str | None:
        at.records.kept[call_id] = replace(
            at.records.kept[call_id], done_utc_us=1, outcome=VisitOutcome.REMOVED
        )
        return NUMBER

    at.visiting._number_of = take_off

    with pytest.raises(UnknownVisitError):
        await at.visiting.dial(KIM, C1)

    assert at.dialled == []


# --- skipping -----------------------------------------------------------------------------


async def test_a_visit_that_is_put_off_rests_without_a_try_and_says_why(at: ListAtWork) -> None:
    at.records.add([visit(CallId("c3"))])
    await at.visiting.next_for(KIM)

    await at.skip(KIM, C1)
    after = (await at.visiting.next_for(KIM)).listed[0].visit.call_id
    resting = await at.standing()
    at.clock.advance_ms(3_600_000)

    assert (after, resting, await at.standing()) == ("c3", Standing.RESTING, Standing.DUE)
    assert at.records.kept[C1].try_count == 0
    assert at.notes == [
        (Contact(call_id=C1, customer_id=CustomerId("acme")), "n1", KIM, "asked for Monday"),
    ]


async def test_a_visit_that_is_taken_off_is_over_and_cannot_be_called(at: ListAtWork) -> None:
    await at.skip(KIM, C1, is_for_good=True)

    with pytest.raises(UnknownVisitError):
        await at.visiting.dial(KIM, C1)
    with pytest.raises(UnknownVisitError):
        await at.skip(KIM, C1)

    assert at.records.kept[C1].outcome is VisitOutcome.REMOVED
    assert len(at.notes) == 1


async def test_nobody_skips_what_another_looks_at_or_what_is_not_due(at: ListAtWork) -> None:
    await at.visiting.next_for(KIM)

    with pytest.raises(VisitTakenError):
        await at.skip(ANN, C1)
    with pytest.raises(VisitNotDueError):
        await at.skip(ANN, C2)

    assert at.notes == []
    assert await at.standing() is Standing.DUE


async def test_a_visit_is_skipped_outside_the_hours_too(at: ListAtWork) -> None:
    at.clock.step_utc(8 * HOUR_US)  # 20:00

    await at.skip(KIM, C1)

    assert await at.standing() is Standing.RESTING


async def test_a_visit_whose_reason_is_not_kept_is_as_it_was(at: ListAtWork) -> None:
    at.note_refusal = NoteLimitError(C1)

    with pytest.raises(NoteLimitError):
        await at.skip(KIM, C1, is_for_good=True)

    assert at.records.kept[C1] == visit(C1)


# --- processes that die -------------------------------------------------------------------


async def test_a_try_whose_row_is_not_on_the_disk_yet_is_still_a_try(at: ListAtWork) -> None:
    await at.visiting.dial(KIM, C1)
    await at.visiting.look()

    assert await at.standing() is Standing.TRYING


async def test_a_call_that_outlives_its_process_ends_its_try(at: ListAtWork) -> None:
    await at.visiting.dial(KIM, C1)
    at.began()
    at.restart()
    still = await at.standing()
    at.ended(OutboundOutcome.NO_ANSWER)
    await at.visiting.look()

    assert still is Standing.TRYING
    assert (at.records.kept[C1].try_count, await at.standing()) == (1, Standing.RESTING)


async def test_a_call_that_its_process_never_wrote_down_was_no_try(at: ListAtWork) -> None:
    await at.visiting.dial(KIM, C1)
    at.restart()
    await at.visiting.look()

    assert at.records.kept[C1] == visit(C1)


# --- the sample ---------------------------------------------------------------------------


def answered(call_id: str, business_date: str) -> AnsweredCall:
    return AnsweredCall(
        call_id=CallId(call_id),
        customer_id=None,
        queue_id=QueueId("sales"),
        agent_id=KIM,
        arrived_utc_us=1,
        business_date=business_date,
    )


async def test_days_that_are_over_are_put_on_the_list_once_and_today_not_yet() -> None:
    at = ListAtWork(policy=VisitPolicy(share=1.0, after_days=2))
    at.records.kept.clear()
    days = ("2026-01-04", "2026-01-05", "2026-01-06", "2026-01-07")
    at.records.calls = [answered(f"of-{day}", day) for day in days]

    await at.visiting.look()
    await at.visiting.look()

    found = {each.call_id: (each.due_date, each.business_date) for each in at.records.kept.values()}
    assert found == {
        "of-2026-01-05": ("2026-01-07", "2026-01-07"),
        "of-2026-01-06": ("2026-01-08", "2026-01-07"),
    }


async def test_a_call_that_ends_after_midnight_is_put_on_the_list_too() -> None:
    at = ListAtWork(policy=VisitPolicy(share=1.0, after_days=1))
    at.records.open_days = {"2026-01-06"}
    await at.visiting.look()
    before = CallId("late") in at.records.kept

    at.records.calls, at.records.open_days = [answered("late", "2026-01-06")], set()
    await at.visiting.look()

    assert not before
    assert at.records.kept[CallId("late")].due_date == "2026-01-07"


async def test_without_a_share_nobody_is_put_on_the_list(at: ListAtWork) -> None:
    at.records.calls = [answered("c5", "2026-01-06")]

    await at.visiting.look()

    assert set(at.records.kept) == {C1, C2}
