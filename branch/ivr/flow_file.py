"""What an IVR flow's file may say, section by section."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from node.settings import Section
from node.words import text as _
from router.call import Language
from router.flow.nodes import TRY_LIMIT, WAIT_MS
from router.flow.opening_hours import DAY_MINUTES, OpeningHours, Span
from sync.records.tables import CustomerClass

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _span(value: Any) -> Any:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_("{value!r} is no span of a day; write 09:00-17:30", value=value))
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    first, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if not first < end <= DAY_MINUTES:
        raise ValueError(_("{value!r} must end after it begins, at 24:00 at the latest", value=value))
    return (first, end)


def _date(value: Any) -> Any:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(_("{value!r} is no date; write 2026-10-01", value=value)) from None


def _choice(value: Any) -> Any:
    return {"to": value} if isinstance(value, str) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Prompts = Annotated[tuple[Name, ...], Field(min_length=1)]
Spans = tuple[Annotated[Span, BeforeValidator(_span)], ...]
WaitMs = Annotated[int, Field(ge=500, le=60_000)]
Tries = Annotated[int, Field(ge=1, le=10)]
Digits = Annotated[int, Field(ge=1, le=32)]


class HoursSection(Section):
    """A week's opening hours and the days that are unlike others, on the site's own clock."""

    mon: Spans = ()
    tue: Spans = ()
    wed: Spans = ()
    thu: Spans = ()
    fri: Spans = ()
    sat: Spans = ()
    sun: Spans = ()
    holidays: dict[Annotated[date, BeforeValidator(_date)], Spans] = Field(default_factory=dict)
    """Hours by date instead of the weekday's; none: closed all day."""

    def opening_hours(self) -> OpeningHours:
        return OpeningHours(week=tuple(getattr(self, day) for day in _WEEK), holidays=self.holidays)


class MessageSection(Section):
    """Says something and goes on."""

    kind: Literal["message"]
    prompts: Prompts
    to: Name


class ChoiceSection(Section):
    """Where a key leads, and what is spoken there."""

    to: Name
    language: Language | None = None


class MenuSection(Section):
    """Takes one key."""

    kind: Literal["menu"]
    prompts: Prompts
    choices: dict[str, Annotated[ChoiceSection, BeforeValidator(_choice)]]
    otherwise: Name | None = None
    """After the last try; absent: the flow's default."""
    wait_ms: WaitMs = WAIT_MS
    tries: Tries = TRY_LIMIT
    invalid: tuple[Name, ...] = ()


class CustomerNumberSection(Section):
    """Takes a customer's number: its id at this site, or a telephone number that is known."""

    kind: Literal["customer_number"]
    prompts: Prompts
    found: Name
    not_found: Name
    least_digits: Digits = 1
    most_digits: Digits = 12
    wait_ms: WaitMs = WAIT_MS
    tries: Tries = TRY_LIMIT
    invalid: tuple[Name, ...] = ()


class HoursNodeSection(Section):
    """Goes where clock and calendar say."""

    kind: Literal["hours"]
    hours: Name
    """Of the [hours.NAME] that hold."""
    open: Name
    closed: Name
    holiday: Name | None = None
    """Closed on a day of the holiday calendar; absent: as `closed`."""


class CustomerClassSection(Section):
    """Goes where the customer's class says, known by the calling number or by an entered one."""

    kind: Literal["customer_class"]
    classes: dict[CustomerClass, Name]
    otherwise: Name


class QueueNodeSection(Section):
    """Asks for a person."""

    kind: Literal["queue"]
    queue: str | None = None
    """Absent: the queue of the line that was dialled. The same below."""
    priority: int | None = Field(default=None, ge=0, le=9)
    skills: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = ()


class VoicemailSection(Section):
    kind: Literal["voicemail"]
    queue: str | None = None


class CallbackSection(Section):
    kind: Literal["callback"]
    queue: str | None = None


class HangUpSection(Section):
    kind: Literal["hang_up"]
    disposition: Literal["AFTER_HOURS", "NO_AGENTS", "REJECTED"] = "AFTER_HOURS"


NodeSection = Annotated[
    MessageSection
    | MenuSection
    | CustomerNumberSection
    | HoursNodeSection
    | CustomerClassSection
    | QueueNodeSection
    | VoicemailSection
    | CallbackSection
    | HangUpSection,
    Field(discriminator="kind"),
]


class FlowFile(Section):
    """A flow's whole file."""

    start: Name
    default: Name
    """Where a caller goes on whose node is gone since the file was changed."""
    language: Language | None = None
    """Spoken until the caller chooses one; absent: the site's."""
    hours: dict[Name, HoursSection] = Field(default_factory=dict)
    node: dict[Name, NodeSection]
