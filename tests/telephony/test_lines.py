"""A line to the public network on a real Asterisk: what carriers are shown, and what they dial."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from math import pi, sin

import pytest

from branch.telephony.asterisk.config.plan import Line
from branch.telephony.driver.vocabulary import Do, Event, Kind
from deploy.phones.callers import Caller
from deploy.phones.phones import PhoneCall
from deploy.phones.sip_calls import Call
from deploy.phones.sip_sdp import PCMA
from deploy.phones.sip_sound import SAMPLES
from deploy.phones.sip_text import uri_of, user_of
from router.ids import AgentId, SiteId
from tests.fakes.asterisk_site import PASSWORD, AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.telephony_rig import ANSWERS, LINE
from tests.telephony.trunk_end import TrunkEnd
from tests.telephony.wired_link import WiredLink

pytestmark = pytest.mark.timeout(120)

BROKEN = (loopback(80), 5_080)
"""A gateway that answers 503."""
NUMBER = "+862866660000"
EMERGENCY = "110"
ACCOUNT = "acme-chengdu"
TONES = {"5": (770, 1_336), "#": (941, 1_477)}
"""Hertz."""


@pytest.fixture
async def site() -> AsyncIterator[AsteriskSite]:
    """Not opened yet."""
    made = AsteriskSite(SiteId("beijing"), loopback(11), (AgentId("beijing/1001"),))
    yield made
    await made.close()


async def called(site: AsteriskSite, link: WiredLink, **beside: str) -> PhoneCall:
    """A customer whom the site dials."""
    before = len(site.customers)
    await link.done(
        Do.ORIGINATE,
        channel=f"call-{before}",
        endpoint=f"line/{LINE}/{ANSWERS}",
        kind=Kind.LINE,
        variables={},
        **beside,
    )
    await site.city.changes.until(lambda: len(site.customers) > before)
    return site.customers[-1]


async def press_by_event(call: Call, digit: str) -> None:
    await call.send_digits(digit)


async def press_by_info(call: Call, digit: str) -> None:
    assert await call.send_info_digit(digit) == 200


async def press_by_tone(call: Call, digit: str) -> None:
    """For 120 ms, and as long a pause."""
    assert call.sound.payload == PCMA
    call.sound.said.extend(pcma_tone(*TONES[digit], packets=6) + pcma_tone(packets=6))
    await call.sound.changes.until(lambda: not call.sound.said, 20)


def pcma_tone(*frequencies: int, packets: int) -> list[bytes]:
    """Tones at -9 dB each, or silence (ITU-T Q.23, G.711)."""
    count = packets * SAMPLES
    samples = (
        sum(0.35 * sin(2 * pi * frequency * place / 8_000) for frequency in frequencies)
        for place in range(count)
    )
    coded = bytes(pcma(sample) for sample in samples)
    return [coded[start : start + SAMPLES] for start in range(0, count, SAMPLES)]


def pcma(sample: float) -> int:
    """G.711's A-law of a sample between -1 and 1: sign, segment and step, every other bit turned over."""
    magnitude = round(abs(sample) * 2_047)
    segment = max(magnitude.bit_length() - 4, 0)
    step = (magnitude >> max(segment - 1, 0)) & 0x0F
    return ((0x80 if sample >= 0 else 0) | segment << 4 | step) ^ 0x55


def shown(call: PhoneCall) -> set[str]:
    return {user_of(call.invite.header(name)) for name in ("From", "P-Asserted-Identity")}


async def test_whoever_is_called_sees_the_lines_number(site: AsteriskSite) -> None:
    site.line_number = NUMBER
    await site.open()
    link = await WiredLink.open(site)
    await site.call()
    caller = (await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER))["channel"]

    assert shown(await called(site, link)) == {NUMBER}
    assert shown(await called(site, link, beside=caller)) == {NUMBER}
    await link.close()


async def test_callers_come_to_a_line_that_registers_by_its_number(site: AsteriskSite) -> None:
    site.line_user, site.line_number = ACCOUNT, NUMBER
    await site.open()
    link = await WiredLink.open(site)

    registered = await site.city.wait_registered()
    await site.city.call(user_of(uri_of(registered.header("Contact"))))

    assert user_of(registered.header("To")) == ACCOUNT
    came = await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER)
    assert came["facts"]["dialled"] == NUMBER
    await link.close()


@pytest.mark.parametrize("is_there", [True, False])
async def test_an_emergency_call_leaves_by_the_next_line_when_the_first_does_not_get_through(
    site: AsteriskSite, is_there: bool
) -> None:
    host, port = BROKEN
    site.first_lines = [Line(name="broken", host=host, port=port, user=None, password=None, number=None)]
    site.line_number = NUMBER
    site.city.people = {EMERGENCY: site.city.people[ANSWERS]}
    async with AsyncExitStack() as stack:
        if is_there:
            await stack.enter_async_context(TrunkEnd(*BROKEN))
        await site.open()
        phone = await stack.enter_async_context(Caller("1001", site.address, password=PASSWORD))

        call = await phone.call(EMERGENCY, sends_rtp=True)
        await call.wait_answered()

        assert shown(site.customers[0]) == {NUMBER}
        await call.hang_up()
        await site.customers[0].wait_over()


async def test_an_emergency_call_that_is_not_taken_is_tried_once(site: AsteriskSite) -> None:
    site.first_lines = [
        Line(name="first", host=BROKEN[0], port=BROKEN[1], user=None, password=None, number=None)
    ]
    async with TrunkEnd(*BROKEN) as first:
        first.status = 486
        await site.open()
        async with Caller("1001", site.address, password=PASSWORD) as phone:
            call = await phone.call(EMERGENCY)
            await call.wait_over()

    assert call.status == 486
    assert site.customers == []


@pytest.mark.parametrize(
    ("dtmf", "has_events", "press"),
    [
        ("rfc4733", True, press_by_event),
        ("info", True, press_by_info),
        ("inband", True, press_by_tone),
        ("auto", True, press_by_event),
        ("auto", False, press_by_tone),
    ],
)
async def test_keys_come_as_the_lines_carrier_brings_them(
    site: AsteriskSite, dtmf: str, has_events: bool, press: Callable[[Call, str], Awaitable[None]]
) -> None:
    site.line_dtmf = dtmf
    await site.open()
    link = await WiredLink.open(site)
    call = await site.city.call("4001", sends_rtp=True, has_events=has_events)
    channel = (await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER))["channel"]
    await link.done(Do.ANSWER, channel=channel)
    await call.wait_answered()

    for digit in "5#":
        await press(call, digit)

    pressed = [await link.event(Event.DIGIT, number=number) for number in range(2)]
    assert [each["digit"] for each in pressed] == ["5", "#"]
    await call.hang_up()
    await link.close()
