"""What a branch's file may say of return visits: whose, when, how persistently."""

from datetime import time
from typing import Annotated

from pydantic import Field

from branch.outbound_settings import HoursSection
from node.settings import Section
from router.ids import QueueId
from router.visit.policy import VisitPolicy

_VISITS = VisitPolicy()


class VisitsSection(Section):
    """Answered callers who are called again; each as in router.visit.policy. Nobody by default."""

    share: float = Field(default=_VISITS.share, ge=0, le=1, allow_inf_nan=False)
    after_days: int = Field(default=_VISITS.after_days, ge=1, le=60)
    queues: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = ()
    try_limit: int = Field(default=_VISITS.try_limit, ge=1, le=100)
    pause_s: int = Field(default=_VISITS.pause_s, ge=1, le=30 * 86_400)
    hours: tuple[HoursSection, ...] = (HoursSection(begin=time(9), end=time(20)),)
    """No visit is dialled outside of these."""

    def policy(self) -> VisitPolicy:
        return VisitPolicy(
            share=self.share,
            after_days=self.after_days,
            queues=frozenset(map(QueueId, self.queues)),
            try_limit=self.try_limit,
            pause_s=self.pause_s,
        )
