"""Hand-off messages between the domain and the wire, both ways, refusing what is absurd.

The long-lived stream and the unary calls share it: a unary message is read and written as
the frame with the same content.
"""

from collections.abc import Callable, Mapping

from trunkline.handoff.v1 import handoff_pb2 as pb

from branch.customers.caller_card import CallerCard
from branch.peers.call_wire import (
    NAME_LIMIT_CHARS,
    CallNames,
    fill_call,
    read_call,
    read_caller,
    read_queue,
    read_skills,
)
from branch.peers.card_wire import fill_card
from router.ids import FOREVER_MS, CallId, HandoffId, SiteId
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Confirm,
    GetHandoff,
    Given,
    HandoffSeen,
    HandoffState,
    Move,
    Redirect,
    Refusal,
    Refused,
    Reply,
    Request,
    Reserve,
    Reserved,
    ReserveLine,
    TellHandoff,
)
from router.values import value
from sync.link import validate
from sync.link.refusals import InvalidFieldError

TIMEOUT_LIMIT_MS = 60_000
TOKEN_LIMIT_CHARS = 400
NUMBER_LIMIT_CHARS = 16
"""E.164: a plus sign and up to 15 digits."""

_INCARNATION_LIMIT = 2**63 - 1
"""What a database's integer holds."""

KINDS: "Mapping[type[Request], pb.RequestKind.ValueType]" = {
    Reserve: pb.REQUEST_KIND_RESERVE,
    Claim: pb.REQUEST_KIND_CLAIM,
    Confirm: pb.REQUEST_KIND_CONFIRM,
    Cancel: pb.REQUEST_KIND_CANCEL,
    GetHandoff: pb.REQUEST_KIND_GET_HANDOFF,
    ReserveLine: pb.REQUEST_KIND_RESERVE_LINE,
    Move: pb.REQUEST_KIND_MOVE,
    TellHandoff: pb.REQUEST_KIND_TELL_HANDOFF,
}

_RESERVED_CALL = CallNames("reserve.call")
_GIVEN_CALL = CallNames("given.call")
_REDIRECTED_CALL = CallNames("call")

_STATES = {
    HandoffState.UNKNOWN: pb.HANDOFF_STATE_UNKNOWN,
    HandoffState.ASKING: pb.HANDOFF_STATE_ASKING,
    HandoffState.RESERVED: pb.HANDOFF_STATE_RESERVED,
    HandoffState.DIALING: pb.HANDOFF_STATE_DIALING,
    HandoffState.RINGING: pb.HANDOFF_STATE_RINGING,
    HandoffState.CONNECTED: pb.HANDOFF_STATE_CONNECTED,
    HandoffState.MOVED: pb.HANDOFF_STATE_MOVED,
    HandoffState.OVER: pb.HANDOFF_STATE_OVER,
}
_STATES_READ = {number: state for state, number in _STATES.items()}
_TOLD = (pb.HANDOFF_STATE_MOVED, pb.HANDOFF_STATE_OVER)


@value
class Asked:
    """A request as it came in, with who says to have sent it."""

    site_id: SiteId
    incarnation: int
    asked_incarnation: int
    """Ours, as the sender last saw it; 0 when it never did."""
    request: Request
    caller: CallerCard | None = None
    """Of a Reserve: who the call is from."""


@value
class Replied:
    """A reply as it came in."""

    handoff_id: HandoffId
    kind: "pb.RequestKind.ValueType"
    incarnation: int
    reply: Reply
    caller: CallerCard | None = None
    """Of a call that was given, or asked about: who it is from."""


class UnreadableReplyError(Exception):
    """A peer answered with what this version cannot act on; the request counts as unanswered."""

    def __init__(self, handoff_id: str, kind: "pb.RequestKind.ValueType", problem: str) -> None:
        super().__init__(f"unusable reply to hand-off {handoff_id[:NAME_LIMIT_CHARS]!r}: {problem}")
        self.handoff_id = HandoffId(handoff_id)
        self.kind = kind


# --- requests --------------------------------------------------------------------------


