"""A site that may dial: two lines of its own, one of a neighbour's, an emergency number."""

from router import facts, orders
from router.callback.policy import CallbackPolicy
from router.ids import AgentId, CallId, LegId, LineId, SiteId
from router.orders import Outcome
from router.outbound.policy import OutboundPolicy, Route
from router.overflow.policy import OverflowPolicy
from tests.fakes.floor import FloorUnderTest, all_of, one, sales

BEIJING, URUMQI = SiteId("beijing"), SiteId("urumqi")
LINE, OTHER_LINE = LineId("line-1"), LineId("line-2")
LOCAL = "+861066661111"
FAR = "+869916661111"
PREMIUM = "+861090001111"
EMERGENCY = "110"

POLICY = OutboundPolicy(
    routes=(
        Route(prefix="+8610", site_id=BEIJING, line_id=LINE, guests=frozenset({URUMQI})),
        Route(prefix="+86991", site_id=URUMQI, line_id=LINE, cost=0.1),
    ),
    lines={LINE: 2},
    emergency_line=LINE,
    emergency_numbers=frozenset({EMERGENCY}),
    barred=("+86109",),
)
TRIES = CallbackPolicy(try_limit=2, pause_ms=600_000)


def site(policy: OutboundPolicy = POLICY, *, is_open: bool = True, wrap_up_ms: int = 0) -> FloorUnderTest:
    """Customers may be called from the first moment on, unless it says otherwise."""
    floor = FloorUnderTest(
        policies=[sales(announce_interval_ms=0, wrap_up_limit_ms=wrap_up_ms)],
        overflow=OverflowPolicy(is_enabled=False),
        outbound=policy,
        callback=TRIES,
    )
    if is_open:
        floor.tell(facts.CallingHoursChanged(is_open=True), 0)
    return floor


def ask_callback(floor: FloorUnderTest, name: str, seconds: float) -> None:
    """A caller waits from `seconds` on and asks at once to be called back."""
    floor.call(name, seconds)
    floor.tell(facts.CallerChoseCallback(call_id=CallId(name)), seconds)


def dial(floor: FloorUnderTest, agent_id: AgentId, number: str, seconds: float, name: str = "out") -> Outcome:
    return floor.tell(facts.DialAsked(agent_id=agent_id, call_id=CallId(name), number=number), seconds)


def ringing_leg(outcome: Outcome) -> LegId:
    return one(outcome, orders.RingAgent).leg_id


def dialled_line(floor: FloorUnderTest, outcome: Outcome, seconds: float, number: str = LOCAL) -> CallId:
    """The rung agent answers and the number is found; returns the call that is dialled."""
    answered = floor.answer(ringing_leg(outcome), seconds)
    for order in all_of(answered, orders.FindNumber):
        answered += floor.tell(facts.NumberFound(call_id=order.call_id, number=number), seconds)
    return one(answered, orders.DialLine).call_id
