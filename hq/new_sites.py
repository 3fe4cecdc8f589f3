"""Branches that are added to HQ's file while HQ runs are taken in; everything else waits for a start."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

from hq.settings import BranchSection, HqSettings
from node.settings import SettingsError, load
from node.troubles import TroubleError

LOOK_INTERVAL_S = 1.0

log = structlog.get_logger()


class NewSites:
    """Looks at the file's time stamp, and reads it when that has changed."""

    def __init__(
        self,
        file: Path,
        environ: dict[str, str],
        known: Iterable[str],
        admit: Callable[[BranchSection], Awaitable[None]],
    ) -> None:
        """`admit` raises TroubleError where it cannot be done now; it is tried again."""
        self._file = file
        self._environ = environ
        self._known = set(known)
        self._admit = admit
        self._seen_at_ns = 0

    async def run(self) -> None:
        """Follow the file until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Take in what is new in the file, if anything is."""
        try:
            changed_at_ns = self._file.stat().st_mtime_ns
            if changed_at_ns == self._seen_at_ns:
                return
            for section in self._read():
                if section.id not in self._known:
                    await self._admit(section)
                    self._known.add(section.id)
                    log.info("site_added", peer=section.id)
        except (SettingsError, OSError, TroubleError) as error:
            # Somebody is still writing, or the database is away: what runs goes on as it was.
            log.warning("sites_not_read", problem=str(error))
            return
        self._seen_at_ns = changed_at_ns

    def _read(self) -> tuple[BranchSection, ...]:
        return load(HqSettings, self._file, self._environ).site
