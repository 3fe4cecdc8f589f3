"""One plain sentence for each row that can belong to a call's story.

A row's fields fill its sentence: reasons in words, durations in seconds. `CallQueued` and
others that read differently by what is missing have a function of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields

from hq.explain.reasons import ENDINGS, MODES, OUTCOMES, REASONS, RING_FAILURES, STAGES, worded
from node.words import marked
from node.words import text as _
from router import ledger
from router.ledger import Entry, Role
from router.overflow.redirect_words import PROMISED

_BY_KIND: Mapping[type[Entry], str] = {
    ledger.CallArrived: marked("The call arrives; {dialled} was dialled."),
    ledger.IvrEntered: marked("The caller hears the IVR, in {language}; the line's queue is {queue_id}."),
    ledger.IvrChose: marked("In the IVR: {node}, {choice}; on to {to_node}."),
    ledger.CustomerIdentified: marked("The caller is customer {customer_id}, class {customer_class}."),
    ledger.AgentRang: marked("The phone of {agent_id} rings."),
    ledger.RingFailed: marked("{agent_id} did not take it: {reason}."),
    ledger.CallHeld: marked("{agent_id} puts the caller on hold."),
    ledger.CallResumed: marked("{agent_id} is back with the caller."),
    ledger.WrapupEnded: marked("{agent_id} has finished wrap-up, after {wrapup_ms} s."),
    ledger.VoicemailBegan: marked("The caller begins to leave a message; no agent is looked for any more."),
    ledger.VoicemailLeft: marked("A message was left for queue {queue_id}."),
    ledger.CallbackRequested: marked("The caller asks to be called back, and keeps the place in {queue_id}."),
    ledger.CallbackTried: marked("A try to call back is over: {outcome}."),
    ledger.CallbackDone: marked("The callback is done: {outcome}."),
    ledger.OutboundDialed: marked("{agent_id} answered; the customer is dialled by line {line_id} of {via}."),
    ledger.OutboundAnswered: marked("The customer answers, and talks with {agent_id}."),
    ledger.OutboundEnded: marked("The outbound call ends: {outcome}; talk {talk_ms} s."),
    ledger.LineLent: marked("Line {line_id} is lent to {peer} for this call."),
    ledger.LineReturned: marked("{peer} returns line {line_id}: {outcome}; talk {talk_ms} s."),
    ledger.Consulted: marked("{agent_id} rings {to_agent} to consult beside the call."),
    ledger.ConsultationConnected: marked("{to_agent} answers {agent_id}."),
    ledger.ConsultationEnded: marked("The consultation with {to_agent} is over: {reason}."),
    ledger.CallConferenced: marked("The caller, {agent_id} and {with_agent} talk together."),
    ledger.Monitored: marked("{supervisor} {mode} {agent_id}."),
    ledger.MonitoringEnded: marked("{supervisor} is no longer beside {agent_id}: {reason}."),
    ledger.RecordingStarted: marked("The talk of {agent_id} is recorded, kept for {retention_days} days."),
    ledger.RecordingPaused: marked("The recording is paused by {agent_id}."),
    ledger.RecordingResumed: marked("The recording goes on."),
    ledger.RecordingEnded: marked("The recording ends after {duration_ms} s: {reason}."),
    ledger.HandoffDialed: marked("The INVITE leaves for {peer}, with the token that proves the reservation."),
    ledger.HandoffConfirmed: marked("{peer} confirms that caller and agent talk: it counts as overflow."),
    ledger.HandoffMoving: marked("The caller's carrier is asked to call {peer} itself."),
    ledger.HandoffStayed: marked("The caller was not moved to {peer}: {reason}."),
    ledger.HandoffRedirected: marked(
        "Nobody has answered the caller, so its carrier is told to call {peer}, which queues it."
    ),
    ledger.HandoffPromised: marked(
        "Whoever comes with the token is queued in {queue_id}, after {waited_ms} s at {peer}."
    ),
    ledger.HandoffTakenIn: marked("The caller whom {peer} has sent on is here, as a caller of this site."),
}

_BY_ROLE: Mapping[tuple[type[Entry], Role], str] = {
    (ledger.HandoffAsked, Role.ORIGIN): marked("Nobody is idle at home: {peer} is asked to keep an agent."),
    (ledger.HandoffAsked, Role.HELPER): marked("An agent is idle here: {peer} is asked for a caller."),
    (ledger.HandoffRefused, Role.ORIGIN): marked(
        "{peer} does not take it: {reason}. The call keeps its place."
    ),
    (ledger.HandoffRefused, Role.HELPER): marked("The hand-off with {peer} comes to nothing: {reason}."),
    (ledger.HandoffReserved, Role.ORIGIN): marked("{peer} keeps an agent for the call."),
    (ledger.HandoffReserved, Role.HELPER): marked("{agent_id} is kept for a caller of {peer}."),
    (ledger.HandoffRang, Role.ORIGIN): marked(
        "The agent's phone at {peer} rings: only now the call leaves its place."
    ),
    (ledger.HandoffRang, Role.HELPER): marked("The phone rings for the caller of {peer}."),
    (ledger.HandoffConnected, Role.ORIGIN): marked("{peer} has answered; caller and trunk are joined."),
    (ledger.HandoffConnected, Role.HELPER): marked("{agent_id} answers the caller of {peer}."),
    (ledger.HandoffMoved, Role.ORIGIN): marked(
        "The caller's carrier has called {peer} itself; no leg of the call is left here."
    ),
    (ledger.HandoffMoved, Role.HELPER): marked(
        "The caller's own carrier has taken the place of the trunk from {peer}."
    ),
    (ledger.HandoffCancelled, Role.ORIGIN): marked("The hand-off to {peer} is taken back: {reason}."),
    (ledger.HandoffCancelled, Role.HELPER): marked("The hand-off from {peer} is taken back: {reason}."),
}

_REASON_TABLES: Mapping[type[Entry], tuple[Mapping[str, str], ...]] = {
    ledger.RingFailed: (RING_FAILURES,),
    ledger.ConsultationEnded: (RING_FAILURES, REASONS),
    ledger.HandoffRefused: (REASONS, RING_FAILURES),
    ledger.HandoffCancelled: (REASONS, RING_FAILURES),
}


def sentence(entry: Entry) -> str:
    """What the row says, in the reader's language."""
    special = _SPECIAL.get(type(entry))
    if special is not None:
        return special(entry)
    role = getattr(entry, "role", None)
    template = _BY_KIND.get(type(entry)) if role is None else _BY_ROLE.get((type(entry), role))
    return entry.kind if template is None else _(template, **_shown(entry))


