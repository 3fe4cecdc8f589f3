"""A line that a person writes at the desk: the note on the call in hand, or on the last one."""

from dataclasses import dataclass, field, replace

from branch.customers.contact_note import NOTE_LIMIT_CHARS
from branch.terminal.client import DeskClient
from branch.terminal.keys import BACKSPACE, ENTER, ESCAPE
from branch.terminal.menu import Act
from router.ids import CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteNote:
    """Whoever talks with the customer next sees it."""

    call_id: CallId
    text: str = field(repr=False)

    async def ask(self, client: DeskClient) -> None:
        await client.write_note(self.call_id, self.text)

    def entry(self) -> "NoteEntry":
        """What was written, to be sent once more or changed."""
        return NoteEntry(call_id=self.call_id, typed=self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEntry:
    """Open until Enter keeps what was written, or Esc drops it."""

    call_id: CallId
    typed: str = field(default="", repr=False)

    def pressed(self, key: str) -> "tuple[NoteEntry | None, Act | None]":
        """The entry afterwards, None once it is closed, and what is to be done."""
        if key == ESCAPE:
            return None, None
        if key == ENTER:
            text = self.typed.strip()
            return None, WriteNote(call_id=self.call_id, text=text) if text else None
        if key == BACKSPACE:
            return replace(self, typed=self.typed[:-1]), None
        is_taken = key.isprintable() and len(self.typed) < NOTE_LIMIT_CHARS
        return (replace(self, typed=self.typed + key) if is_taken else self), None
