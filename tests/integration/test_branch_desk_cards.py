"""Who calls, on the screen before the phone rings, over real gRPC."""

import uuid

from branch.customers.caller_card import CallerCard, IvrChoice
from branch.desk.desk import CallerNumber
from branch.peers.wire import Asked
from router.agent import AgentState
from router.call import CallContext, Language
from router.facts import CallArrived, TrunkCallArrived
from router.ids import CallId, HandoffId, NodeName
from router.overflow.messages import Reserve
from tests.fakes.desk_site import KIM, PEER, QUEUE, DeskSite
from tests.fakes.desk_steps import in_state, logged_in, until


async def test_an_agent_sees_who_calls_while_its_phone_rings(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    call_id = CallId(str(uuid.uuid4()))
    site.cards.note_caller(CallerNumber(call_id=call_id, number="+8613800138000", dialled="400"))
    site.desk.handle(CallArrived(call_id=call_id, queue_id=QUEUE, dialled="400", customer_id=None))

    seen = await until(client, in_state(AgentState.RINGING))

    in_hand = seen.call_in_hand(KIM)
    assert in_hand is not None
    assert in_hand.caller == CallerCard(number="+8613800138000")


async def test_a_helpers_agent_sees_what_the_callers_site_knows(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    handoff_id = HandoffId(str(uuid.uuid4()))
    card = CallerCard(
        number="+8613800138000",
        name="王小明",
        customer_class="VIP",
        region="海淀",
        language=Language.ENGLISH,
        choices=(IvrChoice(node=NodeName("main"), choice="2"),),
    )
    call = CallContext(
        call_id=CallId(str(uuid.uuid4())),
        queue_id=QUEUE,
        skills=frozenset(),
        priority=0,
        customer_id=None,
        waited_ms=0,
    )
    reserve = Reserve(handoff_id=handoff_id, call=call, timeout_ms=500)
    site.cards.keep_guest(handoff_id, card)
    site.desk.answer(Asked(site_id=PEER, incarnation=1, asked_incarnation=0, request=reserve))

    reserved = await until(client, in_state(AgentState.RESERVED))
    site.desk.handle(TrunkCallArrived(handoff_id=handoff_id, from_site=PEER))
    ringing = await until(client, in_state(AgentState.RINGING))

    assert reserved.handoffs[handoff_id].caller == card
    in_hand = ringing.call_in_hand(KIM)
    assert in_hand is not None
    assert (in_hand.from_site, in_hand.caller) == (PEER, card)
