"""A note that a helper's agent leaves with a call's own site, between the branch and the wire."""

from dataclasses import dataclass, field

from trunkline.handoff.v1 import handoff_pb2 as pb

from branch.customers.contact_note import NOTE_LIMIT_CHARS
from branch.peers.card_wire import AUTHOR_LIMIT_CHARS
from router.ids import HandoffId, SiteId
from sync.link import validate
from sync.link.refusals import InvalidFieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftNote:
    """What the agent wrote, and by which hand-off it had the caller."""

    handoff_id: HandoffId
    note_id: str
    author: str
    text: str = field(repr=False)


def leave_request(
    left: LeftNote, *, site_id: SiteId, incarnation: int, timeout_ms: int
) -> pb.LeaveNoteRequest:
    envelope = pb.Envelope(
        handoff_id=left.handoff_id, site_id=site_id, incarnation=incarnation, timeout_ms=timeout_ms
    )
    return pb.LeaveNoteRequest(envelope=envelope, note_id=left.note_id, author=left.author, text=left.text)


def read_leave_request(request: pb.LeaveNoteRequest) -> tuple[SiteId, LeftNote]:
    """Who says to have sent it, and what it is.

    Raises:
        InvalidFieldError: a field is missing or absurd, or the author is not the sender's.
    """
    validate.present("envelope", request.HasField("envelope"))
    site_id = validate.site("envelope.site_id", request.envelope.site_id)
    author = validate.text("author", request.author, most_chars=AUTHOR_LIMIT_CHARS)
    if not author.startswith(f"{site_id}/"):
        raise InvalidFieldError("author", "is no agent of the sender")
    return site_id, LeftNote(
        handoff_id=HandoffId(validate.uuid_text("envelope.handoff_id", request.envelope.handoff_id)),
        note_id=validate.uuid_text("note_id", request.note_id),
        author=author,
        text=note_text("text", request.text),
    )


def note_text(field: str, written: str) -> str:
    """Raises:
    InvalidFieldError: it is blank, too long or more than a line.
    """
    validate.present(field, bool(written.strip()))
    return validate.text(field, written, most_chars=NOTE_LIMIT_CHARS)
