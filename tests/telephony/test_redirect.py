"""A caller's carrier is told to call elsewhere instead, by the link to a real Asterisk and by real SIP."""

import asyncio

import pytest

from branch.telephony.driver.vocabulary import Do, Event, Kind
from deploy.phones.callers import OutgoingCall
from deploy.phones.sip_calls import Ending
from tests.fakes.asterisk_site import AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.sip_carrier import LOSES, RedirectAnswer
from tests.fakes.telephony_steps import becomes
from tests.telephony.wired_link import WiredLink

pytestmark = pytest.mark.timeout(120)

TOKEN = "AWZ5k3-_" * 12
NOWHERE = f"{loopback(12)}:5999"
DELAY_S = 1.0


async def came(home: AsteriskSite, link: WiredLink) -> tuple[OutgoingCall, str]:
    """A caller whom nobody has answered, and the channel."""
    before = len(link.all_of(Event.CHANNEL_STARTED))
    call = home.calls[await home.call()]
    return call, (await link.event(Event.CHANNEL_STARTED, number=before))["channel"]


def redirect(link: WiredLink, channel: str, address: str = NOWHERE) -> int:
    return link.send(
        Do.REDIRECT, channel=channel, from_site="beijing", token=TOKEN, endpoint=f"trunk/{address}"
    )


@pytest.mark.parametrize("is_ringing", [False, True])
async def test_a_caller_is_sent_on_by_a_302_and_the_channel_ends_by_it(
    home: AsteriskSite, link: WiredLink, is_ringing: bool
) -> None:
    home.city.on_redirect = LOSES
    call, channel = await came(home, link)
    if is_ringing:
        await link.done(Do.RING, channel=channel)
        await call.wait_ringing()

    assert "code" not in await link.reply(redirect(link, channel))

    assert await call.wait_over() is Ending.THEY_REFUSED
    assert (call.status, call.is_ringing) == (302, is_ringing)
    assert (await home.city.wait_redirected()).target == f"sip:redirected.beijing.{TOKEN}@{NOWHERE}"
    await link.event(Event.CHANNEL_GONE, channel=channel)
    await becomes(lambda: has_no_channel(home))
    assert (await link.reply(redirect(link, channel)))["code"] == 404


async def test_nothing_is_said_to_a_caller_before_the_branch_says_something(
    home: AsteriskSite, link: WiredLink
) -> None:
    call, channel = await came(home, link)

    await asyncio.sleep(DELAY_S)

    assert (call.is_ringing, call.is_answered, call.is_over) == (False, False, False)
    await link.done(Do.ANSWER, channel=channel)
    await call.wait_answered()
    await call.hang_up()


async def test_a_caller_whose_carrier_follows_late_comes_to_the_other_site(
    home: AsteriskSite, link: WiredLink, peer: AsteriskSite
) -> None:
    home.city.on_redirect = RedirectAnswer(delay_s=DELAY_S)
    helper = await WiredLink.open(peer)
    call, channel = await came(home, link)
    await link.done(
        Do.REDIRECT,
        channel=channel,
        from_site="beijing",
        token=TOKEN,
        endpoint=f"trunk/{peer.host}:{peer.sip_port}",
    )
    await becomes(lambda: has_no_channel(home))
    assert helper.events == []

    there = await helper.event(Event.CHANNEL_STARTED)
    await helper.done(Do.ANSWER, channel=there["channel"])
    onward = await home.city.wait_onward()
    await onward.wait_answered()

    facts = there["facts"]
    assert (there["kind"], facts["from"], facts["token"]) == (Kind.TRUNK_IN, "beijing", TOKEN)
    assert facts["caller"] == call.line.user
    await onward.hang_up()
    await helper.event(Event.CHANNEL_GONE, channel=there["channel"])
    await helper.close()


async def test_a_caller_who_hung_up_cannot_be_sent_on(home: AsteriskSite, link: WiredLink) -> None:
    call, channel = await came(home, link)
    await call.hang_up()
    await becomes(lambda: has_no_channel(home))

    assert (await link.reply(redirect(link, channel)))["code"] == 404

    assert home.city.redirected == []


async def has_no_channel(site: AsteriskSite) -> bool:
    return not await site.ask("channels")
