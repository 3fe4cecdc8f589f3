from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline.handoff.v1 import handoff_pb2 as pb

from branch.customers.caller_card import CallerCard, IvrChoice
from branch.customers.contact_note import ContactNote
from branch.peers.wire import (
    Asked,
    UnreadableReplyError,
    read_reply,
    read_request,
    refusal_frame,
    reply_frame,
    request_frame,
)
from router.call import CallContext, Language
from router.ids import CallId, CustomerId, HandoffId, NodeName, QueueId, SiteId, Skill
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
    Refusal,
    Refused,
    Reply,
    Request,
    Reserve,
    Reserved,
    ReserveLine,
    TellHandoff,
)
from sync.link.refusals import InvalidFieldError

CALL = CallId("0190a0a0-0000-7000-8000-000000000002")
HANDOFF = HandoffId("0190a0a0-0000-7000-8000-000000000001")
CALL = CallId("0190a0a0-0000-7000-8000-000000000002")
MOVE = HandoffId("0190a0a0-0000-7000-8000-000000000003")

names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
calls = st.builds(
    CallContext,
    call_id=st.uuids().map(lambda each: CallId(str(each))),
    queue_id=names.map(QueueId),
    skills=st.frozensets(names.map(Skill), max_size=4),
    priority=st.integers(0, 9),
    customer_id=st.none() | names.map(CustomerId),
    waited_ms=st.integers(0, 10**9),
)
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(Reserve, handoff_id=st.just(HANDOFF), call=calls, timeout_ms=st.just(500)),
    st.builds(
        Claim,
        handoff_id=st.just(HANDOFF),
        skills=st.frozensets(names.map(Skill), max_size=4),
        token=names,
        timeout_ms=st.just(500),
    ),
    st.just(Confirm(handoff_id=HANDOFF)),
    st.builds(Cancel, handoff_id=st.just(HANDOFF), reason=names),
    st.just(GetHandoff(handoff_id=HANDOFF)),
    st.just(ReserveLine(handoff_id=HANDOFF, call_id=CALL, number="+861066661111", timeout_ms=500)),
    st.just(Move(handoff_id=HANDOFF, move_id=MOVE)),
    st.builds(
        TellHandoff,
        handoff_id=st.just(HANDOFF),
        state=st.sampled_from((HandoffState.MOVED, HandoffState.OVER)),
        talk_ms=st.none() | st.integers(0, 10**9),
    ),
)
replies: st.SearchStrategy[Reply] = st.one_of(
    st.builds(Reserved, handoff_id=st.just(HANDOFF), token=names),
    st.builds(Given, handoff_id=st.just(HANDOFF), call=calls),
    st.just(Acknowledged(handoff_id=HANDOFF)),
    st.builds(
        HandoffSeen,
        handoff_id=st.just(HANDOFF),
        state=st.sampled_from(HandoffState),
        call_id=st.none() | st.just(CALL),
        queue_id=st.none() | names.map(QueueId),
        talk_ms=st.none() | st.integers(0, 10**9),
    ),
    st.builds(Refused, handoff_id=st.just(HANDOFF), reason=st.sampled_from(Refusal)),
)


cards = st.builds(
    CallerCard,
    number=st.none() | st.just("+8613800138000"),
    name=st.none() | names,
    customer_class=st.none() | st.sampled_from(("STANDARD", "VIP")),
    region=st.none() | names,
    language=st.none() | st.sampled_from(Language),
    choices=st.lists(st.builds(IvrChoice, node=names.map(NodeName), choice=names), max_size=3).map(tuple),
    notes=st.lists(
        st.builds(ContactNote, written_utc_us=st.integers(0, 2**48), author=names, text=names), max_size=3
    ).map(tuple),
)


def asked(request: Request, caller: CallerCard | None = None) -> Asked:
    return Asked(
        site_id=SiteId("beijing"), incarnation=7, asked_incarnation=3, request=request, caller=caller
    )


