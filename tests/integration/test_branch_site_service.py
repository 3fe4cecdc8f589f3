"""SiteService over a real link and a real store: what operators may ask, and what is refused."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from prometheus_client import CollectorRegistry
from trunkline.site.v1 import site_pb2 as pb
from trunkline.site.v1.site_pb2_grpc import SiteServiceStub, add_SiteServiceServicer_to_server

if TYPE_CHECKING:
    from trunkline.site.v1.site_pb2_grpc import SiteServiceAsyncStub

from branch.desk.admission import Admission
from branch.operating.operations import Operations, Policies, SiteIdentity, StoreHealth
from branch.serving.repeats import Repeats
from branch.serving.site import SERVICE, SiteFace
from branch.serving.site_wire import policy_message, read_status
from branch.store.ballast import MissingRoom
from branch.store.records import StoreAsides
from branch.store.store import Store, open_store
from node import pki
from router import ledger
from router.acd.policy import Distribution, QueuePolicy
from router.facts import CallArrived
from router.ids import CallId, Instant, QueueId, SiteId
from router.ledger import LedgerRow
from sync.clock import SystemClock
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.server import LinkServer
from sync.link.status import refusal_from
from sync.link.tls import Tls
from sync.records.business_day import BusinessCalendar
from tests.fakes.desk import FRENCH, INCARNATION, SALES, desk_with_agents

SITE = SiteId("beijing")
ROOM = MissingRoom(wanted_bytes=192, free_bytes=71)
POLICY = QueuePolicy(queue_id=SALES, skills=FRENCH)
Kind = tuple[pki.Kind, str]
OPERATOR: Kind = ("operator", "lee")


class Round:
    """What is round the desk here: a store, and nobody else."""

    def __init__(self, store: Store, rows: Mapping[CallId, list[LedgerRow]]) -> None:
        self._rows = rows
        self.keep_policy = StoreAsides(store).keep_policy

    def view_age_ms(self) -> int | None:
        return 40

    def is_pbx_connected(self) -> bool:
        return True

    def peer_problems(self) -> Mapping[SiteId, str]:
        return {SiteId("urumqi"): "UNAVAILABLE: certificate has expired"}

    def peer_connections(self) -> Mapping[SiteId, bool]:
        return {SiteId("urumqi"): False}

    def store_health(self) -> StoreHealth:
        return StoreHealth(state="BALLAST_RELEASED", committed_seq=2, missing_room=ROOM)

    async def rows_of_call(self, call_id: CallId) -> list[LedgerRow]:
        return self._rows.get(call_id, [])


class Site:
    """A desk with one agent, served to operators."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificates = folder / "pki"
        pki.init_ca(self.certificates, "demo", now=datetime.now(UTC))
        self.rows: dict[CallId, list[LedgerRow]] = {}
        self.desk = desk_with_agents(SITE, peers=[], agent_count=1)
        calendar = BusinessCalendar("Asia/Shanghai")
        self.store = open_store(
            f"sqlite:///{folder / 'branch.db'}", site_id=SITE, calendar=calendar, clock=SystemClock()
        )
        self.store.queues.seed([POLICY])
        operations = Operations(
            identity=SiteIdentity(site_id=SITE, name="北京", version="1", config_digest="d"),
            desk=self.desk,
            clock=SystemClock(),
            admission=Admission(self.desk.tell),
            policies=Policies([POLICY]),
            surroundings=Round(self.store, self.rows),
        )
        self.server = LinkServer(security=self.tls(("site", SITE)), registry=CollectorRegistry())
        face = SiteFace(operations, SITE, Repeats(key=b"k"))
        add_SiteServiceServicer_to_server(face, self.server.grpc_server)
        self.port = 0

    @cache  # noqa: B019 - a certificate is issued once; the site ends with its test
    def tls(self, owner: Kind) -> Tls:
        issued = pki.issue(self.certificates, *owner, [], now=datetime.now(UTC))
        return Tls.read(self.certificates / "ca.pem", issued.certificate, issued.key)

    @asynccontextmanager
    async def asked_by(self, owner: Kind) -> "AsyncIterator[SiteServiceAsyncStub]":
        security = self.tls(owner)
        own = self.server_peer()
        async with open_channel("127.0.0.1", self.port, security, expected=own) as channel:
            yield SiteServiceStub(channel)

    def server_peer(self) -> Peer:
        return Peer(cluster="demo", kind="site", name=SITE)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    made.port = await made.server.start("127.0.0.1", 0, [SERVICE])
    yield made
    await made.server.stop(0)
    made.desk.close()
    made.store.close()


