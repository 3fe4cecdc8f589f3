"""One caller's way through a flow: what is heard, what a key does, and that every way ends."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from router.call import Disposition, Language
from router.flow.checks import problems
from router.flow.nodes import (
    AskNumber,
    ByClass,
    ByHours,
    Choice,
    Flow,
    HangUp,
    Menu,
    Message,
    Node,
    ToQueue,
    ToVoicemail,
    WayOut,
)
from router.flow.opening_hours import OpeningHours
from router.flow.walk import NODE_LIMIT, Chose, Hush, Leave, LookUp, Moves, Phase, Play, Wait, Walk
from router.ids import NodeName, QueueId

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday."""
NIGHT = NOON.replace(hour=23)

OFFICE = OpeningHours(
    week=(((9 * 60, 18 * 60),),) * 5 + ((), ()),
    holidays={date(2026, 10, 1): (), date(2026, 10, 10): ((10 * 60, 12 * 60),)},
)
SALES, VIP = ToQueue(queue_id=QueueId("sales")), ToQueue(priority=9)
AWAY = HangUp(disposition=Disposition.AFTER_HOURS)

NODES: Mapping[str, Node] = {
    "opening": ByHours(hours=OFFICE, open=NodeName("welcome"), closed=NodeName("closed")),
    "closed": Message(prompts=("after_hours",), to=NodeName("away")),
    "away": AWAY,
    "welcome": Message(prompts=("welcome",), to=NodeName("menu")),
    "menu": Menu(
        prompts=("main_menu",),
        choices={
            "1": Choice(to=NodeName("sales")),
            "2": Choice(to=NodeName("number")),
            "9": Choice(to=NodeName("menu"), language=Language.ENGLISH),
            "*": Choice(to=NodeName("box")),
        },
        otherwise=NodeName("person"),
        invalid=("invalid",),
    ),
    "number": AskNumber(
        prompts=("enter",),
        found=NodeName("class"),
        not_found=NodeName("menu"),
        least_digits=3,
        most_digits=6,
        try_limit=2,
        invalid=("unknown",),
    ),
    "class": ByClass(classes={"VIP": NodeName("vip")}, otherwise=NodeName("person")),
    "vip": VIP,
    "sales": SALES,
    "person": ToQueue(),
    "box": ToVoicemail(),
}


def flow(nodes: Mapping[str, Node] = NODES, start: str = "opening", default: str = "person") -> Flow:
    made = Flow(
        start=NodeName(start),
        default=NodeName(default),
        nodes={NodeName(name): node for name, node in nodes.items()},
    )
    assert problems(made, [QueueId("sales")]) == []
    return made


def begun(at: datetime = NOON, customer_class: str | None = None) -> Walk:
    walk = Walk(flow(), language=Language.CHINESE, customer_class=customer_class)
    walk.begin(at)
    return walk


def in_menu() -> Walk:
    walk = begun()
    walk.played(NOON)
    assert walk.node == "menu"
    return walk


def asked_for_number() -> Walk:
    walk = in_menu()
    walk.pressed("2", NOON)
    return walk


def press(walk: Walk, keys: str) -> Moves:
    """Each key; the moves of the last."""
    moves: Moves = []
    for key in keys:
        moves = walk.pressed(key, NOON)
    return moves


def way_out(moves: Moves) -> WayOut | None:
    return next((move.way for move in moves if isinstance(move, Leave)), None)


def said(moves: Moves) -> tuple[str, ...]:
    return tuple(prompt for move in moves if isinstance(move, Play) for prompt in move.prompts)


def chosen(moves: Moves) -> list[tuple[str, str]]:
    return [(move.choice, move.to) for move in moves if isinstance(move, Chose)]


# --- hours -----------------------------------------------------------------------------------


def test_an_open_site_says_welcome_and_then_its_menu() -> None:
    walk = Walk(flow(), language=Language.CHINESE, customer_class=None)

    first = walk.begin(NOON)
    second = walk.played(NOON)
    third = walk.played(NOON)

    assert chosen(first) == [("OPEN", "welcome")]
    assert (said(first), said(second)) == (("welcome",), ("main_menu",))
    assert third == [Wait(wait_ms=5_000)]


def test_a_closed_site_says_so_and_hangs_up_after_the_last_word() -> None:
    walk = Walk(flow(), language=Language.CHINESE, customer_class=None)

    first = walk.begin(NIGHT)
    assert (chosen(first), said(first)) == ([("CLOSED", "closed")], ("after_hours",))

    assert way_out(walk.played(NIGHT)) == AWAY


