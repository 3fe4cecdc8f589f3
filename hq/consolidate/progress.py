"""What the consolidation is doing at this moment, for progress bars and status commands."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from enum import StrEnum

_LEAST_INTERVAL_S = 0.1
"""A bar that moves more often than this only costs."""


class Phase(StrEnum):
    """Where a site's pull is."""

    IDLE = "IDLE"
    CONNECTING = "CONNECTING"
    PULLING = "PULLING"
    VERIFYING = "VERIFYING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteProgress:
    """One site's pull, or its last one."""

    site_id: str
    phase: Phase = Phase.IDLE
    row_count: int = 0
    """Rows taken in this pull."""
    expected_count: int = 0
    """Rows that the branch announced at its beginning."""
    due_count: int = 0
    """Days still to be certified in this pull."""
    certified_count: int = 0
    problem: str | None = None

    @property
    def is_over(self) -> bool:
        return self.phase in (Phase.DONE, Phase.FAILED, Phase.IDLE)


@dataclass(slots=True)
class ProgressBoard:
    """All sites' progress; many may watch."""

    _sites: dict[str, SiteProgress] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, site_id: str, **changes: object) -> None:
        """Change what is shown of a site."""
        self._put(replace(self.of(site_id), **changes))  # type: ignore[arg-type]  # SiteProgress's own fields

    def begin(self, site_id: str) -> None:
        """A pull of this site begins: its counts start anew."""
        self._put(SiteProgress(site_id=site_id, phase=Phase.CONNECTING))

    def add_rows(self, site_id: str, count: int) -> None:
        """More rows were taken."""
        self.show(site_id, row_count=self.of(site_id).row_count + count)

    def of(self, site_id: str) -> SiteProgress:
        """One site's."""
        return self._sites.get(site_id) or SiteProgress(site_id=site_id)

    def all(self) -> list[SiteProgress]:
        """Every site that was ever shown, by its name."""
        return [self._sites[site_id] for site_id in sorted(self._sites)]

    async def changes(self) -> AsyncGenerator[list[SiteProgress]]:
        """All sites at once, then again after each change, but not too often."""
        while True:
            changed = self._changed
            yield self.all()
            await changed.wait()
            await asyncio.sleep(_LEAST_INTERVAL_S)

    def _put(self, progress: SiteProgress) -> None:
        self._sites[progress.site_id] = progress
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
