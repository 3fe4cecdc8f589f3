"""What every telephony driver promises, tried with a real PBX behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from branch.telephony.port import NotTelephonyError, PhoneEvent, TelephonyDriver
from router.agent import RingFailure
from router.facts import (
    CallerHungUp,
    CallFailed,
    LegAnswered,
    LegFailed,
    LegHungUp,
    LegRang,
    TrunkAnswered,
    TrunkFailed,
    TrunkHungUp,
    TrunkRang,
)
from router.ids import CallId, HandoffId, LegId, QueueId
from router.ledger import Role
from router.orders import (
    BridgeAgent,
    BridgeTrunk,
    BridgeTrunkLeg,
    DialSite,
    HangUpCall,
    HangUpLeg,
    HangUpTrunk,
    HoldCall,
    HoldInQueue,
    Order,
    RejectTrunk,
    ResumeCall,
    RingAgent,
    StopRinging,
)
from router.recovery import MediaState
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import AGENT, HOME, OTHER_AGENT, PEER, PEER_AGENT, SimulatedSite, Site

SALES = QueueId("sales")
LEG, OTHER_LEG = LegId("0191-leg-1"), LegId("0191-leg-2")
HANDOFF, OTHER_HANDOFF = HandoffId("0191-handoff-1"), HandoffId("0191-handoff-2")
STRANGER = CallId("0191-call-elsewhere")
"""A call of another site's."""

Sites = tuple[Site, Site]


@pytest.fixture(params=["simulated"])
async def sites(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sites]:
    """Two running PBXes with a trunk between them; one more line in `params` is one more adapter."""
    home = SimulatedSite(tmp_path / HOME, HOME, (AGENT, OTHER_AGENT))
    peer = SimulatedSite(tmp_path / PEER, PEER, (PEER_AGENT,))
    home.trunks[PEER] = peer.pbx.trunk_address
    peer.trunks[HOME] = home.pbx.trunk_address
    try:
        await asyncio.gather(home.start(), peer.start())
        yield home, peer
    finally:
        await home.close()
        await peer.close()


@pytest.fixture
def home(sites: Sites) -> Site:
    return sites[0]


@pytest.fixture
def peer(sites: Sites) -> Site:
    return sites[1]


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


# --- callers -------------------------------------------------------------------------------


async def test_a_caller_is_told_once_with_what_the_pbx_knows(home: Site) -> None:
    _driver, ear, _found = await home.connect()

    await home.call()
    caller = await ear.caller()
    await ear.until(lambda: ear.inventories)

    assert (caller.queue_id, caller.customer_id, caller.priority) == ("sales", "c1", 0)
    assert len(ear.callers) == 1


async def test_a_caller_in_queue_hears_music_until_an_agent_answers(home: Site) -> None:
    driver, ear, _found = await home.connect()

    _channel, call_id = await talking(home, driver, ear)

    assert not await home.hears_music(call_id)
    assert ear.facts == [LegRang(leg_id=LEG), LegAnswered(leg_id=LEG)]


async def test_orders_about_a_caller_who_is_gone_do_nothing(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    for order in (HoldInQueue(call_id=call_id, queue_id=SALES), HangUpCall(call_id=call_id, reason="x")):
        driver.carry_out(order)
    await queued_second(home, driver, ear)

    assert ear.facts == [CallerHungUp(call_id=call_id)]


async def queued_second(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> None:
    """Another caller in the queue: by then the PBX has done whatever was asked before."""
    await site.call()
    caller = await ear.caller(1)
    driver.carry_out(HoldInQueue(call_id=caller.call_id, queue_id=SALES))
    await becomes(lambda: site.hears_music(caller.call_id))


async def test_a_caller_may_hang_up_before_anything_was_ordered(home: Site) -> None:
    _driver, ear, _found = await home.connect()

    channel = await home.call()
    caller = await ear.caller()
    await home.give_up(channel)

    await ear.fact(CallerHungUp(call_id=caller.call_id))


async def test_a_caller_may_hang_up_while_a_phone_rings(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def home_is_free(site: Site, driver: TelephonyDriver, ear: TelephonyEar) -> None:
    """AGENT's phone can be rung again: nothing was left on its line."""
    again = LegId("0191-leg-again")
    driver.carry_out(ring(STRANGER, again))
    await ear.fact(LegRang(leg_id=again))


async def test_a_caller_may_hang_up_between_the_answer_and_the_bridge(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))
    await home.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))

    await home.give_up(channel)
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def test_a_caller_may_hang_up_while_talking(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await talking(home, driver, ear)

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def test_a_call_that_we_end_is_no_news(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    driver.carry_out(HangUpCall(call_id=call_id, reason="SERVED"))
    driver.carry_out(HangUpLeg(leg_id=LEG, agent_id=AGENT))
    await home_is_free(home, driver, ear)

    assert CallerHungUp(call_id=call_id) not in ear.facts
    assert LegHungUp(leg_id=LEG) not in ear.facts


# --- agents --------------------------------------------------------------------------------


async def test_an_agent_hangs_up_and_the_caller_stays_with_us(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    await home.put_down(LEG)
    await ear.fact(LegHungUp(leg_id=LEG))
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))

    await becomes(lambda: home.hears_music(call_id))


async def test_a_ring_can_be_stopped(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))

    await home_is_free(home, driver, ear)


