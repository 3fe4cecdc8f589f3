"""Processes of a site that talks, rings and waits are killed, and what its people notice of it."""

import pytest

from deploy.phones.phones import Behaviour
from deploy.phones.sip_calls import Ending
from router.call import Disposition
from router.ledger import AgentRang, CallEnded, CallQueued, NodeStarted
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import AsteriskCluster

pytestmark = pytest.mark.timeout(120)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True, has_tone=True)
"""A phone whose agent answers when the test says so, and is heard."""
HEARD_PACKETS = 50
"""Of 20 ms: a second of sound."""


async def test_nobody_who_talks_or_waits_notices_that_a_branch_was_killed(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001, 1002)
    await cluster.start()
    await beijing.man(BY_HAND)
    first, second = beijing.phones.values()
    talking = await cluster.call(beijing, "13800000001")
    await cluster.until(has(AgentRang, 1))
    at_talk, at_ring = (first, second) if first.call is not None else (second, first)
    await cluster.answer(at_talk)
    ringing = await cluster.call(beijing, "13800000002")
    rung = await at_ring.wait_ringing()
    waiting = []
    for number in ("13800000003", "13800000004"):
        waiting.append(await cluster.call(beijing, number))
        await cluster.until(has(CallQueued, 2 + len(waiting)))
    for call in (talking, *waiting):
        await call.wait_heard(HEARD_PACKETS)

    await beijing.branch.kill()
    for call in (talking, *waiting):
        await call.wait_heard(call.sound.sounding_count + HEARD_PACKETS)
    await beijing.branch.start()
    await beijing.until_calls(CONNECTED=1, OFFERED=1, QUEUED=2)

    assert [call.is_over for call in (talking, ringing, *waiting)] == [False] * 4
    assert await rung.wait_over() is Ending.THEY_CANCELLED
    for call in (ringing, *waiting):
        assert (await at_ring.wait_ringing()).caller == call.line.user
        await cluster.answer(at_ring)
        await call.hang_up()
    await talking.hang_up()
    rows = await cluster.until(has(CallEnded, 4))

    assert [entry.readopted_call_count for entry in entries(rows, NodeStarted)] == [0, 4]
    assert {entry.disposition for entry in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert [len(phone.calls) for phone in (at_talk, at_ring)] == [1, 4]
    assert broken_laws(rows) == {}


async def test_a_killed_asterisk_fails_its_calls_and_its_agents_come_back_with_their_phones(
    cluster: AsteriskCluster,
) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start()
    await beijing.man(BY_HAND)
    (phone,) = beijing.phones.values()
    await cluster.call(beijing, "13800000001")
    await phone.wait_ringing()
    await cluster.answer(phone)
    await cluster.call(beijing, "13800000002")
    await cluster.until(has(CallQueued, 2))

    beijing.pbx.process.kill()
    rows = await cluster.until(has(CallEnded, 2))
    await beijing.until_agents(UNREACHABLE=1)

    assert {(each.disposition, each.reason) for each in entries(rows, CallEnded)} == {
        (Disposition.FAILED, "PBX_DOWN")
    }
    await beijing.pbx.start()
    phone.close()
    async with beijing.phone(1001, BY_HAND) as again:
        await again.register()
        await beijing.dial_code(1001, "*13")
        await beijing.until_agents(READY=1)
        call = await cluster.call(beijing, "13800000003")
        await again.wait_ringing()
        await cluster.answer(again)
        await call.hang_up()
        rows = await cluster.until(has(CallEnded, 3))

    assert entries(rows, CallEnded)[-1].disposition is Disposition.ANSWERED
    assert broken_laws(rows) == {}
