"""A caller's card between the branch and the wire, both ways, refusing what is absurd."""

from trunkline.caller.v1 import caller_pb2 as pb

from branch.customers.caller_card import CallerCard, IvrChoice
from branch.customers.contact_note import NOTE_LIMIT_CHARS, SHOWN_LIMIT, ContactNote
from router.call import Language
from router.ids import NodeName
from sync.link import validate

NUMBER_LIMIT_CHARS = 16
NAME_LIMIT_CHARS = 200
CHOICE_LIMIT = 20
STEP_LIMIT_CHARS = 64
AUTHOR_LIMIT_CHARS = 200

_MOMENT_LIMIT_US = 253_402_300_799_000_000
"""The end of the year 9999: what a screen can show."""

_LIMITS = {
    "number": NUMBER_LIMIT_CHARS,
    "name": NAME_LIMIT_CHARS,
    "customer_class": STEP_LIMIT_CHARS,
    "region": NAME_LIMIT_CHARS,
    "language": STEP_LIMIT_CHARS,
}
_LANGUAGES = frozenset(str(each) for each in Language)


def fill_card(message: pb.CallerCard, card: CallerCard) -> None:
    """Write the card into a message that is part of another one, cut to what the other side takes.

    What a site has put into its own customer list must not cost a caller its hand-off.
    """
    message.SetInParent()
    for field, most_chars in _LIMITS.items():
        value = _fitting(getattr(card, field), most_chars)
        if value:
            setattr(message, field, value)
    for step in card.choices[-CHOICE_LIMIT:]:
        node, choice = _fitting(step.node, STEP_LIMIT_CHARS), _fitting(step.choice, STEP_LIMIT_CHARS)
        if node and choice:
            message.choices.add(node=node, choice=choice)
    for note in card.notes[:SHOWN_LIMIT]:
        author, text = _fitting(note.author, AUTHOR_LIMIT_CHARS), _fitting(note.text, NOTE_LIMIT_CHARS)
        if author and text:
            message.notes.add(written_utc_us=note.written_utc_us, author=author, text=text)


def card_message(card: CallerCard | None) -> pb.CallerCard | None:
    """The card as a message of its own; None for none."""
    if card is None:
        return None
    message = pb.CallerCard()
    fill_card(message, card)
    return message


def read_card(place: str, message: pb.CallerCard) -> CallerCard:
    """The card; `place` is where it stands, for the refusal.

    Raises:
        InvalidFieldError: a field is absurd.
    """
    validate.at_most(f"{place}.choices", message.choices, CHOICE_LIMIT)
    validate.at_most(f"{place}.notes", message.notes, SHOWN_LIMIT)
    language = _text(place, message, "language")
    if language is not None:
        validate.one_of(f"{place}.language", language, _LANGUAGES)
    return CallerCard(
        number=_text(place, message, "number"),
        name=_text(place, message, "name"),
        customer_class=_text(place, message, "customer_class"),
        region=_text(place, message, "region"),
        language=None if language is None else Language(language),
        choices=tuple(
            IvrChoice(
                node=NodeName(validate.text(f"{place}.choices.node", each.node, most_chars=STEP_LIMIT_CHARS)),
                choice=validate.text(f"{place}.choices.choice", each.choice, most_chars=STEP_LIMIT_CHARS),
            )
            for each in message.choices
        ),
        notes=tuple(_note(f"{place}.notes", each) for each in message.notes),
    )


def _note(place: str, message: pb.ContactNote) -> ContactNote:
    return ContactNote(
        written_utc_us=validate.number(
            f"{place}.written_utc_us", message.written_utc_us, least=0, most=_MOMENT_LIMIT_US
        ),
        author=validate.text(f"{place}.author", message.author, most_chars=AUTHOR_LIMIT_CHARS),
        text=validate.text(f"{place}.text", message.text, most_chars=NOTE_LIMIT_CHARS),
    )


def _text(place: str, message: pb.CallerCard, field: str) -> str | None:
    if not message.HasField(field):  # type: ignore[arg-type]  # the stubs list the names one by one
        return None
    return validate.text(f"{place}.{field}", getattr(message, field), most_chars=_LIMITS[field])


def _fitting(value: str | None, most_chars: int) -> str:
    return "".join(each for each in value or "" if each.isprintable())[:most_chars]
