import pytest

from router.call import Disposition
from router.ids import CallId, HandoffId, QueueId, SiteId
from router.ledger import CallArrived, CallConnected, CallEnded, HandoffConfirmed
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from router.world.figures.report import format_report
from router.world.figures.tally import DayTally
from router.world.figures.what_if import WhatIf, play_what_if
from router.world.reference.policies import Policy
from tests.ledgers import START_UTC_US, Ledger

A, B = SiteId("a"), SiteId("b")

KEYS = ["policy", "seed", "cluster", "sites", "laws", "reference", "consolidation"]


def busy(policy: Policy, seed: int = 1) -> WhatIf:
    scenario = default_scenario(3, duration_s=1800)
    return play_what_if(scenario, generate(scenario, 4, BusyHour(occupancy=0.9)), policy=policy, seed=seed)


def test_the_same_seed_gives_the_same_report_to_the_byte() -> None:
    assert format_report(busy(Policy.RESERVE_PULL).report) == format_report(busy(Policy.RESERVE_PULL).report)


def test_reserve_and_pull_overflows_both_ways_and_comes_near_the_pooled_queue() -> None:
    report = busy(Policy.RESERVE_PULL).report
    pooled, isolated = report["reference"]["pooled"], report["reference"]["isolated"]

    assert all(site["overflow_out"] > 0 and site["overflow_in"] > 0 for site in report["sites"].values())
    assert report["cluster"]["sl20_strict"] > pooled["sl20_strict"] - 2
    assert report["cluster"]["sl20_strict"] > isolated["sl20_strict"] + 5
    assert all(law["violations"] == 0 for law in report["laws"].values())


@pytest.mark.parametrize("policy", list(Policy))
def test_every_policy_reports_the_same_keys_and_loses_no_call(policy: Policy) -> None:
    report = busy(policy).report

    assert list(report) == KEYS
    assert sum(site["offered"] for site in report["sites"].values()) == report["cluster"]["offered"]
    assert report["cluster"]["offered"] == report["cluster"]["answered"] + report["cluster"]["abandoned"]
    assert report["cluster"]["offered"] == len(
        generate(default_scenario(3, duration_s=1800), 4, BusyHour(occupancy=0.9))
    )


def end(call: str, disposition: Disposition, waited_ms: int) -> CallEnded:
    return CallEnded(
        call_id=CallId(call),
        queue_id=QueueId("PS"),
        disposition=disposition,
        reason=None,
        waited_ms=waited_ms,
        talk_ms=0,
        hold_ms=0,
        is_short=False,
    )


def arrived(call: str) -> CallArrived:
    return CallArrived(call_id=CallId(call), dialled="", customer_id=None)


def connected(call: str, waited_ms: int) -> CallConnected:
    return CallConnected(
        call_id=CallId(call),
        queue_id=QueueId("PS"),
        agent_id=None,
        leg_id=None,
        handoff_id=None,
        served_by=A,
        waited_ms=waited_ms,
    )


def test_the_tally_leaves_the_warm_up_out_and_counts_by_what_happened_first() -> None:
    ledger = Ledger("a").at(5, arrived("early")).at(11, arrived("one"), arrived("two"), arrived("three"))
    ledger.at(12, arrived("four"), connected("early", 7_000), connected("one", 1_000))
    ledger.at(20, end("early", Disposition.ANSWERED, 7_000), end("one", Disposition.FAILED, 1_000))
    ledger.at(21, end("two", Disposition.ABANDONED_RINGING, 10_000), end("three", Disposition.VOICEMAIL, 9))
    ledger.at(22, HandoffConfirmed(handoff_id=HandoffId("h"), peer=B, call_id=CallId("x")))
    tally = DayTally([A, B], counts_from_utc_us=START_UTC_US + 10_000_000)

    for row in ledger.rows:
        tally.see(row)

    site = tally.sites[A]
    assert (site.offered, site.answered, site.abandoned) == (2, 1, 1)
    assert (site.sl20_strict, site.asa_s, site.abandon_rate) == (50.0, 1.0, 50.0)
    assert (tally.overflow.into(A), tally.overflow.out_of(B)) == (1, 1)


def test_a_day_without_calls_has_no_data_instead_of_zero_or_a_hundred() -> None:
    scenario = default_scenario(2, duration_s=60)

    cluster = play_what_if(scenario, [], policy=Policy.RESERVE_PULL, seed=1).report["cluster"]

    assert (cluster["offered"], cluster["sl20_strict"], cluster["asa_s"]) == (0, None, None)