def request_frame(asked: Asked, *, timeout_ms: int) -> pb.ExchangeRequest:
    """The frame to send; `timeout_ms` is real time, whatever the sender's clock runs at."""
    # Filled in place: a message handed to another one's constructor is copied, level by level.
    frame, request = pb.ExchangeRequest(), asked.request
    _fill_envelope(frame.envelope, asked, timeout_ms)
    match request:
        case Reserve():
            fill_call(frame.reserve.call, request.call, asked.caller)
        case Claim():
            frame.claim.skills.extend(sorted(request.skills))
            frame.claim.token = request.token
        case ReserveLine():
            frame.reserve_line.call_id = request.call_id
            frame.reserve_line.number = request.number
        case _:
            _fill_talk_request(frame, request)
    return frame


def redirect_request(asked: Asked, *, timeout_ms: int) -> pb.RedirectRequest:
    """Of a Redirect, which is no frame of the stream: it waits for a disk, and nothing may wait behind it."""
    assert isinstance(asked.request, Redirect)
    request = pb.RedirectRequest()
    _fill_envelope(request.envelope, asked, timeout_ms)
    fill_call(request.call, asked.request.call, asked.caller)
    return request


def _fill_envelope(envelope: pb.Envelope, asked: Asked, timeout_ms: int) -> None:
    envelope.handoff_id = asked.request.handoff_id
    envelope.site_id = asked.site_id
    envelope.incarnation = asked.incarnation
    envelope.asked_incarnation = asked.asked_incarnation
    envelope.timeout_ms = timeout_ms


def _fill_talk_request(
    frame: pb.ExchangeRequest, request: Confirm | Cancel | GetHandoff | Move | TellHandoff
) -> None:
    """About a hand-off that both sides know."""
    match request:
        case Confirm():
            frame.confirm.SetInParent()
        case Cancel():
            frame.cancel.reason = request.reason
        case GetHandoff():
            frame.get_handoff.SetInParent()
        case Move():
            frame.move.move_id = request.move_id
        case TellHandoff():
            frame.tell_handoff.state = _STATES[request.state]
            if request.talk_ms is not None:
                frame.tell_handoff.talk_ms = request.talk_ms


def read_request(frame: pb.ExchangeRequest) -> Asked:
    """The request in a frame; a Reserve's and a Claim's `timeout_ms` are the envelope's.

    Raises:
        InvalidFieldError: a field is missing or absurd.
    """
    validate.present("envelope", frame.HasField("envelope"))
    handoff_id, timeout_ms = _about(frame.envelope)
    return _asked(
        frame.envelope,
        _request(frame, handoff_id, timeout_ms),
        read_caller("reserve.call", frame.reserve.call),
    )


def read_redirect(request: pb.RedirectRequest) -> Asked:
    """Raises:
    InvalidFieldError: a field is missing or absurd.
    """
    validate.present("envelope", request.HasField("envelope"))
    validate.present("call", request.HasField("call"))
    handoff_id, timeout_ms = _about(request.envelope)
    call = read_call(_REDIRECTED_CALL, request.call)
    redirect = Redirect(handoff_id=handoff_id, call=call, timeout_ms=timeout_ms)
    return _asked(request.envelope, redirect, read_caller("call", request.call))


def _about(envelope: pb.Envelope) -> tuple[HandoffId, int]:
    """The hand-off, and how long the sender waits for the answer."""
    handoff_id = HandoffId(validate.uuid_text("envelope.handoff_id", envelope.handoff_id))
    return handoff_id, validate.number(
        "envelope.timeout_ms", envelope.timeout_ms, least=1, most=TIMEOUT_LIMIT_MS
    )


def _asked(envelope: pb.Envelope, request: Request, caller: CallerCard | None) -> Asked:
    return Asked(
        site_id=validate.site("envelope.site_id", envelope.site_id),
        incarnation=_incarnation("envelope.incarnation", envelope.incarnation, least=1),
        asked_incarnation=_incarnation("envelope.asked_incarnation", envelope.asked_incarnation, least=0),
        request=request,
        caller=caller,
    )


def _request(frame: pb.ExchangeRequest, handoff_id: HandoffId, timeout_ms: int) -> Request:
    match frame.WhichOneof("request"):
        case "reserve":
            validate.present("reserve.call", frame.reserve.HasField("call"))
            call = read_call(_RESERVED_CALL, frame.reserve.call)
            return Reserve(handoff_id=handoff_id, call=call, timeout_ms=timeout_ms)
        case "claim":
            skills = read_skills("claim.skills", frame.claim.skills)
            token = validate.text("claim.token", frame.claim.token, most_chars=TOKEN_LIMIT_CHARS)
            return Claim(handoff_id=handoff_id, skills=skills, token=token, timeout_ms=timeout_ms)
        case "reserve_line":
            return _reserve_line(frame.reserve_line, handoff_id, timeout_ms)
        case _:
            return _talk_request(frame, handoff_id)


