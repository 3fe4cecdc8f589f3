"""Why an INVITE whose token this site has signed rings nobody."""

from enum import StrEnum


class TrunkRefusal(StrEnum):
    """Beside the reasons of `sync.token`, which says so of tokens before a floor hears of them."""

    UNKNOWN = "TOKEN_UNKNOWN"
    """No such hand-off is remembered: it was over longer ago than a token lives."""
    FOREIGN = "TOKEN_FOREIGN"
    """Another site shows it than the one that it was given to."""
    USED = "TOKEN_USED"
    """Its hand-off has its trunk leg: a token shown again brings no second one."""
    EXPIRED = "TOKEN_EXPIRED"
    """No INVITE came in time, and what was reserved is free again."""
    CANCELLED = "TOKEN_CANCELLED"
    """It was taken back before an INVITE came."""
    ENDED = "TOKEN_ENDED"
    """Its hand-off had its trunk leg and is over."""
