"""What callers get of an Asterisk whose branch is not there."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from branch.telephony.asterisk.alone_name import read_name
from branch.telephony.asterisk.config.plan import Fallback
from branch.telephony.asterisk.left_alone import WAITING
from branch.telephony.driver.vocabulary import Do, Event, Kind, Variable
from tests.fakes.asterisk_site import LINE_NUMBER, AsteriskSite
from tests.fakes.loopback import loopback
from tests.fakes.telephony_rig import AGENT, ANSWERS, HOME
from tests.fakes.telephony_steps import becomes
from tests.telephony.wired_link import WiredLink

pytestmark = pytest.mark.timeout(120)

STEP_LIMIT_S = 40.0
ONE_SECOND = 16_000
"""Bytes of a recording."""
MOBILE = "13900000001"


@pytest.fixture
async def site() -> AsyncIterator[AsteriskSite]:
    """Not opened yet."""
    made = AsteriskSite(HOME, loopback(11), (AGENT,))
    yield made
    await made.close()


async def application_of_caller(site: AsteriskSite) -> str:
    [channel] = await site.ask("channels")
    return str(channel["dialplan"]["app_name"])


def speak_briefly(site: AsteriskSite) -> None:
    """What is said to callers is there in the site's language, and short."""
    for name in ("tt-allbusy", "vm-intro"):
        (site.folder / "data" / "sounds" / "zh_CN" / f"{name}.alaw").write_bytes(b"\xd5" * 800)


async def until_it_runs(site: AsteriskSite, application: str) -> None:
    """Wait until the one caller has come so far in the dialplan, past what it is told."""
    async with asyncio.timeout(STEP_LIMIT_S):
        while await application_of_caller(site) != application:  # noqa: ASYNC110 - see `becomes`
            await asyncio.sleep(0.05)


async def test_callers_are_spoken_to_in_the_sites_language(site: AsteriskSite) -> None:
    await site.open()
    call = site.calls[await site.call()]
    await call.wait_answered()

    [channel] = await site.ask("channels")

    assert (channel["dialplan"]["context"], channel["language"]) == ("alone", "zh_CN")
    await call.wait_heard(1)
    await call.hang_up()


async def test_callers_may_leave_a_message_which_stays(site: AsteriskSite) -> None:
    site.fallback = Fallback(action="voicemail", number=None, retry_s=1, limit_s=0)
    await site.open()
    speak_briefly(site)
    call = site.calls[await site.call()]
    await call.wait_answered()

    await until_it_runs(site, "Record")
    call.sound.has_tone = True

    async def is_recorded() -> bool:
        return any(each.stat().st_size > ONE_SECOND for each in site.recordings.glob("alone.*.wav"))

    await becomes(is_recorded)
    await call.hang_up()

    assert await is_recorded()


async def test_callers_may_be_put_through_to_a_number(site: AsteriskSite) -> None:
    site.fallback = Fallback(action="number", number=MOBILE, retry_s=1, limit_s=0)
    site.line_number = LINE_NUMBER
    await site.open()
    speak_briefly(site)
    site.city.people = {MOBILE: site.city.people[ANSWERS]}
    call = site.calls[await site.call()]
    await site.city.changes.until(lambda: bool(site.customers), STEP_LIMIT_S)

    assert site.customers[0].caller == LINE_NUMBER
    await call.wait_heard(1)
    await call.hang_up()
    await site.customers[0].wait_over()
    [file] = await left_behind(site)
    assert file.read_text() == "ANSWER"


async def test_a_caller_who_gives_up_leaves_its_number_behind(site: AsteriskSite) -> None:
    await site.open()
    call = site.calls[await site.call()]
    await call.wait_answered()
    [file] = site.recordings.iterdir()
    assert file.read_text() == WAITING, "should Asterisk die now, this is all that is known of the caller"
    await call.hang_up()

    [file] = await left_behind(site)
    name = read_name(file.stem.removeprefix("alone."))
    assert name is not None
    assert (name.dialled, name.caller_number) == (LINE_NUMBER, "13800138000")
    assert file.read_text() == ""