def _shown(entry: Entry) -> dict[str, object]:
    return {field.name: _value(entry, field.name) for field in fields(entry)}


def _value(entry: Entry, name: str) -> object:
    value = getattr(entry, name)
    if value is None:
        return "-"
    if name.endswith("_ms"):
        return f"{value / 1000:.1f}"
    match name:
        case "reason":
            return worded(value, *_REASON_TABLES.get(type(entry), (REASONS,)))
        case "outcome":
            return worded(value, OUTCOMES)
        case "mode":
            return worded(value, MODES)
        case "stage":
            return worded(value, STAGES)
    return value


# --- rows that read differently by what they lack --------------------------------------------


def _queued(entry: ledger.CallQueued) -> str:
    if entry.waited_before_ms is not None:
        return _(
            "It takes a place in queue {queue_id}, priority {priority}, needing {skills}. The wait goes on,"
            " with {wait} s so far.",
            queue_id=entry.queue_id,
            priority=entry.priority,
            skills=", ".join(entry.skills) or _("no skill"),
            wait=f"{entry.waited_before_ms / 1000:.1f}",
        )
    return _(
        "The caller asks for a person and takes a place in queue {queue_id}, priority {priority}, needing"
        " {skills}. The wait counts from here.",
        queue_id=entry.queue_id,
        priority=entry.priority,
        skills=", ".join(entry.skills) or _("no skill"),
    )


def _expired(entry: ledger.HandoffExpired) -> str:
    if entry.role is Role.ORIGIN:
        return _("The hand-off to {peer} took too long {stage}. The call keeps its place.", **_shown(entry))
    if entry.stage == PROMISED:
        return _("The caller whom {peer} has sent on did not come in time.", **_shown(entry))
    return _("The hand-off from {peer} took too long {stage}; the agent is free again.", **_shown(entry))


