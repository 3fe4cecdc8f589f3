"""Agents who are somewhere else: forwarded by their keys, followed from place to place, picked up for."""

import asyncio

import pytest

from deploy.phones.callers import OutgoingCall
from deploy.phones.city import City
from deploy.phones.phones import Behaviour, PhoneCall
from router.agent import RingFailure
from router.call import Disposition
from router.ledger import AgentOffered, CallEnded, RingFailed
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite
from tests.telephony.asterisk_pbx import CITY

pytestmark = pytest.mark.timeout(180)

MOBILE, MACHINE = "+8613900139000", "+8613900139001"
LIFTS = Behaviour(sends_rtp=True, has_tone=True)
BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
OUTBOUND = """\
[[outbound.line]]
name = "city"
call_limit = 5
[[outbound.route]]
prefix = "+8613"
site = "beijing"
line = "city"
"""


@pytest.fixture
async def beijing(cluster: AsteriskCluster) -> BranchSite:
    return cluster.add("beijing", 1001, 1002)


def city(site: BranchSite) -> City:
    """To be there before Asterisk is: what it finds nobody at stays unreachable for a while."""
    people = {MOBILE: LIFTS, MACHINE: LIFTS}
    return City("13800138000", site.pbx.address, host=CITY, port=5060, people=people)


async def rung(people: City, count: int = 1) -> PhoneCall:
    """Who has lifted the receiver outside, and hears something."""
    async with asyncio.timeout(30):
        while len(people.called) < count:  # noqa: ASYNC110 - the city tells nobody who it calls
            await asyncio.sleep(0.05)
    call = people.called[-1]
    await call.wait_sound(10)
    return call


async def hears_the_other(listener: OutgoingCall) -> None:
    """More sound than what was played to it before."""
    await listener.wait_heard(listener.sound.sounding_count + 25)


async def test_keys_forward_calls_to_a_mobile_and_take_them_back(
    cluster: AsteriskCluster, beijing: BranchSite
) -> None:
    async with city(beijing) as people:
        await cluster.start(more=OUTBOUND)
        await beijing.man(BY_HAND)
        await beijing.dial_code(1002, "*14")
        await beijing.dial_code(1001, f"*72{MOBILE}")
        call = await cluster.call(beijing)

        mobile = await rung(people)
        await beijing.until_agents(RINGING=1, NOT_READY=1)
        await mobile.send_digits("1")
        await beijing.until_agents(TALKING=1, NOT_READY=1)
        await hears_the_other(call)
        await call.hang_up()
        await mobile.wait_over()
        await cluster.until(has(CallEnded))
        assert beijing.phones[1001].counts.rung == 0

        await beijing.dial_code(1001, "*73")
        await beijing.until_agents(READY=1, NOT_READY=1)
        again = await cluster.call(beijing, "13800000002")
        await beijing.phones[1001].wait_ringing()
        await cluster.answer(beijing.phones[1001])
        await again.hang_up()
        rows = await cluster.until(has(CallEnded, 2))

    assert len(people.called) == 1
    assert [each.line_id for each in entries(rows, AgentOffered)] == ["city", None]
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert broken_laws(rows) == {}
    assert MOBILE not in beijing.branch.log()


async def test_one_number_follows_the_agent_and_a_machine_is_no_agent(
    cluster: AsteriskCluster, beijing: BranchSite
) -> None:
    async with city(beijing) as people:
        await cluster.start(more=OUTBOUND)
        places = ("--at", "phone:2", "--at", f"{MACHINE}:3", "--at", MOBILE)
        await beijing.branch.run("agent", "reach", "1001", "--site", str(beijing.branch.file), *places)
        await beijing.man(BY_HAND)
        await beijing.dial_code(1002, "*14")
        call = await cluster.call(beijing)

        mobile = await rung(people, 2)
        await mobile.send_digits("1")
        await beijing.until_agents(TALKING=1, NOT_READY=1)
        await hears_the_other(call)
        await mobile.bye()
        await call.wait_over()
        rows = await cluster.until(has(CallEnded))

    assert [each.line_id for each in entries(rows, AgentOffered)] == [None, "city", "city"]
    assert [each.reason for each in entries(rows, RingFailed)] == [RingFailure.MOVED_ON] * 2
    assert beijing.phones[1001].counts.cancelled == 1
    assert broken_laws(rows) == {}


async def test_an_agent_outside_needs_no_phone(cluster: AsteriskCluster, beijing: BranchSite) -> None:
    async with city(beijing) as people:
        await cluster.start(more=OUTBOUND)
        await beijing.man(BY_HAND)
        await beijing.dial_code(1001, f"*72{MOBILE}")

        for phone in beijing.phones.values():
            await phone.unregister()
        await beijing.until_agents(READY=1, UNREACHABLE=1)
        call = await cluster.call(beijing)
        await (await rung(people)).send_digits("1")
        await beijing.until_agents(TALKING=1, UNREACHABLE=1)
        await call.hang_up()
        rows = await cluster.until(has(CallEnded))

    assert broken_laws(rows) == {}


async def test_keys_pick_up_what_rings_a_colleague(cluster: AsteriskCluster, beijing: BranchSite) -> None:
    await cluster.start()
    await beijing.man(BY_HAND)
    await beijing.dial_code(1002, "*14")
    for number, code in enumerate(("*151001", "*15"), start=1):
        call = await cluster.call(beijing, f"1380000000{number}")
        await beijing.phones[1001].wait_ringing()

        await beijing.dial_code(1002, code)
        await beijing.phones[1002].wait_ringing()
        await cluster.answer(beijing.phones[1002])
        await beijing.phones[1001].wait_idle()
        await call.hang_up()
        await cluster.until(has(CallEnded, number))
    rows = cluster.rows()

    assert [each.reason for each in entries(rows, RingFailed)] == [RingFailure.STOPPED] * 2
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert broken_laws(rows) == {}
