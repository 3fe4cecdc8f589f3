"""The one table between refusal reasons and gRPC statuses, and the way over the wire and back.

The status is for gRPC's own machinery and for other people's tools; our nodes read the
reason, which travels in google.rpc.ErrorInfo.
"""

import re
from collections.abc import Mapping

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from router.errors import RouterError
from sync.link.refusals import InvalidFieldError, RefusedError

DOMAIN = "trunkline"
"""ErrorInfo's domain; reasons of other domains are not ours to read."""

_DETAILS_KEY = "grpc-status-details-bin"
_MESSAGE_LIMIT_CHARS = 300
_VALUE_LIMIT_CHARS = 80
_GAP = " ... "
_VALUE_LIMIT_COUNT = 6
"""All trailing metadata together has 8 KiB, and gRPC writes a Chinese character in nine bytes."""

_NOT_FOUND = (
    "SITE_UNKNOWN",
    "QUEUE_UNKNOWN",
    "AGENT_UNKNOWN",
    "CALL_UNKNOWN",
    "LEG_UNKNOWN",
    "CUSTOMER_UNKNOWN",
    "VISIT_UNKNOWN",
    "MESSAGE_UNKNOWN",
    "CONTACT_UNKNOWN",
    "NONE_WAITING",
    "NO_LINE",
)
_FAILED_PRECONDITION = (
    "REFUSED",
    "LINK_REFUSED",
    "TOKEN_REFUSED",
    "WRONG_STATE",
    "ALREADY_CONNECTED",
    "VISIT_NOT_DUE",
    "VISIT_TAKEN",
    "OUT_OF_HOURS",
)
_ALREADY_EXISTS = ("DUPLICATE", "REQUEST_ID_REUSED")
_INVALID_ARGUMENT = (
    "FIELD_INVALID",
    "DEADLINE_MISSING",
    "POLICY_INVALID",
    "INPUT_INVALID",
    "PASSWORD_WEAK",
    "TOKEN_MALFORMED",
    "COUNTRY_MISSING",
)
_UNAVAILABLE = ("NOT_ACCEPTING", "TLS_FILES_UNUSABLE", "ORIGIN_AWAY", "DATABASE_AWAY")
_RESOURCE_EXHAUSTED = ("NO_IDLE_AGENT", "OWN_LOSS", "LINK_FULL", "LOGIN_LIMITED", "LIMIT", "NOTE_LIMIT")
_ABORTED = ("STALE_INCARNATION", "TOKEN_STALE_INCARNATION", "CANCELLED")
_UNAUTHENTICATED = (
    "PEER_UNNAMED",
    "PEER_OF_ANOTHER_CLUSTER",
    "CREDENTIALS_WRONG",
    "NOT_LOGGED_IN",
    "SESSION_STALE",
)
_PERMISSION_DENIED = (
    "PEER_NAMES_ANOTHER_SITE",
    "PEER_NOT_ALLOWED",
    "PEER_IS_NO_TOOL",
    "PEER_IS_NO_OPERATOR",
    "PEER_IS_NOT_HQ",
    "ROLE_FORBIDS",
    "CONTACT_NOT_YOURS",
    "NOT_ALLOWED",
    "TOKEN_FORGED",
    "TOKEN_FOREIGN",
)

