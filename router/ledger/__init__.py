"""The call ledger's entries: what a site writes down, one class a kind.

An entry says only what happened; the row around it says where and when. KPIs, CDRs,
recovery after a restart, the explanation of a call and the nightly consolidation all
derive from rows. A caller's number never stands in one.
"""

from collections.abc import Mapping
from dataclasses import fields

from router.ledger.calls import (
    AgentOffered,
    AgentRang,
    Announced,
    CallArrived,
    CallConnected,
    CallEnded,
    CallHeld,
    CallQueued,
    CallResumed,
    CallTransferred,
    CustomerIdentified,
    IvrChose,
    IvrEntered,
    RingFailed,
    VoicemailBegan,
    VoicemailLeft,
    WrapupEnded,
)
from router.ledger.entry import (
    Entry,
    LedgerRow,
)
from router.ledger.handoffs import (
    Decision,
    HandoffAsked,
    HandoffCancelled,
    HandoffConfirmed,
    HandoffConnected,
    HandoffDialed,
    HandoffEnded,
    HandoffExpired,
    HandoffMoved,
    HandoffMoving,
    HandoffPromised,
    HandoffRang,
    HandoffRedirected,
    HandoffRefused,
    HandoffReserved,
    HandoffStayed,
    HandoffTakenIn,
    Role,
)
from router.ledger.outbound import (
    CallbackDone,
    CallbackRequested,
    CallbackTried,
    LineLent,
    LineReturned,
    OutboundAnswered,
    OutboundBegan,
    OutboundDialed,
    OutboundEnded,
)
from router.ledger.site import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentStateChanged,
    ClockStepped,
    IvrFlowChanged,
    NodeDrained,
    NodeStarted,
    PolicyChanged,
)
from router.ledger.talks import (
    CallConferenced,
    ConsultationConnected,
    ConsultationEnded,
    Consulted,
    Monitored,
    MonitoringEnded,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)

__all__ = [
    "FIELDS",
    "KINDS",
    "AgentLoggedIn",
    "AgentLoggedOut",
    "AgentOffered",
    "AgentRang",
    "AgentStateChanged",
    "Announced",
    "CallArrived",
    "CallConferenced",
    "CallConnected",
    "CallEnded",
    "CallHeld",
    "CallQueued",
    "CallResumed",
    "CallTransferred",
    "CallbackDone",
    "CallbackRequested",
    "CallbackTried",
    "ClockStepped",
    "ConsultationConnected",
    "ConsultationEnded",
    "Consulted",
    "CustomerIdentified",
    "Decision",
    "Entry",
    "HandoffAsked",
    "HandoffCancelled",
    "HandoffConfirmed",
    "HandoffConnected",
    "HandoffDialed",
    "HandoffEnded",
    "HandoffExpired",
    "HandoffMoved",
    "HandoffMoving",
    "HandoffPromised",
    "HandoffRang",
    "HandoffRedirected",
    "HandoffRefused",
    "HandoffReserved",
    "HandoffStayed",
    "HandoffTakenIn",
    "IvrChose",
    "IvrEntered",
    "IvrFlowChanged",
    "LedgerRow",
    "LineLent",
    "LineReturned",
    "Monitored",
    "MonitoringEnded",
    "NodeDrained",
    "NodeStarted",
    "OutboundAnswered",
    "OutboundBegan",
    "OutboundDialed",
    "OutboundEnded",
    "PolicyChanged",
    "RecordingEnded",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingStarted",
    "RingFailed",
    "Role",
    "VoicemailBegan",
    "VoicemailLeft",
    "WrapupEnded",
]

# A dataclass with slots is a second class made from the first: the later one wins here.
KINDS: Mapping[str, type[Entry]] = {cls.kind: cls for cls in Entry.__subclasses__()}
"""Every entry class by its kind."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(cls)) for kind, cls in KINDS.items()
}
