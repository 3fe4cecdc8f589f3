"""What the keys of a SIP phone, and a carrier's own wishes, do to a talk that the branch has made."""

from collections.abc import AsyncIterator

import pytest

from deploy.phones.sip_calls import Call
from tests.fakes.asterisk_site import LINE_NUMBER, AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.telephony_rig import AGENT, HOME, OTHER_AGENT
from tests.fakes.telephony_steps import talking

pytestmark = pytest.mark.timeout(120)

DECLINED = 603
WORD = 25
"""Packets of sound: half a second."""


@pytest.fixture
async def home() -> AsyncIterator[AsteriskSite]:
    site = AsteriskSite(HOME, loopback(11), (AGENT, OTHER_AGENT))
    try:
        await site.open()
        yield site
    finally:
        await site.close()


async def hears_on(call: Call) -> None:
    await call.wait_sound(call.sound.received_count + WORD)


async def test_nobody_is_transferred_past_the_branch(home: AsteriskSite) -> None:
    driver, ear, _found = await home.connect()
    channel, _call_id = await talking(home, driver, ear)
    agent, caller = await home.phones[AGENT].wait_talking(), home.calls[channel]

    assert await agent.refer("1002") == DECLINED
    assert await caller.refer(LINE_NUMBER) == DECLINED

    await hears_on(agent)
    await hears_on(caller)
    assert home.phones[OTHER_AGENT].calls == []
    assert len(ear.callers) == 1
    assert {each["id"] for each in await home.ask("channels")} == {
        each for bridge in await home.ask("bridges") for each in bridge["channels"]
    }
