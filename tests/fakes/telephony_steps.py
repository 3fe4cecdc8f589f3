"""Steps that several promises of telephony drivers begin with."""

import asyncio
from collections.abc import Awaitable, Callable

from branch.telephony.port import TelephonyDriver
from router.facts import (
    LegAnswered,
    LegRang,
    TrunkAnswered,
    TrunkRang,
)
from router.ids import CallId, HandoffId, LegId, QueueId
from router.orders import (
    BridgeAgent,
    BridgeTrunk,
    BridgeTrunkLeg,
    DialSite,
    HoldInQueue,
    Order,
    RingAgent,
)
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, OTHER_AGENT, PEER, PEER_AGENT, Site

SALES = QueueId("sales")
LEG, OTHER_LEG = LegId("0191-leg-1"), LegId("0191-leg-2")
HANDOFF, OTHER_HANDOFF = HandoffId("0191-handoff-1"), HandoffId("0191-handoff-2")
GOOD_TOKEN = "good-" + "x" * 80
"""As long as a real one: a PBX may refuse by itself what is too short for one."""
STRANGER = CallId("0191-call-elsewhere")
"""A call of another site's."""

Sites = tuple[Site, Site]


async def queued(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> tuple[str, CallId]:
    """A caller who hears the queue's music."""
    channel = await site.call()
    caller = await ear.caller()
    driver.carry_out(HoldInQueue(call_id=caller.call_id, queue_id=SALES))
    await becomes(lambda: site.hears_music(caller.call_id))
    return channel, caller.call_id


async def becomes(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the other side of the PBX sees it too."""
    async with asyncio.timeout(10):
        while not await look():  # noqa: ASYNC110 - what another process sees can only be asked for
            await asyncio.sleep(0.01)


def ring(call_id: CallId, leg_id: LegId = LEG) -> Order:
    return RingAgent(leg_id=leg_id, agent_id=AGENT, call_id=call_id, queue_id=SALES, handoff_id=None)


async def joined(
    site: Site, driver: TelephonyDriver, ear: TelephonyEar, call_id: CallId, leg_id: LegId = OTHER_LEG
) -> None:
    """OTHER_AGENT has answered on `leg_id`, beside the call."""
    driver.carry_out(
        RingAgent(leg_id=leg_id, agent_id=OTHER_AGENT, call_id=call_id, queue_id=SALES, handoff_id=None)
    )
    await ear.fact(LegRang(leg_id=leg_id))
    await site.lift(leg_id)
    await ear.fact(LegAnswered(leg_id=leg_id))


async def talking(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> tuple[str, CallId]:
    """A caller who talks to AGENT on LEG."""
    channel, call_id = await queued(site, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))
    await site.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await becomes(lambda: site.talks(call_id))
    return channel, call_id


def dial(call_id: CallId, handoff_id: HandoffId = HANDOFF) -> Order:
    return DialSite(handoff_id=handoff_id, call_id=call_id, site_id=PEER, token=GOOD_TOKEN)


def ring_helper() -> Order:
    return RingAgent(leg_id=LEG, agent_id=PEER_AGENT, call_id=STRANGER, queue_id=SALES, handoff_id=HANDOFF)


class HandedOff:
    """A call of home's that PEER_AGENT serves, made step by step."""

    def __init__(self, sites: Sites) -> None:
        self.home, self.peer = sites

    async def dialled(self) -> "HandedOff":
        """The INVITE has reached the helper."""
        self.origin, self.origin_ear, _found = await self.home.connect()
        self.helper, self.helper_ear, _found = await self.peer.connect()
        self.caller, self.call_id = await queued(self.home, self.origin, self.origin_ear)
        self.origin.carry_out(dial(self.call_id))
        self.trunk = await self.helper_ear.trunk()
        return self

    async def ringing(self) -> "HandedOff":
        """The helper's agent rings, and the origin knows."""
        await self.dialled()
        self.helper.accept_trunk(self.trunk.trunk_id, HANDOFF)
        self.helper.carry_out(ring_helper())
        await self.origin_ear.fact(TrunkRang(handoff_id=HANDOFF))
        return self

    async def connected(self) -> "HandedOff":
        """Caller and helper's agent talk."""
        await self.ringing()
        await self.peer.lift(LEG)
        await self.helper_ear.fact(LegAnswered(leg_id=LEG))
        self.helper.carry_out(BridgeTrunkLeg(handoff_id=HANDOFF, leg_id=LEG))
        await self.origin_ear.fact(TrunkAnswered(handoff_id=HANDOFF))
        self.origin.carry_out(BridgeTrunk(call_id=self.call_id, handoff_id=HANDOFF))
        await becomes(lambda: self.home.talks(self.call_id))
        return self
