"""`trunkline visit` on a site's database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from branch.admin import visit_commands
from branch.admin.site_records import SiteRecords, open_site
from branch.store.customers import Customer
from branch.store.store import open_store
from router.ids import CallId, CustomerId
from router.outbound.outcome import OutboundOutcome
from router.visit.policy import VisitPolicy
from router.visit.visit import Visit, after_try
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from tests.fakes.command_line import CommandLine, Ended, write_site_file
from tests.fakes.ledger_book import BEIJING, LedgerBook, arrived, connected, ended, queued
from tests.fakes.store_ear import StoreEar

NUMBER = "+861066660001"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine([visit_commands.register], monkeypatch, capsys)


@pytest.fixture
async def site(tmp_path: Path) -> Path:
    """c1 and c2 were answered, and c1's number is known."""
    file = write_site_file(tmp_path)
    store = open_store(
        f"sqlite:///{tmp_path / 'branch.db'}",
        site_id=BEIJING,
        calendar=BusinessCalendar("Asia/Shanghai"),
        clock=SystemClock(),
    )
    book = LedgerBook()
    for call in ("c1", "c2"):
        book.write(0, arrived(call), queued(call), connected(call, f"leg-{call}", 0), ended(call))
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    caller = CallerRecord(
        site_id=BEIJING, call_id=CallId("c1"), business_date="2026-01-05", number=NUMBER, dialled="95588"
    )
    writer.append(book.rows, [caller])
    await writer.close()
    store.close()
    return file


def listed(run: CommandLine, site: Path, *more: str) -> list[tuple[str, str, str | None]]:
    found = run("visit", "list", "--site", site, "--json", *more).json
    return [(each["call_id"], each["standing"], each["outcome"]) for each in found]


def tried(records: SiteRecords, outcome: OutboundOutcome) -> None:
    policy, now_utc_us = VisitPolicy(), records.utc_us()
    records.return_visits.change(
        CallId("c1"), lambda visit: after_try(visit, outcome, policy, ended_utc_us=now_utc_us)
    )


async def test_a_customer_is_put_on_the_list_for_today_and_taken_off(run: CommandLine, site: Path) -> None:
    added = run("visit", "add", "c1", "--site", site)
    on = listed(run, site)
    removed = run("visit", "remove", "c1", "--site", site)

    assert (added.code, removed.code) == (0, 0)
    assert on == [("c1", "DUE", None)]
    assert listed(run, site) == []
    assert listed(run, site, "--all") == [("c1", "DONE", "REMOVED")]


async def test_a_visit_may_be_due_another_day(run: CommandLine, site: Path) -> None:
    # Two days on, so that no time zone makes it today.
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()

    added = run("visit", "add", "c1", "--site", site, "--due", day)

    assert day in added.out
    assert listed(run, site) == [("c1", "LATER", None)]


async def test_the_list_tells_people_who_it_is_and_what_the_last_try_came_to(
    run: CommandLine, site: Path
) -> None:
    run("visit", "add", "c1", "--site", site)
    with open_site(site) as records:
        records.customers.put(Customer(customer_id=CustomerId("acme"), name="王芳", numbers=(NUMBER,)))
        tried(records, OutboundOutcome.BUSY)

    english = run("visit", "list", "--site", site)
    chinese = run("--lang", "zh-CN", "visit", "list", "--site", site)

    assert "resting" in english.out
    assert "line busy" in english.out
    assert "占线" in chinese.out
    assert NUMBER not in english.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "c2"), "no answered call"),
        (("add", "c9"), "no answered call"),
        (("add", "c1", "--due", "tomorrow"), "no day"),
        (("remove", "c1"), "not on the list"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_line(
    run: CommandLine, site: Path, arguments: tuple[str, ...], problem: str
) -> None:
    refused = run("visit", *arguments, "--site", site)

    assert_refused(refused, problem)
    assert listed(run, site, "--all") == []


async def test_nobody_is_put_on_the_list_twice_or_taken_off_it_while_called(
    run: CommandLine, site: Path
) -> None:
    run("visit", "add", "c1", "--site", site)
    again = run("visit", "add", "c1", "--site", site)
    with open_site(site) as records:
        records.return_visits.change(CallId("c1"), begun)
    called = run("visit", "remove", "c1", "--site", site)

    assert_refused(again, "is on the list, or was")
    assert_refused(called, "is being called")
    assert listed(run, site) == [("c1", "TRYING", None)]


def begun(visit: Visit) -> Visit:
    return replace(visit, outbound_id=CallId("out"))


def assert_refused(refused: Ended, problem: str) -> None:
    assert refused.code == 2
    # A long line is broken where the terminal ends.
    assert problem in " ".join(refused.err.split())
    assert "Traceback" not in refused.err
