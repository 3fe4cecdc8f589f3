"""Where agents are reached: what desks, phones and commands say is told to the floor and kept."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch.people import reaching
from branch.people.login import AgentRecord
from branch.people.reaching import Reaching
from branch.store.store import Store, open_store
from router.acd.place import Place
from router.errors import InvalidPolicyError, NotAllowedError
from router.facts import Fact, ReachChanged
from router.ids import AgentId, SiteId
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar

KIM = AgentId("beijing/1001")
TYPED, MOBILE = "13800138000", "+8613800138000"
PLACES = (Place(ring_limit_ms=15_000), Place(number=MOBILE))
BARRED = "+8610"


class FloorThatListens:
    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def handle(self, fact: Fact) -> None:
        assert isinstance(fact, ReachChanged)
        if any((place.number or "").startswith(BARRED) for place in fact.places):
            raise NotAllowedError(BARRED)
        self.facts.append(fact)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(
        f"sqlite:///{tmp_path / 'branch.db'}",
        site_id=SiteId("beijing"),
        calendar=BusinessCalendar("Asia/Shanghai"),
        clock=SystemClock(),
    )
    yield opened
    opened.close()


@pytest.fixture
def floor() -> FloorThatListens:
    return FloorThatListens()


def reaching_of(store: Store, floor: FloorThatListens) -> Reaching:
    return Reaching(
        records=store.agent_places, handle=floor.handle, country="CN", start_task=asyncio.ensure_future
    )


async def test_what_was_typed_is_told_and_kept_as_the_world_writes_it(
    store: Store, floor: FloorThatListens
) -> None:
    await reaching_of(store, floor).set_places(KIM, [PLACES[0], Place(number=TYPED)])

    assert floor.facts == [ReachChanged(agent_id=KIM, places=PLACES)]
    assert reaching_of(store, floor).at_start == {KIM: PLACES}


async def test_a_number_that_may_not_be_dialled_is_neither_told_nor_kept(
    store: Store, floor: FloorThatListens
) -> None:
    reach = reaching_of(store, floor)
    await reach.set_places(KIM, PLACES)

    for number in ("+861066661111", "nonsense", ""):
        with pytest.raises(NotAllowedError):
            await reach.set_places(KIM, [Place(number=number)])

    assert floor.facts == [ReachChanged(agent_id=KIM, places=PLACES)]
    assert reaching_of(store, floor).at_start == {KIM: PLACES}


async def test_a_phone_forwards_itself_and_takes_that_back(store: Store, floor: FloorThatListens) -> None:
    tasks: list[asyncio.Task[None]] = []
    reach = Reaching(
        records=store.agent_places,
        handle=floor.handle,
        country="CN",
        start_task=lambda coroutine: tasks.append(asyncio.create_task(coroutine)),
    )
    confirmed: list[bool] = []
    for number in (TYPED, "010 6666 1111", None):
        reach.forward_soon(KIM, number, confirmed.append)
        await asyncio.gather(*tasks)

    assert floor.facts == [
        ReachChanged(agent_id=KIM, places=(Place(number=MOBILE),)),
        ReachChanged(agent_id=KIM, places=()),
    ]
    assert confirmed == [True, False, True]
    assert store.agent_places.places() == {}


async def test_what_commands_write_is_seen(
    store: Store, floor: FloorThatListens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "_LOOK_INTERVAL_S", 0.01)
    following = asyncio.create_task(reaching_of(store, floor).follow())
    store.agent_places.set_places(KIM, PLACES)
    async with asyncio.timeout(10):
        while len(floor.facts) < 1:  # noqa: ASYNC110 - the database is looked at, nobody tells
            await asyncio.sleep(0.01)
        store.people.remove_agent(KIM)
        while len(floor.facts) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()

    assert floor.facts == [
        ReachChanged(agent_id=KIM, places=PLACES),
        ReachChanged(agent_id=KIM, places=()),
    ]


async def test_without_the_database_the_floor_rings_where_it_did(
    store: Store, floor: FloorThatListens, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = reaching_of(store, floor)
    await reach.set_places(KIM, PLACES)

    def fail(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(store.agent_places, "set_places", fail)
    with pytest.raises(OSError, match="no disk"):
        await reach.set_places(KIM, [Place(number="+8613900139000")])

    assert floor.facts[-1] == ReachChanged(agent_id=KIM, places=PLACES)


def test_places_go_with_their_agent(store: Store) -> None:
    store.people.set_agent(AgentRecord(agent_id=KIM, name="王芳", skills=frozenset()))
    store.agent_places.set_places(KIM, PLACES)

    store.people.remove_agent(KIM)

    assert store.agent_places.places() == {}


def test_a_place_has_to_ring_for_a_time_that_somebody_hears() -> None:
    with pytest.raises(InvalidPolicyError):
        Place(ring_limit_ms=0)