def _talk_request(frame: pb.ExchangeRequest, handoff_id: HandoffId) -> Request:
    match frame.WhichOneof("request"):
        case "confirm":
            return Confirm(handoff_id=handoff_id)
        case "cancel":
            return Cancel(handoff_id=handoff_id, reason=validate.text("cancel.reason", frame.cancel.reason))
        case "get_handoff":
            return GetHandoff(handoff_id=handoff_id)
        case "move":
            move_id = HandoffId(validate.uuid_text("move.move_id", frame.move.move_id))
            return Move(handoff_id=handoff_id, move_id=move_id)
        case "tell_handoff":
            return _tell_handoff(frame.tell_handoff, handoff_id)
        case _:
            raise InvalidFieldError("request", "is missing")


def _reserve_line(line: pb.ReserveLine, handoff_id: HandoffId, timeout_ms: int) -> ReserveLine:
    return ReserveLine(
        handoff_id=handoff_id,
        call_id=CallId(validate.uuid_text("reserve_line.call_id", line.call_id)),
        number=validate.text("reserve_line.number", line.number, most_chars=NUMBER_LIMIT_CHARS),
        timeout_ms=timeout_ms,
    )


def _tell_handoff(tell: pb.TellHandoff, handoff_id: HandoffId) -> TellHandoff:
    state = _STATES_READ[validate.one_of("tell_handoff.state", tell.state, _TOLD)]
    return TellHandoff(handoff_id=handoff_id, state=state, talk_ms=_talk_ms("tell_handoff.talk_ms", tell))


# --- replies ---------------------------------------------------------------------------


def reply_frame(
    request: Request, reply: Reply, *, incarnation: int, caller: CallerCard | None = None
) -> pb.ExchangeResponse:
    """The frame to send; `caller` is who a given call, or one that was asked about, is from."""
    frame = pb.ExchangeResponse(
        handoff_id=request.handoff_id, kind=KINDS[type(request)], incarnation=incarnation
    )
    match reply:
        case Reserved(token=token):
            frame.reserved.token = token
        case Given(call=call):
            fill_call(frame.given.call, call, caller)
        case Acknowledged():
            frame.acknowledged.SetInParent()
        case HandoffSeen():
            frame.seen.CopyFrom(_seen_message(reply))
            if caller is not None:
                fill_card(frame.seen.caller, caller)
        case Refused(reason=reason):
            frame.refusal.reason = reason
    return frame


def refusal_frame(
    frame: pb.ExchangeRequest, *, reason: str, message: str, incarnation: int
) -> pb.ExchangeResponse:
    """The answer to a frame that could not be read, as far as it said what it was about."""
    kind = _KINDS_BY_FIELD.get(frame.WhichOneof("request") or "", pb.REQUEST_KIND_UNSPECIFIED)
    refusal = pb.Refusal(reason=reason, message=message)
    return pb.ExchangeResponse(
        handoff_id=frame.envelope.handoff_id, kind=kind, incarnation=incarnation, refusal=refusal
    )


def read_reply(frame: pb.ExchangeResponse) -> Replied:
    """The reply in a frame.

    Raises:
        UnreadableReplyError: it is none that this version knows.
    """
    try:
        handoff_id = HandoffId(validate.uuid_text("handoff_id", frame.handoff_id))
        reply = _reply(frame, handoff_id)
        return Replied(
            handoff_id=handoff_id,
            kind=validate.one_of("kind", frame.kind, _KIND_NUMBERS),
            incarnation=_incarnation("incarnation", frame.incarnation, least=1),
            reply=reply,
            caller=_caller_in(frame, reply),
        )
    except InvalidFieldError as error:
        raise UnreadableReplyError(frame.handoff_id, frame.kind, str(error)) from error


def redirect_reply(request: Redirect, response: pb.RedirectResponse) -> Reserved:
    """Raises:
    InvalidFieldError: the token is missing or absurd.
    """
    token = validate.text("reserved.token", response.reserved.token, most_chars=TOKEN_LIMIT_CHARS)
    return Reserved(handoff_id=request.handoff_id, token=token)


