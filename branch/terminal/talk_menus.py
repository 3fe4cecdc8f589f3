"""Menus about talks of more than two: whom to consult, what to pick up, whose talk to join."""

from collections.abc import Iterable, Mapping, Sequence

from branch.terminal.menu import Choice, Menu
from branch.terminal.seen import AgentSeen, CallInHand, SiteSeen
from branch.terminal.talk_acts import Consult, PickUpAt, PickUpFrom, Record, Supervise
from node.words import text as _
from router.agent import AgentState
from router.ids import AgentId
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from router.views import RecordingState

_POSSIBLE_ACTS: Mapping[RecordingState, Sequence[RecordingAct]] = {
    RecordingState.NONE: (RecordingAct.START,),
    RecordingState.RUNNING: (RecordingAct.PAUSE, RecordingAct.STOP),
    RecordingState.PAUSED: (RecordingAct.RESUME, RecordingAct.STOP),
}


def consult_menu(seen: SiteSeen, me: AgentId | None, call: CallInHand) -> Menu:
    """Colleagues who are ready."""
    choices = [
        Choice(label=_label(each), act=Consult(leg_id=call.leg_id, agent_id=each.agent_id))
        for each in _in_state(seen, AgentState.READY)
        if each.agent_id != me
    ]
    return Menu(title=_("Consult whom?"), choices=choices)


def pick_up_menu(seen: SiteSeen, me: AgentId | None) -> Menu:
    """Colleagues whose phones ring first, then queues with callers."""
    ringing = [
        Choice(label=_label(each), act=PickUpAt(agent_id=each.agent_id))
        for each in _in_state(seen, AgentState.RINGING)
        if each.agent_id != me
    ]
    waiting = [
        Choice(label=_("queue {queue}", queue=each.queue_id), act=PickUpFrom(queue_id=each.queue_id))
        for each in sorted(seen.queues.values(), key=lambda each: each.queue_id)
        if each.calls_waiting
    ]
    return Menu(title=_("Pick up from where?"), choices=[*ringing, *waiting])


def record_menu(call: CallInHand) -> Menu:
    """What can be done with the recording as it stands."""
    labels = {
        RecordingAct.START: _("Record the talk"),
        RecordingAct.PAUSE: _("Leave out what is said now"),
        RecordingAct.RESUME: _("Go on recording"),
        RecordingAct.STOP: _("End the recording"),
    }
    choices = [
        Choice(label=labels[act], act=Record(leg_id=call.leg_id, act=act))
        for act in _POSSIBLE_ACTS[call.recording]
    ]
    return Menu(title=_("Recording"), choices=choices)


def supervise_menu(seen: SiteSeen, mode: SupervisionMode) -> Menu:
    """Agents who talk."""
    titles = {
        SupervisionMode.LISTEN: _("Listen to whom?"),
        SupervisionMode.WHISPER: _("Whisper to whom?"),
        SupervisionMode.BARGE: _("Barge in on whom?"),
    }
    choices = [
        Choice(label=_label(each), act=Supervise(agent_id=each.agent_id, mode=mode))
        for each in _in_state(seen, AgentState.TALKING, AgentState.ON_HOLD)
    ]
    return Menu(title=titles[mode], choices=choices)


def _in_state(seen: SiteSeen, *states: AgentState) -> Iterable[AgentSeen]:
    return sorted((each for each in seen.agents.values() if each.state in states), key=lambda each: each.name)


def _label(agent: AgentSeen) -> str:
    return f"{agent.name} ({agent.agent_id})"
