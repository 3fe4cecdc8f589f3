from collections.abc import Callable
from dataclasses import replace

import pytest

from branch.customers.numbers import e164
from branch.desk.desk import CallerNumber, Live
from branch.desk.hearing import Lines, PbxEar, WaitingEar
from branch.telephony.port import (
    AloneEnding,
    CallerRinging,
    CallLeftAlone,
    PhoneEvent,
    PhoneRequest,
    TrunkRinging,
)
from router.errors import DuplicateError, NotAcceptingError, RouterError, WrongStateError
from router.facts import (
    AgentBecameNotReady,
    AgentLoggedIn,
    CallArrived,
    CallerHungUp,
    CallerLeftAlone,
    MessageFound,
    PbxHeard,
    PhoneLost,
    PickupAsked,
    TransferAsked,
    TrunkCallArrived,
)
from router.ids import AgentId, CallId, CustomerId, HandoffId, LegId, QueueId, SiteId, Skill, Skills
from router.ledger import Role
from router.orders import HangUpCall, HangUpLeg, HangUpTrunk
from router.recovery import Inventory, LiveLeg, LiveTrunk, MediaState
from sync.token import ForgedTokenError
from tests.fakes.hearing_desk import HearingDesk
from tests.fakes.ordered_pbx import OrderedPbx

KIM = AgentId("beijing/1")
URUMQI = SiteId("urumqi")
FRENCH: Skills = frozenset({Skill("french")})


class OneAgent:
    def skills_of(self, agent_id: AgentId) -> Skills | None:
        return FRENCH if agent_id == KIM else None


class OneCustomer:
    def customer_of(self, number: str) -> CustomerId | None:
        return CustomerId("acme") if number == "+861065529988" else None

    def class_of(self, customer_id: CustomerId) -> str | None:
        return "VIP" if customer_id == "acme" else None


