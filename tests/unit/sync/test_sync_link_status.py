import ast
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from router.errors import RouterError, UnknownQueueError
from router.ids import QueueId
from router.overflow.messages import Refusal
from sync.link.refusals import InvalidFieldError, RefusedError
from sync.link.status import code_of, details_of, is_listed, refusal_from

ROOT = Path(__file__).parents[3]
LEAVING = (
    "router",
    "sync/link",
    "sync/token.py",
    "branch/serving",
    "branch/people",
    "hq/serving",
    "hq/store/threads.py",
)
"""Where refusals are made that a caller over gRPC may see."""


def over_the_wire(refusal: RouterError) -> AioRpcError:
    code, message, metadata = details_of(refusal)
    return AioRpcError(code, Metadata(), Metadata(*metadata), details=message)


def said_by_grpc(code: grpc.StatusCode, details: str = "") -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=details)


def reasons_in(file: Path) -> list[str]:
    classes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)]
    return [
        statement.value.value
        for each in classes
        if each.name.endswith("Error")
        for statement in each.body
        if isinstance(statement, ast.Assign)
        and [ast.unparse(target) for target in statement.targets] == ["reason"]
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]


def test_every_reason_that_may_leave_a_node_has_a_row() -> None:
    places = [ROOT / place for place in LEAVING]
    files = [
        file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))
    ]
    reasons = {reason: file.name for file in files for reason in reasons_in(file)}

    assert len(reasons) > 20
    assert {reason: name for reason, name in reasons.items() if not is_listed(reason)} == {}


def test_every_refusal_of_a_handoff_has_a_row() -> None:
    assert [refusal.value for refusal in Refusal if not is_listed(refusal.value)] == []


def test_a_refusal_comes_back_as_it_left() -> None:
    refusal = refusal_from(over_the_wire(UnknownQueueError(QueueId("sales"))))

    assert (refusal.reason, refusal.values) == ("QUEUE_UNKNOWN", {"queue_id": "sales"})
    assert str(refusal) == str(UnknownQueueError(QueueId("sales")))


def test_a_refusal_passed_on_by_a_second_node_keeps_reason_and_ids() -> None:
    first = refusal_from(over_the_wire(UnknownQueueError(QueueId("sales"))))

    assert refusal_from(over_the_wire(first)).values == {"queue_id": "sales"}
    assert code_of(first.reason) is grpc.StatusCode.NOT_FOUND


def test_a_reason_without_a_row_still_travels() -> None:
    error = over_the_wire(RefusedError("MADE_TOMORROW", "not today"))

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal_from(error).reason == "MADE_TOMORROW"


def test_a_refusal_of_any_length_fits_the_metadata() -> None:
    wordy = "拒" * 100_000
    refusals = (
        InvalidFieldError(wordy, wordy),
        RefusedError("X", wordy, {f"{n}": wordy for n in range(100)}),
    )

    for code, message, metadata in map(details_of, refusals):
        on_the_wire = len(quote(message)) + sum(len(b64encode(value)) for _, value in metadata)

        assert code is not grpc.StatusCode.OK
        assert on_the_wire < 8192


def test_what_is_too_long_keeps_its_beginning_and_the_cause_at_its_end() -> None:
    said = f"failed to connect to all addresses; {'Ssl handshake failed ' * 20}certificate has expired"
    failed = refusal_from(said_by_grpc(grpc.StatusCode.UNAVAILABLE, said))

    passed_on = refusal_from(over_the_wire(failed))

    for words in (str(failed), failed.values["said"], str(passed_on), passed_on.values["said"]):
        assert words.endswith("certificate has expired")
    assert str(failed).startswith("no TLS with the peer")
    assert len(str(failed)) == 300


@pytest.mark.parametrize(
    ("code", "details", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "connection refused", "LINK_DOWN"),
        (grpc.StatusCode.UNAVAILABLE, "Ssl handshake failed: CERTIFICATE_VERIFY_FAILED", "LINK_TLS_FAILED"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", "LINK_TIMEOUT"),
        (grpc.StatusCode.UNIMPLEMENTED, "Method not found!", "NOT_SERVED"),
        (grpc.StatusCode.INTERNAL, "a fault of the serving node", "PEER_FAULT"),
        (grpc.StatusCode.DATA_LOSS, "", "LINK_FAILED"),
    ],
)
def test_what_grpc_says_itself_has_a_reason_too(code: grpc.StatusCode, details: str, reason: str) -> None:
    assert refusal_from(said_by_grpc(code, details)).reason == reason


def test_a_link_that_nobody_takes_up_says_where_that_was() -> None:
    said = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:7000: Connection refused"

    refusal = refusal_from(said_by_grpc(grpc.StatusCode.UNAVAILABLE, said))

    assert refusal.values == {"case": "NOBODY_LISTENS", "address": "127.0.0.1:7000", "said": said}


def test_a_reason_of_another_domain_is_not_taken_for_ours() -> None:
    status = Status(code=14, message="quota")
    status.details.add().Pack(ErrorInfo(reason="QUEUE_UNKNOWN", domain="googleapis.com"))
    metadata = Metadata(("grpc-status-details-bin", status.SerializeToString()))

    assert refusal_from(AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), metadata)).reason == "LINK_DOWN"


def test_broken_details_are_no_second_failure() -> None:
    metadata = Metadata(("grpc-status-details-bin", b"\xff\xff\xff"))

    assert refusal_from(AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), metadata)).reason == "LINK_DOWN"
