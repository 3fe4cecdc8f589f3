"""A caller's carrier is asked to call elsewhere, over the link to a real Asterisk and by real SIP."""

import asyncio
import time

import pytest

from branch.telephony.driver.vocabulary import BridgeKind, Do, Event, Kind, Variable
from deploy.phones.callers import OutgoingCall
from deploy.phones.sip_calls import Ending
from tests.fakes.asterisk_site import AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.sip_carrier import REFUSES, SILENT, ReferAnswer
from tests.fakes.telephony_steps import becomes
from tests.telephony.wired_link import WiredLink

pytestmark = pytest.mark.timeout(120)

TOKEN = "AWZ5k3-_" * 12
REFUSED_WITHIN_S = 0.1
"""Of a caller who is out of the talk while the carrier is asked."""
NOWHERE = f"{loopback(12)}:5999"
HANDOFF = "0191-handoff-1"
OTHERS_COUNT = 6
TRIES = 5
SILENT_S = 3.0
"""A carrier that says nothing for so long says nothing for longer: Asterisk waits for it for minutes."""


async def answered(home: AsteriskSite, link: WiredLink) -> tuple[OutgoingCall, str]:
    """A caller from the city, and the channel; nobody talks to them."""
    before = len(link.all_of(Event.CHANNEL_STARTED))
    call = home.calls[await home.call()]
    channel = (await link.event(Event.CHANNEL_STARTED, number=before))["channel"]
    await link.done(Do.ANSWER, channel=channel)
    await call.wait_answered()
    return call, channel


async def talk(link: WiredLink, bridge: str, *channels: str) -> None:
    await link.done(Do.CREATE_BRIDGE, bridge=bridge, kind=BridgeKind.MIXING)
    for channel in channels:
        await link.done(Do.ADD, channel=channel, bridge=bridge)


def refer(link: WiredLink, channel: str, address: str = NOWHERE) -> int:
    return link.send(Do.REFER, channel=channel, from_site="beijing", token=TOKEN, endpoint=f"trunk/{address}")


async def longest_silence_s(call: OutgoingCall, lasts_s: float) -> float:
    """Between two packets of sound, in the next `lasts_s`."""
    until = time.monotonic() + lasts_s
    longest, last = 0.0, time.monotonic()
    while last < until:
        await call.wait_sound(call.sound.received_count + 1)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return longest


@pytest.mark.parametrize("status", [501, 603])
async def test_a_caller_whose_carrier_refuses_is_back_in_the_talk_within_100_ms(
    home: AsteriskSite, link: WiredLink, status: int
) -> None:
    home.city.on_refer = ReferAnswer(status=status)
    call, channel = await answered(home, link)
    _other, agent = await answered(home, link)
    await talk(link, "talk.1", channel, agent)
    await call.wait_sound(call.sound.received_count + 25)

    silences = []
    for number in range(TRIES):
        silence = asyncio.create_task(longest_silence_s(call, 1.0))
        await asyncio.sleep(0.2)
        await link.done(Do.REMOVE, channel=channel, bridge="talk.1")
        assert "code" not in await link.reply(refer(link, channel))
        added = link.send(Do.ADD, channel=channel, bridge="talk.1")
        await link.event(Event.REFERRED, number=number, channel=channel)
        assert "code" not in await link.reply(added)
        silences.append(await silence)

    # What it takes; more is a busy machine's.
    assert min(silences) < REFUSED_WITHIN_S, silences
    assert len(home.city.referred) == TRIES
    assert home.city.referred[0].target == f"sip:overflow.beijing.{TOKEN}@{NOWHERE}"


async def test_a_silent_carrier_keeps_only_its_own_caller_waiting(
    home: AsteriskSite, link: WiredLink
) -> None:
    home.city.on_refer = SILENT
    call, channel = await answered(home, link)

    assert "code" not in await link.reply(refer(link, channel))
    await link.done(Do.CREATE_BRIDGE, bridge="talk.1", kind=BridgeKind.MIXING)
    added = link.send(Do.ADD, channel=channel, bridge="talk.1")
    named = link.send(Do.SET, channel=channel, name=Variable.CALL, value="0191-call-1")
    # As many as are needed for some to share the websocket with the one who waits.
    for number in range(OTHERS_COUNT):
        _other, free = await answered(home, link)
        await asyncio.wait_for(talk(link, f"talk.other-{number}", free), SILENT_S)
    await asyncio.sleep(SILENT_S)
    assert [link.is_answered(each) for each in (added, named)] == [False, False]
    assert link.all_of(Event.REFERRED) == []

    await link.done(Do.HANG_UP, channel=channel, cause=16)
    assert await call.wait_over() is Ending.THEY_HUNG_UP
    await link.event(Event.CHANNEL_GONE, channel=channel)
    assert {(await link.reply(each))["code"] for each in (added, named)} == {404}


async def test_a_caller_who_hangs_up_on_a_silent_carrier_is_gone(home: AsteriskSite, link: WiredLink) -> None:
    home.city.on_refer = SILENT
    call, channel = await answered(home, link)
    await link.reply(refer(link, channel))
    await home.city.wait_referred()

    await call.hang_up()

    await link.event(Event.CHANNEL_GONE, channel=channel)


