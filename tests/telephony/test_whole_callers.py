"""Callers who hang up, at every step of their call: one ending each, and nothing of the call stays."""

import asyncio
from pathlib import Path

import pytest

from branch.telephony.asterisk.names import PROMPTS
from deploy.phones.phones import Behaviour
from router.call import Disposition
from router.ledger import (
    AgentRang,
    CallArrived,
    CallEnded,
    CallQueued,
    IvrEntered,
    LedgerRow,
)
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite

pytestmark = pytest.mark.timeout(180)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
LEFT_BEFORE = (Disposition.ABANDONED_RINGING, Disposition.ABANDONED_IN_QUEUE)
MOMENTS_S = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)
"""From one side's act to the other's: somewhere in there is the moment of the bridge."""
FLOW = """
start = "menu"
default = "person"
[node.menu]
kind = "menu"
prompts = ["welcome"]
choices = { 1 = "person" }
otherwise = "person"
wait_ms = 30000
tries = 3
[node.person]
kind = "queue"
queue = "sales"
"""


async def nothing_stays(site: BranchSite, agents: int) -> None:
    """No channel is left at Asterisk, and every agent is ready."""
    await site.until_agents(READY=agents)
    await no_channel_stays(site)


async def no_channel_stays(site: BranchSite) -> None:
    async with asyncio.timeout(10):
        while "0 active channels" not in site.pbx.process.command("core show channels count"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def the_last_call_rings(rows: list[LedgerRow]) -> bool:
    """An earlier one may have rung too, or may have been over before its phone said so."""
    return entries(rows, CallArrived)[-1].call_id in {each.call_id for each in entries(rows, AgentRang)}


async def test_callers_who_hang_up_before_anybody_has_answered(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start()
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    at_once = await cluster.call(beijing, "13800000001")
    await at_once.hang_up()
    await nothing_stays(beijing, 1)
    rings = await cluster.call(beijing, "13800000002")
    await phone.wait_ringing()
    await cluster.until(the_last_call_rings)
    waits = await cluster.call(beijing, "13800000003")
    await waits.wait_answered()

    await waits.hang_up()
    await rings.hang_up()
    await phone.wait_idle()
    await nothing_stays(beijing, 1)
    rows = await cluster.until(lambda rows: len(entries(rows, CallEnded)) == len(entries(rows, CallArrived)))

    endings = [each.disposition for each in entries(rows, CallEnded)]
    assert endings[-2:] == [Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING]
    assert Disposition.ANSWERED not in endings
    assert broken_laws(rows) == {}


async def test_callers_and_agents_who_act_in_the_very_moment_of_the_bridge(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start()
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    for number, moment_s in enumerate(MOMENTS_S, start=1):
        call = await cluster.call(beijing, f"1380000000{number}")
        await phone.wait_ringing()
        await call.wait_answered()
        phone.answer()
        await asyncio.sleep(moment_s)
        await call.hang_up()
        await phone.wait_idle()
        await nothing_stays(beijing, 1)
    rows = await cluster.until(has(CallEnded, len(MOMENTS_S)))

    endings = {each.disposition for each in entries(rows, CallEnded)}
    assert endings <= {Disposition.ANSWERED, Disposition.ABANDONED_RINGING, Disposition.ABANDONED_IN_QUEUE}
    assert broken_laws(rows) == {}


async def test_callers_who_press_garbage_or_hang_up_in_the_menu(
    cluster: AsteriskCluster, tmp_path: Path
) -> None:
    flow = tmp_path / "ivr.toml"
    flow.write_text(FLOW, encoding="utf-8")
    beijing = cluster.add("beijing", 1001)
    await cluster.start(more=f'[ivr]\nflow = "{flow}"\n')
    (beijing.pbx.folder / "data" / "sounds" / "zh_CN" / PROMPTS / "welcome.alaw").write_bytes(b"\xd5" * 8_000)
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    leaves = await cluster.call(beijing, "13800000001")
    await leaves.wait_answered()
    await cluster.until(has(IvrEntered, 1))
    await leaves.hang_up()
    await cluster.until(has(CallEnded, 1))
    garbage = await cluster.call(beijing, "13800000002")
    await garbage.wait_answered()

    await garbage.send_digits("ABCD#*0987")
    await garbage.wait_sound(25)
    rung = await phone.wait_ringing()
    await cluster.answer(phone)
    await garbage.hang_up()
    rows = await cluster.until(has(CallEnded, 2))

    assert rung.caller == garbage.line.user
    endings = [each.disposition for each in entries(rows, CallEnded)]
    assert endings == [Disposition.ABANDONED_IN_IVR, Disposition.ANSWERED]
    assert len(entries(rows, CallQueued)) == 1
    assert broken_laws(rows) == {}


async def test_callers_who_hang_up_while_another_site_rings_or_in_the_moment_of_its_bridge(
    cluster: AsteriskCluster,
) -> None:
    beijing, urumqi = cluster.add("beijing"), cluster.add("urumqi", 2001)
    await cluster.start()
    await urumqi.man(BY_HAND)
    (phone,) = urumqi.phones.values()
    for number, moment_s in enumerate((None, *MOMENTS_S), start=1):
        call = await cluster.call(beijing, f"1380000000{number}")
        await phone.wait_ringing()
        if moment_s is not None:
            phone.answer()
            await asyncio.sleep(moment_s)
        await call.hang_up()
        await phone.wait_idle()
        await nothing_stays(urumqi, 1)
        await no_channel_stays(beijing)
    rows = await cluster.until(has(CallEnded, len(MOMENTS_S) + 1))

    endings = [each.disposition for each in entries(rows, CallEnded)]
    assert endings[0] in LEFT_BEFORE
    assert set(endings) <= {Disposition.ANSWERED, *LEFT_BEFORE}
    assert len(phone.calls) == len(endings)
    assert broken_laws(rows) == {}
