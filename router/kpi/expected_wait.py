"""How far what callers were told was from what they then waited."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.ids import CallId
from router.ledger import Announced, CallConnected, CallEnded, LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitError:
    """Over all announcements of a wait to calls that were answered; None without any."""

    announcements: int
    mean_absolute_s: float | None
    bias_s: float | None
    """Told minus waited: positive when callers were told too much."""


def expected_wait_error(rows: Iterable[LedgerRow]) -> WaitError:
    """Compares each announcement with the time from it to the answer, on the site's UTC."""
    told: dict[CallId, list[tuple[int, int]]] = {}
    errors_s: list[float] = []
    for row in rows:
        entry = row.entry
        if isinstance(entry, Announced) and entry.expected_wait_s is not None:
            told.setdefault(entry.call_id, []).append((row.at_utc_us, entry.expected_wait_s))
        elif isinstance(entry, CallConnected):
            errors_s += [
                expected_s - (row.at_utc_us - at_us) / 1_000_000
                for at_us, expected_s in told.pop(entry.call_id, ())
            ]
        elif isinstance(entry, CallEnded):
            told.pop(entry.call_id, None)
    number = len(errors_s)
    return WaitError(
        announcements=number,
        mean_absolute_s=sum(map(abs, errors_s)) / number if number else None,
        bias_s=sum(errors_s) / number if number else None,
    )
