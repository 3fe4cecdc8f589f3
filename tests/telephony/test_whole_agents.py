"""Agents who do not take their call, on real phones: the caller goes to the next one."""

import pytest

from deploy.phones.phones import Behaviour, PhoneCall
from router.agent import RingFailure
from router.call import Disposition
from router.ledger import CallEnded, RingFailed
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import AsteriskCluster

pytestmark = pytest.mark.timeout(180)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
QUICK = Behaviour(sends_rtp=True)
NOT_TAKEN = (
    (BY_HAND, RingFailure.NO_ANSWER, "MISSED"),
    (Behaviour(status=603), RingFailure.REJECTED, "MISSED"),
    (Behaviour(status=486), RingFailure.BUSY, "MISSED"),
    (Behaviour(is_dead=True), RingFailure.NO_ANSWER, "MISSED"),
)
"""What the phone does, what the ledger says of it, and what its agent is then."""


async def test_a_call_that_one_agent_does_not_take_is_anothers(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001, 1002)
    await cluster.start(more="ring_limit_ms = 4000\n")
    await beijing.man(QUICK)
    first, second = beijing.phones.values()
    await beijing.dial_code(1001, "*14")
    await beijing.dial_code(1002, "*14")
    for number, (behaviour, _reason, state) in enumerate(NOT_TAKEN, start=1):
        first.behaviour = behaviour
        await beijing.dial_code(1001, "*13")
        await beijing.dial_code(1002, "*13")
        await beijing.until_agents(READY=2)
        call = await cluster.call(beijing, f"1380000000{number}")
        talk = await second.wait_talking()
        assert talk.caller == call.line.user
        await beijing.until_agents(**{state: 1, "TALKING": 1})
        await call.hang_up()
        await cluster.until(has(CallEnded, number))
        await beijing.dial_code(1002, "*14")
    rows = cluster.rows()

    failures = [(each.agent_id, each.reason) for each in entries(rows, RingFailed)]
    assert failures == [("beijing/1001", reason) for _behaviour, reason, _state in NOT_TAKEN]
    assert {each.disposition for each in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert broken_laws(rows) == {}


async def test_a_phone_that_unregisters_while_it_rings_loses_its_call_at_once(
    cluster: AsteriskCluster,
) -> None:
    beijing = cluster.add("beijing", 1001, 1002)
    await cluster.start()
    await beijing.man(BY_HAND)
    call = await cluster.call(beijing)
    await cluster.until(lambda _rows: any(phone.call is not None for phone in beijing.phones.values()))
    first, second = sorted(beijing.phones.values(), key=lambda phone: phone.call is None)

    await first.unregister()
    rung: PhoneCall = await second.wait_ringing()
    await cluster.answer(second)
    await beijing.until_agents(UNREACHABLE=1, TALKING=1)
    await first.wait_idle()
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))

    assert rung.caller == call.line.user
    assert [each.reason for each in entries(rows, RingFailed)] == [RingFailure.UNREACHABLE]
    assert broken_laws(rows) == {}
