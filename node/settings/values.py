"""Values that more than one kind of node has in its file: names of sites, addresses, time zones."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from node.words import text as _

SiteSlug = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
"""A site's name in its certificate, in keys and file names."""


def _that_is_known(time_zone: str) -> str:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            _("{zone!r} is no IANA time zone; write one such as Asia/Shanghai", zone=time_zone)
        ) from None
    return time_zone


TimeZone = Annotated[str, AfterValidator(_that_is_known)]
"""IANA name."""


def _that_is_reachable(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65536) or "//" in address:
        raise ValueError(_("{address!r} is no address; write host:port", address=address))
    return address


HostPort = Annotated[str, AfterValidator(_that_is_reachable)]
"""`10.0.0.1:7443`, `[::1]:7443`."""


def refuse_twins(what: str, names: Sequence[str]) -> None:
    """Raises:
    ValueError: a name stands there more than once.
    """
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise ValueError(_("{what} {names} is named twice", what=what, names=", ".join(twins)))