def _announced(entry: ledger.Announced) -> str:
    if entry.position is None:
        return _("The caller is told nothing of the wait.")
    if entry.expected_wait_s is None:
        return _("The caller hears: number {position} in the queue.", position=entry.position)
    return _(
        "The caller hears: number {position} in the queue, about {wait} s.",
        position=entry.position,
        wait=entry.expected_wait_s,
    )


def _offered(entry: ledger.AgentOffered) -> str:
    if entry.after_leg is not None:
        told = _("{agent_id} is rung at its next place.", agent_id=entry.agent_id)
    elif entry.handoff_id is None:
        told = _("{agent_id} is chosen, by the queue's distribution.", agent_id=entry.agent_id)
    else:
        told = _("{agent_id}, who was kept for it, is rung.", agent_id=entry.agent_id)
    if entry.line_id is None:
        return told
    return " ".join((told, _("That is outside, over line {line}.", line=entry.line_id)))


def _connected(entry: ledger.CallConnected) -> str:
    wait = f"{entry.waited_ms / 1000:.1f}"
    if entry.agent_id is None:
        return _("The caller talks with an agent of {site}, after {wait} s.", site=entry.served_by, wait=wait)
    return _("The caller talks with {agent_id}, after {wait} s.", agent_id=entry.agent_id, wait=wait)


def _transferred(entry: ledger.CallTransferred) -> str:
    target = entry.to_agent or entry.to_queue
    if entry.to_leg is not None:
        return _(
            "{agent_id} hands the caller to {target}, who has been asked.",
            agent_id=entry.agent_id,
            target=target,
        )
    return _(
        "{agent_id} hands the caller on to {target}; it keeps its seniority.",
        agent_id=entry.agent_id,
        target=target,
    )


def _talk_ended(entry: ledger.HandoffEnded) -> str:
    if entry.role is Role.ORIGIN:
        told = _("The talk over the trunk to {peer} ends after {talk_ms} s.", **_shown(entry))
    else:
        told = _("{agent_id} talked {talk_ms} s with the caller of {peer}.", **_shown(entry))
    if entry.reason is None:
        return told
    return _("{told} Nobody hung up: {reason}.", told=told, reason=worded(entry.reason))


def _outbound_began(entry: ledger.OutboundBegan) -> str:
    if entry.callback_of is None:
        return _("{agent_id} wants to dial, and is rung first.", agent_id=entry.agent_id)
    return _(
        "{agent_id} is idle and is rung, to call back the caller of {call_id}.",
        agent_id=entry.agent_id,
        call_id=entry.callback_of,
    )


def _ended(entry: ledger.CallEnded) -> str:
    figures = _(
        "wait {wait} s, talk {talk} s, hold {hold} s",
        wait=f"{entry.waited_ms / 1000:.1f}",
        talk=f"{entry.talk_ms / 1000:.1f}",
        hold=f"{entry.hold_ms / 1000:.1f}",
    )
    ending = worded(entry.disposition, ENDINGS)
    if entry.reason is None:
        return _("The call ends: {ending} ({figures}).", ending=ending, figures=figures)
    return _(
        "The call ends: {ending}; {reason} ({figures}).",
        ending=ending,
        reason=worded(entry.reason),
        figures=figures,
    )


_SPECIAL: Mapping[type[Entry], Callable[..., str]] = {
    ledger.CallQueued: _queued,
    ledger.HandoffExpired: _expired,
    ledger.Announced: _announced,
    ledger.AgentOffered: _offered,
    ledger.CallConnected: _connected,
    ledger.CallTransferred: _transferred,
    ledger.HandoffEnded: _talk_ended,
    ledger.OutboundBegan: _outbound_began,
    ledger.CallEnded: _ended,
}


def has_sentence(kind: type[Entry]) -> bool:
    """Whether rows of this kind are told in words, whatever their role."""
    roles = all((kind, role) in _BY_ROLE for role in Role)
    return kind in _SPECIAL or kind in _BY_KIND or roles
