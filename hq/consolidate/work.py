"""What every part of a pull works with: the site, its conversation, HQ's database, and what is shown."""

from collections.abc import Callable
from dataclasses import dataclass

from hq.consolidate.instruments import ConsolidationInstruments
from hq.consolidate.progress import ProgressBoard
from hq.store.applying import Applier
from hq.store.days import DayBook
from hq.store.folding import Folding
from hq.store.proof import Proof
from hq.store.sites import Site, SiteBook
from hq.store.threads import StoreThreads
from router.errors import RouterError
from sync.clock import Clock
from sync.journal.receiving.pull import Pull


class StoppedError(RouterError):
    """HQ drains; the rest is taken up where it was left."""

    reason = "STOPPED"

    def __init__(self) -> None:
        super().__init__("the pull was stopped because this node drains")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """HQ's database as a pull needs it; each call blocks, so `threads` runs it."""

    sites: SiteBook
    days: DayBook
    applier: Applier
    proof: Proof
    folding: Folding
    threads: StoreThreads


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How much is on the way at a time."""

    row_limit: int = 10_000
    byte_limit: int = 2_000_000
    window: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PullWork:
    """One pull of one site."""

    site: Site
    pull: Pull
    stores: Stores
    clock: Clock
    limits: BatchLimits
    board: ProgressBoard
    instruments: ConsolidationInstruments
    is_stopping: Callable[[], bool]

    @property
    def site_id(self) -> str:
        return self.site.site_id

    def check_stop(self) -> None:
        """Raises:
        StoppedError: this node drains; what is done so far stays.
        """
        if self.is_stopping():
            raise StoppedError
