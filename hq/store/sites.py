"""The site tree as HQ keeps it, and whether a branch that says hello is the one HQ knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, RowMapping, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hq.store import watermarks
from hq.store.tables import RECEIVED, SITES, WATERMARKS, SiteState
from router.errors import RouterError
from sync.journal.database import is_sqlite, snapshot, writing
from sync.journal.position import Mark
from sync.journal.receiving.agreement import agree
from sync.journal.receiving.greeting import Greeting, check_epoch, resume_at
from sync.journal.refusals import RejectedError
from sync.records.shape import ConsolidatedTable
from sync.records.tables import CONSOLIDATED

NOT_MET = 0
"""The epoch of a site that HQ has not spoken to."""


class NotInFileError(RouterError):
    """The named site is not in HQ's file, and never was."""

    reason = "SITE_UNKNOWN"

    def __init__(self, site_id: str) -> None:
        super().__init__(
            f"site {site_id} is not known to HQ; `trunkline hq site list` shows the sites of its file"
        )
        self.site_id = site_id
        self.case = "HQ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One branch as HQ knows it."""

    site_id: str
    address: str
    """host:port of its gRPC server."""
    time_zone: str
    parent: str | None
    state: SiteState = SiteState.ACTIVE
    frozen_reason: str | None = None
    frozen_detail: str | None = None
    epoch: int = NOT_MET
    first_business_date: str = ""
    last_success_utc_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a hello came to: how each stream goes on."""

    epoch: int
    begins: Mapping[str, Mark]
    shapes: Mapping[str, ConsolidatedTable]


class SiteBook:
    """HQ's sites."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enter(self, sites: Iterable[Site]) -> None:
        """Take the sites of HQ's file: new ones are added, moved ones change their address."""
        with writing(self._engine) as connection:
            dialect = sqlite if is_sqlite(connection) else postgresql
            for site in sites:
                adding = dialect.insert(SITES).values(
                    site_id=site.site_id,
                    address=site.address,
                    time_zone=site.time_zone,
                    parent=site.parent,
                    state=str(site.state),
                    epoch=site.epoch,
                    first_business_date=site.first_business_date,
                )
                changed = {name: adding.excluded[name] for name in ("address", "time_zone", "parent")}
                connection.execute(adding.on_conflict_do_update(index_elements=["site_id"], set_=changed))

    def all(self) -> list[Site]:
        """Every site, by its name."""
        with snapshot(self._engine) as connection:
            return [
                _site(row) for row in connection.execute(select(SITES).order_by(SITES.c.site_id)).mappings()
            ]

    def meet(self, greeting: Greeting) -> Meeting:
        """Hold a hello against what HQ remembers.

        Raises:
            RejectedError: FROZEN, SCHEMA, TIME_ZONE, RESTORED_OR_CLONED or HQ_RESTORED.
        """
        with writing(self._engine) as connection:
            site = _find(connection, greeting.site_id)
            if site.state is SiteState.FROZEN:
                raise RejectedError(
                    "FROZEN", f"{site.site_id} is frozen: {site.frozen_reason}: {site.frozen_detail}"
                )
            if greeting.time_zone != site.time_zone:
                raise RejectedError(
                    "TIME_ZONE",
                    f"{site.site_id} counts its days in {greeting.time_zone}, "
                    f"HQ's file says {site.time_zone}",
                )
            epoch = self._epoch(connection, site, greeting)
            shapes = _agreed(greeting)
            begins = {stream: _begin(connection, greeting, stream, epoch) for stream in shapes}
            return Meeting(epoch=epoch, begins=begins, shapes=shapes)

    def freeze(self, site_id: str, reason: str, detail: str) -> None:
        """Take nothing more from a site until a person readmits it; days certified stay so."""
        self._set_state(site_id, SiteState.FROZEN, reason, detail)

    def readmit(self, site_id: str) -> None:
        """Read everything of a site again, in a new epoch: a person has seen to its database.

        Raises:
            NotInFileError: no such site.
        """
        with writing(self._engine) as connection:
            site = _find(connection, site_id)
            connection.execute(delete(WATERMARKS).where(WATERMARKS.c.site_id == site_id))
            connection.execute(
                update(SITES)
                .where(SITES.c.site_id == site_id)
                .values(
                    state=str(SiteState.READMITTED),
                    frozen_reason=None,
                    frozen_detail=None,
                    epoch=site.epoch + 1,
                )
            )

    def note_success(self, site_id: str, utc_us: int) -> None:
        """A run of this site ended with nothing due."""
        with writing(self._engine) as connection:
            connection.execute(
                update(SITES).where(SITES.c.site_id == site_id).values(last_success_utc_us=utc_us)
            )

    def _set_state(self, site_id: str, state: SiteState, reason: str, detail: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(
                update(SITES)
                .where(SITES.c.site_id == site_id)
                .values(state=str(state), frozen_reason=reason, frozen_detail=detail)
            )

    def _epoch(self, connection: Connection, site: Site, greeting: Greeting) -> int:
        if site.epoch == NOT_MET or site.state is SiteState.READMITTED:
            epoch = max(site.epoch, greeting.epoch)
            connection.execute(update(SITES).where(SITES.c.site_id == site.site_id).values(epoch=epoch))
            return epoch
        check_epoch(greeting.epoch, site.epoch)
        return site.epoch


def _begin(connection: Connection, greeting: Greeting, stream: str, epoch: int) -> Mark:
    """Where a stream goes on; HQ's own watermark goes back there when acks were lost."""
    given = watermarks.lock(connection, greeting.site_id, stream, epoch)
    if greeting.epoch != epoch:
        return given[0]
    mark = resume_at(stream, greeting.streams[stream].kept, given)
    if mark != given[-1]:
        kept = given[: given.index(mark) + 1]
        watermarks.move(connection, greeting.site_id, stream, epoch, kept, row_count=0)
    return mark


def _agreed(greeting: Greeting) -> dict[str, ConsolidatedTable]:
    """The streams that both sides know; an older branch may lack one."""
    unknown = [stream for stream in greeting.streams if stream not in RECEIVED]
    if unknown:
        raise RejectedError(
            "SCHEMA", f"HQ does not know {', '.join(unknown)}; upgrade HQ first, then the branch"
        )
    return {
        shape.name: agree(shape, greeting.streams[shape.name].columns)
        for shape in CONSOLIDATED
        if shape.name in greeting.streams
    }


def _find(connection: Connection, site_id: str) -> Site:
    row = (
        connection.execute(select(SITES).where(SITES.c.site_id == site_id).with_for_update())
        .mappings()
        .first()
    )
    if row is None:
        raise NotInFileError(site_id)
    return _site(row)


def _site(row: RowMapping) -> Site:
    return Site(**{**row, "state": SiteState(row["state"])})
