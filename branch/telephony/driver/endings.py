"""What the end of a channel means to the branch."""

from branch.telephony.driver.holdings import Held, Stage
from branch.telephony.driver.vocabulary import Cause, Kind
from router.agent import RingFailure
from router.facts import (
    CallerHungUp,
    CallFailed,
    Fact,
    LegFailed,
    LegHungUp,
    LineFailed,
    LineHungUp,
    TrunkFailed,
    TrunkHungUp,
)
from router.ids import CallId, HandoffId
from router.outbound.outcome import OutboundOutcome

_RING_FAILURES = {
    Cause.BUSY: RingFailure.BUSY,
    Cause.REJECTED: RingFailure.REJECTED,
    Cause.NORMAL: RingFailure.REJECTED,
    Cause.NO_ANSWER: RingFailure.NO_ANSWER,
}

_LINE_FAILURES = {
    Cause.BUSY: OutboundOutcome.BUSY,
    Cause.REJECTED: OutboundOutcome.BUSY,
    Cause.NO_ANSWER: OutboundOutcome.NO_ANSWER,
}
"""A customer who rejects the call is there, and may have time later."""


def ending(held: Held, cause: Cause, reason: str) -> Fact | None:
    """The fact to tell, `reason` in it where it has one; None for a channel that was nothing to us yet."""
    if held.kind is Kind.PHONE:
        return _leg_ending(held, cause)
    if held.kind is Kind.LINE:
        return None if held.call_id is None else _line_ending(held, held.call_id, cause)
    if held.kind is Kind.CALLER and held.call_id is not None:
        return _caller_ending(held.call_id, cause, reason)
    return None if held.handoff_id is None else _trunk_ending(held, held.handoff_id, reason)


def _leg_ending(held: Held, cause: Cause) -> Fact:
    if held.is_answered:
        return LegHungUp(leg_id=held.leg_id)
    if held.stage is Stage.UP:
        # Outside, a machine that has hung up says as little of the agent as a phone that rang in vain.
        return LegFailed(leg_id=held.leg_id, reason=RingFailure.NO_ANSWER)
    reason = _RING_FAILURES.get(cause, RingFailure.UNREACHABLE)
    return LegFailed(leg_id=held.leg_id, reason=reason)


def _caller_ending(call_id: CallId, cause: Cause, reason: str) -> Fact:
    if cause is Cause.NORMAL:
        return CallerHungUp(call_id=call_id)
    return CallFailed(call_id=call_id, reason=reason)


def _line_ending(held: Held, call_id: CallId, cause: Cause) -> Fact:
    if held.stage is Stage.UP:
        return LineHungUp(call_id=call_id)
    return LineFailed(call_id=call_id, outcome=_LINE_FAILURES.get(cause, OutboundOutcome.FAILED))


def _trunk_ending(held: Held, handoff_id: HandoffId, reason: str) -> Fact:
    if held.kind is Kind.TRUNK_OUT and held.stage is not Stage.UP:
        return TrunkFailed(handoff_id=handoff_id, reason=reason)
    return TrunkHungUp(handoff_id=handoff_id)
