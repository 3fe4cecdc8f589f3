"""no_caller_waits_beside_an_idle_agent who may serve that call, at one site.

Read from one site's ledger: looked at whenever its time moves on, since all rows of one
moment belong together. After a transfer no row tells what the new queue asks for: such a
call is not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.agent import AgentState
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, SiteId, Skills
from router.ledger import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentOffered,
    AgentStateChanged,
    CallConnected,
    CallEnded,
    CallQueued,
    CallTransferred,
    Entry,
    HandoffCancelled,
    HandoffEnded,
    HandoffExpired,
    HandoffRang,
    HandoffRefused,
    LedgerRow,
    RingFailed,
    Role,
    VoicemailBegan,
)
from router.world.laws.law import InSystem, LedgerLaw, Seer

_RingEnds = HandoffCancelled | HandoffEnded | HandoffExpired | HandoffRefused


@dataclass(slots=True)
class _Waiting:
    skills: Skills
    legs: set[LegId] = field(default_factory=set)
    remote: HandoffId | None = None

    @property
    def is_in_queue(self) -> bool:
        return not self.legs and self.remote is None


@dataclass(slots=True)
class _Site:
    incarnation: int
    at: Instant
    calls: dict[CallId, _Waiting] = field(default_factory=dict)
    """Not answered yet, in the queue or ringing."""
    skills: dict[AgentId, Skills] = field(default_factory=dict)
    ready: dict[AgentId, Skills] = field(default_factory=dict)
    told: set[CallId] = field(default_factory=set)
    """Calls whose violation was told; each is told once."""


class NoCallerWaitsBesideAnIdleAgent(LedgerLaw):
    name = "no_caller_waits_beside_an_idle_agent"

    def __init__(self) -> None:
        super().__init__()
        self._sites: dict[SiteId, _Site] = {}

    def interests(self) -> Mapping[type[Entry], Seer]:
        return {
            CallQueued: self._queued,
            AgentOffered: self._offered,
            RingFailed: self._ring_failed,
            CallConnected: self._left,
            CallTransferred: self._left,
            VoicemailBegan: self._left,
            CallEnded: self._ended,
            HandoffRang: self._rang_remotely,
            **dict.fromkeys(
                (HandoffCancelled, HandoffEnded, HandoffExpired, HandoffRefused), self._remote_over
            ),
            AgentLoggedIn: self._logged_in,
            AgentLoggedOut: self._logged_out,
            AgentStateChanged: self._state_changed,
        }

    # --- calls -------------------------------------------------------------------------

    def _queued(self, row: LedgerRow, entry: CallQueued) -> None:
        self._site(row).calls[entry.call_id] = _Waiting(frozenset(entry.skills))

    def _offered(self, row: LedgerRow, entry: AgentOffered) -> None:
        call = self._site(row).calls.get(entry.call_id)
        if call is not None:
            call.legs.add(entry.leg_id)

    def _ring_failed(self, row: LedgerRow, entry: RingFailed) -> None:
        call = self._site(row).calls.get(entry.call_id)
        if call is not None:
            call.legs.discard(entry.leg_id)

    def _rang_remotely(self, row: LedgerRow, entry: HandoffRang) -> None:
        call = self._site(row).calls.get(entry.call_id)
        if call is not None and entry.role is Role.ORIGIN:
            call.remote = entry.handoff_id

    def _remote_over(self, row: LedgerRow, entry: _RingEnds) -> None:
        call = self._site(row).calls.get(entry.call_id) if entry.call_id else None
        if call is not None and call.remote == entry.handoff_id:
            call.remote = None

    def _left(self, row: LedgerRow, entry: CallConnected | CallTransferred | VoicemailBegan) -> None:
        self._site(row).calls.pop(entry.call_id, None)

    def _ended(self, row: LedgerRow, entry: CallEnded) -> None:
        site = self._site(row)
        site.calls.pop(entry.call_id, None)
        site.told.discard(entry.call_id)

    # --- agents ------------------------------------------------------------------------

    def _logged_in(self, row: LedgerRow, entry: AgentLoggedIn) -> None:
        self._site(row).skills[entry.agent_id] = frozenset(entry.skills)

    def _logged_out(self, row: LedgerRow, entry: AgentLoggedOut) -> None:
        site = self._site(row)
        site.skills.pop(entry.agent_id, None)
        site.ready.pop(entry.agent_id, None)

    def _state_changed(self, row: LedgerRow, entry: AgentStateChanged) -> None:
        site = self._site(row)
        if entry.state is AgentState.READY and entry.agent_id in site.skills:
            site.ready[entry.agent_id] = site.skills[entry.agent_id]
        else:
            site.ready.pop(entry.agent_id, None)

    # --- the law -----------------------------------------------------------------------

    def _site(self, row: LedgerRow) -> _Site:
        """The site's state, after judging the moment that is over now."""
        site = self._sites.get(row.site_id)
        if site is None:
            site = self._sites[row.site_id] = _Site(row.incarnation, row.mono_ms)
        elif site.incarnation != row.incarnation:
            # What rang did so for a process that is gone; only rows to come tell what became of it.
            site.incarnation = row.incarnation
        elif site.at != row.mono_ms:
            self._judge(row.site_id, site)
        site.at = row.mono_ms
        return site

    def _judge(self, site_id: SiteId, site: _Site) -> None:
        self._checked += 1
        if not site.ready or not site.calls:
            return
        for call_id, call in site.calls.items():
            if not call.is_in_queue or call_id in site.told:
                continue
            idle = next((agent for agent, skills in site.ready.items() if call.skills <= skills), None)
            if idle is not None:
                site.told.add(call_id)
                self._violate(
                    None, f"{site_id} at {site.at} ms: call {call_id} waits while agent {idle} is ready"
                )

    def settle(self, alive: InSystem) -> None:
        for site_id, site in self._sites.items():
            self._judge(site_id, site)