async def test_a_restart_does_not_find_a_caller_who_was_let_go_on_a_silent_carrier(
    home: AsteriskSite, link: WiredLink
) -> None:
    """Asterisk goes on to list such a channel for as long as the carrier owes it a NOTIFY."""
    home.city.on_refer = SILENT
    call, channel = await answered(home, link)
    _other, living = await answered(home, link)
    for each in (channel, living):
        await link.done(Do.SET, channel=each, name=Variable.REFERRED, value=HANDOFF)
        await link.reply(refer(link, each))
    await home.city.wait_referred(2)
    await link.done(Do.HANG_UP, channel=channel, cause=16)
    await call.wait_over()
    await link.event(Event.CHANNEL_GONE, channel=channel)

    found = await link.link.ask(Do.LIST_CHANNELS)

    assert [each["channel"] for each in found] == [living]


async def test_a_moved_caller_talks_at_the_helper_and_leaves_no_channel_behind(
    home: AsteriskSite, link: WiredLink, peer: AsteriskSite
) -> None:
    helper = await WiredLink.open(peer)
    call, channel = await answered(home, link)
    await link.reply(refer(link, channel, f"{peer.host}:{peer.sip_port}"))
    came = await helper.event(Event.CHANNEL_STARTED)
    _other, agent = await answered(peer, helper)
    await helper.done(Do.ANSWER, channel=came["channel"])
    await talk(helper, "talk.1", came["channel"], agent)
    moved = await home.city.wait_moved()

    assert await call.wait_over() is Ending.WE_HUNG_UP
    await link.event(Event.CHANNEL_GONE, channel=channel)
    await becomes(lambda: has_no_channel(home))
    await moved.wait_sound(moved.sound.received_count + 25)
    assert (came["kind"], came["facts"]["from"], came["facts"]["token"]) == (Kind.TRUNK_IN, "beijing", TOKEN)
    await moved.hang_up()
    await helper.event(Event.CHANNEL_GONE, channel=came["channel"])
    await helper.close()


async def test_a_new_connection_keeps_from_a_channel_what_it_would_wait_for(
    home: AsteriskSite, link: WiredLink
) -> None:
    home.city.on_refer = SILENT
    call, channel = await answered(home, link)
    await link.done(Do.SET, channel=channel, name=Variable.REFERRED, value=HANDOFF)
    await link.reply(refer(link, channel))
    await home.city.wait_referred()
    await link.close()

    again = await WiredLink.open(home)
    [listed] = await again.link.ask(Do.LIST_CHANNELS)
    await again.done(Do.CREATE_BRIDGE, bridge="talk.1", kind=BridgeKind.MIXING)
    added = again.send(Do.ADD, channel=channel, bridge="talk.1")
    await again.done(Do.AWAIT_REFERRED, channel=channel)
    for number in range(OTHERS_COUNT):
        _other, free = await answered(home, again)
        await asyncio.wait_for(talk(again, f"talk.other-{number}", free), SILENT_S)
    assert not again.is_answered(added)
    assert again.all_of(Event.REFERRED) == []
    assert listed["variables"][Variable.REFERRED] == HANDOFF

    await home.city.referred[-1].call.tell_referred(603)

    await again.event(Event.REFERRED, channel=channel)
    assert "code" not in await again.reply(added)
    await call.hang_up()
    await again.event(Event.CHANNEL_GONE, channel=channel)
    await again.close()


async def test_a_new_connection_is_told_what_was_over_before_it(home: AsteriskSite, link: WiredLink) -> None:
    home.city.on_refer = REFUSES
    call, channel = await answered(home, link)
    await link.done(Do.SET, channel=channel, name=Variable.REFERRED, value=HANDOFF)
    await link.reply(refer(link, channel))
    await link.event(Event.REFERRED, channel=channel)
    await link.close()

    again = await WiredLink.open(home)
    await again.link.ask(Do.LIST_CHANNELS)
    named = again.send(Do.SET, channel=channel, name=Variable.CALL, value="0191-call-1")
    await again.done(Do.AWAIT_REFERRED, channel=channel)

    await again.event(Event.REFERRED, channel=channel)
    assert "code" not in await again.reply(named)
    await again.done(Do.SET, channel=channel, name=Variable.REFERRED, value="")
    [listed] = await again.link.ask(Do.LIST_CHANNELS)
    assert Variable.REFERRED not in listed["variables"]
    await call.hang_up()
    await again.close()


async def has_no_channel(site: AsteriskSite) -> bool:
    return not await site.ask("channels")


async def test_a_caller_who_is_gone_cannot_be_moved(home: AsteriskSite, link: WiredLink) -> None:
    call, channel = await answered(home, link)
    await call.hang_up()
    await becomes(lambda: has_no_channel(home))

    assert (await link.reply(refer(link, channel)))["code"] == 404
    assert (await link.reply(link.send(Do.SET, channel=channel, name=Variable.CALL, value="1")))[
        "code"
    ] == 404
    assert home.city.referred == []
    assert link.all_of(Event.REFERRED) == []
