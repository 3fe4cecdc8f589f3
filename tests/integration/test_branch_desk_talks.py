"""DeskService over real gRPC: a talk of more than two, by the desks of those who are in it."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import grpc
import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from branch.terminal.client import DeskClient
from branch.terminal.seen import CallInHand, SiteSeen
from router.agent import AgentState
from router.call import CallState
from router.facts import CallerHungUp, LegHungUp
from router.ids import AgentId, CallId, LegId
from router.ledger import Monitored, MonitoringEnded
from router.orders import BridgeAgent, JoinTalk, Overhear, RingAgent
from router.talk.consultation import ConsultationState
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from router.views import RecordingState
from sync.link.refusals import RefusedError
from sync.link.status import refusal_from
from tests.fakes.desk_site import ANN, KIM, PASSWORD, QUEUE, SITE, DeskSite

LIMIT_S = 10.0
REQUEST = "0191f3a0-0000-7000-8000-000000000001"


async def logged_in(site: DeskSite, name: str) -> DeskClient:
    client = site.client()
    await client.log_in(name, PASSWORD)
    return client


async def until(client: DeskClient, is_so: Callable[[SiteSeen], bool]) -> SiteSeen:
    """What the agent's desk shows once `is_so`."""
    seen = SiteSeen()
    async with asyncio.timeout(LIMIT_S), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            if is_so(seen):
                return seen
    raise AssertionError("the watch ended")


def in_hand(seen: SiteSeen, agent_id: AgentId) -> CallInHand:
    call = seen.call_in_hand(agent_id)
    assert call is not None
    return call


def shows_recording(state: RecordingState) -> Callable[[SiteSeen], bool]:
    return lambda seen: in_hand(seen, KIM).recording is state


