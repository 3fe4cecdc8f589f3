"""Which order leaves the process when: the irreversible ones after the commit of what they rest on.

Orders leave in the order in which they were given, except that a reversible one leaves at
once where nothing of the same call, leg, agent or hand-off still waits before it: a phone
must have been told to hang up before it is rung again.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping

from router.orders import (
    Announce,
    Ask,
    BridgeAgent,
    BridgeLine,
    BridgeTrunk,
    BridgeTrunkLeg,
    BridgeTrunkLine,
    DialLine,
    DialSite,
    FindCustomer,
    FindNumber,
    HangUpCall,
    HangUpLeg,
    HangUpLine,
    HangUpTrunk,
    HoldCall,
    HoldInQueue,
    HoldLeg,
    JoinTalk,
    MoveCaller,
    Order,
    Overhear,
    PartTalk,
    PauseRecording,
    PlayPrompts,
    PublishLoad,
    RecordTalk,
    RecordVoicemail,
    RedirectCaller,
    RejectTrunk,
    ResumeCall,
    RingAgent,
    StopPrompts,
    StopRecording,
    StopRinging,
    TakeMoved,
    UnpauseRecording,
)

_SUBJECTS: Mapping[type[Order], tuple[str, ...]] = {
    Announce: ("call_id",),
    PlayPrompts: ("call_id",),
    StopPrompts: ("call_id",),
    FindCustomer: ("call_id",),
    HangUpCall: ("call_id",),
    HoldInQueue: ("call_id",),
    RecordVoicemail: ("call_id",),
    HangUpLeg: ("leg_id", "agent_id"),
    StopRinging: ("leg_id", "agent_id"),
    RingAgent: ("leg_id", "agent_id", "call_id", "handoff_id"),
    BridgeAgent: ("call_id", "leg_id"),
    HoldCall: ("call_id", "leg_id"),
    ResumeCall: ("call_id", "leg_id"),
    JoinTalk: ("leg_id", "joining"),
    HoldLeg: ("leg_id", "call_id"),
    PartTalk: ("leg_id", "parting"),
    RecordTalk: ("leg_id",),
    PauseRecording: ("leg_id",),
    UnpauseRecording: ("leg_id",),
    StopRecording: ("leg_id",),
    Overhear: ("leg_id", "beside"),
    DialSite: ("call_id", "handoff_id"),
    BridgeTrunk: ("call_id", "handoff_id"),
    BridgeTrunkLeg: ("handoff_id", "leg_id"),
    MoveCaller: ("call_id", "handoff_id"),
    RedirectCaller: ("call_id",),
    TakeMoved: ("handoff_id", "move_id", "leg_id"),
    HangUpTrunk: ("handoff_id",),
    RejectTrunk: ("handoff_id",),
    FindNumber: ("call_id",),
    DialLine: ("call_id", "handoff_id"),
    BridgeLine: ("call_id", "leg_id"),
    BridgeTrunkLine: ("handoff_id", "call_id"),
    HangUpLine: ("call_id",),
    PublishLoad: (),
}


def subjects(order: Order) -> tuple[str, ...]:
    """The ids whose orders must not overtake each other.

    UUIDs, and agents' ids, which have a slash in them: kinds cannot collide.

    An `Ask` belongs to its hand-off and not to its call: it goes to another site, which
    never sees the order in which this one's PBX is told.
    """
    if isinstance(order, Ask):
        return (order.request.handoff_id,)
    ids = (getattr(order, name) for name in _SUBJECTS[type(order)])
    return tuple(each for each in ids if each is not None)


class Outbox:
    """Orders that wait for a commit, oldest first."""

    def __init__(self, carry_out: Callable[[Order], None]) -> None:
        self._carry_out = carry_out
        self._waiting: deque[tuple[int, Order, tuple[str, ...]]] = deque()
        self._waiting_of: Counter[str] = Counter()
        self._committed_seq = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, order: Order, *, rests_on: int) -> None:
        """Carry the order out now, or keep it until the ledger row `rests_on` is committed.

        `rests_on` never decreases from one order to the next.
        """
        must_wait = order.is_irreversible and rests_on > self._committed_seq
        if not must_wait and not self._waiting:
            self._carry_out(order)
            return
        ids = subjects(order)
        if not must_wait and not any(each in self._waiting_of for each in ids):
            self._carry_out(order)
            return
        self._waiting.append((rests_on, order, ids))
        self._waiting_of.update(ids)

    def committed(self, seq: int) -> None:
        """Every ledger row up to `seq` is on disk: let go what waited for it."""
        self._committed_seq = max(self._committed_seq, seq)
        while self._waiting and self._waiting[0][0] <= self._committed_seq:
            _seq, order, ids = self._waiting.popleft()
            self._forget(ids)
            self._carry_out(order)

    def _forget(self, ids: tuple[str, ...]) -> None:
        for each in ids:
            self._waiting_of[each] -= 1
            if not self._waiting_of[each]:
                del self._waiting_of[each]
