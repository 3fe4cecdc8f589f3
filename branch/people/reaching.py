"""Where agents are reached: told to the floor, kept by the store, changed by desks, phones and commands."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from branch.customers.numbers import e164
from branch.people.refusals import unreadable_number
from router.acd.place import OWN_PHONE, Place
from router.errors import RouterError
from router.facts import Fact, ReachChanged
from router.ids import AgentId

_LOOK_INTERVAL_S = 2.0
"""Commands change places beside the running branch: how late a change may be seen."""

log = structlog.get_logger()


class PlaceRecords(Protocol):
    """The part of the store that knows places; its calls block."""

    def places(self) -> Mapping[AgentId, tuple[Place, ...]]:
        """Of all agents who are reached anywhere else than at their own phone."""
        ...

    def set_places(self, agent_id: AgentId, places: Sequence[Place]) -> None:
        """These and no others."""
        ...


class Reaching:
    """The places of the site's agents."""

    def __init__(
        self,
        *,
        records: PlaceRecords,
        handle: Callable[[Fact], None],
        country: str | None,
        start_task: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        """`handle` raises RouterError where the floor refuses; `country` is where numbers are dialled."""
        self._records = records
        self._handle = handle
        self._country = country
        self._start_task = start_task
        self._lock = asyncio.Lock()
        self._told = dict(records.places())

    @property
    def at_start(self) -> Mapping[AgentId, tuple[Place, ...]]:
        """What the floor is to begin with."""
        return dict(self._told)

    async def set_places(self, agent_id: AgentId, places: Sequence[Place]) -> None:
        """From the agent's next ring on, and after every restart. Numbers are as typed.

        Raises:
            CountryMissingError: a number without a country code, and the site has no country.
            NotAllowedError: no number of anybody's, or one that may not be dialled.
            RouterError: too many places, or rings too long. Nothing was changed.
        """
        wanted = tuple(self._written(place) for place in places)
        wanted = () if wanted == OWN_PHONE else wanted
        async with self._lock:
            self._handle(ReachChanged(agent_id=agent_id, places=wanted))
            try:
                await asyncio.to_thread(self._records.set_places, agent_id, wanted)
            except BaseException:
                self._handle(ReachChanged(agent_id=agent_id, places=self._told.get(agent_id, ())))
                raise
            self._told[agent_id] = wanted

    def forward_soon(self, agent_id: AgentId, number: str | None, confirm: Callable[[bool], None]) -> None:
        """Asked for at a phone; `confirm` is told whether it is so now. None: back to the phone."""
        self._start_task(self._forward(agent_id, number, confirm))

    async def follow(self) -> None:
        """Look for what commands have changed, until cancelled; without the database all stays as it is."""
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            async with self._lock:
                try:
                    found = await asyncio.to_thread(self._records.places)
                except SQLAlchemyError as error:
                    log.warning("places_unread", problem=str(error)[:300])
                else:
                    self._tell_changes(found)

    def _tell_changes(self, found: Mapping[AgentId, tuple[Place, ...]]) -> None:
        for agent_id in sorted(self._told.keys() | found.keys()):
            places = found.get(agent_id, ())
            if places == self._told.get(agent_id, ()):
                continue
            try:
                self._handle(ReachChanged(agent_id=agent_id, places=places))
            except RouterError as refusal:
                log.warning("places_refused", agent=agent_id, reason=refusal.reason)
            self._told[agent_id] = places

    async def _forward(self, agent_id: AgentId, number: str | None, confirm: Callable[[bool], None]) -> None:
        is_done = False
        try:
            await self.set_places(agent_id, () if number is None else (Place(number=number),))
            is_done = True
        except RouterError as refusal:
            log.warning("forwarding_refused", agent=agent_id, reason=refusal.reason)
        except SQLAlchemyError:
            # Its text may hold the number.
            log.warning("forwarding_not_kept", agent=agent_id, reason="STORE")
        confirm(is_done)

    def _written(self, place: Place) -> Place:
        if place.number is None:
            return place
        number = e164(place.number.strip(), self._country)
        if number is None:
            raise unreadable_number(place.number.strip(), self._country)
        return Place(number=number, ring_limit_ms=place.ring_limit_ms)
