"""A line to the public network on a real Asterisk: what carriers are shown, and what they dial."""

from collections.abc import AsyncIterator

import pytest

from branch.telephony.driver.vocabulary import Do, Event, Kind
from deploy.phones.phones import PhoneCall
from deploy.phones.sip_text import uri_of, user_of
from router.ids import AgentId, SiteId
from tests.fakes.asterisk_site import AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.telephony_rig import ANSWERS, LINE
from tests.telephony.wired_link import WiredLink

pytestmark = pytest.mark.timeout(120)

NUMBER = "+862866660000"
ACCOUNT = "acme-chengdu"


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
