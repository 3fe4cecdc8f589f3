"""Ledgers written by hand, for tests of what reads them."""

from router.ids import Instant, SiteId
from router.ledger import Entry, LedgerRow

START_UTC_US = 1_700_000_000_000_000


class Ledger:
    """One site's rows; seq counts by itself, time in seconds from the start of the test."""

    def __init__(self, site: str, incarnation: int = 1) -> None:
        self.site_id = SiteId(site)
        self.incarnation = incarnation
        self.rows: list[LedgerRow] = []

    def at(self, second: float, *entries: Entry) -> "Ledger":
        for entry in entries:
            self.rows.append(
                LedgerRow(
                    site_id=self.site_id,
                    seq=len(self.rows) + 1,
                    at_utc_us=START_UTC_US + round(second * 1_000_000),
                    mono_ms=Instant(round(second * 1000)),
                    incarnation=self.incarnation,
                    business_date="2023-11-14",
                    entry=entry,
                )
            )
        return self

    def restart(self) -> "Ledger":
        self.incarnation += 1
        return self