def test_hours_hold_up_to_their_end_and_not_longer() -> None:
    for hour, minute, opening in ((8, 59, "CLOSED"), (9, 0, "OPEN"), (17, 59, "OPEN"), (18, 0, "CLOSED")):
        assert OFFICE.at(NOON.replace(hour=hour, minute=minute)) == opening


def test_a_holiday_has_its_own_hours_and_its_own_word_for_closed() -> None:
    saturday = datetime(2026, 10, 10, 11, 0, tzinfo=UTC)

    assert OFFICE.at(datetime(2026, 10, 1, 11, 0, tzinfo=UTC)) == "HOLIDAY"
    assert OFFICE.at(saturday) == "OPEN"
    assert OFFICE.at(saturday.replace(hour=13)) == "HOLIDAY"
    assert OFFICE.at(saturday.replace(day=17)) == "CLOSED"


# --- menus -----------------------------------------------------------------------------------


def test_a_key_stops_the_prompt_and_leads_on() -> None:
    moves = in_menu().pressed("1", NOON)

    assert moves == [Hush(), Chose(node=NodeName("menu"), choice="1", to=NodeName("sales")), Leave(way=SALES)]


def test_a_key_after_the_prompt_stops_nothing() -> None:
    walk = in_menu()
    walk.played(NOON)

    assert Hush() not in walk.pressed("1", NOON)


def test_a_wrong_key_is_told_so_and_the_menu_comes_again() -> None:
    assert said(in_menu().pressed("7", NOON)) == ("invalid", "main_menu")


def test_wrong_keys_and_silence_are_tries_and_the_last_one_leads_otherwise() -> None:
    walk = in_menu()

    press(walk, "7")
    walk.played(NOON)
    assert said(walk.waited(NOON)) == ("main_menu",)
    walk.played(NOON)

    assert way_out(walk.waited(NOON)) == ToQueue()


def test_a_language_is_spoken_from_its_key_on() -> None:
    walk = in_menu()
    before = walk.language

    press(walk, "9")

    assert (before, walk.language) == (Language.CHINESE, Language.ENGLISH)


def test_a_key_in_a_message_does_nothing() -> None:
    walk = begun()

    assert walk.pressed("1", NOON) == []
    assert walk.node == "welcome"


def test_an_end_that_was_never_told_is_taken_as_told() -> None:
    walk = begun()

    assert said(walk.waited(NOON)) == ("main_menu",)


# --- customers' numbers ----------------------------------------------------------------------


def test_a_number_ends_with_its_key_its_length_or_a_pause() -> None:
    for keys, is_over in (("12345#", True), ("123456", True), ("1234", False)):
        moves = press(asked_for_number(), keys)
        assert any(isinstance(move, LookUp) for move in moves) is is_over

    walk = asked_for_number()
    press(walk, "1234")
    assert walk.waited(NOON) == [LookUp(digits="1234", limit_ms=3_000)]


def test_a_star_begins_the_number_anew() -> None:
    assert press(asked_for_number(), "99*1234#") == [LookUp(digits="1234", limit_ms=3_000)]


def test_a_number_that_is_too_short_is_a_try() -> None:
    assert said(press(asked_for_number(), "12#")) == ("enter",)


def test_a_customer_goes_where_its_class_says_and_the_number_is_written_nowhere() -> None:
    walk = asked_for_number()
    press(walk, "1234#")

    moves = walk.found("1234", "VIP", NOON)

    assert way_out(moves) == VIP
    assert chosen(moves) == [("FOUND", "class"), ("VIP", "vip")]
    assert "1234" not in repr(moves)


def test_an_unknown_number_may_be_entered_again_and_then_the_menu_comes() -> None:
    walk = asked_for_number()
    press(walk, "1234#")
    assert said(walk.not_found("1234", NOON)) == ("unknown", "enter")
    press(walk, "4321#")

    moves = walk.waited(NOON)

    assert chosen(moves) == [("NOTHING", "menu")]


def test_what_is_told_late_of_another_number_makes_nobody_a_customer() -> None:
    walk = asked_for_number()
    press(walk, "1111#")
    walk.waited(NOON)
    press(walk, "2222#")

    assert walk.found("1111", "VIP", NOON) == []
    assert walk.customer_class is None


def test_a_caller_known_by_the_calling_number_needs_to_enter_none() -> None:
    nodes = {"start": NODES["class"], "vip": VIP, "person": ToQueue()}
    walk = Walk(flow(nodes, "start"), language=Language.CHINESE, customer_class="VIP")

    assert way_out(walk.begin(NOON)) == VIP