@given(requests, st.none() | cards)
def test_a_request_comes_out_of_the_wire_as_it_went_in(request: Request, caller: CallerCard | None) -> None:
    went_in = asked(request, caller if isinstance(request, Reserve) else None)
    payload = request_frame(went_in, timeout_ms=500).SerializeToString()

    assert read_request(pb.ExchangeRequest.FromString(payload)) == went_in


@given(requests, replies, st.none() | cards)
def test_a_reply_comes_out_of_the_wire_as_it_went_in(
    request: Request, reply: Reply, caller: CallerCard | None
) -> None:
    caller = caller if isinstance(reply, Given | HandoffSeen) else None
    payload = reply_frame(request, reply, incarnation=9, caller=caller).SerializeToString()

    replied = read_reply(pb.ExchangeResponse.FromString(payload))

    assert (replied.reply, replied.incarnation, replied.handoff_id) == (reply, 9, HANDOFF)
    assert replied.caller == caller


def test_what_a_site_wrote_into_its_customer_list_costs_no_caller_its_hand_off() -> None:
    spoilt = CallerCard(
        number="1" * 40,
        name="n" * 300 + "\n",
        region="\x00",
        choices=tuple(IvrChoice(node=NodeName("x" * 99), choice=str(each)) for each in range(30)),
        notes=tuple(ContactNote(written_utc_us=1, author="a", text="票\n" * 600) for _ in range(5)),
    )
    frame = request_frame(asked(read_request(reserve()).request, spoilt), timeout_ms=500)

    read = read_request(frame).caller

    assert read is not None
    assert (read.number, read.name, read.region) == ("1" * 16, "n" * 200, None)
    assert [each.choice for each in read.choices] == [str(each) for each in range(10, 30)]
    assert [each.text for each in read.notes] == ["票" * 500] * 3
    assert frame.ByteSize() < 8_000


def reserve() -> pb.ExchangeRequest:
    call = CallContext(
        call_id=CALL,
        queue_id=QueueId("sales"),
        skills=frozenset({Skill("french")}),
        priority=3,
        customer_id=None,
        waited_ms=10,
    )
    request = Reserve(handoff_id=HANDOFF, call=call, timeout_ms=500)
    return request_frame(asked(request), timeout_ms=500)


def claim() -> pb.ExchangeRequest:
    request = Claim(handoff_id=HANDOFF, skills=frozenset({Skill("french")}), token="t", timeout_ms=500)
    return request_frame(asked(request), timeout_ms=500)


def move() -> pb.ExchangeRequest:
    return request_frame(asked(Move(handoff_id=HANDOFF, move_id=MOVE)), timeout_ms=500)


def tell() -> pb.ExchangeRequest:
    request = TellHandoff(handoff_id=HANDOFF, state=HandoffState.OVER, talk_ms=7)
    return request_frame(asked(request), timeout_ms=500)


