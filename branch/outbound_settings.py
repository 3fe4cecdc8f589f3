"""What a branch's file may say of calls that go out: lines, routes, hours, tries."""

from datetime import time
from typing import Annotated, Self

from pydantic import Field, model_validator

from branch.people.calling_hours import Hours
from node.settings import Section
from node.settings.values import SiteSlug
from node.words import text as _
from router.callback.policy import CallbackPolicy
from router.ids import LineId, SiteId
from router.outbound.policy import OutboundPolicy, Route

_OUTBOUND = OutboundPolicy()
_CALLBACK = CallbackPolicy()

LineName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Prefix = Annotated[str, Field(pattern=r"^\+[0-9]{0,15}$")]
Weekday = Annotated[int, Field(ge=1, le=7)]


class LineSection(Section):
    """One of the site's own lines to the public network."""

    name: LineName
    """As the PBX knows it."""
    call_limit: int = Field(default=10, ge=0)
    """Outbound calls at once, other sites' included."""


class RouteSection(Section):
    """Whose line numbers with this prefix leave by. What no route names cannot be dialled."""

    prefix: Prefix
    """E.164 with its plus sign: +8610."""
    site: SiteSlug
    line: LineName
    cost: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    guests: tuple[SiteSlug, ...] = ()
    """Other sites whose agents may use this route of ours."""


class HoursSection(Section):
    """When customers may be called, by the site's wall clock."""

    begin: time
    end: time
    days: tuple[Weekday, ...] = (1, 2, 3, 4, 5, 6, 7)
    """1 is Monday, 7 is Sunday."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(_("end must be later than begin; night hours are two entries"))
        return self

    def hours(self) -> Hours:
        return Hours(begin=self.begin, end=self.end, days=frozenset(self.days))


class OutboundSection(Section):
    """Calls that go out; each as in router.outbound.policy. Nothing is allowed by default."""

    line: tuple[LineSection, ...] = ()
    route: tuple[RouteSection, ...] = ()
    emergency_line: LineName | None = None
    emergency_numbers: tuple[Annotated[str, Field(pattern=r"^[0-9]{2,8}$")], ...] = ()
    """Always leave by the local line and are never refused: 110, 119, 120."""
    barred: tuple[Prefix, ...] = ()
    ring_limit_ms: int = Field(default=_OUTBOUND.ring_limit_ms, gt=0)
    answer_limit_ms: int = Field(default=_OUTBOUND.answer_limit_ms, gt=0)

    @model_validator(mode="after")
    def _has_its_lines(self) -> Self:
        names = [each.name for each in self.line]
        if len(set(names)) < len(names):
            raise ValueError(_("a line is named twice"))
        if self.emergency_numbers and self.emergency_line is None:
            raise ValueError(_("emergency_numbers need an emergency_line"))
        if self.emergency_line is not None and self.emergency_line not in names:
            raise ValueError(_("emergency_line {line} is not among the lines", line=self.emergency_line))
        return self

    def policy(self) -> OutboundPolicy:
        return OutboundPolicy(
            routes=tuple(
                Route(
                    prefix=each.prefix,
                    site_id=SiteId(each.site),
                    line_id=LineId(each.line),
                    cost=each.cost,
                    guests=frozenset(map(SiteId, each.guests)),
                )
                for each in self.route
            ),
            lines={LineId(each.name): each.call_limit for each in self.line},
            emergency_line=None if self.emergency_line is None else LineId(self.emergency_line),
            emergency_numbers=frozenset(self.emergency_numbers),
            barred=self.barred,
            ring_limit_ms=self.ring_limit_ms,
            answer_limit_ms=self.answer_limit_ms,
        )


class CallbackSection(Section):
    """Callers who asked to be called back; each as in router.callback.policy."""

    try_limit: int = Field(default=_CALLBACK.try_limit, ge=1, le=100)
    pause_ms: int = Field(default=_CALLBACK.pause_ms, gt=0)
    hours: tuple[HoursSection, ...] = (HoursSection(begin=time(9), end=time(20)),)
    """Nobody is called back outside of these."""

    def policy(self) -> CallbackPolicy:
        return CallbackPolicy(try_limit=self.try_limit, pause_ms=self.pause_ms)
