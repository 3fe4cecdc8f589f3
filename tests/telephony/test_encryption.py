"""Sites whose signalling and sound are encrypted, on real Asterisks with certificates of one CA."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch.telephony.asterisk.config.plan import SipTls
from branch.telephony.driver.vocabulary import BridgeKind, Do, Event, Kind
from deploy.phones.callers import Caller
from deploy.phones.sip_text import SipMessage
from deploy.phones.sip_wire import Address
from node import pki
from router.ids import AgentId, SiteId
from tests.fakes.asterisk_site import PASSWORD, AsteriskSite, wire_trunks
from tests.fakes.loopback import loopback
from tests.telephony.trunk_end import TrunkEnd
from tests.telephony.wired_link import LIMIT_S, WiredLink

pytestmark = pytest.mark.timeout(120)

TOKEN = "AWZ5k3-_" * 12
PLAIN_TRUNK: Address = (loopback(80), 5_080)
"""A PBX that takes calls without TLS."""


@pytest.fixture
async def sites(tmp_path: Path) -> AsyncIterator[tuple[AsteriskSite, AsteriskSite]]:
    """Beijing and urumqi."""
    pki.init_ca(tmp_path, "demo", now=datetime.now(UTC))
    async with AsyncExitStack() as stack:
        made = [
            AsteriskSite(SiteId(name), loopback(number), (AgentId(f"{name}/1001"),))
            for name, number in (("beijing", 11), ("urumqi", 12))
        ]
        wire_trunks(*made)
        for site in made:
            issued = pki.issue(tmp_path, "site", site.site, [site.host], now=datetime.now(UTC))
            site.tls = SipTls(ca=tmp_path / "ca.pem", cert=issued.certificate, key=issued.key)
            stack.push_async_callback(site.close)
            await site.open()
        yield made[0], made[1]


async def dial(link: WiredLink, address: str) -> None:
    """Another site, from this one."""
    await link.done(
        Do.ORIGINATE,
        channel="trunk",
        endpoint=f"trunk/{address}",
        kind=Kind.TRUNK_OUT,
        variables={},
        token=TOKEN,
    )


async def is_secure(site: AsteriskSite, channel: str, what: str) -> bool:
    answer = await site.ask(f"channels/{channel}/variable?variable=CHANNEL({what})")
    return bool(answer["value"] == "1")


async def test_between_sites_signalling_and_sound_are_encrypted(
    sites: tuple[AsteriskSite, AsteriskSite],
) -> None:
    home, peer = sites
    link, helper = await WiredLink.open(home), await WiredLink.open(peer)

    await dial(link, f"{peer.host}:{peer.tls_port}")
    came = (await helper.event(Event.CHANNEL_STARTED, kind=Kind.TRUNK_IN))["channel"]
    await helper.done(Do.ANSWER, channel=came)
    await link.event(Event.CHANNEL_STARTED, channel="trunk")

    for site, channel in ((home, "trunk"), (peer, came)):
        assert await is_secure(site, channel, "pjsip,secure")
        assert await is_secure(site, channel, "rtp,secure,audio")
    await link.close()
    await helper.close()


async def test_the_keys_never_leave_without_tls(sites: tuple[AsteriskSite, AsteriskSite]) -> None:
    home, _peer = sites
    link = await WiredLink.open(home)
    async with TrunkEnd(*PLAIN_TRUNK) as trunk:
        await dial(link, "{}:{}".format(*PLAIN_TRUNK))
        await link.event(Event.CHANNEL_GONE, channel="trunk")

    assert trunk.tokens == []
    await link.close()


async def test_a_phone_that_would_come_by_udp_is_refused(sites: tuple[AsteriskSite, AsteriskSite]) -> None:
    home, _peer = sites
    (phone,) = home.phones.values()

    with pytest.raises(ConnectionRefusedError, match="403"):
        await phone.register()
    async with Caller(phone.user, home.address, password=PASSWORD) as dialling:
        call = await dialling.call("110")
        await call.wait_over()

    assert call.status == 403
    assert home.customers == []


async def test_a_phone_registers_by_tls(sites: tuple[AsteriskSite, AsteriskSite]) -> None:
    home, _peer = sites
    (phone,) = home.phones.values()
    assert home.tls is not None
    trusts = ssl.create_default_context(cafile=home.tls.ca)
    reader, writer = await asyncio.open_connection(home.host, home.tls_port, ssl=trusts)

    async def ask(request: SipMessage) -> SipMessage:
        via = request.header("Via").replace("UDP", "TLS")
        headers = [(name, via if name == "Via" else value) for name, value in request.headers]
        writer.write(SipMessage(request.start, headers).encode())
        async with asyncio.timeout(LIMIT_S):
            return SipMessage.parse(await reader.readuntil(b"\r\n\r\n"))

    me = f"<{phone.own_uri}>"
    register = phone.build(
        "REGISTER", f"sip:{home.host}", local=f"{me};tag=1", remote=me, call_id="register", cseq=1
    )
    challenge = await ask(register)
    answer = await ask(phone.signed(register, challenge))

    assert (challenge.status, answer.status) == (401, 200)
    writer.close()


async def test_callers_over_a_line_are_taken_though_their_carrier_does_not_encrypt(
    sites: tuple[AsteriskSite, AsteriskSite],
) -> None:
    home, _peer = sites
    link = await WiredLink.open(home)
    caller = home.calls[await home.call()]
    channel = (await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER))["channel"]

    await link.done(Do.ANSWER, channel=channel)
    await link.done(Do.CREATE_BRIDGE, bridge="queue.sales", kind=BridgeKind.HOLDING, beside=channel)
    await link.done(Do.ADD, channel=channel, bridge="queue.sales")

    await caller.wait_answered()
    await caller.wait_heard(1)
    assert not await is_secure(home, channel, "rtp,secure,audio")
    await link.close()
