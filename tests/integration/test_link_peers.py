"""Two nodes over loopback gRPC with mutual TLS: who is let in, and what comes back."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import grpc
import pytest
import structlog
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import CollectorRegistry
from trunkline.handoff.v1 import handoff_pb2, handoff_pb2_grpc

from node import pki
from router.errors import UnknownQueueError
from router.ids import QueueId, SiteId
from sync.link import validate
from sync.link.channel import open_channel
from sync.link.identity import Peer, peer, require_site
from sync.link.refusals import MissingDeadlineError
from sync.link.server import LinkServer
from sync.link.status import refusal_from
from sync.link.tls import Plaintext, Security, Tls, TrustOnly

NOW = datetime.now(UTC)
SERVICE = "trunkline.handoff.v1.HandoffService"
HANDOFF = "0199c0de-0000-7000-8000-000000000001"
LIMIT_S = 5.0

Stub: TypeAlias = "handoff_pb2_grpc.HandoffServiceAsyncStub"


class HelperDesk(handoff_pb2_grpc.HandoffServiceServicer):
    """Reserves for whom it may; refuses one queue, breaks on another, and serves no more than that."""

    def __init__(self) -> None:
        self.senders: list[Peer | None] = []

    async def Reserve(self, request, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N802 - generated names
        self.senders.append(peer())
        require_site(SiteId(request.envelope.site_id))
        if request.reserve.call.queue_id == "unknown":
            raise UnknownQueueError(QueueId("unknown"))
        if request.reserve.call.queue_id == "broken":
            raise KeyError("the caller's secret")
        return handoff_pb2.ReserveResponse(incarnation=7)

    async def Exchange(self, request_iterator, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N802 - generated names
        async for frame in request_iterator:
            require_site(SiteId(frame.envelope.site_id))
            yield handoff_pb2.ExchangeResponse(handoff_id=frame.envelope.handoff_id, incarnation=7)


def check_reserve(request: handoff_pb2.ReserveRequest) -> None:
    validate.uuid_text("envelope.handoff_id", request.envelope.handoff_id)
    validate.number("envelope.timeout_ms", request.envelope.timeout_ms, least=1, most=60_000)


class Cluster:
    """A CA in a folder, and certificates from it."""

    def __init__(self, folder: Path, name: str = "demo") -> None:
        self.folder = folder
        pki.init_ca(folder, name, now=NOW)

    def tls(self, kind: pki.Kind, name: str, *, now: datetime = NOW, days: int = 30) -> Tls:
        issued = pki.issue(self.folder, kind, name, [], now=now, days=days)
        return Tls.read(self.folder / "ca.pem", issued.certificate, issued.key)


class Node:
    """A serving node, and what can be seen of it from outside."""

    def __init__(self, security: Security, *, asks_clients: bool = True) -> None:
        self.registry = CollectorRegistry()
        self.desk = HelperDesk()  # type: ignore[abstract]  # two methods of six, on purpose
        self.security = security
        self.server = LinkServer(
            security=security,
            registry=self.registry,
            checks={handoff_pb2.ReserveRequest: check_reserve},
            asks_clients=asks_clients,
        )
        handoff_pb2_grpc.add_HandoffServiceServicer_to_server(self.desk, self.server.grpc_server)
        self.port = 0

    def channel(self, security: Security) -> grpc.aio.Channel:
        expected = self.security.owner if isinstance(self.security, Tls) else None
        return open_channel("127.0.0.1", self.port, security, expected=expected)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


class Serve(Protocol):
    """Starts a node that is stopped after the test."""

    async def __call__(self, security: Security, *, asks_clients: bool = True) -> Node: ...


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def started(security: Security, *, asks_clients: bool = True) -> Node:
            node = Node(security, asks_clients=asks_clients)
            node.port = await node.server.start("127.0.0.1", 0, [SERVICE])
            stack.push_async_callback(node.server.stop, 0)
            return node

        yield started


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "pki")


@asynccontextmanager
async def calling(node: Node, security: Security) -> AsyncIterator[Stub]:
    async with node.channel(security) as channel:
        yield handoff_pb2_grpc.HandoffServiceStub(channel)


def reserve(
    site: str, *, queue: str = "sales", handoff: str = HANDOFF, timeout_ms: int = 500
) -> handoff_pb2.ReserveRequest:
    return handoff_pb2.ReserveRequest(
        envelope=handoff_pb2.Envelope(handoff_id=handoff, site_id=site, incarnation=1, timeout_ms=timeout_ms),
        reserve=handoff_pb2.Reserve(call=handoff_pb2.CallContext(queue_id=queue)),
    )


async def refused(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    return failure.value


async def test_a_site_is_known_by_its_certificate(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))

    async with calling(node, cluster.tls("site", "beijing")) as stub:
        response = await stub.Reserve(reserve("beijing"), timeout=LIMIT_S)

    assert response.incarnation == 7
    assert node.desk.senders == [Peer(cluster="demo", kind="site", name="beijing")]
    assert node.count("trunkline_link_requests_total", method=f"/{SERVICE}/Reserve", code="OK") == 1


async def test_a_certificate_of_another_ca_gets_no_connection(
    cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    node = await serve(cluster.tls("site", "shanghai"))
    other = Cluster(tmp_path / "other", "demo").tls("site", "beijing")

    async with calling(node, other) as stub:
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert refusal_from(error).reason == "LINK_TLS_FAILED"
    assert node.desk.senders == []


async def test_a_client_certificate_of_another_ca_is_refused_by_the_server(
    cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    node = await serve(cluster.tls("site", "shanghai"))
    other = Cluster(tmp_path / "other", "demo").tls("site", "beijing")
    trusting = Tls(
        ca_pem=(cluster.folder / "ca.pem").read_bytes(),
        certificate_pem=other.certificate_pem,
        key_pem=other.key_pem,
        owner=other.owner,
        not_after=other.not_after,
    )

    async with calling(node, trusting) as stub:
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert refusal_from(error).reason in ("LINK_DOWN", "LINK_TLS_FAILED")
    assert "certificate" in str(refusal_from(error))
    assert node.desk.senders == []


async def test_an_expired_certificate_gets_no_connection(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))
    expired = cluster.tls("site", "beijing", now=NOW - timedelta(days=31), days=30)

    async with calling(node, expired) as stub:
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert refusal_from(error).reason in ("LINK_DOWN", "LINK_TLS_FAILED")
    assert "certificate" in str(refusal_from(error))
    assert node.desk.senders == []


async def test_an_expired_server_certificate_is_named_as_the_cause(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai", now=NOW - timedelta(days=31), days=30))

    async with calling(node, cluster.tls("site", "beijing")) as stub:
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert refusal_from(error).reason == "LINK_TLS_FAILED"
    assert "check both certificates" in str(refusal_from(error))
    assert "certificate has expired" in str(refusal_from(error))


async def test_a_call_meant_for_one_site_never_reaches_another(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))
    beijing = cluster.tls("site", "beijing")
    urumqi = Peer(cluster="demo", kind="site", name="urumqi")

    async with open_channel("127.0.0.1", node.port, beijing, expected=urumqi) as channel:
        stub = handoff_pb2_grpc.HandoffServiceStub(channel)
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert refusal_from(error).reason == "LINK_TLS_FAILED"
    assert node.desk.senders == []


async def test_a_site_that_speaks_for_another_is_refused_counted_and_logged_once(
    cluster: Cluster, serve: Serve
) -> None:
    node = await serve(cluster.tls("site", "shanghai"))

    with structlog.testing.capture_logs() as lines:
        async with calling(node, cluster.tls("site", "beijing")) as stub:
            errors = [await refused(stub.Reserve(reserve("urumqi"), timeout=LIMIT_S)) for _ in range(3)]

    assert {error.code() for error in errors} == {grpc.StatusCode.PERMISSION_DENIED}
    assert refusal_from(errors[0]).reason == "PEER_NAMES_ANOTHER_SITE"
    assert node.count("trunkline_link_refused_total", reason="PEER_NAMES_ANOTHER_SITE") == 3
    told = [line for line in lines if line["event"] == "peer_refused"]
    assert [(line["peer"], line["reason"], line["log_level"]) for line in told] == [
        ("site/beijing", "PEER_NAMES_ANOTHER_SITE", "warning")
    ]


async def test_an_operator_may_not_speak_for_a_site(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))

    async with calling(node, cluster.tls("operator", "beijing")) as stub:
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_nobody_speaks_for_a_site_at_a_port_that_asks_for_no_certificate(
    cluster: Cluster, serve: Serve
) -> None:
    node = await serve(cluster.tls("site", "shanghai"), asks_clients=False)
    shown_or_not: list[Tls | TrustOnly] = [
        cluster.tls("site", "beijing"),
        TrustOnly(ca_pem=(cluster.folder / "ca.pem").read_bytes()),
    ]

    for security in shown_or_not:
        async with open_channel("127.0.0.1", node.port, security, expected=node_owner(node)) as channel:
            stub = handoff_pb2_grpc.HandoffServiceStub(channel)
            error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

        assert refusal_from(error).reason == "PEER_NAMES_ANOTHER_SITE"


async def test_a_frame_that_speaks_for_another_site_ends_the_stream(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))

    async with calling(node, cluster.tls("site", "beijing")) as stub:
        stream = stub.Exchange()
        await stream.write(handoff_pb2.ExchangeRequest(envelope=handoff_pb2.Envelope(site_id="beijing")))
        first = await stream.read()
        await stream.write(handoff_pb2.ExchangeRequest(envelope=handoff_pb2.Envelope(site_id="urumqi")))
        error = await refused(stream.read())

    assert isinstance(first, handoff_pb2.ExchangeResponse)
    assert first.incarnation == 7
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_no_unary_call_leaves_without_a_deadline(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))

    async with calling(node, cluster.tls("site", "beijing")) as stub:
        with pytest.raises(MissingDeadlineError, match="Reserve"):
            await stub.Reserve(reserve("beijing"))

    assert node.desk.senders == []


async def test_a_unary_call_without_a_deadline_is_not_served(serve: Serve) -> None:
    node = await serve(Plaintext())

    async with grpc.aio.insecure_channel(f"127.0.0.1:{node.port}") as channel:
        error = await refused(handoff_pb2_grpc.HandoffServiceStub(channel).Reserve(reserve("beijing")))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "deadline missing" in (error.details() or "")
    assert node.count("trunkline_link_refused_total", reason="DEADLINE_MISSING") == 1


async def test_a_refusal_arrives_with_its_reason_and_its_ids(serve: Serve) -> None:
    node = await serve(Plaintext())

    async with calling(node, Plaintext()) as stub:
        error = await refused(stub.Reserve(reserve("beijing", queue="unknown"), timeout=LIMIT_S))

    refusal = refusal_from(error)
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert (refusal.reason, refusal.values) == ("QUEUE_UNKNOWN", {"queue_id": "unknown"})
    assert str(refusal) == str(UnknownQueueError(QueueId("unknown")))
    assert node.count("trunkline_link_requests_total", method=f"/{SERVICE}/Reserve", code="NOT_FOUND") == 1


async def test_an_absurd_field_is_answered_with_its_name(serve: Serve) -> None:
    node = await serve(Plaintext())

    async with calling(node, Plaintext()) as stub:
        error = await refused(stub.Reserve(reserve("beijing", timeout_ms=4_000_000_000), timeout=LIMIT_S))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "envelope.timeout_ms" in (error.details() or "")
    assert [each.field for each in violations(error)] == ["envelope.timeout_ms"]
    assert node.desk.senders == []


async def test_an_empty_message_is_answered_with_the_field_that_is_missing(serve: Serve) -> None:
    node = await serve(Plaintext())

    async with calling(node, Plaintext()) as stub:
        error = await refused(stub.Reserve(handoff_pb2.ReserveRequest(), timeout=LIMIT_S))

    assert [(each.field, each.description) for each in violations(error)] == [
        ("envelope.handoff_id", "is missing")
    ]


async def test_a_fault_of_ours_leaks_no_text_and_is_logged(serve: Serve) -> None:
    node = await serve(Plaintext())

    with structlog.testing.capture_logs() as lines:
        async with calling(node, Plaintext()) as stub:
            error = await refused(stub.Reserve(reserve("beijing", queue="broken"), timeout=LIMIT_S))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in (error.details() or "")
    [line] = [line for line in lines if line["event"] == "rpc_failed"]
    assert isinstance(line["exc_info"], KeyError)


async def test_a_method_that_is_not_served_says_so(serve: Serve) -> None:
    node = await serve(Plaintext())

    async with calling(node, Plaintext()) as stub:
        error = await refused(stub.Confirm(handoff_pb2.ConfirmRequest(), timeout=LIMIT_S))

    assert refusal_from(error).reason == "NOT_SERVED"


async def test_nobody_at_the_port_is_a_link_that_is_down(serve: Serve) -> None:
    node = await serve(Plaintext())
    await node.server.stop(0)

    async with calling(node, Plaintext()) as stub:
        error = await refused(stub.Reserve(reserve("beijing"), timeout=LIMIT_S))

    assert refusal_from(error).reason == "LINK_DOWN"


async def test_health_follows_what_the_node_says_of_itself(cluster: Cluster, serve: Serve) -> None:
    node = await serve(cluster.tls("site", "shanghai"))

    async with node.channel(cluster.tls("operator", "li")) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its types know of no methods
        before = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=LIMIT_S)
        await node.server.set_serving(is_serving=False)
        after = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=LIMIT_S)

    assert before.status == health_pb2.HealthCheckResponse.SERVING
    assert after.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_reflection_lists_the_services(serve: Serve) -> None:
    node = await serve(Plaintext())

    async with node.channel(Plaintext()) as channel:
        untyped: Any = channel  # the stub's types want a synchronous one
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(untyped)
        stream = stub.ServerReflectionInfo()
        await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        answer = await stream.read()

    assert isinstance(answer, reflection_pb2.ServerReflectionResponse)
    assert SERVICE in [service.name for service in answer.list_services_response.service]


async def test_a_port_that_is_taken_is_not_shared(serve: Serve) -> None:
    node = await serve(Plaintext())
    second = LinkServer(security=Plaintext(), registry=CollectorRegistry())

    with pytest.raises(OSError, match=str(node.port)):
        await second.start("127.0.0.1", node.port, [])

    await second.stop(0)


def node_owner(node: Node) -> Peer:
    assert isinstance(node.security, Tls)
    return node.security.owner


def violations(error: grpc.aio.AioRpcError) -> list[BadRequest.FieldViolation]:
    found = BadRequest()
    metadata = error.trailing_metadata()
    assert metadata is not None
    status = Status.FromString(dict(metadata)["grpc-status-details-bin"])
    assert any(detail.Unpack(found) for detail in status.details)
    return list(found.field_violations)
