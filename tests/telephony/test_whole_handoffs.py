"""A hand-off between real Asterisks whose helper dies, and a trunk that is sent nothing but junk."""

import asyncio
import socket
from signal import SIGCONT, SIGSTOP

import pytest

from deploy.phones.callers import OutgoingCall
from deploy.phones.phones import Behaviour, Phone
from router.call import Disposition
from router.ledger import CallConnected, CallEnded, CallHeld, CallResumed, HandoffEnded, HandoffRang
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.fakes.loopback import loopback
from tests.telephony.asterisk_cluster import LIMIT_S, AsteriskCluster, BranchSite, falls_silent
from tests.telephony.asterisk_pbx import LINE_NUMBER
from tests.telephony.sip_junk import junk

pytestmark = pytest.mark.timeout(180)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True, has_tone=True)
HEARD_PACKETS = 50
HANDOFF_LIMIT_S = 60.0
TOLD_WITHIN_S = 8.0
"""SIP says nothing of an Asterisk that died, and RTP nothing for 15 s: its branch does."""


async def rings_elsewhere(cluster: AsteriskCluster) -> tuple[BranchSite, BranchSite, OutgoingCall, Phone]:
    """A caller of beijing, where nobody sits, rings at urumqi."""
    beijing, urumqi = cluster.add("beijing", 1001), cluster.add("urumqi", 2001)
    await cluster.start()
    await urumqi.man(BY_HAND)
    (phone,) = urumqi.phones.values()
    call = await cluster.call(beijing)
    await phone.wait_ringing()
    await cluster.until(has(HandoffRang, 2))
    return beijing, urumqi, call, phone


async def hears(call: OutgoingCall) -> None:
    """The caller hears a second of whoever speaks now."""
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)


async def is_served_at_home(cluster: AsteriskCluster, beijing: BranchSite, call: OutgoingCall) -> None:
    """The caller is where it was: somebody who sits down at home gets it, and it ends well."""
    await beijing.sit_down(BY_HAND)
    (phone,) = beijing.phones.values()
    await phone.wait_ringing()
    await cluster.answer(phone)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))
    assert [each.served_by for each in entries(rows, CallConnected)] == ["beijing"]
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]


async def test_a_helper_whose_asterisk_dies_while_it_rings_gives_the_caller_back(
    cluster: AsteriskCluster,
) -> None:
    beijing, urumqi, call, _phone = await rings_elsewhere(cluster)

    urumqi.pbx.process.kill()

    async with asyncio.timeout(TOLD_WITHIN_S):
        await beijing.until_calls(QUEUED=1)
    await is_served_at_home(cluster, beijing, call)
    await urumqi.pbx.start()


async def test_a_key_of_the_helpers_phone_holds_the_other_sites_caller_who_hears_music(
    cluster: AsteriskCluster,
) -> None:
    _beijing, urumqi, call, phone = await rings_elsewhere(cluster)
    talk = await cluster.answer(phone)
    await hears(call)
    talk.sound.has_tone = False

    assert await talk.hold(is_on=True) == 200
    await urumqi.until_agents(ON_HOLD=1)
    await hears(call)
    assert await talk.refer("2001") == 202
    await talk.changes.until(lambda: talk.transfer_statuses == [100, 603], LIMIT_S)
    assert await talk.hold(is_on=False) == 200
    await urumqi.until_agents(TALKING=1)
    await falls_silent(call)
    talk.sound.has_tone = True
    await hears(call)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))

    [held], [resumed] = entries(rows, CallHeld), entries(rows, CallResumed)
    assert (held.agent_id, resumed.agent_id) == ("urumqi/2001", "urumqi/2001")
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]
    assert broken_laws(rows) == {}


async def test_a_talk_whose_helpers_asterisk_dies_is_ended_at_once(cluster: AsteriskCluster) -> None:
    _beijing, urumqi, call, phone = await rings_elsewhere(cluster)
    await cluster.answer(phone)
    await hears(call)

    urumqi.pbx.process.kill()

    await call.wait_over(TOLD_WITHIN_S)
    rows = await cluster.until(has(CallEnded))
    assert [(each.disposition, each.reason) for each in entries(rows, CallEnded)] == [
        (Disposition.FAILED, "PBX_DOWN")
    ]
    assert [each.reason for each in entries(rows, HandoffEnded)] == ["PBX_DOWN", "PBX_DOWN"]
    assert broken_laws(rows) == {}
    await urumqi.until_agents(UNREACHABLE=1)
    await urumqi.pbx.start()


async def test_a_helper_whose_asterisk_freezes_while_it_rings_gives_the_caller_back_until_it_thaws(
    cluster: AsteriskCluster,
) -> None:
    """Its agent has nothing to say afterwards: it is rung again, for the same caller."""
    beijing, urumqi, call, phone = await rings_elsewhere(cluster)

    urumqi.pbx.process.signal(SIGSTOP)
    await beijing.until_calls(QUEUED=1)
    await urumqi.until_agents(UNREACHABLE=1)
    urumqi.pbx.process.signal(SIGCONT)

    await phone.changes.until(lambda: len(phone.calls) == 2, HANDOFF_LIMIT_S)
    await cluster.answer(phone)
    await hears(call)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))
    assert [each.served_by for each in entries(rows, CallConnected)] == ["urumqi"]
    assert broken_laws(rows) == {}


async def test_a_helper_whose_branch_dies_while_it_rings_rings_again_for_the_same_caller(
    cluster: AsteriskCluster,
) -> None:
    _beijing, urumqi, call, phone = await rings_elsewhere(cluster)

    await urumqi.branch.kill()
    await urumqi.branch.start()

    await phone.changes.until(lambda: len(phone.calls) == 2, HANDOFF_LIMIT_S)
    await cluster.answer(phone)
    await hears(call)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))
    assert [each.served_by for each in entries(rows, CallConnected)] == ["urumqi"]
    assert broken_laws(rows) == {}


async def test_a_talk_over_a_trunk_goes_on_while_the_helpers_branch_is_killed(
    cluster: AsteriskCluster,
) -> None:
    _beijing, urumqi, call, phone = await rings_elsewhere(cluster)
    await cluster.answer(phone)

    await urumqi.branch.kill()
    await hears(call)
    await urumqi.branch.start()
    await hears(call)
    await call.hang_up()

    rows = await cluster.until(has(CallEnded))
    await phone.wait_idle()
    assert [each.served_by for each in entries(rows, CallConnected)] == ["urumqi"]
    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ANSWERED]
    assert broken_laws(rows) == {}


async def test_junk_from_the_trunk_and_from_the_city_disturbs_nobody(cluster: AsteriskCluster) -> None:
    beijing, urumqi = cluster.add("beijing", 1001), cluster.add("urumqi")
    await cluster.start()
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    talking = await cluster.call(beijing)
    await phone.wait_ringing()
    await cluster.answer(phone)
    host, port = beijing.pbx.address

    for source in (urumqi.pbx.host, loopback(99)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            for number in ("overflow", LINE_NUMBER):
                for packet in junk(number, host, port):
                    sender.sendto(packet, (host, port))

    await hears(talking)
    await talking.hang_up()
    await phone.wait_idle()
    again = await cluster.call(beijing, "13800000002")
    await phone.wait_ringing()
    await cluster.answer(phone)
    await again.hang_up()
    rows = await cluster.until(has(CallEnded, 2))
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert len(phone.calls) == 2
    assert broken_laws(rows) == {}
