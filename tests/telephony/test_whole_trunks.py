"""Trunks between sites: what a site refuses there, and what becomes of a caller whose trunk fails."""

import secrets
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.phones.callers import Caller
from deploy.phones.phones import Behaviour
from router.call import Disposition
from router.ids import HandoffId, SiteId
from router.ledger import CallConnected, CallEnded, HandoffDialed
from sync.token import KEY_BYTES, TokenMint
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.fakes.loopback import loopback
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite
from tests.telephony.asterisk_pbx import CITY, LINE_NUMBER
from tests.telephony.sipp import Scenario, SippBatch, SippRun, run_callers
from tests.telephony.trunk_end import TOKEN_HEADER, TrunkEnd

pytestmark = pytest.mark.timeout(180)

TRUNK_END = (loopback(80), 5_080)
"""Where urumqi's PBX is said to be."""
BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
QUICK = Behaviour(ring_ms=50, talk_ms=200)
FORGED_COUNT = 300
REAL_COUNT = 20


async def status_of(token: str, shown_by: BranchSite, to: BranchSite) -> int:
    """What the trunk answers to an INVITE with this token from that site's address."""
    async with Caller("1380", to.pbx.address, host=shown_by.pbx.host) as caller:
        call = await caller.call("overflow", {TOKEN_HEADER: token})
        await call.wait_over()
        return call.status


async def refused(site: BranchSite, reason: str) -> float:
    return await site.metric(f'trunkline_tokens_refused_total{{reason="{reason}"}}')


async def test_a_trunk_that_answers_503_leaves_the_caller_in_its_place(cluster: AsteriskCluster) -> None:
    beijing, urumqi = cluster.add("beijing", 1001), cluster.add("urumqi", 2001)
    async with TrunkEnd(*TRUNK_END) as trunk:
        await cluster.start(trunks={"urumqi": TRUNK_END})
        await urumqi.man(BY_HAND)
        call = await cluster.call(beijing, "13800000001")
        await trunk.wait_token()
        await beijing.until_calls(QUEUED=1)
        later = await cluster.call(beijing, "13800000002")
        await later.wait_answered()
        await beijing.sit_down(BY_HAND)

        (phone,) = beijing.phones.values()
        for each in (call, later):
            assert (await phone.wait_ringing()).caller == each.line.user
            await cluster.answer(phone)
            await each.hang_up()
        rows = await cluster.until(has(CallEnded, 2))

    assert len(entries(rows, HandoffDialed)) >= 1
    assert {each.served_by for each in entries(rows, CallConnected)} == {"beijing"}
    assert [phone.calls for phone in urumqi.phones.values()] == [[]]
    assert broken_laws(rows) == {}


async def test_tokens_that_are_no_good_are_refused_and_counted_and_ring_nobody(
    cluster: AsteriskCluster,
) -> None:
    beijing, urumqi = cluster.add("beijing"), cluster.add("urumqi", 2001)
    async with TrunkEnd(*TRUNK_END) as trunk:
        await cluster.start(trunks={"urumqi": TRUNK_END})
        await urumqi.man(BY_HAND)
        (phone,) = urumqi.phones.values()
        waits = await cluster.call(beijing, "13800000001")
        spent = await trunk.wait_token()
        await waits.hang_up()
        await cluster.until(has(CallEnded))
        await urumqi.until_agents(READY=1)
        handoff, key = HandoffId(str(uuid4())), secrets.token_bytes(KEY_BYTES)
        assert await status_of(spent, beijing, urumqi) == 403
        # Its reservation was taken back, or had run out before that was heard.
        late = [await refused(urumqi, reason) for reason in ("TOKEN_CANCELLED", "TOKEN_EXPIRED")]
        assert sorted(late) == [0, 1]
        for reason, token in {
            "TOKEN_FORGED": spent[:-4] + ("AAAA" if spent[-4:] != "AAAA" else "BBBA"),
            "TOKEN_MALFORMED": "x" * 60,
            "TOKEN_FOREIGN": TokenMint(SiteId("shanghai"), 1, key).mint(handoff, SiteId("beijing")),
            "TOKEN_STALE_INCARNATION": TokenMint(SiteId("urumqi"), 1, key).mint(handoff, SiteId("beijing")),
        }.items():
            assert await status_of(token, beijing, urumqi) == 403
            assert await refused(urumqi, reason) == 1, reason
        assert phone.calls == []

        # A token that is stolen on its way rings the agent it was given for, and once.
        trunk.status = None
        trunk.tokens.clear()
        again = await cluster.call(beijing, "13800000002")
        token = await trunk.wait_token()
        async with Caller("1380", urumqi.pbx.address, host=beijing.pbx.host) as thief:
            stolen = await thief.call("overflow", {TOKEN_HEADER: token})
            await phone.wait_ringing()
            assert await status_of(token, beijing, urumqi) == 403
            assert await refused(urumqi, "TOKEN_USED") == 1
            await stolen.hang_up()
        await phone.wait_idle()
        await again.hang_up()
        rows = await cluster.until(has(CallEnded, 2))

    assert len(phone.calls) == 1
    assert broken_laws(rows) == {}


async def test_a_flood_of_forged_tokens_takes_nothing_from_callers(
    cluster: AsteriskCluster, tmp_path: Path
) -> None:
    beijing, urumqi = cluster.add("beijing"), cluster.add("urumqi", 2001, 2002, 2003, 2004)
    await cluster.start()
    await urumqi.man(QUICK)
    mint = TokenMint(SiteId("urumqi"), 1, secrets.token_bytes(KEY_BYTES))
    flood = await SippRun.start(
        SippBatch(
            pbx=urumqi.pbx.address,
            number="overflow",
            count=FORGED_COUNT,
            rate_per_s=30,
            scenario=Scenario.FORGED,
            tokens=tuple(mint.mint(HandoffId(str(uuid4())), SiteId("beijing")) for _ in range(FORGED_COUNT)),
            host=beijing.pbx.host,
        ),
        tmp_path / "flood",
    )
    real = SippBatch(
        pbx=urumqi.pbx.address,
        number=LINE_NUMBER,
        count=REAL_COUNT,
        rate_per_s=4,
        stays_ms=30_000,
        host=CITY,
    )

    try:
        report = await run_callers(real, tmp_path / "real")
        forged = await flood.wait()
    finally:
        await flood.kill()
    rows = await cluster.until(has(CallEnded, REAL_COUNT))

    assert report.is_clean, report
    assert forged.is_clean, forged
    assert forged.responses[403] == FORGED_COUNT
    assert await refused(urumqi, "TOKEN_STALE_INCARNATION") == FORGED_COUNT
    assert sum(phone.counts.rung for phone in urumqi.phones.values()) == REAL_COUNT
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert broken_laws(rows) == {}
