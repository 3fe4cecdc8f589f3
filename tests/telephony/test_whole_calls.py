"""Calls through a branch and its Asterisk, from phone to phone, and what goes wrong in them."""

import pytest

from deploy.phones.callers import OutgoingCall
from deploy.phones.phones import Behaviour
from router.call import Disposition
from router.ledger import CallEnded, CallHeld, CallResumed
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import AsteriskCluster

pytestmark = pytest.mark.timeout(120)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
HEARD_PACKETS = 25


async def falls_silent(call: OutgoingCall) -> None:
    """Return when the caller has heard nothing but silence for half a second."""
    heard = -1
    while heard != call.sound.sounding_count:
        heard = call.sound.sounding_count
        await call.wait_sound(call.sound.received_count + HEARD_PACKETS)


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