def change(policy: QueuePolicy, request_id: str | None = None) -> pb.SetQueuePolicyRequest:
    return pb.SetQueuePolicyRequest(request_id=request_id or str(uuid.uuid4()), policy=policy_message(policy))


async def refusal(call: Awaitable[object]) -> tuple[str, grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refusal_from(refused.value).reason, refused.value.code(), refused.value.details() or ""


async def test_the_status_tells_of_queues_agents_peers_and_the_store(site: Site) -> None:
    site.desk.tell(CallArrived(call_id=CallId("c1"), queue_id=SALES, dialled="100"))

    async with site.asked_by(OPERATOR) as stub:
        status = read_status(await stub.GetStatus(pb.GetStatusRequest(), timeout=5))

    assert (status.identity.name, status.incarnation, status.is_accepting) == ("北京", INCARNATION, True)
    assert status.is_pbx_connected
    assert status.agents == {"RINGING": 1}
    assert status.calls == {"OFFERED": 1}
    assert status.queues[SALES][0] == 1
    assert status.peers == {"urumqi": False}
    assert status.store.missing_room == ROOM
    assert status.peer_problems == {"urumqi": "UNAVAILABLE: certificate has expired"}
    assert (status.view_age_ms, status.store.committed_seq) == (40, 2)


async def test_a_policy_is_in_force_and_in_the_database_with_the_next_version(site: Site) -> None:
    changed = replace(POLICY, distribution=Distribution.RING_ALL, wrap_up_limit_ms=5_000)

    async with site.asked_by(OPERATOR) as stub:
        answer = await stub.SetQueuePolicy(change(changed), timeout=5)

    [in_force] = site.desk.floor.policies()
    [kept] = site.store.queues.in_force()
    assert answer.version == 2
    assert in_force == kept.policy == replace(changed, version=2)


async def test_a_repeated_request_is_answered_alike_and_applied_once(site: Site) -> None:
    request = change(replace(POLICY, ring_limit_ms=9_000), "0190a0a0-0000-7000-8000-000000000001")

    async with site.asked_by(OPERATOR) as stub:
        first = await stub.SetQueuePolicy(request, timeout=5)
        second = await stub.SetQueuePolicy(request, timeout=5)

    assert (first.version, second.version) == (2, 2)


async def test_a_new_queue_takes_calls_at_once(site: Site) -> None:
    async with site.asked_by(OPERATOR) as stub:
        await stub.SetQueuePolicy(change(replace(POLICY, queue_id=QueueId("vip"))), timeout=5)

    site.desk.handle(CallArrived(call_id=CallId("c1"), queue_id=QueueId("vip"), dialled="100"))
    assert CallId("c1") in site.desk.live().calls


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda r: r.ClearField("request_id"), "request_id"),
        (lambda r: r.ClearField("policy"), "policy"),
        (lambda r: r.policy.ClearField("queue_id"), "policy.queue_id"),
        (lambda r: r.policy.ClearField("ring_limit_ms"), "policy.ring_limit_ms"),
        (lambda r: setattr(r.policy, "ring_limit_ms", 0), "policy.ring_limit_ms"),
        (lambda r: r.policy.ClearField("distribution"), "policy.distribution"),
        (lambda r: r.policy.ClearField("is_overflow_allowed"), "policy.is_overflow_allowed"),
        (lambda r: r.policy.skills.extend(["s"] * 64), "policy.skills"),
        (lambda r: setattr(r.policy, "wait_limit_ms", 2**31), "policy.wait_limit_ms"),
    ],
)
async def test_a_missing_or_absurd_field_is_invalid_argument_by_its_name(
    site: Site, spoil: Callable[[pb.SetQueuePolicyRequest], None], field: str
) -> None:
    request = change(POLICY)
    spoil(request)

    async with site.asked_by(OPERATOR) as stub:
        _reason, code, details = await refusal(stub.SetQueuePolicy(request, timeout=5))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith(f"{field}:")
    [kept] = site.store.queues.in_force()
    assert kept.policy.version == 1


