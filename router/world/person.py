"""A caller of a world, wherever it is served."""

from dataclasses import dataclass

from router.ids import CallId, SiteId
from router.world.carriers import MovedCall
from router.world.day.calls import PlannedCall


@dataclass(frozen=True, slots=True)
class SentOn:
    """What a 302 has told a caller's carrier: to call another site's PBX with a token."""

    from_site: SiteId
    token: str
    at_ms: int


@dataclass(slots=True)
class Person:
    """A caller, known to all PBXes of a world by its call."""

    call_id: CallId
    plan: PlannedCall
    hangs_up_first: bool = False
    """Ends the talk itself; else the agent does."""
    is_queued: bool = False
    is_answered: bool = False
    moved: MovedCall | None = None
    """Its carrier's call to a helper's PBX, wanted or made."""
    sent_on: SentOn | None = None
    """It was redirected, and has another call id once it is taken in."""

    def has_left(self, now: int) -> bool:
        """Whether it waits no longer, while nobody has answered it."""
        patience_ms = self.plan.patience_ms
        return patience_ms is not None and now >= self.plan.arrive_ms + patience_ms