@pytest.mark.parametrize(
    ("frame", "spoil", "field"),
    [
        (reserve, lambda f: f.ClearField("envelope"), "envelope"),
        (reserve, lambda f: f.envelope.ClearField("handoff_id"), "envelope.handoff_id"),
        (reserve, lambda f: setattr(f.envelope, "handoff_id", HANDOFF.upper()), "envelope.handoff_id"),
        (reserve, lambda f: setattr(f.envelope, "site_id", "Beijing"), "envelope.site_id"),
        (reserve, lambda f: f.envelope.ClearField("incarnation"), "envelope.incarnation"),
        (reserve, lambda f: setattr(f.envelope, "asked_incarnation", 2**63), "envelope.asked_incarnation"),
        (reserve, lambda f: f.envelope.ClearField("timeout_ms"), "envelope.timeout_ms"),
        (reserve, lambda f: setattr(f.envelope, "timeout_ms", 60_001), "envelope.timeout_ms"),
        (reserve, lambda f: f.ClearField("reserve"), "request"),
        (reserve, lambda f: f.reserve.ClearField("call"), "reserve.call"),
        (reserve, lambda f: setattr(f.reserve.call, "call_id", "c1"), "reserve.call.call_id"),
        (reserve, lambda f: f.reserve.call.ClearField("queue_id"), "reserve.call.queue_id"),
        (reserve, lambda f: setattr(f.reserve.call, "queue_id", "a\nb"), "reserve.call.queue_id"),
        (reserve, lambda f: setattr(f.reserve.call, "priority", 10), "reserve.call.priority"),
        (reserve, lambda f: setattr(f.reserve.call, "waited_ms", 2**60), "reserve.call.waited_ms"),
        (reserve, lambda f: setattr(f.reserve.call, "customer_id", ""), "reserve.call.customer_id"),
        (reserve, lambda f: f.reserve.call.skills.extend(["s"] * 64), "reserve.call.skills"),
        (reserve, lambda f: setattr(f.reserve.call.caller, "number", "1" * 17), "reserve.call.caller.number"),
        (reserve, lambda f: setattr(f.reserve.call.caller, "name", "a\nb"), "reserve.call.caller.name"),
        (reserve, lambda f: setattr(f.reserve.call.caller, "language", "xx"), "reserve.call.caller.language"),
        (
            reserve,
            lambda f: [f.reserve.call.caller.choices.add(node="n", choice="1") for _ in range(21)],
            "reserve.call.caller.choices",
        ),
        (
            reserve,
            lambda f: f.reserve.call.caller.choices.add(node="n"),
            "reserve.call.caller.choices.choice",
        ),
        (
            reserve,
            lambda f: [f.reserve.call.caller.notes.add(author="a", text="t") for _ in range(4)],
            "reserve.call.caller.notes",
        ),
        (
            reserve,
            lambda f: f.reserve.call.caller.notes.add(author="a", text="t" * 501),
            "reserve.call.caller.notes.text",
        ),
        (claim, lambda f: f.claim.ClearField("token"), "claim.token"),
        (claim, lambda f: setattr(f.claim, "token", "t" * 401), "claim.token"),
        (claim, lambda f: f.claim.skills.append(""), "claim.skills"),
        (claim, lambda f: f.cancel.SetInParent(), "cancel.reason"),
        (move, lambda f: setattr(f.move, "move_id", "m1"), "move.move_id"),
        (tell, lambda f: f.tell_handoff.ClearField("state"), "tell_handoff.state"),
        (
            tell,
            lambda f: setattr(f.tell_handoff, "state", pb.HANDOFF_STATE_RINGING),
            "tell_handoff.state",
        ),
        (tell, lambda f: setattr(f.tell_handoff, "talk_ms", 2**60), "tell_handoff.talk_ms"),
    ],
)
def test_a_missing_or_absurd_field_is_refused_by_its_name(
    frame: Callable[[], pb.ExchangeRequest], spoil: Callable[[pb.ExchangeRequest], None], field: str
) -> None:
    spoiled = frame()
    spoil(spoiled)

    with pytest.raises(InvalidFieldError) as refused:
        read_request(spoiled)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: f.ClearField("reserved"),
        lambda f: f.ClearField("incarnation"),
        lambda f: f.ClearField("kind"),
        lambda f: f.reserved.ClearField("token"),
        lambda f: f.given.SetInParent(),
        lambda f: f.seen.SetInParent(),
        lambda f: setattr(f.refusal, "reason", "MADE_UP_LATER"),
    ],
)
def test_a_reply_this_version_cannot_read_says_to_which_handoff_it_belongs(
    spoil: Callable[[pb.ExchangeResponse], None],
) -> None:
    frame = reply_frame(Confirm(handoff_id=HANDOFF), Reserved(handoff_id=HANDOFF, token="t"), incarnation=9)
    spoil(frame)

    with pytest.raises(UnreadableReplyError) as refused:
        read_reply(frame)

    assert refused.value.handoff_id == HANDOFF


def test_the_answer_to_an_unreadable_frame_finds_its_way_back() -> None:
    answer = refusal_frame(claim(), reason="FIELD_INVALID", message="claim.token: is missing", incarnation=9)

    assert (answer.handoff_id, answer.kind) == (HANDOFF, pb.REQUEST_KIND_CLAIM)
    assert answer.refusal.reason == "FIELD_INVALID"