async def test_a_ring_can_be_stopped_in_the_breath_that_began_it(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)

    driver.carry_out(ring(call_id))
    driver.carry_out(StopRinging(leg_id=LEG, agent_id=AGENT))
    await home_is_free(home, driver, ear)

    assert LegAnswered(leg_id=LEG) not in ear.facts


async def test_a_rejected_ring_is_told_as_rejected(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    await home.put_down(LEG)

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.REJECTED))
    assert await home.hears_music(call_id)


async def test_a_second_ring_finds_the_phone_busy(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    driver.carry_out(ring(call_id, OTHER_LEG))

    await ear.fact(LegFailed(leg_id=OTHER_LEG, reason=RingFailure.BUSY))
    assert await home.talks(call_id)


async def test_a_phone_that_unregisters_while_ringing_is_unreachable(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))

    await home.unregister(AGENT)
    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE))
    await ear.phone(AGENT, PhoneEvent.UNREACHABLE)
    ear.phones.clear()
    await home.register(AGENT)

    await ear.phone(AGENT, PhoneEvent.REGISTERED)


async def test_an_agent_without_a_phone_is_unreachable(home: Site) -> None:
    driver, ear, _found = await home.connect()

    driver.carry_out(
        RingAgent(leg_id=LEG, agent_id=PEER_AGENT, call_id=STRANGER, queue_id=SALES, handoff_id=None)
    )

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE))


async def test_a_held_caller_hears_music_and_comes_back(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    driver.carry_out(HoldCall(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.hears_music(call_id))
    driver.carry_out(ResumeCall(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.talks(call_id))

    assert ear.facts == [LegRang(leg_id=LEG), LegAnswered(leg_id=LEG)]


async def test_an_order_for_somebody_else_is_refused(home: Site) -> None:
    driver, _ear, _found = await home.connect()

    with pytest.raises(NotTelephonyError, match="Order is not for the PBX"):
        driver.carry_out(Order())


# --- trunks --------------------------------------------------------------------------------


def dial(call_id: CallId, handoff_id: HandoffId = HANDOFF) -> Order:
    return DialSite(handoff_id=handoff_id, call_id=call_id, site_id=PEER, token="good")


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


async def test_the_helper_hears_the_token_and_who_sends_it(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    assert (call.trunk.token, call.trunk.from_site) == ("good", HOME)
    assert await call.home.hears_music(call.call_id)


async def test_a_call_is_served_over_the_trunk_and_its_caller_ends_it(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.home.give_up(call.caller)
    await call.origin_ear.fact(CallerHungUp(call_id=call.call_id))
    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))

    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    assert TrunkHungUp(handoff_id=HANDOFF) not in call.origin_ear.facts


async def test_the_helpers_agent_hangs_up_and_the_caller_stays_with_the_origin(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.peer.put_down(LEG)
    await call.helper_ear.fact(LegHungUp(leg_id=LEG))
    call.helper.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    call.origin.carry_out(HoldInQueue(call_id=call.call_id, queue_id=SALES))

    await becomes(lambda: call.home.hears_music(call.call_id))


async def test_a_bad_token_is_answered_403_and_nobody_rings(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    call.helper.reject_trunk(call.trunk.trunk_id)

    await call.origin_ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="REJECTED"))
    assert call.helper_ear.facts == []


async def test_an_accepted_trunk_call_can_still_be_rejected(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    call.helper.accept_trunk(call.trunk.trunk_id, HANDOFF)
    call.helper.carry_out(RejectTrunk(handoff_id=HANDOFF))

    await call.origin_ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="REJECTED"))


async def test_a_token_shown_again_is_answered_403_and_the_talk_goes_on(sites: Sites) -> None:
    call = await HandedOff(sites).connected()
    again = dial(call.call_id, OTHER_HANDOFF)
    call.origin.carry_out(again)
    replayed = await call.helper_ear.trunk(1)
    told = list(call.helper_ear.facts)

    assert not call.helper.accept_trunk(replayed.trunk_id, HANDOFF)

    await call.origin_ear.fact(TrunkFailed(handoff_id=OTHER_HANDOFF, reason="REJECTED"))
    assert await call.home.talks(call.call_id)
    assert call.helper_ear.facts == told
    call.helper.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))


async def test_a_helper_without_its_branch_answers_503(sites: Sites) -> None:
    home, _peer = sites
    origin, ear, _found = await home.connect()
    _caller, call_id = await queued(home, origin, ear)

    origin.carry_out(dial(call_id))

    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="UNAVAILABLE"))
    assert await home.hears_music(call_id)


async def test_a_dead_helpers_pbx_is_told_as_unavailable(sites: Sites) -> None:
    home, peer = sites
    origin, ear, _found = await home.connect()
    _caller, call_id = await queued(home, origin, ear)
    await peer.kill()

    origin.carry_out(dial(call_id))

    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="UNAVAILABLE"))


