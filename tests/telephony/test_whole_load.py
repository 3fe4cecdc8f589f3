"""A thousand calls over three sites, SIPp at both ends: the ledgers, SIPp and Asterisk count the same."""

import asyncio
import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from branch.telephony.asterisk.names import endpoint_of
from deploy.etcd import EtcdCluster, start_etcd
from router.call import Disposition
from router.ids import SiteId
from router.ledger import (
    AgentOffered,
    AgentRang,
    CallArrived,
    CallConnected,
    CallEnded,
    HandoffConfirmed,
    HandoffConnected,
    LedgerRow,
)
from tests.fakes.ledger_reading import broken_laws, entries
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite
from tests.telephony.asterisk_pbx import CITY, LINE_NUMBER
from tests.telephony.sipp import SippBatch, SippReport, run_callers
from tests.telephony.sipp_agents import PhoneAccount, SippAgents, register_phones

pytestmark = pytest.mark.timeout(400)

SITES = ("beijing", "urumqi", "shanghai")
AGENTS_A_SITE = 10
TALK_MS = 1_500
WAVES = ({"beijing": 8, "urumqi": 1, "shanghai": 1}, {"beijing": 1, "urumqi": 1, "shanghai": 8})
"""Calls a second, each for `WAVE_S`: eight are more than ten agents can take, so both are helped in turn."""
WAVE_S = 50
CALLS = sum(sum(wave.values()) for wave in WAVES) * WAVE_S
PATIENCE_MS = 60_000
SIPP_PORT = 5_070


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    running = start_etcd(tmp_path / "etcd")
    yield running
    running.kill()


async def test_a_thousand_calls_are_counted_alike_by_everybody(
    cluster: AsteriskCluster, etcd: EtcdCluster, tmp_path: Path
) -> None:
    sites = [
        cluster.add(name, *range(1000 * number + 1, 1000 * number + 1 + AGENTS_A_SITE))
        for number, name in enumerate(SITES, start=1)
    ]
    await cluster.start(etcd=etcd.endpoints)
    async with AsyncExitStack() as stack:
        phones = {site.branch.site: await sit_down(site, tmp_path / "phones") for site in sites}
        for each in phones.values():
            stack.push_async_callback(each.kill)
        reports: dict[str, list[SippReport]] = {name: [] for name in SITES}
        for number, wave in enumerate(WAVES):
            batches = {
                site.branch.site: run_callers(
                    batch(site, wave[site.branch.site]), tmp_path / f"callers-{number}-{site.branch.site}"
                )
                for site in sites
            }
            for name, report in zip(batches, await asyncio.gather(*batches.values()), strict=True):
                reports[name].append(report)
        accounts = {name: await each.stop() for name, each in phones.items()}
    rows = await cluster.until(lambda rows: len(entries(rows, CallEnded)) >= CALLS)

    assert [str(each) for waves in reports.values() for each in waves if not each.is_clean] == []
    assert broken_laws(rows) == {}
    assert Counter(each.disposition for each in entries(rows, CallEnded)) == {Disposition.ANSWERED: CALLS}
    for site in sites:
        name = site.branch.site
        mine = [row for row in rows if row.site_id == name]
        assert len(entries(mine, CallArrived)) == sum(each.successful for each in reports[name])
        assert_phones_agree(mine, accounts[name])
        assert_cdrs_agree(site, mine)
    helped = {row.site_id for row in rows if isinstance(row.entry, HandoffConfirmed)}
    assert helped >= {"beijing", "shanghai"}
    by_helper = Counter(each.served_by for each in entries(rows, CallConnected) if each.handoff_id)
    assert min(by_helper[SiteId(name)] for name in SITES) > 0


def batch(site: BranchSite, rate_per_s: int) -> SippBatch:
    return SippBatch(
        pbx=site.pbx.address,
        number=LINE_NUMBER,
        count=rate_per_s * WAVE_S,
        rate_per_s=rate_per_s,
        stays_ms=PATIENCE_MS,
        host=CITY,
    )


async def sit_down(site: BranchSite, folder: Path) -> SippAgents:
    """All agents of a site log in and are ready, then their phones are SIPp's."""
    at = (site.pbx.agents_host, SIPP_PORT)
    await register_phones(site.pbx, site.agents, at)
    phones = await SippAgents.start(at, folder / site.branch.site, pbx=site.pbx.address, talk_ms=TALK_MS)
    await asyncio.gather(*(site.log_in(number) for number in site.agents))
    await site.until_agents(READY=len(site.agents))
    return phones


def assert_phones_agree(rows: list[LedgerRow], account: PhoneAccount) -> None:
    """Every phone has talked as often as its site's ledger says, and in one call at a time.

    A phone may have rung though the ledger saw no ringing: an offer that was taken back at once.
    """
    talked = [each.agent_id for each in entries(rows, CallConnected) if each.agent_id is not None]
    talked += [each.agent_id for each in entries(rows, HandoffConnected) if each.agent_id is not None]
    assert account.talked == Counter(map(endpoint_of, talked))
    rang = Counter(endpoint_of(each.agent_id) for each in entries(rows, AgentRang))
    offered = Counter(endpoint_of(each.agent_id) for each in entries(rows, AgentOffered))
    assert rang <= Counter(account.rung) <= offered
    assert list(account.crowded) == []


def assert_cdrs_agree(site: BranchSite, rows: list[LedgerRow]) -> None:
    """Asterisk's own call detail records: as many callers as arrived, all answered."""
    with (site.pbx.folder / "state" / "log" / "cdr-csv" / "Master.csv").open(encoding="utf-8") as lines:
        records = list(csv.reader(lines))
    callers = [record for record in records if record[5].startswith("PJSIP/line-city-")]
    assert len({record[16] for record in callers}) == len(entries(rows, CallArrived))
    assert {record[14] for record in callers} == {"ANSWERED"}
