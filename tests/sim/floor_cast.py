"""Who and what there is at the floor that a teller tells of: agents, queues, flows, lines."""

import random
from datetime import UTC, datetime

from router.acd.policy import Distribution, LastResort, QueuePolicy, RecordingRule
from router.flow.nodes import (
    AskNumber,
    ByClass,
    Choice,
    Flow,
    HangUp,
    Menu,
    Message,
    Node,
    ToCallback,
    ToQueue,
    ToVoicemail,
)
from router.ids import (
    AgentId,
    LineId,
    NodeName,
    QueueId,
    SiteId,
    Skill,
)
from router.outbound.policy import OutboundPolicy, Route

HOME = SiteId("home")
PEERS = (SiteId("p"), SiteId("q"))
QUEUES = (QueueId("A"), QueueId("B"), QueueId("C"))
SKILLS = (Skill("a"), Skill("b"))
AGENTS = tuple(AgentId(f"home/{number}") for number in range(4))
SUPERVISORS = ("lee", "wu")

LINES = (LineId("line-1"), LineId("line-2"))
NUMBERS = ("+861066661111", "+862166662222", "+869006663333", "110", "+44", "nonsense")

OUTBOUND = OutboundPolicy(
    routes=(
        Route(prefix="+8610", site_id=HOME, line_id=LINES[0], guests=frozenset(PEERS[:1])),
        Route(prefix="+86", site_id=PEERS[0], line_id=LINES[1], cost=0.1),
        Route(prefix="+86", site_id=HOME, line_id=LINES[1], cost=0.2, guests=frozenset(PEERS)),
    ),
    lines={LINES[0]: 2, LINES[1]: 1},
    emergency_line=LINES[0],
    emergency_numbers=frozenset({"110"}),
    barred=("+86900",),
)

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def _flow(start: str, **nodes: Node) -> Flow:
    named = {NodeName(name): node for name, node in nodes.items()}
    return Flow(start=NodeName(start), default=NodeName("person"), nodes=named)


_MENU = Menu(
    prompts=("menu",),
    choices={
        key: Choice(to=NodeName(to)) for key, to in zip("0123", ("number", "box", "back", "end"), strict=True)
    },
    otherwise=NodeName("person"),
    try_limit=2,
)
_WAYS_OUT: dict[str, Node] = {
    "person": ToQueue(queue_id=QUEUES[0]),
    "vip": ToQueue(priority=9, skills=frozenset(SKILLS)),
    "box": ToVoicemail(queue_id=QUEUES[1]),
    "back": ToCallback(),
    "end": HangUp(),
}
FLOWS = (
    _flow(
        "known",
        known=ByClass(classes={"VIP": NodeName("vip")}, otherwise=NodeName("menu")),
        menu=_MENU,
        number=AskNumber(
            prompts=("number",), found=NodeName("known"), not_found=NodeName("menu"), most_digits=1
        ),
        **_WAYS_OUT,
    ),
    _flow(
        "menu",
        menu=_MENU,
        number=Message(prompts=("no_numbers_today",), to=NodeName("vip")),
        **_WAYS_OUT,
    ),
)
FAULTY_FLOW = _flow("nowhere")


def draw_policy(rng: random.Random, queue_id: QueueId) -> QueuePolicy:
    return QueuePolicy(
        queue_id=queue_id,
        skills=frozenset(rng.sample(SKILLS, rng.randint(0, 2))),
        distribution=rng.choice(list(Distribution)),
        ring_limit_ms=rng.choice((1_000, 15_000)),
        ring_all_limit=rng.randint(1, 3),
        wrap_up_limit_ms=rng.choice((0, 0, 3_000)),
        waiting_call_limit=rng.choice((2, 100)),
        wait_limit_ms=rng.choice((5_000, 3_600_000)),
        last_resort=rng.choice(list(LastResort)),
        announce_interval_ms=rng.choice((0, 2_000)),
        is_overflow_allowed=rng.random() < 0.9,
        recording=rng.choice(list(RecordingRule)),
    )