async def test_nothing_is_kept_of_a_caller_where_no_branch_would_look_for_it(site: AsteriskSite) -> None:
    site.notes_callers = False
    await site.open()
    call = site.calls[await site.call()]
    await call.wait_answered()
    await call.hang_up()
    await becomes_empty(site)

    assert list(site.recordings.iterdir()) == []


async def test_a_caller_whom_the_branch_meets_when_it_is_back_is_the_same_call_to_both(
    site: AsteriskSite,
) -> None:
    await site.open()
    call = site.calls[await site.call()]
    await call.wait_answered()
    link = await WiredLink.open(site)
    came = await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER)
    await call.hang_up()

    [file] = await left_behind(site)
    name = read_name(file.stem.removeprefix("alone."))
    assert name is not None
    assert came["facts"]["call"] == name.call_id
    await link.close()


async def test_a_caller_whom_the_branch_has_taken_has_not_ended_for_the_dialplan(site: AsteriskSite) -> None:
    await site.open()
    call = site.calls[await site.call()]
    await call.wait_answered()
    link = await WiredLink.open(site)
    channel = (await link.event(Event.CHANNEL_STARTED, kind=Kind.CALLER))["channel"]
    await link.done(Do.SET, channel=channel, name=Variable.TAKEN, value="yes")
    await call.hang_up()

    [file] = await left_behind(site)
    assert file.read_text() == WAITING, "the branch itself takes it away: its ledger has the call"
    await link.close()


async def becomes_empty(site: AsteriskSite) -> None:
    """The dialplan is through with every caller."""

    async def is_empty() -> bool:
        return not await site.ask("channels")

    await becomes(is_empty)


async def test_a_redirected_caller_leaves_its_message_and_nothing_else(site: AsteriskSite) -> None:
    site.fallback = Fallback(action="voicemail", number=None, retry_s=1, limit_s=0)
    await site.open()
    speak_briefly(site)
    call = await site.city.call(f"redirected.urumqi.{'AWZ5k3-_' * 12}", sends_rtp=True)
    await call.wait_answered()
    await until_it_runs(site, "Record")
    call.sound.has_tone = True

    async def is_recorded() -> bool:
        return any(each.stat().st_size > ONE_SECOND for each in site.recordings.iterdir())

    await becomes(is_recorded)
    await call.hang_up()
    await becomes_empty(site)

    [file] = site.recordings.iterdir()
    name = read_name(file.stem.removeprefix("alone."))
    assert name is not None
    assert (file.suffix, name.dialled, name.caller_number) == (".wav", "redirected", "13800138000")


async def test_whatever_is_dialled_names_a_file_of_that_folder(site: AsteriskSite) -> None:
    await site.open()
    call = await site.city.call("40%2F..%2F.-z%2C01")
    await call.wait_answered()
    await call.hang_up()

    [file] = await left_behind(site)
    name = read_name(file.stem.removeprefix("alone."))
    assert name is not None
    assert name.dialled == "40...-z01"


async def test_asterisk_has_every_application_that_the_dialplan_runs(site: AsteriskSite) -> None:
    site.fallback = Fallback(action="voicemail", number=None, retry_s=1, limit_s=0)
    await site.open()
    dialplan = (site.folder / "extensions.conf").read_text(encoding="utf-8")

    used = set(re.findall(r"^(?:exten => .*?,1| same => n(?:\(\w+\))?),(\w+)\(", dialplan, re.MULTILINE))

    assert {"Stasis", "ExecIf", "Hangup"} <= used
    known = site.process.command("core show applications")
    assert [each for each in sorted(used) if not re.search(rf"^ +{each}:", known, re.MULTILINE)] == []


async def left_behind(site: AsteriskSite) -> list[Path]:
    """What callers have left behind, once they are gone."""
    await becomes_empty(site)
    return list(site.recordings.glob("*.call"))
