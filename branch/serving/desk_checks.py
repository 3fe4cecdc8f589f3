"""What DeskService's requests have to look like."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message
from trunkline.desk.v1 import desk_pb2 as pb

from branch.peers.note_wire import note_text
from branch.people.passwords import MOST_CHARS
from router.acd.place import PLACE_LIMIT, PLACE_RING_LIMIT_MS
from sync.link import validate
from sync.link.interceptors import RequestCheck

_ID_CHARS = 64
_NAME_CHARS = 100
_REASON_CHARS = 64
_NUMBER_CHARS = 40


def _login(request: pb.LoginRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.text("name", request.name, most_chars=_NAME_CHARS)
    validate.text("password", request.password, most_chars=MOST_CHARS)


def _logout(request: pb.LogoutRequest) -> None:
    validate.uuid_text("request_id", request.request_id)


def _set_state(request: pb.SetStateRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.present("to", request.WhichOneof("to") is not None)
    if request.HasField("not_ready"):
        validate.text("not_ready.reason", request.not_ready.reason, most_chars=_REASON_CHARS)


def _about_a_leg(request: Any) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.uuid_text("leg_id", request.leg_id)


def _transfer(request: pb.TransferRequest) -> None:
    _about_a_leg(request)
    to = request.WhichOneof("to")
    validate.present("to", to is not None)
    if to is not None:
        validate.text(to, getattr(request, to), most_chars=_NAME_CHARS)


def _consult(request: pb.ConsultRequest) -> None:
    _about_a_leg(request)
    validate.text("agent_id", request.agent_id, most_chars=_NAME_CHARS)


def _pickup(request: pb.PickupRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    source = request.WhichOneof("from")
    if source is not None:
        validate.text(source, getattr(request, source), most_chars=_NAME_CHARS)


def _record(request: pb.RecordRequest) -> None:
    _about_a_leg(request)
    is_known = request.act in pb.RecordingAct.values()
    validate.present("act", is_known and request.act != pb.RECORDING_ACT_UNSPECIFIED)


def _supervise(request: pb.SuperviseRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.text("agent_id", request.agent_id, most_chars=_NAME_CHARS)
    is_known = request.mode in pb.SupervisionMode.values()
    validate.present("mode", is_known and request.mode != pb.SUPERVISION_MODE_UNSPECIFIED)
    if request.HasField("phone"):
        validate.text("phone", request.phone, most_chars=_NAME_CHARS)


def _end_supervision(request: pb.EndSupervisionRequest) -> None:
    validate.uuid_text("request_id", request.request_id)


def _dial(request: pb.DialRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.text("number", request.number, most_chars=_NUMBER_CHARS)


def _write_note(request: pb.WriteNoteRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.uuid_text("call_id", request.call_id)
    note_text("text", request.text)


def _next_visit(request: pb.NextVisitRequest) -> None:
    validate.uuid_text("request_id", request.request_id)


def _dial_visit(request: pb.DialVisitRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.uuid_text("call_id", request.call_id)


def _skip_visit(request: pb.SkipVisitRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.uuid_text("call_id", request.call_id)
    note_text("reason", request.reason)


def _set_places(request: pb.SetPlacesRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.at_most("places", request.places, PLACE_LIMIT)
    for place in request.places:
        if place.HasField("number"):
            validate.text("places.number", place.number, most_chars=_NUMBER_CHARS)
        if place.HasField("ring_limit_ms"):
            validate.number("places.ring_limit_ms", place.ring_limit_ms, least=1, most=PLACE_RING_LIMIT_MS)


def _mark_heard(request: pb.MarkHeardRequest) -> None:
    validate.uuid_text("request_id", request.request_id)
    validate.uuid_text("call_id", request.call_id)


def _customer(request: pb.GetCustomerRequest) -> None:
    validate.text("customer_id", request.customer_id, most_chars=_ID_CHARS)


CHECKS: Mapping[type[Message], RequestCheck] = {
    pb.LoginRequest: _login,
    pb.LogoutRequest: _logout,
    pb.SetStateRequest: _set_state,
    pb.AnswerRequest: _about_a_leg,
    pb.HangUpRequest: _about_a_leg,
    pb.HoldRequest: _about_a_leg,
    pb.ResumeRequest: _about_a_leg,
    pb.TransferRequest: _transfer,
    pb.ConsultRequest: _consult,
    pb.CompleteTransferRequest: _about_a_leg,
    pb.CancelConsultationRequest: _about_a_leg,
    pb.MergeRequest: _about_a_leg,
    pb.PickupRequest: _pickup,
    pb.RecordRequest: _record,
    pb.SuperviseRequest: _supervise,
    pb.EndSupervisionRequest: _end_supervision,
    pb.DialRequest: _dial,
    pb.SetPlacesRequest: _set_places,
    pb.WriteNoteRequest: _write_note,
    pb.NextVisitRequest: _next_visit,
    pb.DialVisitRequest: _dial_visit,
    pb.SkipVisitRequest: _skip_visit,
    pb.MarkHeardRequest: _mark_heard,
    pb.GetCustomerRequest: _customer,
}
"""For the link's interceptor; a watch, or a list, has nothing that could be absurd."""
