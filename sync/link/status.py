"""The one table between refusal reasons and gRPC statuses, and the way over the wire and back.

The status is for gRPC's own machinery and for other people's tools; our nodes read the
reason, which travels in google.rpc.ErrorInfo.
"""

from collections.abc import Mapping

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from router.errors import RouterError
from sync.link.refusals import InvalidFieldError, RefusedError

DOMAIN = "trunkline"
"""ErrorInfo's domain; reasons of other domains are not ours to read."""

_DETAILS_KEY = "grpc-status-details-bin"
_MESSAGE_LIMIT_CHARS = 1000
"""Trailing metadata shares 8 KiB with everything else in it."""

_CODES: Mapping[str, grpc.StatusCode] = {
    # What was named is not there.
    "SITE_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "QUEUE_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "AGENT_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "CALL_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "LEG_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "HANDOFF_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "NONE_WAITING": grpc.StatusCode.NOT_FOUND,
    # It is there, and not in a state that allows this.
    "REFUSED": grpc.StatusCode.FAILED_PRECONDITION,
    "WRONG_STATE": grpc.StatusCode.FAILED_PRECONDITION,
    "ALREADY_CONNECTED": grpc.StatusCode.FAILED_PRECONDITION,
    "DUPLICATE": grpc.StatusCode.ALREADY_EXISTS,
    "POLICY_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    # Later, or elsewhere.
    "NOT_ACCEPTING": grpc.StatusCode.UNAVAILABLE,
    "NO_IDLE_AGENT": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "STALE_INCARNATION": grpc.StatusCode.ABORTED,
    # Hand-off tokens.
    "TOKEN_MALFORMED": grpc.StatusCode.INVALID_ARGUMENT,
    "TOKEN_FORGED": grpc.StatusCode.PERMISSION_DENIED,
    "TOKEN_FOREIGN": grpc.StatusCode.PERMISSION_DENIED,
    "TOKEN_STALE_INCARNATION": grpc.StatusCode.ABORTED,
    # People at their desks.
    "CREDENTIALS_WRONG": grpc.StatusCode.UNAUTHENTICATED,
    "NOT_LOGGED_IN": grpc.StatusCode.UNAUTHENTICATED,
    "LOGIN_LIMITED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "ROLE_FORBIDS": grpc.StatusCode.PERMISSION_DENIED,
    "PEER_IS_NO_TOOL": grpc.StatusCode.PERMISSION_DENIED,
    "CUSTOMER_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "PASSWORD_WEAK": grpc.StatusCode.INVALID_ARGUMENT,
    "REQUEST_ID_REUSED": grpc.StatusCode.INVALID_ARGUMENT,
    # The nightly pull.
    "PEER_IS_NOT_HQ": grpc.StatusCode.PERMISSION_DENIED,
    "JOURNAL_BUSY": grpc.StatusCode.UNAVAILABLE,
    "JOURNAL_OUT_OF_STEP": grpc.StatusCode.FAILED_PRECONDITION,
    # The link's own.
    "LINK_REFUSED": grpc.StatusCode.FAILED_PRECONDITION,
    "PEER_UNNAMED": grpc.StatusCode.UNAUTHENTICATED,
    "PEER_OF_ANOTHER_CLUSTER": grpc.StatusCode.UNAUTHENTICATED,
    "PEER_NAMES_ANOTHER_SITE": grpc.StatusCode.PERMISSION_DENIED,
    "DEADLINE_MISSING": grpc.StatusCode.INVALID_ARGUMENT,
    "FIELD_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
}
"""Every reason that may leave a node. One that has no row yet is FAILED_PRECONDITION."""

_REASONS_WITHOUT_DETAILS: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.UNAVAILABLE: "LINK_DOWN",
    grpc.StatusCode.DEADLINE_EXCEEDED: "LINK_TIMEOUT",
    grpc.StatusCode.CANCELLED: "LINK_CANCELLED",
    grpc.StatusCode.UNIMPLEMENTED: "NOT_SERVED",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "PEER_OVERLOADED",
    grpc.StatusCode.INTERNAL: "PEER_FAULT",
}
"""What gRPC itself says when no node of ours has answered."""

_TLS_SIGNS = ("ssl", "certificate", "handshake", "hostname verification")
"""gRPC reports a failed handshake as UNAVAILABLE, with the cause in its text only."""

_CLOSED_SIGN = "socket closed"
"""All that a TLS 1.3 client sees of a server that refused its certificate: the handshake was over."""


def code_of(reason: str) -> grpc.StatusCode:
    """The status that a refusal with this reason leaves the node with."""
    return _CODES.get(reason, grpc.StatusCode.FAILED_PRECONDITION)


def is_listed(reason: str) -> bool:
    """Whether the table has a row for this reason."""
    return reason in _CODES


def details_of(refusal: RouterError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, message and trailing metadata that carry `refusal` to the caller."""
    code = code_of(refusal.reason)
    message = str(refusal)[:_MESSAGE_LIMIT_CHARS]
    details = [_packed(ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=_values(refusal)))]
    if isinstance(refusal, InvalidFieldError):
        violation = BadRequest.FieldViolation(field=refusal.field, description=refusal.problem)
        details.append(_packed(BadRequest(field_violations=[violation])))
    status = Status(code=code.value[0], message=message, details=details)
    return code, message, ((_DETAILS_KEY, status.SerializeToString()),)


def refusal_from(error: grpc.aio.AioRpcError) -> RefusedError:
    """What a failed call means: the other node's refusal, or the link's own trouble."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            status = Status.FromString(value)
            for info in _error_infos(status):
                return RefusedError(info.reason, status.message, info.metadata)
    return _link_trouble(error)


def _link_trouble(error: grpc.aio.AioRpcError) -> RefusedError:
    said = error.details() or ""
    reason = _REASONS_WITHOUT_DETAILS.get(error.code(), "LINK_FAILED")
    advice = ""
    if reason == "LINK_DOWN" and any(sign in said.lower() for sign in _TLS_SIGNS):
        reason = "LINK_TLS_FAILED"
        advice = "no TLS with the peer; check both certificates and their CA with `trunkline pki show`: "
    elif reason == "LINK_DOWN" and _CLOSED_SIGN in said.lower():
        advice = "the peer hung up; it may have stopped, or not take this node's certificate: "
    return RefusedError(reason, f"{advice}{error.code().name}: {said}"[:_MESSAGE_LIMIT_CHARS])


def _error_infos(status: Status) -> list[ErrorInfo]:
    infos = []
    for packed in status.details:
        info = ErrorInfo()
        if packed.Unpack(info) and info.domain == DOMAIN:
            infos.append(info)
    return infos


def _values(refusal: RouterError) -> dict[str, str]:
    """The ids that the refusal names; it holds nothing that the peer may not see."""
    values = refusal.values if isinstance(refusal, RefusedError) else vars(refusal)
    return {name: str(value) for name, value in values.items() if isinstance(value, (str, int))}


def _packed(detail: ErrorInfo | BadRequest) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed
