"""Facts: what happened at a site, told to its floor in the order it happened.

Past tense, each with the ids it is about. The telephony adapter, the agents' desks, the
other sites, the load board and the store are the only tellers.
"""

from router.facts.agents import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentBecameUnreachable,
    AgentLoggedIn,
    AgentLoggedOut,
    CancelAsked,
    CompleteAsked,
    ConsultAsked,
    HangUpAsked,
    HoldAsked,
    MergeAsked,
    PhoneLost,
    PickupAsked,
    ReachChanged,
    RecordingAsked,
    ResumeAsked,
    SuperviseAsked,
    SupervisionEndAsked,
    TransferAsked,
    WrapupFinished,
)
from router.facts.calls import (
    CallArrived,
    CallerChoseCallback,
    CallerChoseVoicemail,
    CallerHungUp,
    CallerLeftAlone,
    CallFailed,
    CustomerFound,
    CustomerNotFound,
    KeyPressed,
    LegAnswered,
    LegFailed,
    LegHungUp,
    LegRang,
    MessageFound,
    MoveTried,
    PbxDied,
    PbxHeard,
    PbxSilent,
    PromptsPlayed,
    RecordingFinished,
    TrunkAnswered,
    TrunkCallArrived,
    TrunkFailed,
    TrunkHungUp,
    TrunkMoved,
    TrunkRang,
    VoicemailRecorded,
)
from router.facts.node import (
    AcceptingChanged,
    ClockStepped,
    FlowApplied,
    NodeStarted,
    PolicyApplied,
)
from router.facts.outbound import (
    CallingHoursChanged,
    DialAsked,
    LineAnswered,
    LineFailed,
    LineHungUp,
    NumberFound,
)
from router.facts.sites import (
    LoadSeen,
    SiteAsked,
    SiteGone,
    SiteReplied,
    SiteSilent,
    ViewConfirmed,
)

__all__ = [
    "AcceptingChanged",
    "AgentBecameNotReady",
    "AgentBecameReady",
    "AgentBecameUnreachable",
    "AgentLoggedIn",
    "AgentLoggedOut",
    "CallArrived",
    "CallFailed",
    "CallerChoseCallback",
    "CallerChoseVoicemail",
    "CallerHungUp",
    "CallerLeftAlone",
    "CallingHoursChanged",
    "CancelAsked",
    "ClockStepped",
    "CompleteAsked",
    "ConsultAsked",
    "CustomerFound",
    "CustomerNotFound",
    "DialAsked",
    "Fact",
    "FlowApplied",
    "HangUpAsked",
    "HoldAsked",
    "KeyPressed",
    "LegAnswered",
    "LegFailed",
    "LegHungUp",
    "LegRang",
    "LineAnswered",
    "LineFailed",
    "LineHungUp",
    "LoadSeen",
    "MergeAsked",
    "MessageFound",
    "MoveTried",
    "NodeStarted",
    "NumberFound",
    "PbxDied",
    "PbxHeard",
    "PbxSilent",
    "PhoneLost",
    "PickupAsked",
    "PolicyApplied",
    "PromptsPlayed",
    "ReachChanged",
    "RecordingAsked",
    "RecordingFinished",
    "ResumeAsked",
    "SiteAsked",
    "SiteGone",
    "SiteReplied",
    "SiteSilent",
    "SuperviseAsked",
    "SupervisionEndAsked",
    "TransferAsked",
    "TrunkAnswered",
    "TrunkCallArrived",
    "TrunkFailed",
    "TrunkHungUp",
    "TrunkMoved",
    "TrunkRang",
    "ViewConfirmed",
    "VoicemailRecorded",
    "WrapupFinished",
]

Fact = (
    CallArrived
    | CallerHungUp
    | CallFailed
    | PbxDied
    | PbxSilent
    | PbxHeard
    | CallerChoseVoicemail
    | CallerChoseCallback
    | VoicemailRecorded
    | MessageFound
    | CallerLeftAlone
    | KeyPressed
    | PromptsPlayed
    | CustomerFound
    | CustomerNotFound
    | LegRang
    | LegAnswered
    | LegFailed
    | LegHungUp
    | TrunkCallArrived
    | TrunkRang
    | TrunkAnswered
    | TrunkFailed
    | TrunkHungUp
    | MoveTried
    | TrunkMoved
    | AgentLoggedIn
    | AgentLoggedOut
    | AgentBecameReady
    | AgentBecameNotReady
    | AgentBecameUnreachable
    | PhoneLost
    | ReachChanged
    | WrapupFinished
    | HoldAsked
    | ResumeAsked
    | TransferAsked
    | HangUpAsked
    | ConsultAsked
    | CompleteAsked
    | CancelAsked
    | MergeAsked
    | PickupAsked
    | RecordingAsked
    | RecordingFinished
    | SuperviseAsked
    | SupervisionEndAsked
    | DialAsked
    | NumberFound
    | LineAnswered
    | LineFailed
    | LineHungUp
    | CallingHoursChanged
    | SiteAsked
    | SiteReplied
    | SiteSilent
    | LoadSeen
    | SiteGone
    | ViewConfirmed
    | PolicyApplied
    | FlowApplied
    | AcceptingChanged
    | ClockStepped
    | NodeStarted
)
