"""A lab's caller at a SIP phone, straight to another phone that answers as a branch would: at once."""

import asyncio

from deploy.lab.sip_people import SipCaller
from deploy.phones.phones import Behaviour, Phone
from router.ids import QueueId, SiteId
from router.world.day.calls import PlannedCall

LOOPBACK = "127.0.0.1"
LONG_MS = 3_600_000


def caller(*, handle_ms: int = LONG_MS, patience_ms: int | None = None) -> SipCaller:
    planned = PlannedCall(
        arrive_ms=0,
        site_id=SiteId("beijing"),
        queue_id=QueueId("sales"),
        handle_ms=handle_ms,
        patience_ms=patience_ms,
    )
    return SipCaller(planned, "+8613900000001")


def answering(behaviour: Behaviour) -> Phone:
    return Phone("4001", (LOOPBACK, 9), password="", behaviour=behaviour)


async def test_a_caller_whom_nobody_joins_goes_when_patience_ends() -> None:
    hasty = caller(patience_ms=200)

    async with answering(Behaviour(ring_ms=0)) as branch:
        await hasty.live("4001", branch.socket.address, LOOPBACK)

    assert hasty.has_met_pbx
    assert hasty.story == {"taken": True, "conversations": 0, "ending": "we_hung_up"}


async def test_a_caller_who_talks_forgets_patience_and_goes_when_all_is_said() -> None:
    talkative = caller(handle_ms=200, patience_ms=LONG_MS)

    async with answering(Behaviour(ring_ms=0)) as branch:
        living = asyncio.create_task(talkative.live("4001", branch.socket.address, LOOPBACK))
        talkative.meet(await branch.wait_talking())
        await living

    assert talkative.story == {"taken": True, "conversations": 1, "ending": "we_hung_up"}


async def test_a_caller_whose_agent_is_gone_waits_as_long_as_patience_lasts() -> None:
    left = caller(patience_ms=200)

    async with answering(Behaviour(ring_ms=0)) as branch:
        living = asyncio.create_task(left.live("4001", branch.socket.address, LOOPBACK))
        talk = await branch.wait_talking()
        left.meet(talk)
        left.part(talk)
        await living

    assert left.story == {"taken": True, "conversations": 1, "ending": "we_hung_up"}


async def test_a_caller_who_is_turned_away_is_told_so() -> None:
    patient = caller()

    async with answering(Behaviour(ring_ms=0, status=486)) as branch:
        await patient.live("4001", branch.socket.address, LOOPBACK)

    assert patient.has_met_pbx
    assert patient.story == {"taken": False, "conversations": 0, "ending": "they_refused"}
