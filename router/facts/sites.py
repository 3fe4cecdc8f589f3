"""Of other sites and the load board."""

from dataclasses import dataclass

from router.ids import (
    SiteId,
)
from router.overflow.load import SiteLoad
from router.overflow.messages import Reply, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAsked:
    """A request of another site came in; the outcome holds exactly one `Answer` to it."""

    site_id: SiteId
    incarnation: int
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReplied:
    site_id: SiteId
    incarnation: int
    request: Request
    """The one that is answered."""
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSilent:
    """No answer within the deadline, or no connection. The request may have arrived."""

    site_id: SiteId
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeen:
    load: SiteLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteGone:
    """The site's key left the board."""

    site_id: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewConfirmed:
    """The board's view was current at this moment."""
