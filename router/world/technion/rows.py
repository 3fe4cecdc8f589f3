"""The data's rows, read and judged: what can be played, and why the rest can't.

One tab-separated row a call, with a header. Times are clock times of one day, durations
whole seconds. A caller who never queued has a queue time of 0.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from router.ids import CustomerId, QueueId
from router.problems import BadInputError, Problem
from router.problems import marked as _

COLUMNS = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip

WAIT_LIMIT_S = 900
"""A queue time above a quarter of an hour is a line that nobody hung up."""

PRIORITY_AHEAD = 3
"""Priority customers entered the queue 90 s ahead: three classes at 30 s a class."""


class Skipped(StrEnum):
    """Why a row makes no call, in the order in which it is judged."""

    BROKEN = "BROKEN"
    """Missing fields, or a number or clock time that is none."""
    PHANTOM = "PHANTOM"
    OVER_MIDNIGHT = "OVER_MIDNIGHT"
    """It left the voice response unit on the day after."""
    WAITED_TOO_LONG = "WAITED_TOO_LONG"
    NO_AGENT = "NO_AGENT"
    """Answered, says the row, and names nobody: mostly services of a few seconds."""
    NO_SERVICE = "NO_SERVICE"
    """Answered, with a service of 0 s."""
    SERVED_AND_HUNG_UP = "SERVED_AND_HUNG_UP"
    NEVER_ASKED = "NEVER_ASKED"
    """Hung up in the voice response unit, before asking for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCall:
    """One clean row."""

    date: str
    """yymmdd"""
    asked_s: int
    """Seconds after midnight when the caller left the voice response unit for a person."""
    queue_id: QueueId
    priority: int
    customer_id: CustomerId | None
    waited_s: int
    service_s: int | None
    """None when the caller hung up."""

    @property
    def is_answered(self) -> bool:
        return self.service_s is not None


@dataclass(slots=True)
class BankData:
    calls: list[BankCall] = field(default_factory=list)
    skipped: Counter[tuple[str, Skipped]] = field(default_factory=Counter)
    """By day and reason."""
    row_counts: Counter[str] = field(default_factory=Counter)
    """Rows of each day, skipped ones too."""

    @property
    def days(self) -> list[str]:
        return sorted(self.row_counts)


def read_rows(lines: Iterable[str]) -> BankData:
    """Every row judged.

    Raises:
        BadInputError: another header; nothing of the file can be trusted.
    """
    data = BankData()
    iterator = iter(lines)
    header = next(iterator, "").rstrip("\r\n").split("\t")
    if tuple(header) != COLUMNS:
        wanted = " ".join(COLUMNS)
        fault = Problem(
            line=1, wording=_("the header must be, tab-separated: {header}"), values={"header": wanted}
        )
        raise BadInputError([fault])
    for line in iterator:
        if line.strip():
            _take(data, line.rstrip("\r\n").split("\t"))
    return data


def _take(data: BankData, fields: list[str]) -> None:
    row = dict(zip(COLUMNS, fields, strict=False))
    day = row.get("date", "")
    data.row_counts[day] += 1
    judged = _judge(row) if len(fields) == len(COLUMNS) else Skipped.BROKEN
    if isinstance(judged, Skipped):
        data.skipped[(day, judged)] += 1
    else:
        data.calls.append(judged)


def _judge(row: dict[str, str]) -> BankCall | Skipped:
    try:
        asked_s, entered_s = _clock_s(row["vru_exit"]), _clock_s(row["vru_entry"])
        waited_s, service_s, priority = int(row["q_time"]), int(row["ser_time"]), int(row["priority"])
    except ValueError:
        return Skipped.BROKEN
    fault = _fault(row, waited_s, service_s, is_over_midnight=asked_s < entered_s)
    if fault is not None:
        return fault
    return BankCall(
        date=row["date"],
        asked_s=asked_s,
        queue_id=QueueId(row["type"]),
        priority=PRIORITY_AHEAD if priority == 2 else 0,
        customer_id=CustomerId(row["customer_id"]) if row["customer_id"] != "0" else None,
        waited_s=waited_s,
        service_s=service_s if row["outcome"] == "AGENT" else None,
    )


def _fault(row: dict[str, str], waited_s: int, service_s: int, *, is_over_midnight: bool) -> Skipped | None:
    is_answered = row["outcome"] == "AGENT"
    is_hung_up = row["outcome"] == "HANG"
    judgements = (
        (Skipped.PHANTOM, row["outcome"] == "PHANTOM"),
        (Skipped.BROKEN, not (is_answered or is_hung_up) or waited_s < 0 or service_s < 0 or not row["type"]),
        (Skipped.OVER_MIDNIGHT, is_over_midnight),
        (Skipped.WAITED_TOO_LONG, waited_s > WAIT_LIMIT_S),
        (Skipped.NO_AGENT, is_answered and row["server"] == "NO_SERVER"),
        (Skipped.NO_SERVICE, is_answered and service_s == 0),
        (Skipped.SERVED_AND_HUNG_UP, is_hung_up and service_s > 0),
        (Skipped.NEVER_ASKED, is_hung_up and waited_s == 0),
    )
    return next((reason for reason, is_so in judgements if is_so), None)


def _clock_s(text: str) -> int:
    """Raises:
    ValueError: not h:mm:ss of a day.
    """
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        raise ValueError(text)
    return hours * 3600 + minutes * 60 + seconds
