"""Which agent's phone rings, by each of the four distributions, on real phones."""

import pytest

from deploy.phones.phones import Behaviour
from router.acd.policy import Distribution
from router.ledger import AgentOffered, CallConnected, CallEnded, RingFailed
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import AsteriskCluster, BranchSite

pytestmark = pytest.mark.timeout(240)

BY_HAND = Behaviour(ring_ms=None, sends_rtp=True)
AGENTS = (1001, 1002, 1003)
SHORT_S, LONG_S = 0.5, 4.0


async def sit_down_one_after_the_other(site: BranchSite) -> None:
    """1001 comes first and has been idle for longest, then 1002, then 1003."""
    await site.plug_in(BY_HAND)
    for count, number in enumerate(AGENTS, start=1):
        await site.log_in(number)
        await site.until_agents(READY=count)


async def serve(cluster: AsteriskCluster, site: BranchSite, number: int, talk_s: float = SHORT_S) -> int:
    """One call to its end; whose phone rang for it."""
    call = await cluster.call(site, f"1380000{number:04d}")
    rows = await cluster.until(has(AgentOffered, number))
    agent_id = entries(rows, AgentOffered)[-1].agent_id
    extension = int(agent_id.partition("/")[2])
    phone = site.phones[extension]
    await phone.wait_ringing()
    await cluster.answer(phone)
    await call.wait_sound(call.sound.received_count + round(talk_s / 0.02))
    await call.hang_up()
    await phone.wait_idle()
    await cluster.until(has(CallEnded, number))
    await site.until_agents(READY=len(AGENTS))
    return extension


@pytest.mark.parametrize(
    ("distribution", "talks_s", "expected"),
    [
        # Who has served comes last in the order of idling.
        (Distribution.LONGEST_IDLE, [SHORT_S] * 4, [1001, 1002, 1003, 1001]),
        # In the order in which they are set up, from the one after the last that was rung.
        (Distribution.CIRCULAR_HUNT, [SHORT_S] * 4, [1001, 1002, 1003, 1001]),
        # The first call is long: whoever had it is the busiest from then on.
        (Distribution.LEAST_OCCUPIED, [LONG_S, SHORT_S, SHORT_S], [1001, 1002, 1003]),
    ],
)
async def test_calls_go_round_by_the_queues_distribution(
    cluster: AsteriskCluster, distribution: Distribution, talks_s: list[float], expected: list[int]
) -> None:
    beijing = cluster.add("beijing", *AGENTS)
    await cluster.start(more=f'distribution = "{distribution}"\n')
    await sit_down_one_after_the_other(beijing)

    rang = [await serve(cluster, beijing, number, talk_s) for number, talk_s in enumerate(talks_s, start=1)]

    assert rang == expected
    assert broken_laws(cluster.rows()) == {}


async def test_a_call_rings_all_phones_at_once_and_who_lifts_first_has_it(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", *AGENTS)
    await cluster.start(more='distribution = "ring-all"\n')
    await beijing.man(BY_HAND)
    call = await cluster.call(beijing)
    for phone in beijing.phones.values():
        await phone.wait_ringing()

    talk = await cluster.answer(beijing.phones[1002])
    for number in (1001, 1003):
        await beijing.phones[number].wait_idle()
    await beijing.until_agents(TALKING=1, READY=2)
    await call.wait_sound(call.sound.received_count + 25)
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))

    assert talk.caller == call.line.user
    assert [each.agent_id for each in entries(rows, CallConnected)] == ["beijing/1002"]
    assert [each.reason for each in entries(rows, RingFailed)] == ["STOPPED", "STOPPED"]
    assert [beijing.phones[number].counts.cancelled for number in AGENTS] == [1, 0, 1]
    assert broken_laws(rows) == {}


async def test_two_who_lift_at_once_are_one_who_has_the_call_and_one_who_is_free(
    cluster: AsteriskCluster,
) -> None:
    beijing = cluster.add("beijing", *AGENTS)
    await cluster.start(more='distribution = "ring-all"\n')
    await beijing.man(BY_HAND)
    for number in range(1, 4):
        call = await cluster.call(beijing, f"1380000000{number}")
        for phone in beijing.phones.values():
            await phone.wait_ringing()

        for phone in beijing.phones.values():
            phone.answer()
        await cluster.until(has(CallConnected, number))
        await beijing.until_agents(TALKING=1, READY=2)
        await call.hang_up()
        for phone in beijing.phones.values():
            await phone.wait_idle()
        await cluster.until(has(CallEnded, number))
        await beijing.until_agents(READY=3)

    assert broken_laws(cluster.rows()) == {}
