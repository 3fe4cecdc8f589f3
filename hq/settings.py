"""What HQ's file may say. Every fault of it is reported at once, those between sections too."""

from collections import Counter
from datetime import time
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from hq.consolidate.schedule import SchedulePolicy, Window
from hq.consolidate.work import BatchLimits
from node.settings import ClockSection, DatabaseSection, ListenSettings, LogSection, Section, TlsSettings
from node.settings.values import HostPort, SiteSlug, TimeZone
from node.words import text as _


class HqSection(Section):
    """Which node this is."""

    name: str = Field(default="HQ", min_length=1, max_length=120)
    """For people; any language."""
    time_zone: TimeZone
    """The window's hours are on this wall clock."""


class BranchSection(Section):
    """One branch whose records HQ collects."""

    id: SiteSlug
    address: HostPort
    """Where its node listens."""
    time_zone: TimeZone
    """Where its business day turns; it has to be what the branch's own file says."""
    parent: SiteSlug | None = None


class ConsolidationSection(Section):
    """When and how hard HQ pulls."""

    window_start: time = time(1, 0)
    window_end: time = time(6, 0)
    """Before `window_start` it means the next morning."""
    site_limit: int = Field(default=16, ge=1, le=64)
    """Branches pulled at once within the window."""
    trickle_limit: int = Field(default=1, ge=0, le=16)
    """The same outside of it, for days that a night did not certify; 0: only at night."""
    retry_least_s: float = Field(default=60.0, ge=1)
    retry_most_s: float = Field(default=1800.0, ge=1)
    batch_rows: int = Field(default=10_000, ge=1, le=50_000)
    batch_bytes: int = Field(default=2_000_000, ge=1_000, le=3_000_000)
    """Before compression; one batch has to fit gRPC's 4 MiB even when nothing compresses."""
    window_batches: int = Field(default=4, ge=1, le=16)
    quarantine_limit: int = Field(default=100, ge=0)
    """More refused rows than this, and the site is frozen: that is no poison row, that is a fault."""

    def window(self, zone: str) -> Window:
        return Window(start=self.window_start, end=self.window_end, zone=ZoneInfo(zone))

    def policy(self) -> SchedulePolicy:
        return SchedulePolicy(
            site_limit=self.site_limit,
            trickle_limit=self.trickle_limit,
            retry_least_ms=round(self.retry_least_s * 1_000),
            retry_most_ms=round(self.retry_most_s * 1_000),
        )

    def limits(self) -> BatchLimits:
        return BatchLimits(row_limit=self.batch_rows, byte_limit=self.batch_bytes, window=self.window_batches)


class LimitsSection(Section):
    """How long the process lets things go."""

    drain_limit_s: float = Field(default=60.0, gt=0)
    """Pulls end after the batch they are at; a report in the making gets as long."""
    database_wait_s: float = Field(default=60.0, ge=0)
    """A machine that boots starts HQ before its PostgreSQL listens, as often as not."""


class HqSettings(Section):
    """HQ's whole file."""

    hq: HqSection
    listen: ListenSettings
    tls: TlsSettings
    database: DatabaseSection
    site: tuple[BranchSection, ...] = ()
    consolidation: ConsolidationSection = ConsolidationSection()
    limits: LimitsSection = LimitsSection()
    clock: ClockSection = ClockSection()
    log: LogSection = LogSection()

    @field_validator("site")
    @classmethod
    def _names_each_once(cls, sites: tuple[BranchSection, ...]) -> tuple[BranchSection, ...]:
        twins = [name for name, count in Counter(each.id for each in sites).items() if count > 1]
        if twins:
            raise ValueError(_("site {names} is named twice", names=", ".join(twins)))
        return sites
