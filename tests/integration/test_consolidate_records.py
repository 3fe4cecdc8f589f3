"""Records that a branch's store wrote: HQ folds the ledger again, finds them equal, and reports on them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select, update

from branch.customers.contact_note import ContactNote, KeptNote
from branch.store.customers import Customer
from branch.store.store import open_store
from hq.serving.client import Plain
from hq.store.tables import RECEIVED, TOMBSTONES
from router.agent import AgentState
from router.call import Disposition
from router.ids import AgentId, CallId, CustomerId, LegId, RecordingId, Skill
from router.kpi.site_day import DayFigures, day_figures
from router.ledger import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentStateChanged,
    LedgerRow,
    RecordingEnded,
    RecordingStarted,
    VoicemailBegan,
    VoicemailLeft,
)
from router.outbound.outcome import OutboundOutcome
from router.records.agent import AgentStateSpan
from router.records.call import CallRecord
from router.records.fold import fold
from router.talk.recording_acts import RecordingEnd
from router.visit.policy import VisitPolicy
from router.visit.visit import Visit, after_try
from sync.clock import ManualClock
from sync.journal.database import open_database, writing
from sync.records.business_day import BusinessCalendar
from tests.consolidations import ZONE, Keys, hq_file, running_hq, serving
from tests.fakes.ledger_book import (
    BEIJING,
    SALES,
    LedgerBook,
    arrived,
    chose,
    connected,
    ended,
    entered_ivr,
    offered,
    queued,
)
from tests.fakes.store_ear import StoreEar
from tests.journals import open_branch

FIRST_DAY, SECOND_DAY = "2026-03-01", "2026-03-02"
LI = AgentId("beijing/1")
DAY_S = 55 * 86_400
"""From the book's beginning (5 January, 08:00 in Shanghai) to the first day's morning."""


def state(to: AgentState) -> AgentStateChanged:
    return AgentStateChanged(agent_id=LI, state=to, reason=None)


def two_days() -> list[LedgerRow]:
    """An agent who stays over midnight, with a call on each day and one across both; two more callers
    come no further than the IVR.
    """
    first = LedgerBook(business_date=FIRST_DAY)
    first.write(DAY_S, AgentLoggedIn(agent_id=LI, skills=(Skill("sales"),)), state(AgentState.READY))
    first.write(DAY_S + 10, arrived("c1"), queued("c1"), offered("c1", "l1"), state(AgentState.RINGING))
    first.write(DAY_S + 15, connected("c1", "l1", 5_000), state(AgentState.TALKING))
    first.write(DAY_S + 75, ended("c1", waited_ms=5_000, talk_ms=60_000), state(AgentState.READY))
    first.write(DAY_S + 80, arrived("c2"), queued("c2"))
    first.write(DAY_S + 115, ended("c2", Disposition.ABANDONED_IN_QUEUE, waited_ms=35_000))
    first.write(DAY_S + 200, arrived("in_ivr"), entered_ivr("in_ivr"), chose("in_ivr", "2", "number"))
    first.write(DAY_S + 230, ended("in_ivr", Disposition.ABANDONED_IN_IVR, queue=None))
    first.write(DAY_S + 300, arrived("message"), entered_ivr("message"), chose("message", "3", "box"))
    first.write(DAY_S + 300, VoicemailBegan(call_id=CallId("message"), queue_id=SALES))
    first.write(
        DAY_S + 330,
        VoicemailLeft(call_id=CallId("message"), queue_id=SALES),
        ended("message", Disposition.VOICEMAIL, queue=None),
    )
    first.write(DAY_S + 57_590, arrived("late"), queued("late"))
    second = LedgerBook(business_date=SECOND_DAY, first_seq=len(first.rows) + 1)
    second.write(DAY_S + 57_630, offered("late", "l3"), state(AgentState.RINGING))
    second.write(DAY_S + 57_640, connected("late", "l3", 50_000), state(AgentState.TALKING))
    second.write(DAY_S + 57_700, ended("late", waited_ms=50_000, talk_ms=60_000), state(AgentState.READY))
    second.write(DAY_S + 90_000, AgentLoggedOut(agent_id=LI))
    return [*first.rows, *second.rows]


async def written(url: str, rows: Sequence[LedgerRow]) -> None:
    """Let a branch's own store write rows, and the records that follow from them."""
    store = open_store(url, site_id=BEIJING, calendar=BusinessCalendar(ZONE), clock=ManualClock())
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    writer.append(rows)
    await writer.written(rows[-1].seq)
    await writer.close()
    store.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "pki")


