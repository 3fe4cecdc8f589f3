"""States and reasons as people read them."""

from collections.abc import Mapping

from node.words import marked
from node.words import text as _
from router.acd.silence import PBX_SILENT
from router.agent import AgentState, RingFailure
from router.call import CallState, Language
from router.talk.consultation import ConsultationEnd, ConsultationState

_AGENT_STATES: Mapping[AgentState, str] = {
    AgentState.LOGGED_OUT: marked("logged out"),
    AgentState.NOT_READY: marked("not ready"),
    AgentState.READY: marked("ready"),
    AgentState.RESERVED: marked("reserved"),
    AgentState.RINGING: marked("ringing"),
    AgentState.TALKING: marked("talking"),
    AgentState.ON_HOLD: marked("on hold"),
    AgentState.WRAP_UP: marked("wrap-up"),
    AgentState.UNREACHABLE: marked("unreachable"),
    AgentState.MISSED: marked("missed a call"),
}
_CALL_STATES: Mapping[CallState, str] = {
    CallState.IVR: marked("in the IVR"),
    CallState.QUEUED: marked("waiting"),
    CallState.OFFERED: marked("ringing"),
    CallState.OFFERED_REMOTE: marked("ringing elsewhere"),
    CallState.CONNECTED: marked("talking"),
    CallState.HELD: marked("on hold"),
    CallState.CONNECTED_REMOTE: marked("talking elsewhere"),
    CallState.ENDING: marked("ending"),
}
_LANGUAGES: Mapping[Language, str] = {
    Language.CHINESE: marked("Chinese"),
    Language.ENGLISH: marked("English"),
}
_CONSULTATION_STATES: Mapping[ConsultationState, str] = {
    ConsultationState.RINGING: marked("ringing"),
    ConsultationState.TALKING: marked("answered"),
    ConsultationState.MERGED: marked("talking together"),
    ConsultationState.OVER: marked("over"),
}
_CONSULTATION_ENDS: Mapping[str, str] = {
    RingFailure.NO_ANSWER: marked("does not answer"),
    RingFailure.REJECTED: marked("rejected it"),
    RingFailure.BUSY: marked("is busy"),
    RingFailure.UNREACHABLE: marked("cannot be reached"),
    ConsultationEnd.COLLEAGUE_LEFT: marked("has hung up"),
}
_REASONS: Mapping[str, str] = {
    "BREAK": marked("break"),
    "LUNCH": marked("lunch"),
    "TRAINING": marked("training"),
    "PAPERWORK": marked("paperwork"),
    "LOGGED_IN": marked("just logged in"),
    "DESK_LOST": marked("desk lost"),
    PBX_SILENT: marked("the PBX does not answer"),
}

STYLES: Mapping[AgentState, str] = {
    AgentState.READY: "green",
    AgentState.RESERVED: "cyan",
    AgentState.RINGING: "bold yellow",
    AgentState.TALKING: "bold blue",
    AgentState.ON_HOLD: "magenta",
    AgentState.WRAP_UP: "cyan",
    AgentState.MISSED: "red",
    AgentState.UNREACHABLE: "red",
}


def agent_state_name(state: AgentState) -> str:
    return _(_AGENT_STATES[state])


def call_state_name(state: CallState) -> str:
    return _(_CALL_STATES[state])


def language_name(language: Language) -> str:
    return _(_LANGUAGES[language])


def consultation_name(state: ConsultationState, reason: str | None) -> str:
    """Why it is over says more than that it is."""
    if reason is not None and reason in _CONSULTATION_ENDS:
        return _(_CONSULTATION_ENDS[reason])
    return _(_CONSULTATION_STATES[state])


def reason_name(reason: str) -> str:
    """A site may have reasons of its own, which are shown as it wrote them."""
    return _(_REASONS[reason]) if reason in _REASONS else reason