class TwoMessages:
    """Left for everybody; remembers what was heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[CallId, str]] = []
        self.lost: list[CallId] = []

    def for_agent(self, agent_id: AgentId) -> list[CallId]:
        return [CallId("m1"), CallId("m2")]

    def heard_soon(self, call_id: CallId, person_id: str) -> None:
        self.heard.append((call_id, person_id))

    def unplayable(self, call_id: CallId) -> None:
        self.lost.append(call_id)


class Ears:
    def __init__(self) -> None:
        self.desk, self.pbx = HearingDesk(), OrderedPbx()
        self.refused_tokens: list[str] = []
        self.forwarded: list[tuple[AgentId, str | None]] = []
        self.noted: list[CallerNumber] = []
        self.messages = TwoMessages()
        self.ear = PbxEar(
            desk=self.desk,
            driver=self.pbx,
            directory=OneAgent(),
            customers=OneCustomer(),
            lines=Lines({"100": QueueId("sales")}, QueueId("general")),
            invitations=self,
            note_refused_token=self.refused_tokens.append,
            note_caller=self.noted.append,
            messages=self.messages,
            forward=self._forward,
            country="CN",
        )

    def _forward(self, agent_id: AgentId, number: str | None, confirm: Callable[[bool], None]) -> None:
        self.forwarded.append((agent_id, number))
        confirm(number is not None)

    def read(self, token: str, from_site: SiteId) -> HandoffId:
        if token not in ("good", "redirected"):
            raise ForgedTokenError
        return HandoffId("h1" if token == "good" else "r1")

    def call_of(self, handoff_id: HandoffId, from_site: SiteId) -> CallId | None:
        return CallId("own") if handoff_id == "r1" else None

    def number_of(self, handoff_id: HandoffId) -> str | None:
        return "+861065529988"


@pytest.fixture
def ears() -> Ears:
    return Ears()


def caller(dialled: str = "100", number: str | None = "010 6552 9988") -> CallerRinging:
    return CallerRinging(call_id=CallId("c1"), dialled=dialled, caller_number=number)


@pytest.mark.parametrize(("dialled", "queue"), [("100", "sales"), ("999", "general")])
def test_a_line_rings_at_its_queue_and_an_unknown_one_at_the_first(
    ears: Ears, dialled: str, queue: str
) -> None:
    ears.ear.caller_heard(caller(dialled))

    [fact] = ears.desk.facts
    assert isinstance(fact, CallArrived)
    assert fact.queue_id == queue


def test_a_customer_is_known_with_its_class_by_the_number_that_calls(ears: Ears) -> None:
    ears.ear.caller_heard(caller())
    ears.ear.caller_heard(caller(number=None))

    known, unknown = ears.desk.facts
    assert isinstance(known, CallArrived)
    assert isinstance(unknown, CallArrived)
    assert (known.customer_id, known.customer_class) == ("acme", "VIP")
    assert (unknown.customer_id, unknown.customer_class) == (None, None)


def test_the_callers_number_goes_beside_the_fact_and_never_into_it(ears: Ears) -> None:
    ears.ear.caller_heard(caller())

    assert "6552" not in repr(ears.desk.facts)
    assert ears.desk.callers == [CallerNumber(call_id=CallId("c1"), number="+861065529988", dialled="100")]


def test_a_caller_who_cannot_be_taken_is_told_so(ears: Ears) -> None:
    ears.desk.refusal = NotAcceptingError("it drains")

    ears.ear.caller_heard(caller())

    assert ears.pbx.orders == [HangUpCall(call_id=CallId("c1"), reason="NOT_ACCEPTING")]


def test_a_caller_whom_the_desk_has_already_is_left_alone(ears: Ears) -> None:
    ears.desk.refusal = DuplicateError("call 'c1'")

    ears.ear.caller_heard(caller())

    assert ears.pbx.orders == []


def test_a_caller_whom_the_ledger_has_ended_is_not_taken_again(ears: Ears) -> None:
    ears.ear.expect_ended(frozenset({CallId("c1")}))

    ears.ear.caller_heard(caller())

    assert ears.desk.facts == []
    assert ears.pbx.orders == [HangUpCall(call_id=CallId("c1"), reason="ENDED")]


def test_a_message_left_alone_is_its_lines_queues_and_shows_who_left_it(ears: Ears) -> None:
    message = CallLeftAlone(
        call_id=CallId("m1"), ending=AloneEnding.MESSAGE, dialled="100", caller_number="01065529988"
    )
    refusals: list[RouterError] = []
    ears.ear.left_alone(message, refusals.append)
    ears.desk.refusal = NotAcceptingError("it drains")
    ears.ear.left_alone(message, refusals.append)

    fact = MessageFound(
        call_id=CallId("m1"), queue_id=QueueId("sales"), dialled="100", customer_id=CustomerId("acme")
    )
    assert ears.desk.facts == [fact, fact]
    kept = CallerNumber(call_id=CallId("m1"), number="+861065529988", dialled="100")
    assert ears.desk.callers == [kept, kept]
    assert refusals == [ears.desk.refusal]
    assert ears.noted == [], "the caller is gone: nobody's screen shows it"


@pytest.mark.parametrize(
    ("ending", "was_put_through"), [(AloneEnding.HUNG_UP, False), (AloneEnding.PUT_THROUGH, True)]
)
def test_a_caller_left_alone_is_its_lines_queues_and_can_be_called_back(
    ears: Ears, ending: AloneEnding, was_put_through: bool
) -> None:
    call = CallLeftAlone(call_id=CallId("m1"), ending=ending, dialled="100", caller_number=None)
    ears.ear.left_alone(call, lambda _refusal: None)
    called = replace(call, caller_number="01065529988")
    ears.ear.left_alone(called, lambda _refusal: None)

    fact = CallerLeftAlone(
        call_id=CallId("m1"),
        queue_id=QueueId("sales"),
        dialled="100",
        customer_id=None,
        was_put_through=was_put_through,
    )
    assert ears.desk.facts == [fact, replace(fact, customer_id=CustomerId("acme"))]
    assert [each.number for each in ears.desk.callers if each is not None] == [None, "+861065529988"]


def test_an_invite_with_our_token_is_its_handoffs_trunk(ears: Ears) -> None:
    ears.ear.trunk_heard(TrunkRinging(trunk_id="t1", from_site=URUMQI, token="good"))

    assert ears.pbx.accepted == [("t1", "h1")]
    assert ears.desk.facts == [TrunkCallArrived(handoff_id=HandoffId("h1"), from_site=URUMQI)]


def test_an_invite_with_a_forged_token_is_rejected_and_counted(ears: Ears) -> None:
    ears.ear.trunk_heard(TrunkRinging(trunk_id="t1", from_site=URUMQI, token="bad"))

    assert (ears.pbx.accepted, ears.pbx.rejected) == ([], ["t1"])
    assert ears.desk.facts == []
    assert ears.refused_tokens == ["TOKEN_FORGED"]


def test_a_token_shown_again_is_counted_and_told_to_nobody(ears: Ears) -> None:
    ears.ear.trunk_heard(TrunkRinging(trunk_id="t1", from_site=URUMQI, token="good"))

    ears.ear.trunk_heard(TrunkRinging(trunk_id="t2", from_site=URUMQI, token="good"))

    assert (ears.pbx.accepted, ears.pbx.rejected) == ([("t1", "h1")], ["t2"])
    assert len(ears.desk.facts) == 1
    assert ears.refused_tokens == ["TOKEN_USED"]


def test_an_invite_with_a_redirects_token_is_a_caller_with_its_number(ears: Ears) -> None:
    number = "010-65529988"

    ears.ear.trunk_heard(
        TrunkRinging(trunk_id="t1", from_site=URUMQI, token="redirected", caller_number=number)
    )

    kept = CallerNumber(call_id=CallId("own"), number="+861065529988", dialled="overflow.urumqi")
    assert (ears.pbx.redirected, ears.pbx.accepted) == ([("t1", "own")], [])
    assert ears.desk.facts == [TrunkCallArrived(handoff_id=HandoffId("r1"), from_site=URUMQI)]
    assert (ears.desk.callers, ears.noted) == ([kept], [kept])


def test_a_redirected_caller_whose_carrier_says_no_number_has_the_one_that_its_site_told(ears: Ears) -> None:
    ears.ear.trunk_heard(TrunkRinging(trunk_id="t1", from_site=URUMQI, token="redirected"))

    assert [each.number for each in ears.noted] == ["+861065529988"]


def test_a_redirects_token_shown_again_is_counted_and_told_to_nobody(ears: Ears) -> None:
    for trunk_id in ("t1", "t2"):
        ears.ear.trunk_heard(TrunkRinging(trunk_id=trunk_id, from_site=URUMQI, token="redirected"))

    assert (ears.pbx.redirected, ears.pbx.rejected) == ([("t1", "own")], ["t2"])
    assert len(ears.desk.facts) == 1
    assert ears.refused_tokens == ["TOKEN_USED"]


def test_a_redirected_caller_whom_the_desk_has_is_heard_again_for_nothing(ears: Ears) -> None:
    ears.desk.alive = replace(ears.desk.alive, calls=frozenset({CallId("own")}))

    ears.ear.trunk_heard(
        TrunkRinging(trunk_id="t1", from_site=URUMQI, token="redirected", call_id=CallId("own"))
    )

    assert (ears.desk.facts, ears.pbx.redirected, ears.pbx.rejected) == ([], [], [])


def test_an_agents_phone_logs_in_with_the_skills_on_record(ears: Ears) -> None:
    ears.ear.agent_phone_heard(KIM, PhoneEvent.LOGIN, None)
    ears.ear.agent_phone_heard(AgentId("beijing/2"), PhoneEvent.LOGIN, None)

    assert ears.desk.facts == [AgentLoggedIn(agent_id=KIM, skills=FRENCH)]


def test_what_a_phone_does_has_a_reason_also_when_it_gives_none(ears: Ears) -> None:
    ears.ear.agent_phone_heard(KIM, PhoneEvent.NOT_READY, "LUNCH")
    ears.ear.agent_phone_heard(KIM, PhoneEvent.NOT_READY, None)
    ears.ear.agent_phone_heard(KIM, PhoneEvent.UNREACHABLE, None)
    ears.ear.agent_phone_heard(KIM, PhoneEvent.REGISTERED, None)

    assert ears.desk.facts == [
        AgentBecameNotReady(agent_id=KIM, reason="LUNCH"),
        AgentBecameNotReady(agent_id=KIM, reason="UNNAMED"),
        PhoneLost(agent_id=KIM, reason="PHONE_UNREGISTERED"),
    ]


def test_what_a_phone_asks_by_a_code_goes_to_whom_it_concerns(ears: Ears) -> None:
    ears.ear.agent_phone_asked(KIM, PhoneRequest.FORWARD, "13800138000")
    ears.ear.agent_phone_asked(KIM, PhoneRequest.FORWARD_OFF, "")
    ears.ear.agent_phone_asked(KIM, PhoneRequest.PICKUP, "1")
    ears.ear.agent_phone_asked(KIM, PhoneRequest.PICKUP, "13800138000")
    ears.ear.agent_phone_asked(KIM, PhoneRequest.PICKUP, "")

    assert ears.forwarded == [(KIM, "13800138000"), (KIM, None)]
    assert ears.pbx.confirmed == [(KIM, True), (KIM, False)]
    assert ears.desk.facts == [
        PickupAsked(agent_id=KIM, from_agent=KIM),
        PickupAsked(agent_id=KIM),
    ]


def test_a_phones_transfer_goes_to_a_colleague_or_a_line_of_that_number(ears: Ears) -> None:
    ears.ear.agent_phone_asked(KIM, PhoneRequest.TRANSFER, "1")
    ears.ear.agent_phone_asked(KIM, PhoneRequest.TRANSFER, "100")

    assert ears.desk.facts == [
        TransferAsked(agent_id=KIM, to_agent=KIM),
        TransferAsked(agent_id=KIM, to_queue=QueueId("sales")),
    ]
    assert ears.pbx.untransferred == [], "the phone is told with the end of its leg"


@pytest.mark.parametrize("number", ["2", "13800138000", ""])
def test_a_phones_transfer_to_nobody_here_is_refused_at_the_phone(ears: Ears, number: str) -> None:
    ears.ear.agent_phone_asked(KIM, PhoneRequest.TRANSFER, number)

    assert ears.desk.facts == []
    assert ears.pbx.untransferred == [KIM]


def test_a_phones_transfer_that_the_desk_refuses_is_refused_at_the_phone(ears: Ears) -> None:
    ears.desk.refusal = WrongStateError("agent 'beijing/1'", "TALKING", "an agent who is ready")
    ears.ear.agent_phone_asked(KIM, PhoneRequest.TRANSFER, "1")

    assert ears.pbx.untransferred == [KIM]


def test_an_agent_who_asks_for_messages_hears_those_that_are_for_it(ears: Ears) -> None:
    ears.ear.agent_phone_asked(KIM, PhoneRequest.MESSAGES, "")
    ears.ear.message_heard(KIM, CallId("m1"))
    ears.ear.message_unplayable(CallId("m2"))

    assert ears.pbx.played == [(KIM, [CallId("m1"), CallId("m2")])]
    assert ears.messages.heard == [(CallId("m1"), KIM)]
    assert ears.messages.lost == [CallId("m2")]


def test_what_a_pbx_that_came_back_holds_and_nobody_knows_is_ended(ears: Ears) -> None:
    leg = LiveLeg(
        leg_id=LegId("l1"), agent_id=KIM, call_id=CallId("c1"), handoff_id=None, state=MediaState.UP
    )
    trunk = LiveTrunk(
        handoff_id=HandoffId("h1"), peer=URUMQI, role=Role.ORIGIN, call_id=None, state=MediaState.UP
    )
    ears.desk.alive = Live(
        calls=frozenset({CallId("known")}), legs=frozenset(), handoffs=frozenset(), lines=frozenset()
    )

    ears.ear.pbx_back(
        Inventory(
            callers=frozenset({CallId("known"), CallId("c1")}),
            legs={leg.leg_id: leg},
            trunks={trunk.handoff_id: trunk},
        )
    )

    assert ears.pbx.orders == [
        HangUpCall(call_id=CallId("c1"), reason="UNKNOWN"),
        HangUpLeg(leg_id=LegId("l1"), agent_id=KIM),
        HangUpTrunk(handoff_id=HandoffId("h1")),
    ]
    assert ears.ear.is_connected


@pytest.mark.parametrize(
    ("number", "country", "kept"),
    [
        ("+86 10 6552 9988", None, "+861065529988"),
        ("010 6552 9988", "CN", "+861065529988"),
        ("010 6552 9988", None, None),
        ("anonymous", "CN", None),
        ("12", "CN", None),
        ("", "CN", None),
        (None, "CN", None),
    ],
)
def test_numbers_are_kept_as_the_world_writes_them_or_not_at_all(
    number: str | None, country: str | None, kept: str | None
) -> None:
    assert e164(number, country) == kept


@pytest.mark.parametrize(
    ("number", "customer"),
    [("010 6552 9988", "acme"), ("+86 10 6552 9988", "acme"), ("010 6552 0000", "k1"), (None, "k1")],
)
def test_the_sites_own_customer_of_the_number_comes_before_the_pbxs_hint(
    ears: Ears, number: str | None, customer: str
) -> None:
    ears.ear.caller_heard(replace(caller(number=number), customer_id=CustomerId("k1")))

    [fact] = ears.desk.facts
    assert isinstance(fact, CallArrived)
    assert fact.customer_id == customer


def test_a_customer_the_pbx_hints_at_goes_with_the_call(ears: Ears) -> None:
    ears.ear.caller_heard(
        CallerRinging(
            call_id=CallId("c1"),
            dialled="100",
            caller_number=None,
            customer_id=CustomerId("k1"),
            queue_id=QueueId("vip"),
            priority=9,
        )
    )

    [fact] = ears.desk.facts
    assert isinstance(fact, CallArrived)
    assert (fact.customer_id, fact.queue_id, fact.priority) == ("k1", "vip", 9)


async def test_what_the_pbx_says_waits_until_the_desk_has_taken_up_what_lives(ears: Ears) -> None:
    waiting = WaitingEar(ears.ear)
    inventory = Inventory(callers=frozenset({CallId("known")}))
    waiting.fact_heard(CallerHungUp(call_id=CallId("c1")))
    waiting.pbx_back(inventory)

    assert await waiting.inventory(5.0) == inventory
    assert ears.desk.facts == []
    ears.desk.alive = Live(
        calls=frozenset({CallId("known")}), legs=frozenset(), handoffs=frozenset(), lines=frozenset()
    )
    waiting.begin()
    waiting.fact_heard(CallerHungUp(call_id=CallId("c2")))

    ended = [CallerHungUp(call_id=CallId(each)) for each in ("c1", "c2")]
    assert ears.desk.facts == [ended[0], PbxHeard(), ended[1]]
    assert ears.ear.is_connected


async def test_a_pbx_that_stays_away_has_lost_its_calls(ears: Ears) -> None:
    assert await WaitingEar(ears.ear).inventory(0.01) == Inventory(is_same_run=False)
