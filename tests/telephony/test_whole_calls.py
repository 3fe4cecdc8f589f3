"""Calls through a branch and its Asterisk, from phone to phone, and what goes wrong in them."""

import pytest

from deploy.phones.phones import Behaviour
from router.call import Disposition
from router.ledger import CallConnected, CallEnded, CallHeld, CallResumed, CallTransferred
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import LIMIT_S, AsteriskCluster, falls_silent

pytestmark = pytest.mark.timeout(120)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
HEARD_PACKETS = 25


async def test_a_caller_hears_music_though_the_queue_has_been_empty_before(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start()
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    # More callers than the branch has applications, each of which has a place with music of its own.
    for number in range(1, 7):
        call = await cluster.call(beijing, f"1380000000{number}")
        await phone.wait_ringing()
        await call.wait_heard(HEARD_PACKETS)
        await cluster.answer(phone)
        await call.hang_up()
        await phone.wait_idle()
    rows = await cluster.until(has(CallEnded, 6))

    assert {entry.disposition for entry in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert broken_laws(rows) == {}


async def test_a_key_of_the_phone_holds_the_caller_who_hears_music(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start()
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    call = await cluster.call(beijing)
    await phone.wait_ringing()
    talk = await cluster.answer(phone)

    assert await talk.hold(is_on=True) == 200
    await beijing.until_agents(ON_HOLD=1)
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)
    assert await talk.hold(is_on=False) == 200
    await beijing.until_agents(TALKING=1)
    await falls_silent(call)
    talk.sound.has_tone = True
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))

    assert len(entries(rows, CallHeld)) == len(entries(rows, CallResumed)) == 1
    assert broken_laws(rows) == {}


async def test_a_key_of_the_phone_gives_the_caller_to_a_colleague_who_is_free(
    cluster: AsteriskCluster,
) -> None:
    beijing = cluster.add("beijing", 1001, 1002)
    await cluster.start()
    await beijing.man(BY_HAND)
    first, second = beijing.phones.values()
    await beijing.dial_code(1002, "*14")
    call = await cluster.call(beijing)
    await first.wait_ringing()
    talk = await cluster.answer(first)
    await talk.hold(is_on=True)
    await beijing.until_agents(ON_HOLD=1, NOT_READY=1)

    assert await talk.refer("1002") == 202
    await talk.changes.until(lambda: talk.transfer_statuses == [100, 603], LIMIT_S)
    await beijing.dial_code(1002, "*13")
    await beijing.until_agents(ON_HOLD=1, READY=1)
    assert await talk.refer("1002") == 202
    await talk.wait_over()
    await second.wait_ringing()
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)
    other = await cluster.answer(second)
    await falls_silent(call)
    other.sound.has_tone = True
    await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))

    assert talk.transfer_statuses == [100, 603, 100, 200]
    [transferred] = entries(rows, CallTransferred)
    assert (transferred.agent_id, transferred.to_agent) == ("beijing/1001", "beijing/1002")
    connected = [each.agent_id for each in entries(rows, CallConnected)]
    assert connected == ["beijing/1001", "beijing/1002"]
    assert broken_laws(rows) == {}
