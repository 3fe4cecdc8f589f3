"""Values that more than one kind of node has in its file: names of sites, addresses, time zones."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from node.words import text as _
from node.words import told
from router.id_rules import full_agent_fault, name_fault, site_fault
from router.problems import Problem


def _by(fault_of: Callable[[str], Problem | None]) -> AfterValidator:
    """A validator that tells what a rule for ids finds wrong."""

    def obeys(text: str) -> str:
        if (fault := fault_of(text)) is not None:
            raise ValueError(told(fault))
        return text

    return AfterValidator(obeys)


SiteSlug = Annotated[str, _by(site_fault)]
"""A site's name in its certificate, in keys and file names."""

Name = Annotated[str, _by(name_fault)]
"""The id of a queue or a skill."""

FullAgentId = Annotated[str, _by(full_agent_fault)]
"""`beijing/1001`."""


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