# --- changes and restarts --------------------------------------------------------------------


def test_a_changed_flow_leaves_callers_where_they_are() -> None:
    walk = in_menu()
    menu = Menu(prompts=("new",), choices={"5": Choice(to=NodeName("box"))}, otherwise=NodeName("number"))
    changed = flow({**{name: node for name, node in NODES.items() if name != "sales"}, "menu": menu})

    assert walk.changed(changed, NOON) == []

    assert way_out(walk.pressed("5", NOON)) == ToVoicemail()


def test_who_stands_in_a_node_that_is_gone_goes_to_the_default() -> None:
    walk = in_menu()

    moves = walk.changed(flow({"person": ToQueue(), "start": SALES}, "start"), NOON)

    assert moves[0] == Hush()
    assert chosen(moves) == [("NODE_REMOVED", "person")]
    assert way_out(moves) == ToQueue()


def test_a_restart_goes_on_at_the_node_that_is_known() -> None:
    for node, heard in ((None, "welcome"), ("menu", "main_menu"), ("number", "enter")):
        walk = Walk(flow(), language=Language.CHINESE, customer_class=None)
        assert said(walk.begin(NOON, None if node is None else NodeName(node))) == (heard,)

    gone = Walk(flow(), language=Language.CHINESE, customer_class=None)
    assert way_out(gone.begin(NOON, NodeName("removed"))) == ToQueue()


# --- every way ends --------------------------------------------------------------------------

EVENTS = ("played", "waited", "found", "not_found", "late", "changed", *"0123456789*#A")
WAITS_TO_THE_END = 1_500
"""Above NODE_LIMIT nodes of three tries, each played and listened to."""
OTHER = flow(
    {
        **NODES,
        "welcome": Menu(
            prompts=("new",),
            choices={key: Choice(to=NodeName(to)) for key, to in (("1", "sales"), ("2", "menu"))},
            otherwise=NodeName("box"),
        ),
        "menu": Message(prompts=("new",), to=NodeName("number")),
    }
)
"""Two nodes are of another kind there, so nobody may go on in them."""


def happen(walk: Walk, event: str, looked_up: str) -> Moves:
    match event:
        case "played":
            return walk.played(NOON)
        case "waited":
            return walk.waited(NOON)
        case "found":
            return walk.found(looked_up, "VIP", NOON)
        case "not_found":
            return walk.not_found(looked_up, NOON)
        case "late":
            return walk.found("000", "VIP", NOON)
        case "changed":
            return walk.changed(OTHER, NOON)
    return walk.pressed(event, NOON)


def check_wait(walk: Walk, moves: Moves) -> None:
    """Whoever does not leave is waited for: by a limit or by a wait, and by one alone."""
    if walk.phase is Phase.LEFT or not moves:
        return
    assert isinstance(moves[-1], (Play, Wait, LookUp))
    assert sum(isinstance(move, (Play, Wait, LookUp)) for move in moves) == 1


@given(st.lists(st.sampled_from(EVENTS), max_size=120), st.sampled_from([NOON, NIGHT]))
def test_any_keys_and_any_silence_end_in_exactly_one_place(events: list[str], at: datetime) -> None:
    walk = Walk(flow(), language=Language.CHINESE, customer_class=None)
    all_moves, looked_up = list(walk.begin(at)), ""
    for event in (*events, *["waited"] * WAITS_TO_THE_END):
        moves = happen(walk, event, looked_up)
        check_wait(walk, moves)
        looked_up = next((move.digits for move in moves if isinstance(move, LookUp)), looked_up)
        all_moves += moves

    assert walk.phase is Phase.LEFT
    assert sum(isinstance(move, Leave) for move in all_moves) == 1
    assert isinstance(all_moves[-1], Leave)


@given(st.lists(st.sampled_from(["1", "waited", "played"]), min_size=1, max_size=4))
def test_a_caller_who_goes_round_and_round_is_brought_to_a_person(habit: list[str]) -> None:
    round_: dict[str, Node] = {
        "again": Message(prompts=("again",), to=NodeName("menu")),
        "menu": Menu(
            prompts=("menu",), choices={"1": Choice(to=NodeName("again"))}, otherwise=NodeName("again")
        ),
    }
    walk = Walk(flow(round_, "again", "again"), language=Language.CHINESE, customer_class=None)
    walk.begin(NOON)
    moves: Moves = []
    for _ in range(NODE_LIMIT * 8):
        for event in (*habit, "waited"):
            moves = moves if walk.phase is Phase.LEFT else happen(walk, event, "")

    assert way_out(moves) == ToQueue()
