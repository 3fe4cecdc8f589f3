"""Where agents are reached, as they say it over real gRPC."""

import uuid

import grpc
import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from router.acd.place import Place
from router.orders import RingAgent
from sync.link.refusals import RefusedError
from sync.link.status import refusal_from
from tests.fakes.desk_site import KIM, DeskSite
from tests.fakes.desk_steps import LIMIT_S, logged_in, ringing_leg


async def test_an_agent_says_where_it_is_reached_and_is_rung_there(site: DeskSite) -> None:
    client = await logged_in(site)
    await client.set_places((Place(number="010 6666 1111"),))
    await client.ready()
    site.call()

    await ringing_leg(client)

    rings = [each for each in site.phones.orders if isinstance(each, RingAgent)]
    assert [each.outside.number for each in rings if each.outside is not None] == ["+861066661111"]
    assert site.places.kept == {KIM: (Place(number="+861066661111"),)}


async def test_a_number_that_may_not_be_dialled_is_refused(site: DeskSite) -> None:
    client = await logged_in(site)

    with pytest.raises(RefusedError) as refusal:
        await client.set_places((Place(number="+44 20 7946 0000"),))

    assert refusal.value.reason == "NOT_ALLOWED"
    assert site.places.kept == {}


@pytest.mark.parametrize(
    ("places", "field"),
    [
        ([pb.Place()] * 6, "places"),
        ([pb.Place(number="")], "places.number"),
        ([pb.Place(ring_limit_ms=0)], "places.ring_limit_ms"),
        ([pb.Place(ring_limit_ms=120_001)], "places.ring_limit_ms"),
    ],
)
async def test_absurd_places_are_refused_with_the_fields_name(
    site: DeskSite, places: list[pb.Place], field: str
) -> None:
    client = await logged_in(site)
    request = pb.SetPlacesRequest(request_id=str(uuid.uuid4()), places=places)

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await DeskServiceStub(client._channel).SetPlaces(
            request, metadata=client._metadata(), timeout=LIMIT_S
        )

    assert refusal_from(error.value).values["field"] == field
