"""Of other sites and the load board."""

from router.ids import (
    SiteId,
)
from router.overflow.load import SiteLoad
from router.overflow.messages import Reply, Request
from router.values import value


@value
class SiteAsked:
    """A request of another site came in; the outcome holds exactly one `Answer` to it."""

    site_id: SiteId
    incarnation: int
    request: Request


@value
class SiteReplied:
    site_id: SiteId
    incarnation: int
    request: Request
    """The one that is answered."""
    reply: Reply


@value
class SiteSilent:
    """No answer within the deadline, or no connection. The request may have arrived."""

    site_id: SiteId
    request: Request


@value
class LoadSeen:
    load: SiteLoad


@value
class SiteGone:
    """The site's key left the board."""

    site_id: SiteId


@value
class ViewConfirmed:
    """The board's view was current at this moment."""