async def test_every_record_equals_the_fold_also_of_what_lasted_over_midnight(
    tmp_path: Path, keys: Keys
) -> None:
    await written(f"sqlite:///{tmp_path / 'branch.db'}", two_days())
    branch = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    url = f"sqlite:///{tmp_path / 'hq.db'}"

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        ended_pulls = await hq.consolidate()
        certificates = await hq.client.certificates("", "")
        report = await hq.client.day_report(FIRST_DAY, 60)
        figures = report["sites"][0]

    branch.engine.dispose()
    assert ended_pulls["beijing"]["phase"] == "DONE", ended_pulls
    assert [each["business_date"] for each in certificates] == [FIRST_DAY, SECOND_DAY]
    assert [each["folded_count"] for each in certificates] == [
        record_count(FIRST_DAY),
        record_count(SECOND_DAY),
    ]
    assert_same(figures, branch_figures(FIRST_DAY))
    assert figures["offered_count"] == 3
    assert sum(each["offered_count"] for each in report["intervals"]) == 3
    assert all(each["begins_utc_us"] % 3_600_000_000 == 0 for each in report["intervals"])


async def test_a_record_that_both_sides_have_wrong_is_not_certified(tmp_path: Path, keys: Keys) -> None:
    await written(f"sqlite:///{tmp_path / 'branch.db'}", two_days())
    branch = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    branch.change("calls", {"call_id": "c1"}, {"talk_ms": 61_000})

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        ended_pulls = await hq.consolidate()
        certificates = await hq.client.certificates("", "")

    branch.engine.dispose()
    assert ended_pulls["beijing"]["phase"] == "FAILED"
    assert "calls beijing/c1" in ended_pulls["beijing"]["problem"]
    assert FIRST_DAY not in [each["business_date"] for each in certificates]


async def test_a_record_that_hq_alone_has_wrong_is_mended_first(tmp_path: Path, keys: Keys) -> None:
    await written(f"sqlite:///{tmp_path / 'branch.db'}", two_days())
    branch = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    url = f"sqlite:///{tmp_path / 'hq.db'}"

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        await hq.consolidate()
        engine = open_database(url)
        with writing(engine) as connection:
            connection.execute(update(RECEIVED["calls"]).values(talk_ms=1))
        branch.write(
            "agents", [{"agent_id": "beijing/2", "name": "B", "skills": "[]", "business_date": FIRST_DAY}]
        )
        ended_pulls = await hq.consolidate()
        certificates = await hq.client.certificates(FIRST_DAY, "")

    engine.dispose()
    branch.engine.dispose()
    assert ended_pulls["beijing"]["phase"] == "DONE", ended_pulls
    assert [each["issue"] for each in certificates] == [1, 2]


def recorded_day() -> list[LedgerRow]:
    """A talk that is recorded over midnight, and kept for a month."""
    r1, c1 = RecordingId("r1"), CallId("c1")
    first = LedgerBook(business_date=FIRST_DAY)
    first.write(DAY_S + 57_570, arrived("c1"), queued("c1"), offered("c1", "l1"))
    first.write(
        DAY_S + 57_580,
        connected("c1", "l1", 10_000),
        RecordingStarted(
            call_id=c1,
            agent_id=LI,
            recording_id=r1,
            leg_id=LegId("l1"),
            queue_id=SALES,
            retention_days=30,
        ),
    )
    second = LedgerBook(business_date=SECOND_DAY, first_seq=len(first.rows) + 1)
    over = RecordingEnded(
        call_id=c1, agent_id=LI, recording_id=r1, duration_ms=60_000, reason=RecordingEnd.TALK_OVER
    )
    second.write(DAY_S + 57_640, ended("c1", waited_ms=10_000, talk_ms=60_000), over)
    return [*first.rows, *second.rows]


async def test_hq_has_every_recording_and_tells_a_pruned_one_from_one_that_was_deleted(
    tmp_path: Path, keys: Keys
) -> None:
    site_url, url = f"sqlite:///{tmp_path / 'branch.db'}", f"sqlite:///{tmp_path / 'hq.db'}"
    await written(site_url, recorded_day())
    branch = open_branch(site_url)

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        first = await hq.consolidate()
        store = open_store(site_url, site_id=BEIJING, calendar=BusinessCalendar(ZONE), clock=ManualClock())
        store.recordings.mark_pruned([RecordingId("r1")])
        store.close()
        second = await hq.consolidate()
        certificates = await hq.client.certificates(FIRST_DAY, "")
    engine = open_database(url)
    with engine.connect() as connection:
        (row,) = connection.execute(select(RECEIVED["recordings"])).mappings().all()
        tombstones = connection.execute(select(TOMBSTONES)).all()

    engine.dispose()
    branch.engine.dispose()
    assert (first["beijing"]["phase"], second["beijing"]["phase"]) == ("DONE", "DONE"), second
    assert (row["duration_ms"], row["retained_until"]) == (60_000, "2026-03-31")
    assert row["pruned_utc_us"] is not None
    assert tombstones == []
    assert max(each["issue"] for each in certificates if each["business_date"] == FIRST_DAY) == 2


