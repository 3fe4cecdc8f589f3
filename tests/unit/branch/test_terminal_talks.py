"""Keys at a terminal desk for talks of more than two, and what the screen says of them."""

import pytest
from rich.console import Console

from branch.terminal.acts import Hold, Resume, TransferToAgent
from branch.terminal.desk import Desk
from branch.terminal.menu import Act
from branch.terminal.screen import screen
from branch.terminal.seen import (
    AgentSeen,
    CallSeen,
    ConsultationSeen,
    Person,
    Position,
    QueueSeen,
    SiteSeen,
    Update,
)
from branch.terminal.talk_acts import (
    CancelConsultation,
    CompleteTransfer,
    Consult,
    EndSupervision,
    Merge,
    PickUpAt,
    PickUpFrom,
    Record,
    Supervise,
)
from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId, LegId, QueueId, SiteId
from router.talk.consultation import ConsultationState
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from router.views import RecordingState
from sync.records.tables import PersonRole

KIM, ANN, LI = AgentId("beijing/1"), AgentId("beijing/2"), AgentId("beijing/3")
C1, LEG, ANNS_LEG, SALES = CallId("c1"), LegId("l1"), LegId("l2"), QueueId("sales")


def agent(agent_id: AgentId, name: str, state: AgentState, leg_id: LegId | None = None) -> AgentSeen:
    return AgentSeen(
        agent_id=agent_id,
        name=name,
        state=state,
        reason=None,
        since_ms=0,
        skills=(),
        call_id=C1 if leg_id is not None else None,
        leg_id=leg_id,
        handoff_id=None,
    )


def desk(
    *,
    role: PersonRole = PersonRole.AGENT,
    me: AgentId = KIM,
    kim: AgentState = AgentState.TALKING,
    consultation: ConsultationSeen | None = None,
    recording: RecordingState = RecordingState.NONE,
    calls_waiting: int = 0,
) -> Desk:
    """Kim has a caller, Ann is ready unless she is consulted, Li's phone rings."""
    person = Person(
        person_id="p",
        name="Kim",
        role=role,
        agent_id=me if role is PersonRole.AGENT else None,
        site_id=SiteId("beijing"),
        site_name="北京",
        not_ready_reasons=(),
        token="t",
    )
    anns = (
        agent(ANN, "Ann", AgentState.TALKING, ANNS_LEG)
        if consultation
        else agent(ANN, "Ann", AgentState.READY)
    )
    seen = SiteSeen()
    seen.apply(
        Update(
            position=Position(incarnation=1, number=1),
            mono_ms=0,
            is_whole=True,
            queues=(
                QueueSeen(
                    queue_id=SALES,
                    calls_waiting=calls_waiting,
                    head_since_ms=None,
                    agents_staffed=1,
                    agents_idle=0,
                    service_level_ms=20_000,
                    offered_today=0,
                    answered_today=0,
                    in_level_today=0,
                ),
            ),
            agents=(agent(KIM, "Kim", kim, LEG), anns, agent(LI, "Li", AgentState.RINGING)),
            calls=(
                CallSeen(
                    call_id=C1,
                    queue_id=SALES,
                    state=CallState.HELD if kim is AgentState.ON_HOLD else CallState.CONNECTED,
                    priority=0,
                    queued_ms=0,
                    customer_id=None,
                    agent_id=KIM,
                    handoff_id=None,
                    served_by=None,
                    ringing_agents=(),
                    consultation=consultation,
                    recording=recording,
                ),
            ),
        ),
        0,
    )
    return Desk(person=person, seen=seen, is_connected=True)


def with_ann(
    state: ConsultationState = ConsultationState.TALKING, reason: str | None = None
) -> ConsultationSeen:
    return ConsultationSeen(agent_id=ANN, leg_id=ANNS_LEG, state=state, reason=reason)


def chosen(desk: Desk, key: str) -> Act | None:
    """The first line of the menu that the key opens."""
    assert desk.press(key) is None
    return desk.press("1")


