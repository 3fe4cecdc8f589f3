"""The lab's judge: what each kind of disagreement does to the verdict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.lab.books import Books, PbxAccount
from deploy.lab.plan import LabPlan, make_plan
from deploy.lab.telling import tell_verdict
from deploy.lab.verdict import Staging, Verdict, judge
from router.call import Disposition
from router.ids import AgentId, CallId, LegId, QueueId, SiteId
from router.ledger import CallArrived, CallConnected, CallEnded, CallQueued, LedgerRow
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario, ScenarioSite
from tests.ledgers import Ledger

BEIJING, PS = SiteId("beijing"), QueueId("PS")
AS_PLANNED = Staging(speed=60, seed=1, restarts={})
REFERENCE = {
    name: {"sl20_strict": 90.0, "asa_s": 3.0, "abandon_rate": 1.0} for name in ("pooled", "isolated")
}


def write_call(ledger: Ledger, second: float, call_id: str) -> None:
    """One call's rows: answered after 5 s by an agent of its own site, over after a minute's talk."""
    call = CallId(call_id)
    ledger.at(
        second,
        CallArrived(call_id=call, dialled="PS", customer_id=None),
        CallQueued(call_id=call, queue_id=PS, skills=(), priority=0, customer_id=None),
    )
    ledger.at(
        second + 5,
        CallConnected(
            call_id=call,
            queue_id=PS,
            agent_id=AgentId("beijing/1001"),
            leg_id=LegId(f"leg-{call_id}"),
            handoff_id=None,
            served_by=BEIJING,
            waited_ms=5_000,
        ),
    )
    ledger.at(
        second + 65,
        CallEnded(
            call_id=call,
            queue_id=PS,
            disposition=Disposition.ANSWERED,
            reason=None,
            waited_ms=5_000,
            talk_ms=60_000,
            hold_ms=0,
            is_short=False,
        ),
    )


def plan(call_count: int) -> LabPlan:
    calls = [
        PlannedCall(
            arrive_ms=1000 * number,
            site_id=BEIJING,
            queue_id=PS,
            handle_ms=60_000,
            patience_ms=60_000,
            priority=0,
            customer_id=None,
        )
        for number in range(call_count)
    ]
    scenario = Scenario(duration_ms=3_600_000, sites=(ScenarioSite(site_id=BEIJING, agents=1),))
    return make_plan(Path("lab"), scenario, calls, speed=60, now_s=1_790_000_000)


def day(made: LabPlan, *call_ids: str) -> list[LedgerRow]:
    ledger = Ledger("beijing")
    for number, call_id in enumerate(call_ids):
        write_call(ledger, 100 * number, call_id)
    return [
        replace(
            row,
            business_date=made.business_date,
            at_utc_us=made.day_start_utc_us + row.mono_ms * 1000,
        )
        for row in ledger.rows
    ]


def story(*, taken: bool = True, conversations: int = 1) -> dict[str, object]:
    return {"taken": taken, "conversations": conversations, "ending": "finished"}


def verdict_of(
    rows: Sequence[LedgerRow],
    made: LabPlan,
    *,
    hq: Sequence[LedgerRow] | None = None,
    account: PbxAccount | None = None,
    certified: frozenset[SiteId] = frozenset({BEIJING}),
    staging: Staging = AS_PLANNED,
) -> Verdict:
    """What the judge says; without more, of a lab where everybody agrees."""
    calls = {str(row.entry.call_id) for row in rows if isinstance(row.entry, CallArrived)}
    saw = account or PbxAccount(offered_count=len(calls), stories={call: story() for call in calls})
    books = Books(
        branches=tuple(rows),
        hq=tuple(rows if hq is None else hq),
        certified=certified,
        quarantined_count=0,
    )
    return judge(made, books, {BEIJING: saw}, staging, REFERENCE)


def violations(verdict: Verdict) -> dict[str, int]:
    return {law.name: law.violation_count for law in verdict.laws if law.violation_count}


def test_a_lab_where_everybody_agrees_is_good() -> None:
    made = plan(2)

    verdict = verdict_of(day(made, "c1", "c2"), made)

    assert violations(verdict) == {}
    assert verdict.is_good
    assert verdict.report["sites"]["beijing"]["answered"] == 2
    assert verdict.report["lab"] == {"speed": 60, "planned": 2, "played": 2, "restarts": {}}
    assert verdict.report["consolidation"] == {
        "due": 1,
        "certified": 1,
        "rows_branches": 8,
        "rows_hq": 8,
        "quarantined": 0,
        "digests_equal": True,
    }


@pytest.mark.parametrize(
    ("call_id", "seen", "complaint"),
    [
        ("c9", story(), "call c9 talk, and the ledger did not"),
        ("c9", story(conversations=0), "call c9 answered, and the ledger does not know it"),
    ],
)
def test_a_caller_whom_the_pbx_saw_and_no_ledger_knows_is_a_violation(
    call_id: str, seen: dict[str, object], complaint: str
) -> None:
    made = plan(1)

    verdict = verdict_of(
        day(made, "c1"), made, account=PbxAccount(offered_count=1, stories={"c1": story(), call_id: seen})
    )

    assert violations(verdict) == {"the_pbx_saw_the_same": 1}
    [law] = [law for law in verdict.laws if law.violation_count]
    assert complaint in law.violations[0]
    assert not verdict.is_good


def test_a_call_that_the_pbx_saw_end_and_the_ledger_did_not_is_a_violation() -> None:
    made = plan(1)
    rows = [row for row in day(made, "c1") if not isinstance(row.entry, CallEnded)]

    verdict = verdict_of(rows, made)

    assert violations(verdict)["the_pbx_saw_the_same"] == 1


@pytest.mark.parametrize(
    ("limit_ms", "complaints"),
    [
        (2_000, ["beijing's PBX saw call c1 hear nobody, and the ledger has 60000 ms of talk"]),
        (60_000, []),
        (None, []),
    ],
)
def test_a_talk_in_which_people_who_listen_heard_nothing_is_a_violation(
    limit_ms: int | None, complaints: list[str]
) -> None:
    made = plan(1)
    deaf = PbxAccount(offered_count=1, stories={"c1": story(conversations=0)}, silence_limit_ms=limit_ms)

    verdict = verdict_of(day(made, "c1"), made, account=deaf)

    assert [each for law in verdict.laws for each in law.violations] == complaints
    assert verdict.is_good is not bool(complaints)


def test_a_caller_who_is_two_calls_in_the_ledger_is_a_violation() -> None:
    made = plan(1)
    account = PbxAccount(offered_count=1, stories={"c1": story()})

    verdict = verdict_of(day(made, "c1", "c2"), made, account=account)

    [law] = [law for law in verdict.laws if law.violation_count]
    assert law.violations == ["beijing's PBX saw 1 callers, and the ledger has 2"]
    assert not verdict.is_good


def test_a_caller_who_hung_up_before_the_branch_answered_need_not_be_in_a_ledger() -> None:
    made = plan(2)
    gone = story(taken=False, conversations=0)

    verdict = verdict_of(
        day(made, "c1"), made, account=PbxAccount(offered_count=2, stories={"c1": story(), "c2": gone})
    )

    assert verdict.is_good


def test_key_figures_that_differ_at_hq_are_no_good_verdict() -> None:
    made = plan(1)
    rows = day(made, "c1")
    at_hq = [
        replace(row, entry=replace(row.entry, waited_ms=25_000))
        if isinstance(row.entry, CallConnected | CallEnded)
        else row
        for row in rows
    ]

    verdict = verdict_of(rows, made, hq=at_hq)

    assert not verdict.are_kpis_equal
    assert violations(verdict) == {"hq_equals_branches": 2}
    assert not verdict.report["consolidation"]["digests_equal"]
    assert not verdict.is_good


def test_a_row_that_hq_lacks_is_no_good_verdict() -> None:
    made = plan(1)
    rows = day(made, "c1")

    verdict = verdict_of(rows, made, hq=rows[:-1])

    assert set(violations(verdict)) == {"hq_equals_branches", "journal_has_no_gap_below_the_watermark"}
    assert verdict.report["consolidation"]["rows_hq"] == 3
    assert not verdict.is_good


def test_a_site_without_a_certificate_is_no_good_verdict() -> None:
    made = plan(1)

    verdict = verdict_of(day(made, "c1"), made, certified=frozenset())

    assert violations(verdict) == {}
    assert not verdict.is_good


def test_planned_callers_who_met_no_pbx_are_told_and_no_good_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = plan(3)

    verdict = verdict_of(day(made, "c1"), made)
    tell_verdict(verdict)

    assert not verdict.is_good
    assert "1 of 3 planned callers reached a PBX" in capsys.readouterr().out


@pytest.mark.parametrize(("killed", "is_good"), [("pbx:beijing", True), ("branch:beijing", False)])
def test_only_a_pbx_that_was_down_excuses_callers_who_met_none(
    killed: str, is_good: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    made = plan(3)

    verdict = verdict_of(day(made, "c1"), made, staging=replace(AS_PLANNED, restarts={killed: 1}))
    tell_verdict(verdict)

    assert verdict.is_good is is_good
    assert f"Started again: {killed} (1)" in capsys.readouterr().out


def test_rows_of_the_night_are_not_counted_into_the_day() -> None:
    made = plan(1)
    rows = day(made, "c1")
    later = replace(rows[0], seq=5, business_date="2099-01-01", entry=rows[0].entry)

    verdict = verdict_of([*rows, later], made, hq=rows)

    assert verdict.report["consolidation"]["rows_branches"] == 4
    assert verdict.report["consolidation"]["digests_equal"]
