"""What the databases of a lab hold: the ledgers of the branches, HQ's copy, and its certificates."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, create_engine, text

from deploy.lab.plan import LabPlan, LabSite
from router.ids import SiteId
from router.ledger import LedgerRow
from sync.records.codec import ledger_row

_ROWS = text("SELECT * FROM ledger WHERE site_id = :site_id ORDER BY seq")
_CERTIFICATES = text("SELECT site_id, quarantined_count FROM certificates WHERE business_date = :day")
_CALLERS = text("SELECT number, call_id FROM callers WHERE site_id = :site_id AND number IS NOT NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Rows of the branches and of HQ, each site's in the order of seq."""

    branches: tuple[LedgerRow, ...]
    hq: tuple[LedgerRow, ...]
    certified: frozenset[SiteId]
    """Sites whose played day HQ certified."""
    quarantined_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxAccount:
    """A site's callers as its PBX, or they themselves, saw it: no branch has written it."""

    offered_count: int
    """Callers who met the PBX; those who came while it was down did not."""
    stories: Mapping[str, Mapping[str, object]]
    """Of each call that got a name, by that name: taken or not, conversations, ending."""
    silence_limit_ms: int | None = None
    """A conversation in the ledger that lasted longer was one for the people, too, or they heard nothing.
    None: nobody listens, a PBX that only switches does not know."""


def read_books(plan: LabPlan, hq_url: str) -> Books:
    """Read everything as it stands; the processes may run."""
    branches: list[LedgerRow] = []
    hq: list[LedgerRow] = []
    with _open(hq_url) as hq_engine:
        for site in plan.sites:
            with _open(_url(site)) as engine:
                branches += _rows(engine, site)
            hq += _rows(hq_engine, site)
        with hq_engine.connect() as connection:
            certificates = connection.execute(_CERTIFICATES, {"day": plan.business_date}).all()
    return Books(
        branches=tuple(branches),
        hq=tuple(hq),
        certified=frozenset(SiteId(site_id) for site_id, _ in certificates),
        quarantined_count=sum(count for _, count in certificates),
    )


def read_callers(site: LabSite) -> dict[str, str]:
    """The call of each number that has called the site; of several calls, one."""
    with _open(_url(site)) as engine, engine.connect() as connection:
        found = connection.execute(_CALLERS, {"site_id": site.site_id})
        return {row.number: row.call_id for row in found}


def _url(site: LabSite) -> str:
    return f"sqlite:///{(site.folder / 'branch.db').absolute()}"


def _rows(engine: Engine, site: LabSite) -> list[LedgerRow]:
    with engine.connect() as connection:
        found = connection.execute(_ROWS, {"site_id": site.site_id}).mappings()
        return [ledger_row(record) for record in found]


@contextmanager
def _open(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