async def test_hq_has_every_return_visit_as_it_stands_in_the_end(tmp_path: Path, keys: Keys) -> None:
    site_url, url = f"sqlite:///{tmp_path / 'branch.db'}", f"sqlite:///{tmp_path / 'hq.db'}"
    await written(site_url, two_days())
    branch = open_branch(site_url)
    visit = Visit(
        call_id=CallId("c1"),
        customer_id=CustomerId("acme"),
        queue_id=SALES,
        agent_id=LI,
        called_utc_us=1,
        due_date="2026-03-04",
        business_date=FIRST_DAY,
    )

    def tried(listed: Visit) -> Visit:
        return after_try(listed, OutboundOutcome.BUSY, VisitPolicy(try_limit=1), ended_utc_us=7)

    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        store = open_store(site_url, site_id=BEIJING, calendar=BusinessCalendar(ZONE), clock=ManualClock())
        store.return_visits.add([visit])
        first = await hq.consolidate()
        store.return_visits.change(visit.call_id, tried)
        store.close()
        second = await hq.consolidate()
        certificates = await hq.client.certificates(FIRST_DAY, "")
    engine = open_database(url)
    with engine.connect() as connection:
        (row,) = connection.execute(select(RECEIVED["return_visits"])).mappings().all()

    engine.dispose()
    branch.engine.dispose()
    assert (first["beijing"]["phase"], second["beijing"]["phase"]) == ("DONE", "DONE"), second
    assert (row["customer_id"], row["due_date"], row["business_date"]) == ("acme", "2026-03-04", FIRST_DAY)
    assert (row["try_count"], row["last_outcome"], row["outcome"]) == (1, "BUSY", "NOT_REACHED")
    assert max(each["issue"] for each in certificates if each["business_date"] == FIRST_DAY) == 2


async def test_hq_has_the_notes_and_loses_those_that_were_erased(tmp_path: Path, keys: Keys) -> None:
    """Days are counted on the site's own clock, which here stands at the days' own time."""
    site_url, url = f"sqlite:///{tmp_path / 'branch.db'}", f"sqlite:///{tmp_path / 'hq.db'}"
    await written(site_url, two_days())
    branch = open_branch(site_url)
    clock = ManualClock(utc_us=two_days()[0].at_utc_us)
    store = open_store(site_url, site_id=BEIJING, calendar=BusinessCalendar(ZONE), clock=clock)

    def note(name: str, customer: str) -> KeptNote:
        written_note = ContactNote(written_utc_us=clock.utc_us(), author="urumqi/1", text=f"要发票 {name}")
        return KeptNote(
            note_id=name, call_id=CallId("c1"), customer_id=CustomerId(customer), note=written_note
        )

    store.customers.put(Customer(customer_id=CustomerId("acme"), name="Acme"))
    for each in (note("n1", "acme"), note("n2", "other")):
        store.contact_notes.add(each, call_limit=9)
    async with serving(keys, branch) as nodes, running_hq(hq_file(tmp_path, keys, url, nodes), keys) as hq:
        first = await hq.consolidate()
        engine = open_database(url)
        with engine.connect() as connection:
            before = connection.execute(select(RECEIVED["contact_notes"])).mappings().all()
        store.customers.remove(CustomerId("acme"))
        second = await hq.consolidate()
        certificates = await hq.client.certificates(FIRST_DAY, "")
    with engine.connect() as connection:
        after = connection.execute(select(RECEIVED["contact_notes"])).mappings().all()
        of_notes = select(TOMBSTONES).where(TOMBSTONES.c.stream == "contact_notes")
        graves = connection.execute(of_notes).mappings().all()

    store.close()
    engine.dispose()
    branch.engine.dispose()
    assert (first["beijing"]["phase"], second["beijing"]["phase"]) == ("DONE", "DONE"), second
    assert {(each["note_id"], each["note"]) for each in before} == {("n1", "要发票 n1"), ("n2", "要发票 n2")}
    assert {each["author"] for each in before} == {"urumqi/1"}
    assert [each["note_id"] for each in after] == ["n2"]
    assert [(each["row_key"], each["removal"]) for each in graves] == [('["beijing","n1"]', "ERASED")]
    assert max(each["issue"] for each in certificates if each["business_date"] == FIRST_DAY) == 2


def record_count(day: str) -> int:
    return sum(record.business_date == day for record in fold(two_days()).values())


def branch_figures(day: str) -> DayFigures:
    """What the branch itself computes of its day."""
    records = [record for record in fold(two_days()).values() if record.business_date == day]
    return day_figures(
        [record for record in records if isinstance(record, CallRecord)],
        [record for record in records if isinstance(record, AgentStateSpan)],
        lambda: [row for row in two_days() if row.business_date == day],
        {},
    )


def assert_same(shown: Plain, figures: DayFigures) -> None:
    calls = figures.calls
    assert calls.answered == 2
    assert shown["is_certified"]
    assert (shown["offered_count"], shown["answered_count"], shown["abandoned_count"]) == (
        calls.offered,
        calls.answered,
        calls.abandoned,
    )
    assert shown["service_levels"] == pytest.approx(figures.service_levels)
    for name in ("asa_s", "p95_wait_s", "aht_s"):
        assert shown[name] == pytest.approx(getattr(calls, name)), name
    assert shown["occupancy"] == pytest.approx(figures.occupancy)
