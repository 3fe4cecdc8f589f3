"""Which clock a time of day is told by: a table that names none is read by the wrong one."""

from datetime import datetime
from zoneinfo import ZoneInfo

from node.words import text as _


def clock_name(moment: datetime, zone: ZoneInfo | None) -> str:
    """The clock of a moment: the zone's name, or this machine's where nobody said it, and its offset."""
    offset = moment.astimezone(zone).strftime("%z")
    utc = f"UTC{offset[:3]}:{offset[3:5]}"
    if zone is None:
        return _("this machine's clock, {utc}", utc=utc)
    return f"{zone.key}, {utc}"
