"""DeskService over real gRPC: log-in, roles, repeated requests, watches that resume, certificates."""

import asyncio
import uuid
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from branch.people.attempts import WRONG_AT_ONCE
from branch.people.sessions import IDLE_LIMIT_MS
from node import pki
from router.agent import AgentState
from router.call import CallState
from router.ids import CustomerId
from sync.link.refusals import RefusedError
from sync.link.status import refusal_from
from sync.link.tls import Tls, TrustOnly
from sync.records.tables import PersonRole
from tests.fakes.desk_site import CUSTOMER, KIM, PASSWORD, QUEUE, DeskSite, desk_site
from tests.fakes.desk_steps import (
    LIMIT_S,
    first_update,
    in_state,
    logged_in,
    plain_channel,
    ringing_leg,
    until,
)

# --- the way in --------------------------------------------------------------------------


async def test_an_agent_who_logs_in_is_at_work_and_not_ready(site: DeskSite) -> None:
    client = site.client()

    person = await client.log_in("1001", PASSWORD)
    seen = await until(client, lambda seen: KIM in seen.agents)

    assert (person.role, person.agent_id, person.site_name) == (PersonRole.AGENT, KIM, "北京")
    assert person.not_ready_reasons == ("LUNCH",)
    assert seen.agents[KIM].state is AgentState.NOT_READY


async def test_a_wrong_password_is_refused_counted_and_soon_limited(site: DeskSite) -> None:
    reasons = []

    for _ in range(WRONG_AT_ONCE + 1):
        # Another connection, so another port, buys no more tries.
        with pytest.raises(RefusedError) as refused:
            await site.client().log_in("1001", "wrong password")
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


# --- roles -------------------------------------------------------------------------------


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


# --- repeating ---------------------------------------------------------------------------


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


# --- resuming ----------------------------------------------------------------------------


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


# --- certificates ------------------------------------------------------------------------


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
