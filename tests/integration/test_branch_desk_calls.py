"""An agent's day over real gRPC: calls that ring, are answered and end, and calls that go out."""

import asyncio
import uuid
from contextlib import aclosing

import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from branch.people import workplaces
from branch.terminal.seen import SiteSeen
from router.agent import AgentState
from router.call import CallState
from router.ids import LegId, QueueId
from sync.link.refusals import RefusedError
from tests.fakes.desk_site import ANN, CUSTOMER, KIM, PASSWORD, QUEUE, DeskSite
from tests.fakes.desk_steps import (
    LIMIT_S,
    in_state,
    logged_in,
    plain_channel,
    ringing_leg,
    until,
)

# --- an agent's day ----------------------------------------------------------------------


async def test_a_call_rings_is_answered_held_resumed_ended_and_wrapped_up(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    call_id = site.call()
    leg_id = await ringing_leg(client)

    await client.answer(leg_id)
    talking = await until(client, in_state(AgentState.TALKING))
    await client.hold(leg_id)
    await until(client, in_state(AgentState.ON_HOLD))
    await client.resume(leg_id)
    await until(client, in_state(AgentState.TALKING))
    await client.hang_up(leg_id)
    await until(client, in_state(AgentState.WRAP_UP))
    await client.wrapup_done()
    await until(client, in_state(AgentState.READY))

    in_hand = talking.call_in_hand(KIM)
    assert in_hand is not None
    assert (in_hand.call_id, in_hand.queue_id, in_hand.customer_id) == (call_id, QUEUE, CUSTOMER)
    assert list(site.desk.floor.calls()) == []


async def test_a_rejected_ring_leaves_the_caller_in_the_queue(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    site.call()
    leg_id = await ringing_leg(client)

    await client.hang_up(leg_id)
    await until(client, in_state(AgentState.MISSED))

    assert [call.state for call in site.desk.floor.calls()] == [CallState.QUEUED]


async def test_a_call_is_transferred_to_a_colleague(site: DeskSite) -> None:
    client, ann = await logged_in(site), await logged_in(site, "1002")
    await client.ready()
    call_id = site.call()
    leg_id = await ringing_leg(client)
    await client.answer(leg_id)
    await until(client, in_state(AgentState.TALKING))
    await ann.ready()

    await client.transfer_to_agent(leg_id, ANN)
    await until(client, in_state(AgentState.WRAP_UP))

    called = site.desk.floor.agent(ANN)
    assert called is not None
    assert (called.state, called.call_id) == (AgentState.RINGING, call_id)


async def test_a_transfer_to_an_unknown_queue_is_refused_and_the_call_goes_on(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    site.call()
    leg_id = await ringing_leg(client)
    await client.answer(leg_id)
    await until(client, in_state(AgentState.TALKING))

    with pytest.raises(RefusedError) as refused:
        await client.transfer_to_queue(leg_id, QueueId("nowhere"))

    assert refused.value.reason == "QUEUE_UNKNOWN"
    await until(client, in_state(AgentState.TALKING))


async def test_a_key_pressed_late_does_not_act_on_the_next_call(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    site.call()
    await ringing_leg(client)

    with pytest.raises(RefusedError) as refused:
        await client.answer(LegId(str(uuid.uuid4())))

    assert refused.value.reason == "LEG_UNKNOWN"
    assert site.phones.answered == []


async def test_a_desk_that_is_gone_for_long_makes_its_agent_unreachable(
    site: DeskSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workplaces, "DESK_LOST_AFTER_S", 0.05)
    client, lee = await logged_in(site), site.client()
    await lee.log_in("lee", PASSWORD)
    await client.ready()
    await until(client, in_state(AgentState.READY))  # Ends its watch, and no other one begins.

    seen = SiteSeen()
    async with asyncio.timeout(LIMIT_S), aclosing(lee.monitor(None)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            if in_state(AgentState.UNREACHABLE)(seen):
                break

    assert seen.agents[KIM].reason == workplaces.DESK_LOST


# --- calls that go out -------------------------------------------------------------------


async def test_an_agent_dials_as_one_does_there_and_its_own_phone_rings_first(site: DeskSite) -> None:
    client = await logged_in(site)

    await client.dial("010-6666 1111")

    (outbound,) = site.desk.floor.outbound()
    assert (outbound.agent_id, outbound.leg_id) == (KIM, await ringing_leg(client))
    (caller,) = site.ledger.callers
    assert (caller.call_id, caller.number) == (outbound.call_id, "+861066661111")
    assert not any("66661111" in repr(row) for row in site.ledger.rows)


async def test_a_number_that_no_route_leads_to_is_refused_with_its_reason(site: DeskSite) -> None:
    client = await logged_in(site)

    with pytest.raises(RefusedError) as barred:
        await client.dial("+4412345678")
    with pytest.raises(RefusedError) as nonsense:
        await client.dial("hello")

    assert (barred.value.reason, nonsense.value.reason) == ("NOT_ALLOWED", "NOT_ALLOWED")
    assert site.ledger.callers == []


async def test_an_emergency_is_dialled_as_it_was_typed(site: DeskSite) -> None:
    client = await logged_in(site)

    await client.dial(" 110 ")

    assert [each.number for each in site.ledger.callers] == ["110"]


async def test_dialling_repeated_dials_once(site: DeskSite) -> None:
    client = await logged_in(site)
    request = pb.DialRequest(request_id=str(uuid.uuid4()), number="110")
    token = (("authorization", f"Bearer {client.token}"),)

    async with plain_channel(site) as channel:
        stub = DeskServiceStub(channel)
        first = await stub.Dial(request, timeout=LIMIT_S, metadata=token)
        second = await stub.Dial(request, timeout=LIMIT_S, metadata=token)

    assert first == second
    assert len(list(site.desk.floor.outbound())) == 1
