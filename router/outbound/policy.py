"""Which numbers a site may dial, over whose lines, and how many at once. Nothing is allowed by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from router.errors import InvalidPolicyError
from router.ids import LineId, QueueId, SiteId

DIALLED = QueueId("outbound")
"""Calls that agents dial belong to it: a queue of this name gives them a wrap-up and a ring limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Numbers that begin with `prefix` may be dialled over this site's line, or another site's."""

    prefix: str
    """E.164 with its plus sign; `+` alone is every number."""
    site_id: SiteId
    line_id: LineId
    cost: float = 0.0
    """Of a minute, in whatever money the cluster counts: only compared."""
    guests: frozenset[SiteId] = frozenset()
    """Other sites that may dial by this route of ours; nobody by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundPolicy:
    """What goes out at one site; call barring is whatever no route leads to."""

    routes: tuple[Route, ...] = ()
    lines: Mapping[LineId, int] = field(default_factory=dict)
    """The site's own lines, each with its limit of outbound calls at once, other sites' included."""
    emergency_line: LineId | None = None
    """The local line that emergency calls leave by, full or not; the site's others follow, in their order,
    where it does not get through."""
    emergency_numbers: frozenset[str] = frozenset()
    """As they are dialled: 110, 119, 120. Never refused, never sent to another site."""
    barred: tuple[str, ...] = ()
    """Prefixes that no route leads to, however long it is: premium numbers."""
    ring_limit_ms: int = 30_000
    """The agent's own phone, where no queue says otherwise."""
    answer_limit_ms: int = 45_000
    """From the agent's answer to the customer's: set-up, asking another site and ringing."""

    def __post_init__(self) -> None:
        """Raises:
        InvalidPolicyError: a value the machine could not carry out.
        """
        for name in ("ring_limit_ms", "answer_limit_ms"):
            if getattr(self, name) <= 0:
                raise InvalidPolicyError(f"outbound, {name}", f"must be above 0, is {getattr(self, name)}")
        for route in self.routes:
            if not route.prefix.startswith("+"):
                raise InvalidPolicyError(f"outbound route {route.prefix!r}", "must begin with a plus sign")
            if not (isfinite(route.cost) and route.cost >= 0):
                raise InvalidPolicyError(f"outbound route {route.prefix!r}, cost", "must not be negative")
        if self.emergency_line is not None and self.emergency_line not in self.lines:
            raise InvalidPolicyError("outbound, emergency_line", f"{self.emergency_line!r} is no line")