async def test_the_origin_gives_up_while_the_helper_rings(sites: Sites) -> None:
    call = await HandedOff(sites).ringing()

    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))

    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    assert await call.home.hears_music(call.call_id)


async def test_the_helpers_pbx_dies_during_the_talk(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.peer.kill()

    await call.origin_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    await call.helper_ear.fact(LegHungUp(leg_id=LEG))


async def test_a_trunk_call_that_ends_before_it_is_accepted_is_told_as_ended(sites: Sites) -> None:
    call = await HandedOff(sites).dialled()

    call.origin.carry_out(HangUpTrunk(handoff_id=HANDOFF))
    call.helper.accept_trunk(call.trunk.trunk_id, HANDOFF)
    await call.helper_ear.fact(TrunkHungUp(handoff_id=HANDOFF))
    call.helper.accept_trunk(call.trunk.trunk_id, OTHER_HANDOFF)

    await call.helper_ear.fact(TrunkHungUp(handoff_id=OTHER_HANDOFF))
    assert len(call.helper_ear.facts) == 2


# --- a branch process dies, a PBX dies -----------------------------------------------------


async def test_a_new_process_finds_what_lives(home: Site) -> None:
    driver, ear, found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)

    await home.lose(driver)
    _driver, new_ear, alive = await home.connect()
    await new_ear.until(lambda: new_ear.inventories)

    assert found.callers == frozenset()
    assert alive.callers == {call_id}
    leg = alive.legs[LEG]
    assert (leg.agent_id, leg.call_id, leg.state) == (AGENT, call_id, MediaState.BRIDGED)
    assert alive.is_same_run
    assert new_ear.callers == []
    assert new_ear.facts == []


async def test_a_new_process_goes_on_with_the_call_it_found(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await queued(home, driver, ear)

    await home.lose(driver)
    driver, ear, _found = await home.connect()
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))
    await home.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.talks(call_id))
    await home.give_up(channel)

    await ear.fact(CallerHungUp(call_id=call_id))


async def test_a_new_process_finds_both_ends_of_a_hand_off(sites: Sites) -> None:
    call = await HandedOff(sites).connected()

    await call.home.lose(call.origin)
    await call.peer.lose(call.helper)
    _origin, _ear, at_home = await call.home.connect()
    _helper, _ear, at_peer = await call.peer.connect()

    ours, theirs = at_home.trunks[HANDOFF], at_peer.trunks[HANDOFF]
    assert (ours.peer, ours.role, ours.call_id, ours.state) == (
        PEER,
        Role.ORIGIN,
        call.call_id,
        MediaState.BRIDGED,
    )
    assert (theirs.peer, theirs.role, theirs.call_id, theirs.state) == (
        HOME,
        Role.HELPER,
        None,
        MediaState.BRIDGED,
    )
    assert at_peer.legs[LEG].handoff_id == HANDOFF


async def test_a_caller_who_was_in_no_queue_yet_is_told_again_with_the_same_id(home: Site) -> None:
    driver, ear, _found = await home.connect()
    await home.call()
    caller = await ear.caller()
    await home.lose(driver)

    _driver, new_ear, alive = await home.connect()

    assert await new_ear.caller() == caller
    assert alive.callers == {caller.call_id}


async def test_a_caller_who_came_while_nobody_listened_is_found(home: Site) -> None:
    await home.call()

    _driver, ear, _found = await home.connect()

    assert (await ear.caller()).queue_id == SALES


async def test_a_pbx_that_dies_fails_its_calls_and_comes_back_empty(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await talking(home, driver, ear)
    await ear.until(lambda: ear.inventories)

    await home.kill()
    await ear.fact(CallFailed(call_id=call_id, reason="LINK_LOST"))
    await ear.fact(LegHungUp(leg_id=LEG))
    await ear.phone(AGENT, PhoneEvent.UNREACHABLE)
    await home.start()
    await ear.until(lambda: len(ear.inventories) > 1)

    assert ear.lost_count == 1
    assert ear.inventories[-1].callers == frozenset()
    assert not ear.inventories[-1].is_same_run
    await ear.phone(AGENT, PhoneEvent.REGISTERED)


async def test_orders_given_to_a_dead_pbx_fail(home: Site) -> None:
    driver, ear, _found = await home.connect()
    await home.kill()
    await ear.phone(AGENT, PhoneEvent.UNREACHABLE)

    driver.carry_out(ring(STRANGER))
    driver.carry_out(dial(STRANGER))

    await ear.fact(LegFailed(leg_id=LEG, reason=RingFailure.UNREACHABLE))
    await ear.fact(TrunkFailed(handoff_id=HANDOFF, reason="LINK_LOST"))


async def test_a_pbx_that_is_down_at_first_is_waited_for(home: Site) -> None:
    await home.kill()

    _driver, ear, found = await home.connect()
    await home.start()
    await home.call()

    assert found.callers == frozenset()
    await ear.caller()