def redirect_refusal(request: Redirect, reason: str) -> Refused | None:
    """None: a reason that says nothing of the hand-off, so that its request counts as unanswered."""
    return Refused(handoff_id=request.handoff_id, reason=Refusal(reason)) if reason in _REFUSALS else None


def _reply(frame: pb.ExchangeResponse, handoff_id: HandoffId) -> Reply:
    read = _REPLIES.get(frame.WhichOneof("reply") or "")
    if read is None:
        raise InvalidFieldError("reply", "is missing")
    return read(frame, handoff_id)


def _caller_in(frame: pb.ExchangeResponse, reply: Reply) -> CallerCard | None:
    # Even to look into a part that is not there makes an object, so only those that have one are asked.
    if isinstance(reply, Given):
        return read_caller("given.call", frame.given.call)
    if isinstance(reply, HandoffSeen):
        return read_caller("seen", frame.seen)
    return None


def _reserved(frame: pb.ExchangeResponse, handoff_id: HandoffId) -> Reply:
    token = validate.text("reserved.token", frame.reserved.token, most_chars=TOKEN_LIMIT_CHARS)
    return Reserved(handoff_id=handoff_id, token=token)


def _given(frame: pb.ExchangeResponse, handoff_id: HandoffId) -> Reply:
    validate.present("given.call", frame.given.HasField("call"))
    return Given(handoff_id=handoff_id, call=read_call(_GIVEN_CALL, frame.given.call))


def _acknowledged(frame: pb.ExchangeResponse, handoff_id: HandoffId) -> Reply:
    del frame
    return Acknowledged(handoff_id=handoff_id)


def _seen(frame: pb.ExchangeResponse, handoff_id: HandoffId) -> Reply:
    seen = frame.seen
    state = _STATES_READ[validate.one_of("seen.state", seen.state, _STATES_READ)]
    return HandoffSeen(
        handoff_id=handoff_id,
        state=state,
        call_id=CallId(validate.uuid_text("seen.call_id", seen.call_id))
        if seen.HasField("call_id")
        else None,
        queue_id=read_queue("seen.queue_id", seen.queue_id) if seen.HasField("queue_id") else None,
        talk_ms=_talk_ms("seen.talk_ms", seen),
    )


def _refused(frame: pb.ExchangeResponse, handoff_id: HandoffId) -> Reply:
    reason = validate.one_of("refusal.reason", frame.refusal.reason, _REFUSALS)
    return Refused(handoff_id=handoff_id, reason=Refusal(reason))


_REPLIES: Mapping[str, Callable[[pb.ExchangeResponse, HandoffId], Reply]] = {
    "reserved": _reserved,
    "given": _given,
    "acknowledged": _acknowledged,
    "seen": _seen,
    "refusal": _refused,
}

_REFUSALS = frozenset(str(each) for each in Refusal)

_KINDS_BY_FIELD: "Mapping[str, pb.RequestKind.ValueType]" = {
    "reserve": pb.REQUEST_KIND_RESERVE,
    "claim": pb.REQUEST_KIND_CLAIM,
    "confirm": pb.REQUEST_KIND_CONFIRM,
    "cancel": pb.REQUEST_KIND_CANCEL,
    "get_handoff": pb.REQUEST_KIND_GET_HANDOFF,
    "reserve_line": pb.REQUEST_KIND_RESERVE_LINE,
    "move": pb.REQUEST_KIND_MOVE,
    "tell_handoff": pb.REQUEST_KIND_TELL_HANDOFF,
}

_KIND_NUMBERS = frozenset(_KINDS_BY_FIELD.values())


def _seen_message(seen: HandoffSeen) -> pb.HandoffSeen:
    return pb.HandoffSeen(
        state=_STATES[seen.state], call_id=seen.call_id, queue_id=seen.queue_id, talk_ms=seen.talk_ms
    )


# --- parts of both ---------------------------------------------------------------------


def _talk_ms(field: str, said: pb.HandoffSeen | pb.TellHandoff) -> int | None:
    if not said.HasField("talk_ms"):
        return None
    return validate.number(field, said.talk_ms, least=0, most=FOREVER_MS)


def _incarnation(field: str, value: int, *, least: int) -> int:
    return validate.number(field, value, least=least, most=_INCARNATION_LIMIT)
