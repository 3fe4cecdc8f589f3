"""Notes on contacts in memory, and a site that keeps none."""

from dataclasses import dataclass, field

from branch.customers.contact_note import Contact, KeptNote
from branch.peers.note_wire import LeftNote
from router.ids import AgentId, CallId, HandoffId, SiteId


class NoNotes:
    """Takes what other sites' agents write, and keeps nothing."""

    def __init__(self) -> None:
        self.taken: list[tuple[SiteId, LeftNote]] = []

    async def take(self, site_id: SiteId, left: LeftNote) -> None:
        self.taken.append((site_id, left))


@dataclass(kw_only=True)
class KeptNotes:
    """What the store keeps of them; a test says who has talked on which call."""

    talks: dict[tuple[CallId, AgentId], Contact] = field(default_factory=dict)
    given: dict[tuple[HandoffId, SiteId], Contact] = field(default_factory=dict)
    kept: dict[str, KeptNote] = field(default_factory=dict)

    def contact(self, call_id: CallId, agent_id: AgentId) -> Contact | None:
        return self.talks.get((call_id, agent_id))

    def knows(self, call_id: CallId) -> bool:
        return any(call_id == each for each, _agent in self.talks)

    def given_away(self, handoff_id: HandoffId, peer: SiteId) -> Contact | None:
        return self.given.get((handoff_id, peer))

    def add(self, note: KeptNote, *, call_limit: int) -> KeptNote | None:
        of_call = [each for each in self.kept.values() if each.call_id == note.call_id]
        if note.note_id not in self.kept and len(of_call) >= call_limit:
            return None
        return self.kept.setdefault(note.note_id, note)
