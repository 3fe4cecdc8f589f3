"""INVITEs of callers whom another site's carrier was asked to send here: what reaches the branch of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from branch.telephony.driver.vocabulary import Cause, Do, Event, Frame, Kind, Variable
from deploy.phones.callers import Caller
from tests.fakes.asterisk_site import CITY, AsteriskSite
from tests.fakes.loopback import loopback
from tests.telephony.wired_link import WiredLink

pytestmark = pytest.mark.timeout(120)

TOKEN = "AWZ5k3-_" * 12
"""As long as the token of a site with a short name."""
LONGEST_TOKEN = "AWZ5k3-_" * 25
LONGEST_SITE = "s" * 40
FLOOD_COUNT = 200
BURST_COUNT = 30


@pytest.fixture
async def link(peer: AsteriskSite) -> AsyncIterator[WiredLink]:
    """In the place of the branch that callers are moved to."""
    made = await WiredLink.open(peer)
    yield made
    await made.close()


async def status_of(peer: AsteriskSite, user: str, host: str = CITY) -> int:
    """What a caller from the city, or from elsewhere, is answered who dials it."""
    async with Caller("13800138000", peer.address, host=host) as caller:
        call = await caller.call(user)
        await call.wait_over()
        return call.status


def told_of_callers(link: WiredLink) -> list[Frame]:
    """Whatever the branch hears but that a phone came or went, which has nothing to do with callers."""
    return [each for each in link.events if each["event"] is not Event.PHONE_STATE]


@pytest.mark.parametrize("user", ["overflow", "redirected"])
@pytest.mark.parametrize(
    ("origin", "token"), [("beijing", TOKEN), ("a-b", TOKEN[:40]), (LONGEST_SITE, LONGEST_TOKEN)]
)
async def test_a_moved_caller_is_told_like_an_invite_over_a_trunk(
    peer: AsteriskSite, link: WiredLink, user: str, origin: str, token: str
) -> None:
    async with Caller("13800138000", peer.address, host=CITY) as caller:
        call = await caller.call(f"{user}.{origin}.{token}", sends_rtp=True)
        came = await link.event(Event.CHANNEL_STARTED)
        await link.done(Do.ANSWER, channel=came["channel"])
        await call.wait_answered()
        await call.hang_up()
        await link.event(Event.CHANNEL_GONE, channel=came["channel"])

    facts = came["facts"]
    assert (came["kind"], facts["from"], facts["token"]) == (Kind.TRUNK_IN, origin, token)
    assert (facts["dialled"], facts["caller"]) == (user, "13800138000")
    assert came["variables"][Variable.PEER] == origin


async def test_a_moved_caller_whom_the_branch_refuses_hears_403(peer: AsteriskSite, link: WiredLink) -> None:
    async with Caller("13800138000", peer.address, host=CITY) as caller:
        call = await caller.call(f"overflow.beijing.{TOKEN}")
        came = await link.event(Event.CHANNEL_STARTED)
        await link.done(Do.HANG_UP, channel=came["channel"], cause=Cause.REJECTED)
        await call.wait_over()

    assert call.status == 403


@pytest.mark.parametrize(
    "user",
    [
        "overflow.beijing",
        "overflow.beijing." + TOKEN[:39],
        "overflow.beijing." + "x" * 201,
        "overflow.Beijing." + TOKEN,
        f"overflow.{'s' * 41}." + TOKEN,
        "overflow.." + TOKEN,
        "overflow.beijing." + TOKEN + ".more",
        "overflow.beijing." + TOKEN + "%24%7BEXTEN%7D",
        "overflow.beijing.%22" + TOKEN,
        "overflow.beijing.%22%5D" + TOKEN,
        "overflow.x",
        "redirected.beijing",
        "redirected.beijing." + TOKEN[:39],
        "redirected.beijing." + TOKEN + ".more",
        "redirected.beijing.%22" + TOKEN,
    ],
)
async def test_what_is_no_token_never_reaches_the_branch(
    peer: AsteriskSite, link: WiredLink, user: str
) -> None:
    assert await status_of(peer, user) == 403
    assert told_of_callers(link) == []


async def test_a_carrier_that_is_no_line_of_this_site_is_a_stranger(
    peer: AsteriskSite, link: WiredLink
) -> None:
    assert await status_of(peer, f"overflow.beijing.{TOKEN}", loopback(99)) == 401
    assert told_of_callers(link) == []


async def test_other_numbers_are_callers_as_ever(peer: AsteriskSite, link: WiredLink) -> None:
    async with Caller("13800138000", peer.address, host=CITY) as caller:
        for number in ("4001", "110", "+864001", "overflow", "overflown", "overflowx.y", "redirected"):
            await caller.call(number)
            came = await link.event(Event.CHANNEL_STARTED, facts={"dialled": number, "caller": caller.user})
            assert came["kind"] == Kind.CALLER


async def test_a_moved_caller_who_finds_no_branch_is_answered_503_and_hears_no_announcement(
    peer: AsteriskSite,
) -> None:
    assert await status_of(peer, f"overflow.beijing.{TOKEN}") == 503


async def test_a_redirected_caller_who_finds_no_branch_is_answered_and_handed_over_when_it_is_there(
    peer: AsteriskSite,
) -> None:
    async with Caller("13800138000", peer.address, host=CITY) as caller:
        call = await caller.call(f"redirected.beijing.{TOKEN}", sends_rtp=True)
        await call.wait_answered()
        link = await WiredLink.open(peer)

        came = await link.event(Event.CHANNEL_STARTED)

        assert (came["kind"], came["facts"]["token"]) == (Kind.TRUNK_IN, TOKEN)
        await call.hang_up()
        await link.event(Event.CHANNEL_GONE, channel=came["channel"])
        await link.close()


async def test_more_redirected_callers_than_one_second_takes_come_in_the_next(
    peer: AsteriskSite, link: WiredLink
) -> None:
    async with Caller("13800138000", peer.address, host=CITY) as caller:
        calls = [await caller.call(f"redirected.beijing.{TOKEN}") for _ in range(BURST_COUNT)]
        for number in range(BURST_COUNT):
            await link.event(Event.CHANNEL_STARTED, number=number, kind=Kind.TRUNK_IN)

        assert not any(call.is_over for call in calls)


@pytest.mark.parametrize(("user", "share"), [("overflow", 0.5), ("redirected", 1.0)])
async def test_of_a_flood_a_few_a_second_reach_the_branch_and_every_ordinary_caller_does(
    peer: AsteriskSite, link: WiredLink, user: str, share: float
) -> None:
    """A few more of redirected ones, who come in for some seconds."""
    async with Caller("13800138000", peer.address, host=CITY) as caller:
        moved = [await caller.call(f"{user}.beijing.{TOKEN}") for _ in range(FLOOD_COUNT)]
        await caller.call("4001")
        await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER)
        told: set[str] = set()
        while not all(call.is_over for call in moved):
            for came in link.all_of(Event.CHANNEL_STARTED, kind=Kind.TRUNK_IN):
                if came["channel"] not in told:
                    told.add(came["channel"])
                    await link.done(Do.HANG_UP, channel=came["channel"], cause=Cause.REJECTED)
            await asyncio.sleep(0.01)

    statuses = Counter(call.status for call in moved)
    assert statuses == {403: len(told), 503: FLOOD_COUNT - len(told)}
    assert 0 < len(told) < FLOOD_COUNT * share
