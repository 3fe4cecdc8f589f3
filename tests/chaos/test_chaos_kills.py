"""kill -9 in the middle of a running cluster, one victim at a time: calls wait, ring, talk and overflow."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from deploy.lab.play import day_over
from deploy.lab.verdict import Verdict
from router.call import Disposition
from router.ids import CallId, SiteId
from router.ledger import CallConnected, CallEnded, CallQueued, HandoffConnected, LedgerRow, NodeStarted, Role
from tests.chaos.labs import (
    CROWDED,
    HELPER,
    THIRD,
    agents,
    broken,
    calls,
    confirmed,
    crowded_lab,
    ended,
    goes_on,
    is_busy,
    view_age_s,
)

pytestmark = pytest.mark.timeout(420)

OTHERS = (HELPER, THIRD)


def readopted(rows: list[LedgerRow]) -> list[int]:
    """How many calls each process of the branch took up when it started."""
    return [row.entry.readopted_call_count for row in rows if isinstance(row.entry, NodeStarted)]


def served_after_waiting_through_a_restart(rows: list[LedgerRow]) -> set[CallId]:
    """Calls that asked for a person in one process's time and got one in another's."""
    queued = {row.entry.call_id: row.incarnation for row in rows if isinstance(row.entry, CallQueued)}
    return {
        row.entry.call_id
        for row in rows
        if isinstance(row.entry, CallConnected) and row.incarnation != queued[row.entry.call_id]
    }


def talked_at(rows: Iterable[LedgerRow], helper: SiteId) -> set[CallId]:
    """Other sites' calls that an agent of this one has talked on."""
    connected = (row.entry for row in rows if isinstance(row.entry, HandoffConnected))
    return {entry.call_id for entry in connected if entry.role is Role.ORIGIN and entry.peer == helper}


def restarts(verdict: Verdict) -> dict[str, int]:
    found: dict[str, int] = verdict.report["lab"]["restarts"]
    return found


@pytest.mark.parametrize("victim", [CROWDED, HELPER], ids=["origin", "helper"])
async def test_a_killed_branch_takes_its_calls_up_again_and_the_others_go_on(
    tmp_path: Path, victim: SiteId
) -> None:
    async with crowded_lab(tmp_path) as lab:
        before = await lab.until(is_busy, "busy")
        others = [site for site in (CROWDED, *OTHERS) if site != victim]

        lab.lab.processes[f"branch:{victim}"].kill()
        await lab.until(goes_on(before, *others), "did the others go on")
        await lab.until_ready_again(f"branch:{victim}", lab.metrics_port(victim))
        after = await lab.look()
        await lab.until(goes_on(after, CROWDED, *OTHERS), "did everybody go on after the restart")
        await lab.until(lambda looks: confirmed(looks) > confirmed(after), "overflow again")
        verdict = await lab.finish()
        rows = [row for row in lab.books().branches if row.site_id == victim]

    assert broken(verdict) == {}
    assert restarts(verdict) == {f"branch:{victim}": 1}
    assert verdict.is_all_played
    at_first, again = readopted(rows)
    assert at_first == 0
    assert again > 0
    if victim == CROWDED:
        assert served_after_waiting_through_a_restart(rows)


@pytest.mark.parametrize("victim", [CROWDED, HELPER], ids=["origin", "helper"])
async def test_a_killed_pbx_fails_its_calls_and_its_agents_come_back(tmp_path: Path, victim: SiteId) -> None:
    async with crowded_lab(tmp_path) as lab:
        before = await lab.until(is_busy, "busy")
        others = [site for site in (CROWDED, *OTHERS) if site != victim]
        lived = calls(before, victim)
        staff = agents(before, victim)

        lab.lab.processes[f"pbx:{victim}"].kill()
        failed = await lab.until(
            lambda looks: ended(looks, victim, Disposition.FAILED) > 0, "did calls end as failed"
        )
        await lab.until(goes_on(failed, *others), "did the others go on")
        await lab.until(
            lambda looks: calls(looks, victim, "CONNECTED") > 0 and agents(looks, victim) >= staff,
            "are the agents back at work",
        )
        again = await lab.look()
        await lab.until(lambda looks: confirmed(looks) > confirmed(again), "overflow again")
        verdict = await lab.finish()
        rows = lab.books().branches

    assert broken(verdict) == {}
    assert restarts(verdict) == {f"pbx:{victim}": 1}
    failed_at = [
        (row.site_id, row.entry.call_id)
        for row in rows
        if isinstance(row.entry, CallEnded) and row.entry.disposition is Disposition.FAILED
    ]
    own_count = sum(site_id == victim for site_id, _ in failed_at)
    # The picture before the kill is some milliseconds old: a call or two may have ended by themselves.
    assert 0.5 * lived <= own_count <= lived + 10
    # Another site's call that talked there fails too, where the helper's word of it comes before the PBX's.
    assert {call_id for site_id, call_id in failed_at if site_id != victim} <= talked_at(rows, victim)
    assert 0.7 * verdict.report["lab"]["planned"] < verdict.report["lab"]["played"]


async def test_a_killed_hq_misses_nothing(tmp_path: Path) -> None:
    async with crowded_lab(tmp_path) as lab:
        before = await lab.until(is_busy, "busy")

        lab.lab.processes["hq"].kill()
        await lab.until(goes_on(before, CROWDED, *OTHERS), "did the sites go on")
        await lab.until_ready_again("hq", lab.lab.plan.hq_metrics_port)
        await day_over(lab.lab)
        # Once more when it is about to pull.
        lab.lab.processes["hq"].kill()
        verdict = await lab.finish()

    assert broken(verdict) == {}
    assert restarts(verdict) == {"hq": 2}
    assert verdict.is_all_played


async def test_a_killed_etcd_that_comes_back_with_its_data_is_joined_again(tmp_path: Path) -> None:
    async with crowded_lab(tmp_path) as lab:
        before = await lab.until(is_busy, "busy")
        etcd = lab.lab.servers.etcd

        etcd.kill()
        down = await lab.until(goes_on(before, CROWDED, *OTHERS), "did the sites go on without etcd")
        await lab.until(lambda looks: confirmed(looks) > confirmed(down), "overflow without etcd")
        etcd.launch()
        await asyncio.to_thread(etcd.wait_ready)
        joined = await lab.until(
            lambda looks: all(view_age_s(look) < 1 for look in looks.values()), "is every view fresh again"
        )
        await lab.until(lambda looks: confirmed(looks) > confirmed(joined), "overflow again")
        verdict = await lab.finish()

    assert broken(verdict) == {}
    assert restarts(verdict) == {}
    assert verdict.is_all_played