_CODES: Mapping[str, grpc.StatusCode] = {
    **dict.fromkeys(_NOT_FOUND, grpc.StatusCode.NOT_FOUND),
    **dict.fromkeys(_FAILED_PRECONDITION, grpc.StatusCode.FAILED_PRECONDITION),
    **dict.fromkeys(_ALREADY_EXISTS, grpc.StatusCode.ALREADY_EXISTS),
    **dict.fromkeys(_INVALID_ARGUMENT, grpc.StatusCode.INVALID_ARGUMENT),
    **dict.fromkeys(_UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
    **dict.fromkeys(_RESOURCE_EXHAUSTED, grpc.StatusCode.RESOURCE_EXHAUSTED),
    **dict.fromkeys(_ABORTED, grpc.StatusCode.ABORTED),
    **dict.fromkeys(_UNAUTHENTICATED, grpc.StatusCode.UNAUTHENTICATED),
    **dict.fromkeys(_PERMISSION_DENIED, grpc.StatusCode.PERMISSION_DENIED),
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

_REFUSED_SIGN = "connection refused"

_ADDRESS = re.compile(r"\bipv[46]:(\S+?:\d+)")
"""Where gRPC tried to get to, as it writes it into its errors."""

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
    message = _shortened(str(refusal), _MESSAGE_LIMIT_CHARS)
    details = [_packed(ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=_values(refusal)))]
    if isinstance(refusal, InvalidFieldError):
        violation = BadRequest.FieldViolation(
            field=refusal.field[:_VALUE_LIMIT_CHARS], description=refusal.problem[:_MESSAGE_LIMIT_CHARS]
        )
        details.append(_packed(BadRequest(field_violations=[violation])))
    status = Status(code=code.value[0], message=message, details=details)
    return code, message, ((_DETAILS_KEY, status.SerializeToString()),)


def refusal_from(error: grpc.aio.AioRpcError) -> RefusedError:
    """What a failed call means: the other node's refusal, or the link's own trouble."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes) and (refusal := _refusal_in(value)):
            return refusal
    return _link_trouble(error)


def _link_trouble(error: grpc.aio.AioRpcError) -> RefusedError:
    """In English, and with what a shell needs to word it anew: the address, what gRPC said, which case."""
    said = error.details() or ""
    reason = _REASONS_WITHOUT_DETAILS.get(error.code(), "LINK_FAILED")
    advice, case = "", ""
    if reason == "LINK_DOWN" and any(sign in said.lower() for sign in _TLS_SIGNS):
        reason = "LINK_TLS_FAILED"
        advice = "no TLS with the peer; check both certificates and their CA with `trunkline pki show`: "
    elif reason == "LINK_DOWN" and _CLOSED_SIGN in said.lower():
        case = "HUNG_UP"
        advice = "the peer hung up; it may have stopped, or not take this node's certificate: "
    elif reason == "LINK_DOWN" and _REFUSED_SIGN in said.lower():
        case = "NOBODY_LISTENS"
        advice = "nothing listens there; does the node run?: "
    address = _ADDRESS.search(said)
    return RefusedError(
        reason,
        _shortened(f"{advice}{error.code().name}: {said}", _MESSAGE_LIMIT_CHARS),
        {
            "case": case,
            "address": address[1] if address else "?",
            "said": _shortened(said, _MESSAGE_LIMIT_CHARS),
        },
    )


def _refusal_in(details: bytes) -> RefusedError | None:
    try:
        status = Status.FromString(details)
        for packed in status.details:
            info = ErrorInfo()
            if packed.Unpack(info) and info.domain == DOMAIN:
                return RefusedError(info.reason, status.message, info.metadata)
    except DecodeError:  # No node of ours wrote this; the code alone has to do.
        return None
    return None


def _values(refusal: RouterError) -> dict[str, str]:
    """The ids that the refusal names; it holds nothing that the peer may not see."""
    values = refusal.values if isinstance(refusal, RefusedError) else vars(refusal)
    short = {
        name: _shortened(str(value), _VALUE_LIMIT_CHARS)
        for name, value in values.items()
        if isinstance(value, (str, int))
    }
    return dict(list(short.items())[:_VALUE_LIMIT_COUNT])


def _shortened(words: str, limit: int) -> str:
    """Without its middle: gRPC, OpenSSL and PostgreSQL put the cause at the end."""
    if len(words) <= limit:
        return words
    tail = (limit - len(_GAP)) // 2
    return f"{words[: limit - len(_GAP) - tail]}{_GAP}{words[-tail:]}"


def _packed(detail: ErrorInfo | BadRequest) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed
