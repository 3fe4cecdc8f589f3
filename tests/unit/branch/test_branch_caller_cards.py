"""Callers' cards: made from numbers and rows as they come, gone with their calls."""

from dataclasses import replace

import pytest

from branch.customers import caller_cards
from branch.customers.caller_card import CallerCard, IvrChoice
from branch.customers.caller_cards import CallerCards
from branch.customers.contact_note import ContactNote
from branch.customers.customer_book import Profile
from branch.desk.desk import CallerNumber
from router.call import Language
from router.ids import CallId, CustomerId, HandoffId, NodeName
from router.ledger import (
    CustomerIdentified,
    HandoffEnded,
    HandoffExpired,
    HandoffPromised,
    HandoffTakenIn,
    LedgerRow,
    Role,
)
from tests.fakes.cards import Known, Noted, cards_at
from tests.fakes.ledger_book import SALES, URUMQI, LedgerBook, arrived, chose, ended, entered_ivr, queued

C1, ACME = CallId("c1"), CustomerId("acme")
HANDOFF = HandoffId("h1")
NUMBER = "+8613800138000"
PROFILE = Profile(name="王小明", customer_class="VIP", region="海淀")
IN_THE_IVR = (entered_ivr("c1"), chose("c1", "2", "support"), chose("c1", "OPEN", "support", node="hours"))
FOUND = CustomerIdentified(call_id=C1, customer_id=ACME, customer_class="VIP")
WHOLE = CallerCard(
    number=NUMBER,
    name="王小明",
    customer_class="VIP",
    region="海淀",
    language=Language.CHINESE,
    choices=(
        IvrChoice(node=NodeName("menu"), choice="2"),
        IvrChoice(node=NodeName("hours"), choice="OPEN"),
    ),
)


NOTES = (ContactNote(written_utc_us=1, author="beijing/1", text="要发票"),)


@pytest.fixture
def cards() -> CallerCards:
    return cards_at({ACME: PROFILE})


@pytest.fixture
def rows() -> list[LedgerRow]:
    return LedgerBook().write(0, arrived("c1"), *IN_THE_IVR, FOUND, queued("c1"))


def test_a_card_holds_the_number_the_customer_and_the_way_through_the_ivr(
    cards: CallerCards, rows: list[LedgerRow]
) -> None:
    cards.note_caller(CallerNumber(call_id=C1, number=NUMBER, dialled="95588"))
    cards.note_rows(rows)

    assert cards.card_of(C1) == WHOLE


def test_a_withheld_number_and_a_stranger_leave_their_places_empty(cards: CallerCards) -> None:
    cards.note_caller(CallerNumber(call_id=C1, number=None, dialled="95588"))

    assert cards.card_of(C1) == CallerCard()
    assert cards.card_of(CallId("c2")) is None


def test_a_card_goes_with_its_call(cards: CallerCards, rows: list[LedgerRow]) -> None:
    cards.note_rows(rows)
    cards.note_rows(LedgerBook().write(9, ended("c1")))

    assert cards.card_of(C1) is None


def test_a_restarted_branch_takes_up_what_the_ledger_knows(cards: CallerCards, rows: list[LedgerRow]) -> None:
    cards.take_up(C1, NUMBER, rows)

    assert cards.card_of(C1) == WHOLE


def test_only_the_last_steps_of_a_long_way_count(cards: CallerCards) -> None:
    cards.note_rows(LedgerBook().write(0, *(chose("c1", str(each), "menu") for each in range(30))))

    card = cards.card_of(C1)
    assert card is not None
    assert [each.choice for each in card.choices] == [str(each) for each in range(10, 30)]


def test_a_guests_card_goes_with_the_hand_off(cards: CallerCards) -> None:
    cards.keep_guest(HANDOFF, WHOLE)
    assert cards.guest(HANDOFF) == WHOLE
    over = HandoffEnded(
        handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=C1, agent_id=None, talk_ms=0
    )
    cards.note_rows(LedgerBook().write(9, over))

    assert cards.guest(HANDOFF) is None


def test_peers_and_callers_fill_no_memory(cards: CallerCards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_cards, "GUEST_LIMIT", 2)
    monkeypatch.setattr(caller_cards, "CALLER_LIMIT", 2)
    for name in ("1", "2", "3"):
        cards.keep_guest(HandoffId(name), WHOLE)
        cards.note_caller(CallerNumber(call_id=CallId(name), number=None, dialled="95588"))

    assert [cards.guest(HandoffId(name)) for name in ("1", "2", "3")] == [None, WHOLE, WHOLE]
    assert [cards.card_of(CallId(name)) for name in ("1", "2", "3")] == [None, CallerCard(), CallerCard()]


def test_what_was_noted_of_a_customer_stands_on_its_card(rows: list[LedgerRow]) -> None:
    cards = cards_at({ACME: PROFILE}, {ACME: NOTES})
    cards.note_rows(rows)

    card = cards.card_of(C1)

    assert card is not None
    assert card.notes == NOTES


def test_nothing_is_shown_of_a_customer_who_is_not_known_any_more(rows: list[LedgerRow]) -> None:
    cards = cards_at({}, {ACME: NOTES})
    cards.note_rows(rows)

    assert cards.card_of(C1) == CallerCard(language=Language.CHINESE, choices=WHOLE.choices)


def test_a_customer_is_looked_up_once_a_call(rows: list[LedgerRow]) -> None:
    noted = Noted({})
    cards = CallerCards(Known({ACME: PROFILE}), noted)
    cards.note_rows(rows)
    cards.note_rows(LedgerBook().write(9, replace(queued("c1"), customer_id=ACME)))

    assert noted.asked == [ACME]


def promised() -> HandoffPromised:
    return HandoffPromised(
        handoff_id=HANDOFF,
        peer=URUMQI,
        call_id=C1,
        own_call_id=CallId("own"),
        queue_id=SALES,
        skills=(),
        priority=0,
        customer_id=ACME,
        waited_ms=100,
        token_hash="",
    )


def expired(stage: str) -> HandoffExpired:
    return HandoffExpired(handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=C1, stage=stage)


def test_what_the_first_site_knew_goes_with_a_redirected_caller_however_late_it_comes() -> None:
    cards = cards_at()
    taken = HandoffTakenIn(handoff_id=HANDOFF, peer=URUMQI, call_id=CallId("own"), origin_call_id=C1)
    cards.note_rows(LedgerBook().write(0, promised()))
    cards.keep_guest(HANDOFF, WHOLE)
    cards.note_rows(LedgerBook().write(3, expired("RESERVED")))
    assert cards.number_told(HANDOFF) == NUMBER

    cards.note_caller(CallerNumber(call_id=CallId("own"), number=NUMBER, dialled="overflow.urumqi"))
    cards.note_rows(LedgerBook().write(9, taken, arrived("own"), queued("own")))

    assert cards.card_of(CallId("own")) == WHOLE
    assert cards.guest(HANDOFF) is None


def test_the_card_of_a_redirected_caller_who_never_came_is_gone() -> None:
    cards = cards_at()
    cards.note_rows(LedgerBook().write(0, promised()))
    cards.keep_guest(HANDOFF, WHOLE)

    cards.note_rows(LedgerBook().write(30, expired("PROMISED")))

    assert cards.guest(HANDOFF) is None
    assert cards.number_told(HANDOFF) is None