async def ring_of_lee(site: DeskSite) -> LegId:
    """Lee's phone is rung soon after the desk was asked."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            for order in site.phones.orders:
                if isinstance(order, RingAgent) and order.agent_id == f"{SITE}/lee":
                    return order.leg_id
            await asyncio.sleep(0)


class Two:
    """Kim talks to a caller; Ann is ready. Each sits at a desk."""

    def __init__(self, site: DeskSite, kim: DeskClient, ann: DeskClient, call_id: CallId, leg: LegId) -> None:
        self.site, self.kim, self.ann, self.call_id, self.leg = site, kim, ann, call_id, leg

    @classmethod
    async def talking(cls, site: DeskSite) -> "Two":
        kim, ann = await logged_in(site, "1001"), await logged_in(site, "1002")
        await kim.ready()
        call_id = site.call()
        seen = await until(kim, lambda seen: seen.call_in_hand(KIM) is not None)
        leg = in_hand(seen, KIM).leg_id
        await kim.answer(leg)
        await ann.ready()
        return cls(site, kim, ann, call_id, leg)

    async def consulting(self) -> LegId:
        """Ann has answered on this leg."""
        await self.kim.consult(self.leg, ANN)
        seen = await until(self.ann, lambda seen: seen.call_in_hand(ANN) is not None)
        leg_id = in_hand(seen, ANN).leg_id
        await self.ann.answer(leg_id)
        return leg_id

    def consultation(self, seen: SiteSeen) -> tuple[ConsultationState, str | None] | None:
        call = seen.calls.get(self.call_id)
        found = call.consultation if call is not None else None
        return (found.state, found.reason) if found is not None else None


async def test_a_colleague_sees_the_customer_it_is_asked_about(site: DeskSite) -> None:
    two = await Two.talking(site)
    await two.kim.consult(two.leg, ANN)

    seen = await until(two.ann, lambda seen: two.call_id in seen.calls)

    assert seen.agents[ANN].state is AgentState.RINGING
    assert seen.calls[two.call_id].ringing_agents == ()
    assert seen.calls[two.call_id].customer_id is not None


async def test_an_attended_transfer_from_desk_to_desk(site: DeskSite) -> None:
    two = await Two.talking(site)
    anns_leg = await two.consulting()
    await until(two.kim, lambda seen: two.consultation(seen) == (ConsultationState.TALKING, None))

    await two.kim.complete_transfer(two.leg)

    seen = await until(two.ann, lambda seen: seen.calls[two.call_id].agent_id == ANN)
    assert seen.calls[two.call_id].state is CallState.CONNECTED
    assert seen.agents[KIM].state is AgentState.WRAP_UP
    await asyncio.sleep(0)
    assert BridgeAgent(call_id=two.call_id, leg_id=anns_leg) in site.phones.orders


async def test_a_rejected_consultation_is_told_to_the_agent(site: DeskSite) -> None:
    two = await Two.talking(site)
    await two.kim.consult(two.leg, ANN)
    seen = await until(two.ann, lambda seen: seen.call_in_hand(ANN) is not None)

    await two.ann.hang_up(in_hand(seen, ANN).leg_id)

    seen = await until(two.kim, lambda seen: two.consultation(seen) == (ConsultationState.OVER, "REJECTED"))
    assert seen.calls[two.call_id].state is CallState.HELD
    await two.kim.resume(two.leg)
    await until(two.kim, lambda seen: two.consultation(seen) is None)


async def test_a_cancelled_consultation_and_a_conference(site: DeskSite) -> None:
    two = await Two.talking(site)
    await two.consulting()
    await two.kim.cancel_consultation(two.leg)
    await until(two.kim, lambda seen: seen.calls[two.call_id].state is CallState.CONNECTED)
    await two.consulting()

    await two.kim.merge(two.leg)

    await until(two.kim, lambda seen: two.consultation(seen) == (ConsultationState.MERGED, None))
    await two.kim.hang_up(two.leg)
    await until(two.ann, lambda seen: seen.calls[two.call_id].agent_id == ANN)


async def test_a_consultation_key_pressed_late_does_nothing(site: DeskSite) -> None:
    two = await Two.talking(site)
    site.desk.tell(CallerHungUp(call_id=two.call_id))

    with pytest.raises(RefusedError) as refused:
        await two.kim.consult(two.leg, ANN)

    assert refused.value.reason == "LEG_UNKNOWN"


async def test_a_repeated_consultation_rings_once(site: DeskSite) -> None:
    two = await Two.talking(site)
    stub = DeskServiceStub(two.kim._channel)
    request = pb.ConsultRequest(request_id=REQUEST, leg_id=two.leg, agent_id=ANN)

    for _ in range(2):
        await stub.Consult(request, metadata=two.kim._metadata(), timeout=LIMIT_S)

    rings = [order for order in site.phones.orders if isinstance(order, RingAgent)]
    assert [ring.agent_id for ring in rings] == [KIM, ANN]


async def test_an_agent_picks_up_what_rings_a_colleague_and_what_waits(site: DeskSite) -> None:
    kim, ann = await logged_in(site, "1001"), await logged_in(site, "1002")
    await kim.ready()
    first = site.call()
    await until(kim, lambda seen: seen.agents[KIM].state is AgentState.RINGING)

    with pytest.raises(RefusedError, match="is RINGING"):
        await kim.pick_up()
    await ann.pick_up_at(KIM)
    seen = await until(ann, lambda seen: seen.agents[ANN].state is AgentState.RINGING)
    assert in_hand(seen, ANN).call_id == first
    await ann.answer(in_hand(seen, ANN).leg_id)
    await kim.not_ready("LUNCH")
    second = site.call()
    await kim.pick_up_from(QUEUE)

    seen = await until(kim, lambda seen: seen.agents[KIM].state is AgentState.RINGING)
    assert in_hand(seen, KIM).call_id == second


async def test_a_supervisor_listens_barges_in_and_leaves(site: DeskSite) -> None:
    two = await Two.talking(site)
    lee = await logged_in(site, "lee")

    await lee.supervise(KIM, SupervisionMode.LISTEN)
    leg_id = await ring_of_lee(site)
    site.phones.answer_leg(leg_id)
    assert leg_id in site.desk.live().legs, "a PBX that comes back is not told to end it"
    await lee.supervise(KIM, SupervisionMode.BARGE)
    await lee.end_supervision()

    written = [row.entry for row in site.ledger.rows if isinstance(row.entry, Monitored | MonitoringEnded)]
    assert [getattr(entry, "mode", None) for entry in written] == ["LISTEN", "BARGE", None]
    assert {entry.supervisor for entry in written} == {"lee"}
    assert Overhear(leg_id=leg_id, beside=two.leg, is_whispering=False) in site.phones.orders
    assert JoinTalk(leg_id=two.leg, joining=leg_id) in site.phones.orders


async def test_a_supervisor_who_logs_out_leaves_the_talk(site: DeskSite) -> None:
    await Two.talking(site)
    lee = await logged_in(site, "lee")
    await lee.supervise(KIM, SupervisionMode.LISTEN)

    await lee.log_out()

    assert list(site.desk.floor.supervisions()) == []


async def test_an_agent_may_not_supervise_nor_a_supervisor_consult(site: DeskSite) -> None:
    two = await Two.talking(site)
    lee = await logged_in(site, "lee")

    for act in (
        two.ann.supervise(KIM, SupervisionMode.LISTEN),
        two.ann.end_supervision(),
        lee.consult(two.leg, ANN),
    ):
        with pytest.raises(RefusedError) as refused:
            await act
        assert refused.value.reason == "ROLE_FORBIDS"


async def test_the_talk_goes_on_when_the_colleague_hangs_up_the_phone(site: DeskSite) -> None:
    two = await Two.talking(site)
    leg = await two.consulting()
    await two.kim.merge(two.leg)

    site.desk.tell(LegHungUp(leg_id=leg))

    seen = await until(
        two.kim, lambda seen: two.consultation(seen) == (ConsultationState.OVER, "COLLEAGUE_LEFT")
    )
    assert seen.calls[two.call_id].state is CallState.CONNECTED


async def test_an_agent_records_its_talk_pauses_and_ends_it(site: DeskSite) -> None:
    two = await Two.talking(site)

    for act, expected in (
        (RecordingAct.START, RecordingState.RUNNING),
        (RecordingAct.PAUSE, RecordingState.PAUSED),
        (RecordingAct.RESUME, RecordingState.RUNNING),
        (RecordingAct.STOP, RecordingState.NONE),
    ):
        await two.kim.record(two.leg, act)
        await until(two.kim, shows_recording(expected))

    kinds = [row.entry.kind for row in site.ledger.rows if row.entry.kind.startswith("RECORDING")]
    assert kinds == ["RECORDING_STARTED", "RECORDING_PAUSED", "RECORDING_RESUMED", "RECORDING_ENDED"]


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("Record", pb.RecordRequest(request_id=REQUEST, leg_id=REQUEST), "act"),
        ("Supervise", pb.SuperviseRequest(request_id=REQUEST, agent_id=KIM), "mode"),
        ("Pickup", pb.PickupRequest(request_id=REQUEST, queue_id=""), "queue_id"),
        ("Consult", pb.ConsultRequest(request_id=REQUEST, leg_id=REQUEST), "agent_id"),
    ],
)
async def test_an_incomplete_request_is_refused_with_the_fields_name(
    site: DeskSite, method: str, request_: object, field: str
) -> None:
    kim = await logged_in(site, "1001")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await getattr(DeskServiceStub(kim._channel), method)(
            request_, metadata=kim._metadata(), timeout=LIMIT_S
        )

    assert refusal_from(error.value).values["field"] == field
