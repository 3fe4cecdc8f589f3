"""One day of the bank's callers spread over sites, with what the data could not see drawn from it."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from router.ids import CustomerId, QueueId, SiteId
from router.world.day.calls import PlannedCall
from router.world.technion.rows import BankCall
from router.world.technion.survival import Survival, kaplan_meier

HANG_UPS_NEEDED = 20
"""A type with fewer says too little of its callers' patience: those of all types stand in."""


@dataclass(slots=True, kw_only=True)
class Drawn:
    """The calls, and how much of them was drawn."""

    calls: list[PlannedCall] = field(default_factory=list)
    services_drawn: int = 0
    patiences_drawn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Part of a day, in seconds after midnight; the calls' times begin at `from_s`."""

    from_s: int = 0
    until_s: int = 86_400


class BankHabits:
    """What all rows of the data say of each type: how long services are, how patient callers."""

    def __init__(self, calls: Iterable[BankCall]) -> None:
        self._services: dict[QueueId, list[int]] = {}
        waits: dict[QueueId, list[tuple[float, bool]]] = {}
        for call in calls:
            waits.setdefault(call.queue_id, []).append((call.waited_s, not call.is_answered))
            if call.service_s is not None:
                self._services.setdefault(call.queue_id, []).append(call.service_s)
        everybody = kaplan_meier(wait for sample in waits.values() for wait in sample)
        self._patience: dict[QueueId, Survival] = {}
        for queue_id, sample in waits.items():
            own = kaplan_meier(sample)
            self._patience[queue_id] = own if own.hang_up_count >= HANG_UPS_NEEDED else everybody
        self._all_services = [service for sample in self._services.values() for service in sample]

    def draw_service_s(self, queue_id: QueueId, rng: random.Random) -> int:
        """Somebody else's of the same type."""
        return rng.choice(self._services.get(queue_id) or self._all_services or [0])

    def draw_patience_s(self, call: BankCall, rng: random.Random) -> float | None:
        """Beyond what the answered caller waited; None for ever."""
        return self._patience[call.queue_id].draw_beyond(call.waited_s, rng)


def draw_calls(
    calls: Iterable[BankCall],
    habits: BankHabits,
    *,
    sites: Sequence[SiteId],
    weights: Sequence[float],
    window: Window,
    seed: int,
    has_priorities: bool = True,
) -> Drawn:
    """The same calls for the same seed. A known customer always calls the same site."""
    rng = random.Random(seed)
    homes: dict[CustomerId, SiteId] = {}
    drawn = Drawn()
    for call in sorted(calls, key=lambda each: each.asked_s):
        site_id = rng.choices(sites, weights)[0]
        if call.customer_id is not None:
            site_id = homes.setdefault(call.customer_id, site_id)
        if window.from_s <= call.asked_s < window.until_s:
            drawn.calls.append(_planned(call, site_id, habits, drawn, window, rng, has_priorities))
    return drawn


def _planned(
    call: BankCall,
    site_id: SiteId,
    habits: BankHabits,
    drawn: Drawn,
    window: Window,
    rng: random.Random,
    has_priorities: bool,
) -> PlannedCall:
    service_s: float
    patience_s: float | None
    if call.service_s is not None:
        service_s, patience_s = call.service_s, habits.draw_patience_s(call, rng)
        drawn.patiences_drawn += 1
    else:
        service_s, patience_s = habits.draw_service_s(call.queue_id, rng), call.waited_s
        drawn.services_drawn += 1
    return PlannedCall(
        arrive_ms=(call.asked_s - window.from_s) * 1000,
        site_id=site_id,
        queue_id=call.queue_id,
        handle_ms=round(service_s * 1000),
        patience_ms=None if patience_s is None else round(patience_s * 1000),
        priority=call.priority if has_priorities else 0,
        customer_id=call.customer_id,
    )
