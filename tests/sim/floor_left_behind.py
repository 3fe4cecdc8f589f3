"""What a killed process has left: open work by the ledger, channels by the PBX."""

import random
from collections.abc import Iterator

from router.acd import calls
from router.floor import Floor
from router.ids import (
    CallId,
    HandoffId,
    Instant,
    NodeName,
    QueueId,
    SiteId,
)
from router.ledger import Role
from router.outbound.outbound import Outbound
from router.outbound.state import OutboundState
from router.overflow.help import Help
from router.overflow.messages import (
    HandoffState,
)
from router.recovery import (
    Inventory,
    LiveLeg,
    LiveLine,
    LiveTrunk,
    MediaState,
    OpenCall,
    OpenCallback,
    OpenConsultation,
    OpenHelp,
    OpenLoan,
    OpenOutbound,
    OpenPromise,
    OpenRecording,
    OpenSession,
    OpenWork,
)
from router.talk.consultation import ConsultationState
from tests.sim.floor_cast import (
    HOME,
    PEERS,
)


class LeftBehind:
    """Draws what of a killed process stands in its ledger, and what of that its PBX still holds."""

    def __init__(self, floor: Floor, rng: random.Random, now: Instant) -> None:
        self._floor, self._rng, self._now = floor, rng, now
        self._parts = floor._parts

    def draw(self) -> tuple[OpenWork, Inventory]:
        open_calls, callers, legs, trunks = [], set(), {}, {}
        for call in self._parts.calls:
            open_calls.append(self._open_call(call))
            if self._rng.random() < 0.8:
                callers.add(call.call_id)
        for agent in self._parts.roster:
            if agent.leg_id is not None and agent.call_id is not None and self._rng.random() < 0.8:
                legs[agent.leg_id] = LiveLeg(
                    leg_id=agent.leg_id,
                    agent_id=agent.agent_id,
                    call_id=agent.call_id,
                    handoff_id=agent.handoff_id,
                    state=self._rng.choice(list(MediaState)),
                    line_id=agent.way.line_id if agent.way is not None else None,
                )
        helps = []
        for view in self._floor.handoffs():
            if self._rng.random() < 0.8:
                trunks[view.handoff_id] = LiveTrunk(
                    handoff_id=view.handoff_id,
                    peer=view.peer,
                    role=view.role,
                    call_id=view.call_id if view.role is Role.ORIGIN else None,
                    state=self._rng.choice(list(MediaState)),
                    is_moved=view.role is Role.HELPER and self._rng.random() < 0.3,
                )
            help_ = self._parts.helper.find(view.handoff_id) if view.role is Role.HELPER else None
            if help_ is not None and help_.state is HandoffState.CONNECTED:
                helps.append(_open_help(help_))
        trunks |= self._live_line_trunks()
        sessions = [
            OpenSession(agent_id=a.agent_id, skills=a.skills, state=a.state, reason=a.reason)
            for a in self._floor.agents()
        ]
        alive = Inventory(
            callers=frozenset(callers),
            legs=legs,
            trunks=trunks,
            lines=self._live_lines(),
            is_same_run=self._rng.random() < 0.9,
        )
        work = OpenWork(
            calls=tuple(open_calls),
            sessions=tuple(sessions),
            helps=tuple(helps),
            promises=tuple(self._open_promises()),
            callbacks=tuple(self._open_callbacks()),
            outbound=tuple(map(_open_outbound, self._parts.outgoing._calls.values())),
            loans=tuple(self._open_loans()),
            places=dict(self._parts.reach._places),
        )
        return work, alive

    def _open_promises(self) -> Iterator[OpenPromise]:
        for handoff_id, promise in self._parts.taking_in._promises.items():
            yield OpenPromise(
                handoff_id=handoff_id,
                peer=promise.peer,
                call=promise.call,
                own_call_id=promise.own_call_id,
                queued_at=promise.queued_at,
                token_hash=promise.token_hash,
            )

    def _live_line_trunks(self) -> dict[HandoffId, LiveTrunk]:
        shown: list[tuple[HandoffId, SiteId, Role, CallId | None]] = []
        shown += [(each.handoff_id, each.peer, Role.HELPER, None) for each in self._floor.loans()]
        for out in self._floor.outbound():
            if out.handoff_id is not None:
                shown.append((out.handoff_id, PEERS[0], Role.ORIGIN, out.call_id))
        return {
            handoff_id: LiveTrunk(
                handoff_id=handoff_id,
                peer=peer,
                role=role,
                call_id=call_id,
                state=self._rng.choice(list(MediaState)),
            )
            for handoff_id, peer, role, call_id in shown
            if self._rng.random() < 0.8
        }

    def _live_lines(self) -> dict[CallId, LiveLine]:
        dialled = [each.call_id for each in self._floor.loans() if each.is_dialled]
        undialled = (OutboundState.RINGING, OutboundState.FINDING)
        dialled += [
            each.call_id
            for each in self._floor.outbound()
            if each.handoff_id is None and each.state not in undialled
        ]
        return {
            call_id: LiveLine(call_id=call_id, state=self._rng.choice(list(MediaState)))
            for call_id in dialled
            if self._rng.random() < 0.8
        }

    def _open_callbacks(self) -> Iterator[OpenCallback]:
        for each in self._parts.callbacks:
            yield OpenCallback(
                call_id=each.call_id,
                queue_id=each.queue_id if self._rng.random() < 0.95 else QueueId("removed"),
                skills=each.skills,
                priority=each.priority,
                queued_at=each.queued_at,
                try_count=each.try_count,
                tried_at=self._now if each.try_count else None,
            )

    def _open_loans(self) -> Iterator[OpenLoan]:
        for each in self._parts.lending._loans.values():
            if each.lent_at is not None:
                yield OpenLoan(
                    handoff_id=each.handoff_id,
                    peer=each.peer,
                    call_id=each.call_id,
                    line_id=each.line_id,
                    lent_at=each.lent_at,
                )

    def _open_call(self, call: calls.Call) -> OpenCall:
        handoff = self._parts.origin.find(call.handoff_id) if call.handoff_id is not None else None
        is_remote = handoff is not None and handoff.state is HandoffState.CONNECTED
        return OpenCall(
            call_id=call.call_id,
            queue_id=call.queue_id if self._rng.random() < 0.95 else QueueId("removed"),
            skills=call.skills,
            priority=call.priority,
            customer_id=call.customer_id,
            state=call.state,
            queued_at=call.queued_at,
            connected_at=self._now if call.is_answered else None,
            leg_id=call.leg_id,
            agent_id=call.agent_id,
            handoff_id=call.handoff_id,
            served_by=handoff.peer if handoff is not None else HOME,
            is_moving=is_remote and self._rng.random() < 0.3,
            is_moved=handoff is not None and handoff.state is HandoffState.MOVED,
            waited_ms=call.waited_ms,
            hold_ms=call.hold_ms,
            has_asked=call.has_asked,
            language=call.language,
            node=None if call.walk is None else self._rng.choice((None, call.walk.node, NodeName("gone"))),
            consultation=self._open_consultation(call.call_id),
            recording=self._open_recording(call.call_id),
        )

    def _open_recording(self, call_id: CallId) -> OpenRecording | None:
        recording = self._parts.recordings.find(call_id)
        if recording is None:
            return None
        return OpenRecording(
            recording_id=recording.recording_id,
            agent_id=recording.agent_id,
            leg_id=recording.leg_id,
            recorded_ms=recording.recorded_ms,
            since=recording.since,
        )

    def _open_consultation(self, call_id: CallId) -> OpenConsultation | None:
        consultation = self._parts.consulting.consultations.find(call_id)
        if consultation is None:
            return None
        return OpenConsultation(
            leg_id=consultation.leg_id,
            agent_id=consultation.colleague_id,
            is_answered=consultation.state is not ConsultationState.RINGING,
            is_merged=consultation.state is ConsultationState.MERGED,
        )


def _open_help(help_: Help) -> OpenHelp:
    assert help_.call is not None
    assert help_.agent_id is not None
    assert help_.leg_id is not None
    assert help_.connected_at is not None
    return OpenHelp(
        handoff_id=help_.handoff_id,
        peer=help_.peer,
        call_id=help_.call.call_id,
        agent_id=help_.agent_id,
        leg_id=help_.leg_id,
        queue_id=help_.call.queue_id,
        connected_at=help_.connected_at,
        is_confirmed=help_.is_confirmed,
        is_moved=help_.is_moved,
    )


def _open_outbound(out: Outbound) -> OpenOutbound:
    is_dialled = out.dialed_at is not None
    return OpenOutbound(
        call_id=out.call_id,
        agent_id=out.agent_id,
        queue_id=out.queue_id,
        callback_of=out.callback_of,
        leg_id=out.leg_id if is_dialled else None,
        via=out.way.site_id if is_dialled and out.way is not None else None,
        line_id=out.way.line_id if is_dialled and out.way is not None else None,
        handoff_id=out.handoff_id if is_dialled else None,
        dialed_at=out.dialed_at,
        answered_at=out.answered_at,
        is_held=out.held_since is not None,
        hold_ms=out.hold_ms,
    )