def shown(desk: Desk) -> str:
    console = Console(width=140, record=True, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(screen(desk, 0))
    return captured.get()


def test_a_colleague_who_is_ready_is_consulted() -> None:
    assert chosen(desk(), "c") == Consult(leg_id=LEG, agent_id=ANN)


def test_t_transfers_blind_and_hands_over_to_whom_is_consulted() -> None:
    assert chosen(desk(), "t") == TransferToAgent(leg_id=LEG, agent_id=ANN)
    assert desk(consultation=with_ann()).press("t") == CompleteTransfer(leg_id=LEG)
    over = desk(consultation=with_ann(ConsultationState.OVER, "BUSY"))
    over.press("t")
    assert over.menu is not None


@pytest.mark.parametrize(
    ("key", "state", "act"),
    [
        ("m", AgentState.ON_HOLD, Merge(leg_id=LEG)),
        ("x", AgentState.ON_HOLD, CancelConsultation(leg_id=LEG)),
        ("h", AgentState.ON_HOLD, Resume(leg_id=LEG)),
        ("h", AgentState.TALKING, Hold(leg_id=LEG)),
    ],
)
def test_a_consulting_agents_keys(key: str, state: AgentState, act: Act) -> None:
    assert desk(kim=state, consultation=with_ann()).press(key) == act


def test_what_rings_a_colleague_is_picked_up_before_what_waits() -> None:
    both = desk(calls_waiting=2)
    both.press("p")

    assert both.menu is not None
    assert [each.act for each in both.menu.choices] == [PickUpAt(agent_id=LI), PickUpFrom(queue_id=SALES)]
    only_ringing = desk()
    only_ringing.press("p")
    assert only_ringing.menu is not None
    assert len(only_ringing.menu.choices) == 1


@pytest.mark.parametrize(
    ("recording", "acts"),
    [
        (RecordingState.NONE, [RecordingAct.START]),
        (RecordingState.RUNNING, [RecordingAct.PAUSE, RecordingAct.STOP]),
        (RecordingState.PAUSED, [RecordingAct.RESUME, RecordingAct.STOP]),
    ],
)
def test_only_what_fits_the_recording_is_offered(recording: RecordingState, acts: list[RecordingAct]) -> None:
    kims = desk(recording=recording)

    kims.press("d")

    assert kims.menu is not None
    assert [each.act for each in kims.menu.choices] == [Record(leg_id=LEG, act=act) for act in acts]


@pytest.mark.parametrize(
    ("key", "mode"),
    [("l", SupervisionMode.LISTEN), ("w", SupervisionMode.WHISPER), ("b", SupervisionMode.BARGE)],
)
def test_a_supervisor_chooses_among_those_who_talk(key: str, mode: SupervisionMode) -> None:
    supervisors = desk(role=PersonRole.SUPERVISOR)

    assert chosen(supervisors, key) == Supervise(agent_id=KIM, mode=mode)
    assert supervisors.press("x") == EndSupervision()


def test_an_admin_has_no_supervisors_keys() -> None:
    admins = desk(role=PersonRole.ADMIN)

    assert admins.press("l") is None
    assert admins.menu is None
    assert "barge" not in shown(admins)


def test_the_screen_says_why_a_consultation_came_to_nothing() -> None:
    text = shown(desk(consultation=with_ann(ConsultationState.OVER, "BUSY")))

    assert "consultation with Ann: is busy" in text


def test_a_consulted_colleague_is_not_offered_the_agents_keys() -> None:
    agents, anns = shown(desk(consultation=with_ann())), shown(desk(me=ANN, consultation=with_ann()))

    assert "hand the caller over" in agents
    assert "hand the caller over" not in anns
    assert "consulted by a colleague" in anns


def test_the_screen_says_that_the_talk_is_recorded() -> None:
    assert "is recorded" in shown(desk(recording=RecordingState.RUNNING))
    assert "recording is paused" in shown(desk(recording=RecordingState.PAUSED))
