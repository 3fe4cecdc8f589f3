"""DeskService over real gRPC: log-in, roles, an agent's day, repeated requests, and watches that resume."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from branch import message_box
from branch.caller_card import CallerCard, IvrChoice
from branch.desk import CallerNumber
from branch.peers.wire import Asked
from branch.people import workplaces
from branch.people.attempts import WRONG_AT_ONCE
from branch.people.sessions import IDLE_LIMIT_MS
from branch.store.voicemails import Voicemail
from branch.terminal.client import DeskClient
from branch.terminal.seen import Position, SiteSeen, Update
from node import pki
from router.acd.place import Place
from router.agent import AgentState
from router.call import CallContext, CallState, Language
from router.facts import CallArrived, TrunkCallArrived
from router.ids import CallId, CustomerId, HandoffId, LegId, NodeName, QueueId
from router.orders import RingAgent
from router.overflow.messages import Reserve
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.refusals import RefusedError
from sync.link.status import refusal_from
from sync.link.tls import Plaintext, Tls, TrustOnly
from sync.records.tables import PersonRole
from tests.fakes.desk_site import ANN, CUSTOMER, KIM, PASSWORD, PEER, QUEUE, SITE, DeskSite, desk_site

LIMIT_S = 10.0


@pytest.fixture
async def site() -> AsyncIterator[DeskSite]:
    async with desk_site() as running:
        yield running


async def logged_in(site: DeskSite, name: str = "1001") -> DeskClient:
    client = site.client()
    await client.log_in(name, PASSWORD)
    return client


async def until(
    client: DeskClient, is_so: Callable[[SiteSeen], bool], *, after: Position | None = None
) -> SiteSeen:
    """What the desk shows once `is_so`."""
    seen = SiteSeen()
    async with asyncio.timeout(LIMIT_S), aclosing(client.watch_desk(after)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            if is_so(seen):
                return seen
    raise AssertionError("the watch ended")


def in_state(state: AgentState) -> Callable[[SiteSeen], bool]:
    return lambda seen: KIM in seen.agents and seen.agents[KIM].state is state


async def ringing_leg(client: DeskClient) -> LegId:
    leg_id = (await until(client, in_state(AgentState.RINGING))).agents[KIM].leg_id
    assert leg_id is not None
    return leg_id


# --- the way in -------------------------------------------------------------------------


async def test_an_agent_who_logs_in_is_at_work_and_not_ready(site: DeskSite) -> None:
    client = site.client()

    person = await client.log_in("1001", PASSWORD)
    seen = await until(client, lambda seen: KIM in seen.agents)

    assert (person.role, person.agent_id, person.site_name) == (PersonRole.AGENT, KIM, "北京")
    assert person.not_ready_reasons == ("LUNCH",)
    assert seen.agents[KIM].state is AgentState.NOT_READY


async def test_a_wrong_password_is_refused_counted_and_soon_limited(site: DeskSite) -> None:
    client = site.client()
    reasons = []

    for _ in range(WRONG_AT_ONCE + 1):
        with pytest.raises(RefusedError) as refused:
            await client.log_in("1001", "wrong password")
        reasons.append(refused.value.reason)

    assert reasons == ["CREDENTIALS_WRONG"] * WRONG_AT_ONCE + ["LOGIN_LIMITED"]
    labels = {"outcome": "CREDENTIALS_WRONG"}
    assert site.registry.get_sample_value("trunkline_desk_logins_total", labels) == WRONG_AT_ONCE
    assert list(site.desk.floor.agents()) == []


@pytest.mark.parametrize("token", [None, "nonsense", "d1.1700000000000.x.AAAA"])
async def test_without_a_good_token_nothing_is_shown_or_done(site: DeskSite, token: str | None) -> None:
    client = site.client()
    client.token = token

    with pytest.raises(RefusedError) as acted:
        await client.ready()
    with pytest.raises(RefusedError) as watched:
        await until(client, lambda _seen: True)

    assert acted.value.reason == watched.value.reason == "NOT_LOGGED_IN"


async def test_a_token_that_nobody_used_is_over(site: DeskSite) -> None:
    client = await logged_in(site)
    site.real_clock.advance_ms(IDLE_LIMIT_MS + 1)

    with pytest.raises(RefusedError) as refused:
        await client.ready()

    assert refused.value.reason == "NOT_LOGGED_IN"


async def test_logging_out_ends_the_watch_and_the_agents_session(site: DeskSite) -> None:
    client = await logged_in(site)

    async def watch() -> None:
        async with aclosing(client.watch_desk(None)) as updates:
            async for _ in updates:
                pass

    watching = asyncio.create_task(watch())
    await until(client, in_state(AgentState.NOT_READY))
    await site.client_like(client).log_out()

    with pytest.raises(RefusedError) as ended:
        await asyncio.wait_for(watching, LIMIT_S)
    assert ended.value.reason == "NOT_LOGGED_IN"
    assert list(site.desk.floor.agents()) == []
    await client.log_out()  # Somebody who is out already has left.


# --- roles ------------------------------------------------------------------------------


async def test_a_supervisor_watches_and_takes_no_calls(site: DeskSite) -> None:
    site.call()
    client = site.client()
    person = await client.log_in("lee", PASSWORD)

    async with aclosing(client.monitor(None)) as updates:
        first = await anext(updates)
    with pytest.raises(RefusedError) as acted:
        await client.ready()
    with pytest.raises(RefusedError) as watched:
        await until(client, lambda _seen: True)

    assert (person.role, person.agent_id) == (PersonRole.SUPERVISOR, None)
    assert [call.state for call in first.calls] == [CallState.QUEUED]
    assert first.queues[0].calls_waiting == 1
    assert acted.value.reason == watched.value.reason == "ROLE_FORBIDS"


async def test_an_agent_does_not_watch_the_site_and_sees_no_call_of_others(site: DeskSite) -> None:
    site.call()
    client = await logged_in(site)

    with pytest.raises(RefusedError) as refused:
        async with aclosing(client.monitor(None)) as updates:
            await anext(updates)
    seen = await until(client, lambda seen: bool(seen.queues))

    assert refused.value.reason == "ROLE_FORBIDS"
    assert (seen.queues[QUEUE].calls_waiting, seen.calls) == (1, {})


async def test_an_agent_sees_the_customer_of_its_own_call_only(site: DeskSite) -> None:
    client = await logged_in(site)
    with pytest.raises(RefusedError) as before:
        await client.customer(CUSTOMER)

    site.call()
    await client.ready()
    rings = (await until(client, in_state(AgentState.RINGING))).call_in_hand(KIM)
    customer = await client.customer(CUSTOMER)

    assert before.value.reason == "ROLE_FORBIDS"
    assert rings is not None
    assert rings.customer_id == CUSTOMER
    assert (customer.name, customer.customer_class, customer.region) == ("王小明", "VIP", "海淀")
    assert [contact.disposition for contact in customer.contacts] == ["ANSWERED"]


async def test_a_supervisor_may_look_any_customer_up(site: DeskSite) -> None:
    client = site.client()
    await client.log_in("lee", PASSWORD)

    assert (await client.customer(CUSTOMER)).name == "王小明"
    with pytest.raises(RefusedError) as refused:
        await client.customer(CustomerId("c-0"))
    assert refused.value.reason == "CUSTOMER_UNKNOWN"


# --- an agent's day ---------------------------------------------------------------------


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


# --- repeating --------------------------------------------------------------------------


async def test_a_repeated_answer_lifts_the_receiver_once(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.ready()
    site.call()
    leg_id = await ringing_leg(client)
    request = pb.AnswerRequest(request_id=str(uuid.uuid4()), leg_id=leg_id)
    metadata = (("authorization", f"Bearer {client.token}"),)

    async with plain_channel(site) as channel:
        stub = DeskServiceStub(channel)
        answers = [await stub.Answer(request, timeout=LIMIT_S, metadata=metadata) for _ in range(3)]

    assert answers == [pb.AnswerResponse()] * 3
    assert site.phones.answered == [leg_id]


async def test_one_request_id_on_two_requests_is_refused(site: DeskSite) -> None:
    client = await logged_in(site)
    request_id = str(uuid.uuid4())
    metadata = (("authorization", f"Bearer {client.token}"),)

    async with plain_channel(site) as channel:
        stub = DeskServiceStub(channel)
        await stub.SetState(
            pb.SetStateRequest(request_id=request_id, ready=pb.Ready()), timeout=LIMIT_S, metadata=metadata
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.SetState(
                pb.SetStateRequest(request_id=request_id, not_ready=pb.NotReady(reason="LUNCH")),
                timeout=LIMIT_S,
                metadata=metadata,
            )

    assert refusal_from(refused.value).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.SetStateRequest(ready=pb.Ready()), "request_id"),
        (pb.SetStateRequest(request_id="1"), "request_id"),
        (pb.SetStateRequest(request_id="0199c0de-0000-7000-8000-000000000001"), "to"),
        (
            pb.SetStateRequest(
                request_id="0199c0de-0000-7000-8000-000000000001", not_ready=pb.NotReady(reason="x" * 65)
            ),
            "not_ready.reason",
        ),
    ],
)
async def test_an_absurd_request_is_refused_with_the_fields_name(
    site: DeskSite, request_: pb.SetStateRequest, field: str
) -> None:
    async with plain_channel(site) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await DeskServiceStub(channel).SetState(request_, timeout=LIMIT_S)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal_from(refused.value).values["field"] == field


# --- resuming ---------------------------------------------------------------------------


async def test_a_watch_resumes_by_position_and_misses_nothing(site: DeskSite) -> None:
    client = await logged_in(site)
    before = await until(client, in_state(AgentState.NOT_READY))
    await client.ready()

    again = await first_update(client, before.position)

    assert not again.is_whole
    assert [(agent.agent_id, agent.state) for agent in again.agents] == [(KIM, AgentState.READY)]


async def test_after_a_restart_the_old_token_and_position_are_no_good(site: DeskSite) -> None:
    client = await logged_in(site)
    before = await until(client, in_state(AgentState.NOT_READY))
    async with desk_site(incarnation=site.incarnation + 1) as restarted:
        desk = restarted.client()
        desk.token = client.token
        with pytest.raises(RefusedError) as refused:
            await first_update(desk, before.position)
        await desk.log_in("1001", PASSWORD)
        update = await first_update(desk, before.position)

    assert refused.value.reason == "SESSION_STALE"
    assert update.is_whole


# --- certificates -----------------------------------------------------------------------


async def test_operators_and_the_sites_own_tools_are_let_in_and_other_nodes_are_not(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    pki.init_ca(tmp_path, "acme", now=now)
    kinds: list[tuple[pki.Kind, str]] = [
        ("site", "beijing"), ("site", "urumqi"), ("hq", "hq"), ("operator", "kim"),
    ]  # fmt: skip
    files = [pki.issue(tmp_path, kind, name, ["127.0.0.1"], now=now) for kind, name in kinds]
    own, other, hq, operator = (
        Tls.read(tmp_path / "ca.pem", each.certificate, each.key) for each in files
    )  # fmt: skip

    async with desk_site(own) as site:
        for security in (operator, own):
            assert (await site.client(security).log_in("1001", PASSWORD)).agent_id == KIM
        for security in (other, hq):
            with pytest.raises(RefusedError) as refused:
                await site.client(security).log_in("1001", PASSWORD)
            assert refused.value.reason == "PEER_IS_NO_TOOL"


async def test_where_no_certificates_are_asked_for_the_token_alone_lets_people_in(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    pki.init_ca(tmp_path, "acme", now=now)
    issued = pki.issue(tmp_path, "site", "beijing", [], now=now)
    own = Tls.read(tmp_path / "ca.pem", issued.certificate, issued.key)
    person = TrustOnly(ca_pem=(tmp_path / "ca.pem").read_bytes())

    async with desk_site(own, asks_clients=False) as site:
        client = site.client(person)
        with pytest.raises(RefusedError) as refused:
            await client.ready()
        await client.log_in("1001", PASSWORD)
        await client.ready()
        await until(client, in_state(AgentState.READY))
    async with desk_site(own) as strict:
        with pytest.raises(RefusedError) as shut_out:
            await strict.client(person).log_in("1001", PASSWORD)

    assert refused.value.reason == "NOT_LOGGED_IN"
    assert shut_out.value.reason in ("LINK_DOWN", "LINK_TLS_FAILED")


def plain_channel(site: DeskSite) -> grpc.aio.Channel:
    return open_channel(
        "127.0.0.1", site.port, Plaintext(), expected=Peer(cluster="acme", kind="site", name=SITE)
    )


async def first_update(client: DeskClient, after: Position | None) -> Update:
    async with aclosing(client.watch_desk(after)) as updates:
        return await anext(updates)


# --- calls that go out --------------------------------------------------------------------


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


# --- where an agent is reached ----------------------------------------------------------


async def test_an_agent_says_where_it_is_reached_and_is_rung_there(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.set_places((Place(number="010 6666 1111"),))
    await client.ready()
    site.call()

    await ringing_leg(client)

    rings = [each for each in site.phones.orders if isinstance(each, RingAgent)]
    assert [each.outside.number for each in rings if each.outside is not None] == ["+861066661111"]
    assert site.places.kept == {KIM: (Place(number="+861066661111"),)}


async def test_a_number_that_may_not_be_dialled_is_refused(site: DeskSite) -> None:
    client = await logged_in(site)

    with pytest.raises(RefusedError) as refusal:
        await client.set_places((Place(number="+44 20 7946 0000"),))

    assert refusal.value.reason == "NOT_ALLOWED"
    assert site.places.kept == {}


@pytest.mark.parametrize(
    ("places", "field"),
    [
        ([pb.Place()] * 6, "places"),
        ([pb.Place(number="")], "places.number"),
        ([pb.Place(ring_limit_ms=0)], "places.ring_limit_ms"),
        ([pb.Place(ring_limit_ms=120_001)], "places.ring_limit_ms"),
    ],
)
async def test_absurd_places_are_refused_with_the_fields_name(
    site: DeskSite, places: list[pb.Place], field: str
) -> None:
    client = await logged_in(site)
    request = pb.SetPlacesRequest(request_id=str(uuid.uuid4()), places=places)

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await DeskServiceStub(client._channel).SetPlaces(
            request, metadata=client._metadata(), timeout=LIMIT_S
        )

    assert refusal_from(error.value).values["field"] == field


# --- who calls --------------------------------------------------------------------------


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


# --- messages of callers ----------------------------------------------------------------


def left(queue_id: QueueId = QUEUE) -> Voicemail:
    return Voicemail(
        call_id=CallId(str(uuid.uuid4())),
        queue_id=queue_id,
        left_utc_us=1_700_000_000_000_000,
        number="+8613800138000",
        heard_utc_us=None,
        heard_by=None,
    )


async def test_messages_are_listed_counted_and_marked_as_heard(
    site: DeskSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_box, "_LOOK_INTERVAL_S", 0.01)
    following = asyncio.create_task(site.messages.follow())
    client = await logged_in(site)
    message = left()
    site.kept_messages.kept.append(message)
    await until(client, lambda seen: QUEUE in seen.queues and seen.queues[QUEUE].messages_unheard == 1)

    [listed] = await client.messages(with_heard=False)
    await client.mark_heard(message.call_id)
    await until(client, lambda seen: QUEUE in seen.queues and seen.queues[QUEUE].messages_unheard == 0)
    following.cancel()

    assert (listed.call_id, listed.number, listed.heard_by) == (message.call_id, "+8613800138000", None)
    assert await client.messages(with_heard=False) == []
    assert [each.heard_by for each in await client.messages(with_heard=True)] == [KIM]


async def test_a_message_that_nobody_left_is_unknown(site: DeskSite) -> None:
    client = await logged_in(site, "lee")

    with pytest.raises(RefusedError) as refusal:
        await client.mark_heard(CallId(str(uuid.uuid4())))

    assert refusal.value.reason == "MESSAGE_UNKNOWN"