async def test_another_site_may_look_and_not_operate(site: Site) -> None:
    drain = pb.DrainRequest(request_id=str(uuid.uuid4()), reason="MALICE")

    async with site.asked_by(("site", "urumqi")) as stub:
        await stub.GetStatus(pb.GetStatusRequest(), timeout=5)
        drained = await refusal(stub.Drain(drain, timeout=5))
        changed = await refusal(stub.SetQueuePolicy(change(POLICY), timeout=5))

    assert drained[:2] == ("PEER_NOT_ALLOWED", grpc.StatusCode.PERMISSION_DENIED)
    assert changed[0] == "PEER_NOT_ALLOWED"
    assert site.desk.floor.is_accepting


async def test_a_service_of_the_cluster_may_not_operate_a_site(site: Site) -> None:
    drain = pb.DrainRequest(request_id=str(uuid.uuid4()), reason="MALICE")

    async with site.asked_by(("service", "prometheus")) as stub:
        drained = await refusal(stub.Drain(drain, timeout=5))
        told = await refusal(stub.Explain(pb.ExplainRequest(call_id=str(uuid.uuid4())), timeout=5))

    assert (drained[0], told[0]) == ("PEER_NOT_ALLOWED", "PEER_NOT_ALLOWED")
    assert site.desk.floor.is_accepting


@pytest.mark.parametrize("owner", [OPERATOR, ("hq", "hq"), ("site", "beijing")])
async def test_operators_hq_and_the_sites_own_tools_may_drain_it(site: Site, owner: Kind) -> None:
    drain = pb.DrainRequest(request_id=str(uuid.uuid4()), reason="MAINTENANCE")

    async with site.asked_by(owner) as stub:
        await stub.Drain(drain, timeout=5)

    assert not site.desk.floor.is_accepting


async def test_a_drain_closes_the_site_and_says_how_many_have_to_finish(site: Site) -> None:
    site.desk.tell(CallArrived(call_id=CallId("c1"), queue_id=SALES, dialled="100"))
    drain = pb.DrainRequest(request_id=str(uuid.uuid4()), reason="MAINTENANCE")

    async with site.asked_by(OPERATOR) as stub:
        answer = await stub.Drain(drain, timeout=5)

    assert answer.live_call_count == 1
    assert not site.desk.floor.is_accepting


async def test_a_call_is_explained_by_its_rows_and_an_unknown_one_is_not_found(site: Site) -> None:
    known, unknown = CallId(str(uuid.uuid4())), CallId(str(uuid.uuid4()))
    site.rows[known] = rows_of(known)

    async with site.asked_by(OPERATOR) as stub:
        told = await stub.Explain(pb.ExplainRequest(call_id=known), timeout=5)
        reason, code, _details = await refusal(stub.Explain(pb.ExplainRequest(call_id=unknown), timeout=5))

    [row] = told.rows
    assert (row.kind, row.call_id, row.seq) == ("CALL_ARRIVED", known, 3)
    assert '"dialled":"100"' in row.payload_json
    assert (reason, code) == ("CALL_UNKNOWN", grpc.StatusCode.NOT_FOUND)


def rows_of(call_id: CallId) -> list[LedgerRow]:
    entry = ledger.CallArrived(call_id=call_id, dialled="100", customer_id=None)
    return [
        LedgerRow(
            site_id=SITE,
            seq=3,
            at_utc_us=1,
            mono_ms=Instant(1),
            incarnation=INCARNATION,
            business_date="2026-11-22",
            entry=entry,
        )
    ]
