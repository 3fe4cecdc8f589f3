"""A person's desk as one value that keys and updates change: no terminal, no network, no clock."""

from dataclasses import dataclass, field

from branch.terminal.acts import (
    Answer,
    HangUp,
    Hold,
    NotReady,
    Quit,
    Ready,
    Resume,
    TransferToAgent,
    TransferToQueue,
    WrapupDone,
)
from branch.terminal.menu import Act, Choice, Menu
from branch.terminal.note_entry import NoteEntry
from branch.terminal.seen import AgentSeen, CallInHand, CustomerSeen, Person, SiteSeen, Update
from branch.terminal.state_names import reason_name
from branch.terminal.talk_acts import CancelConsultation, CompleteTransfer, EndSupervision, Merge
from branch.terminal.talk_menus import consult_menu, pick_up_menu, record_menu, supervise_menu
from branch.terminal.visit_acts import NextVisit
from node.words import text as _
from router.agent import AgentState
from router.ids import CallId
from router.talk.supervision import SupervisionMode
from sync.records.tables import PersonRole

_SUPERVISORS_KEYS = {
    "l": SupervisionMode.LISTEN,
    "w": SupervisionMode.WHISPER,
    "b": SupervisionMode.BARGE,
}


@dataclass(slots=True)
class Desk:
    """What one person has before it."""

    person: Person
    seen: SiteSeen = field(default_factory=SiteSeen)
    customer: CustomerSeen | None = None
    """Who the call in hand is from, once looked up."""
    menu: Menu | None = None
    entry: NoteEntry | None = None
    """A note that is being written."""
    message: str = ""
    """What the last key came to, when that was not what was wanted."""
    is_connected: bool = False
    last_call_id: CallId | None = None
    """The last one that the person talked on, live or over."""

    @property
    def me(self) -> AgentSeen | None:
        """The person as an agent, as the site has it."""
        return self.seen.agents.get(self.person.agent_id) if self.person.agent_id is not None else None

    @property
    def call(self) -> CallInHand | None:
        """What rings or is connected here."""
        return self.seen.call_in_hand(self.person.agent_id) if self.person.agent_id is not None else None

    def see(self, update: Update, local_ms: int) -> None:
        """Take an update in, received at `local_ms` on the desk's own clock."""
        self.seen.apply(update, local_ms)
        me = self.me
        if me is not None and me.state in (AgentState.TALKING, AgentState.ON_HOLD):
            self.last_call_id = me.call_id

    def press(self, key: str) -> Act | None:
        """A key: opens a menu, works in it, or is something to be done."""
        if self.entry is not None:
            self.entry, act = self.entry.pressed(key)
            return act
        if self.menu is not None:
            self.menu, act = self.menu.pressed(key)
            return act
        self.message = ""
        if key.lower() == "q":
            return self._leave()
        if self.person.agent_id is not None:
            return self._agents_key(key.lower())
        return self._supervisors_key(key.lower()) if self.person.role is PersonRole.SUPERVISOR else None

    def _agents_key(self, key: str) -> Act | None:
        match key:
            case "r":
                return Ready()
            case "w":
                return WrapupDone()
            case "n" | "p" | "o":
                self._open(key)
            case "v":
                return NextVisit()
            case "a" | "h" | "t" | "e" | "c" | "m" | "x" | "d":
                call = self.call
                if call is not None:
                    return self._call_key(key, call)
                self.message = _("there is no call")
        return None

    def _open(self, key: str) -> None:
        if key == "n":
            self.menu = self._reasons()
        elif key == "p":
            self.menu = pick_up_menu(self.seen, self.person.agent_id)
        elif self.last_call_id is None:
            self.message = _("there is no call")
        else:
            self.entry = NoteEntry(call_id=self.last_call_id)

    def _supervisors_key(self, key: str) -> Act | None:
        if key == "x":
            return EndSupervision()
        mode = _SUPERVISORS_KEYS.get(key)
        if mode is not None:
            self.menu = supervise_menu(self.seen, mode)
        return None

    def _talk_key(self, key: str, call: CallInHand) -> Act | None:
        """Consulting, a transfer hands the caller to the colleague."""
        if key == "c":
            self.menu = consult_menu(self.seen, self.person.agent_id, call)
            return None
        if key == "d":
            self.menu = record_menu(call)
            return None
        if key == "m":
            return Merge(leg_id=call.leg_id)
        if key == "x":
            return CancelConsultation(leg_id=call.leg_id)
        if call.consultation is not None and call.consultation.is_live:
            return CompleteTransfer(leg_id=call.leg_id)
        self.menu = self._transfer(call)
        return None

    def _call_key(self, key: str, call: CallInHand) -> Act | None:
        if key == "a":
            return Answer(leg_id=call.leg_id)
        if key == "e":
            return HangUp(leg_id=call.leg_id)
        if key == "h":
            is_held = self.me is not None and self.me.state is AgentState.ON_HOLD
            return Resume(leg_id=call.leg_id) if is_held else Hold(leg_id=call.leg_id)
        return self._talk_key(key, call)

    def _leave(self) -> Act | None:
        if self.call is None:
            return Quit()
        stay = Choice(label=_("No, stay"), act=None)
        leave = Choice(label=_("Yes; the call goes on to its end, then you are logged out"), act=Quit())
        self.menu = Menu(title=_("A call is live. Leave?"), choices=[stay, leave])
        return None

    def _reasons(self) -> Menu:
        choices = [
            Choice(label=reason_name(each), act=NotReady(reason=each))
            for each in self.person.not_ready_reasons
        ]
        return Menu(title=_("Not ready: why?"), choices=choices)

    def _transfer(self, call: CallInHand) -> Menu:
        """Ready colleagues first, then the queues."""
        colleagues = [
            each
            for each in self.seen.agents.values()
            if each.state is AgentState.READY and each.agent_id != self.person.agent_id
        ]
        agents = [
            Choice(
                label=f"{each.name} ({each.agent_id})",
                act=TransferToAgent(leg_id=call.leg_id, agent_id=each.agent_id),
            )
            for each in sorted(colleagues, key=lambda each: each.name)
        ]
        queues = [
            Choice(
                label=_("queue {queue}", queue=each), act=TransferToQueue(leg_id=call.leg_id, queue_id=each)
            )
            for each in sorted(self.seen.queues)
        ]
        return Menu(title=_("Transfer to whom?"), choices=[*agents, *queues])
