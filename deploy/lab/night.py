"""The night of a lab: HQ consolidates by itself; the lab only watches how far it is."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import Engine, TextClause, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from deploy.lab.plan import LabPlan

_DAY_AT_BRANCH = text("SELECT count(*) FROM ledger WHERE business_date = :day")
_CERTIFIED = text("SELECT count(DISTINCT site_id) FROM certificates WHERE business_date = :day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Ledger rows of the played day at the branches and at HQ, and the sites certified."""

    row_count: int
    row_count_at_hq: int
    certified_count: int


class NightWatch:
    """Counts in the databases; an HQ that is down, or has no tables yet, has nothing yet."""

    def __init__(self, plan: LabPlan, hq_url: str) -> None:
        self._day = plan.business_date
        self._hq = create_engine(hq_url)
        self._branches = [
            create_engine(f"sqlite:///{(site.folder / 'branch.db').absolute()}") for site in plan.sites
        ]

    async def look(self) -> Progress:
        return await asyncio.to_thread(self._look)

    def close(self) -> None:
        for engine in (self._hq, *self._branches):
            engine.dispose()

    def _look(self) -> Progress:
        return Progress(
            row_count=sum(self._count(engine, _DAY_AT_BRANCH) for engine in self._branches),
            row_count_at_hq=self._count(self._hq, _DAY_AT_BRANCH),
            certified_count=self._count(self._hq, _CERTIFIED),
        )

    def _count(self, engine: Engine, question: TextClause) -> int:
        try:
            with engine.connect() as connection:
                return int(connection.execute(question, {"day": self._day}).scalar_one())
        except (OperationalError, ProgrammingError):
            return 0
