"""A caller whom nobody answers leaves a message, and an agent hears it at its phone."""

import asyncio

import pytest

from deploy.phones.callers import Caller
from router.call import Disposition
from router.ledger import CallArrived, CallEnded, CallQueued, VoicemailBegan, VoicemailLeft
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.telephony.asterisk_cluster import LIMIT_S, AsteriskCluster, BranchSite
from tests.telephony.asterisk_pbx import LINE_NUMBER

pytestmark = pytest.mark.timeout(180)

VOICEMAIL = 'wait_limit_ms = 1500\nlast_resort = "voicemail"\n'
TALK_S = 3.0
SPOKEN = 50
"""Packets of that at the least, 20 ms each: what is said into the tone is lost."""


async def shown(site: BranchSite, event: str = "message_left") -> None:
    """The branch itself has said so by now."""
    async with asyncio.timeout(LIMIT_S):
        while event not in site.branch.log():  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.1)


async def listen(site: BranchSite, number: int) -> int:
    """Dial the code and stay until the branch hangs up; how many packets of sound were heard."""
    user = str(number)
    password = site.pbx.passwords()[user]
    async with Caller(user, site.pbx.address, password=password, host=site.pbx.agents_host) as dialling:
        call = await dialling.call("*16", sends_rtp=True)
        await call.wait_over(LIMIT_S)
        return call.sound.sounding_count


async def test_a_message_is_left_and_heard_at_a_phone_once(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start(more=VOICEMAIL)
    call = await cluster.call(beijing)
    call.sound.has_tone = True
    await cluster.until(has(VoicemailBegan))
    await asyncio.sleep(TALK_S)
    call.sound.has_tone = False
    await call.wait_over(LIMIT_S)
    rows = await cluster.until(has(CallEnded))

    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.VOICEMAIL]
    [left] = entries(rows, VoicemailLeft)
    kept = beijing.branch.messages()
    assert [(each.call_id, each.heard_by) for each in kept] == [(left.call_id, None)]

    await shown(beijing)
    first = await listen(beijing, 1001)
    async with asyncio.timeout(LIMIT_S):
        while beijing.branch.messages()[0].heard_by != "beijing/1001":  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.1)
    second = await listen(beijing, 1001)

    assert first > SPOKEN
    assert second < first / 2, "nothing is left to be heard"
    assert broken_laws(rows) == {}


async def test_a_message_left_while_the_branch_was_down_is_a_call_in_its_books_and_heard_like_any_other(
    cluster: AsteriskCluster,
) -> None:
    beijing = cluster.add("beijing", 1001)
    beijing.pbx.alone = 'retry_s = 1\nlimit_s = 1\naction = "voicemail"'
    await cluster.start(more=f'[recording]\nfolder = "{beijing.pbx.recordings}"\n')
    await beijing.branch.kill()
    call = await cluster.call(beijing, "+8613800138000")
    call.sound.has_tone = True
    await recorded(beijing, TALK_S)
    await call.hang_up()
    await beijing.branch.start()
    rows = await cluster.until(has(CallEnded))
    await beijing.branch.kill()
    await beijing.branch.start()
    await shown(beijing, "left_alone_taken_in")
    await gone(beijing, 0)

    [ended] = entries(rows, CallEnded)
    assert (ended.disposition, ended.reason) == (Disposition.VOICEMAIL, "NODE_DOWN")
    assert await listen(beijing, 1001) > SPOKEN
    [kept] = beijing.branch.messages()
    assert (kept.call_id, kept.number) == (ended.call_id, "+8613800138000")
    assert len(entries(cluster.rows(), CallEnded)) == 1, "a process that was killed meanwhile tells it once"
    assert [file.stem for file in beijing.pbx.recordings.iterdir()] == [ended.call_id]
    assert broken_laws(cluster.rows()) == {}


async def test_callers_who_give_up_while_the_branch_is_down_are_calls_of_its_books(
    cluster: AsteriskCluster,
) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start(more=f'[recording]\nfolder = "{beijing.pbx.recordings}"\n')
    await beijing.branch.kill()
    calls = [await cluster.call(beijing, number) for number in ("+8613800138000", "anonymous")]
    for call in calls:
        await call.wait_answered(LIMIT_S)
        await call.hang_up()
    await gone(beijing, len(calls))
    await beijing.branch.start()
    rows = await cluster.until(has(CallEnded, len(calls)))
    await beijing.branch.kill()
    await beijing.branch.start()
    await gone(beijing, 0)

    ended = entries(cluster.rows(), CallEnded)
    assert len(ended) == len(calls), "a process that was killed meanwhile tells of each once"
    assert {(each.disposition, each.reason) for each in ended} == {
        (Disposition.ABANDONED_IN_IVR, "NODE_DOWN")
    }
    arrived = entries(rows, CallArrived)
    assert {each.dialled for each in arrived} == {LINE_NUMBER}
    numbers = {beijing.branch.number_of(each.call_id) for each in arrived}
    assert numbers == {"+8613800138000", None}
    assert broken_laws(cluster.rows()) == {}


async def test_a_caller_whom_the_branch_takes_when_it_is_back_is_one_call(cluster: AsteriskCluster) -> None:
    beijing = cluster.add("beijing", 1001)
    await cluster.start(more=f'[recording]\nfolder = "{beijing.pbx.recordings}"\n')
    await beijing.branch.kill()
    call = await cluster.call(beijing)
    await call.wait_answered(LIMIT_S)
    await beijing.branch.start()
    await cluster.until(has(CallQueued))
    await call.hang_up()
    rows = await cluster.until(has(CallEnded))

    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.ABANDONED_IN_QUEUE]
    await gone(beijing, 0)
    assert len(entries(cluster.rows(), CallEnded)) == 1
    assert broken_laws(rows) == {}


async def gone(site: BranchSite, count: int) -> None:
    """So many callers have left a file behind, and no more."""
    async with asyncio.timeout(LIMIT_S):
        while len(list(site.pbx.recordings.glob("*.call"))) != count:  # noqa: ASYNC110 - other processes write
            await asyncio.sleep(0.1)


async def recorded(site: BranchSite, sound_s: float) -> None:
    """Asterisk has written as much of somebody's message."""
    byte_count = round(sound_s * 16_000)
    async with asyncio.timeout(LIMIT_S):
        while not any(file.stat().st_size > byte_count for file in site.pbx.recordings.glob("*.wav")):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
