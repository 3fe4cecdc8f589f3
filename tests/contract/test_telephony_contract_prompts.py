"""What every telephony driver promises of prompts and keys, tried with a real PBX behind it."""

from branch.telephony.port import TelephonyDriver
from router.call import Language
from router.facts import CallerHungUp, Fact, KeyPressed, LegAnswered, LegRang, PromptsPlayed
from router.ids import CallId, PlaybackId
from router.orders import Announce, BridgeAgent, HoldInQueue, PlayPrompts, StopPrompts
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import Site
from tests.fakes.telephony_steps import LEG, SALES, becomes, queued, ring

FIRST, SECOND = PlaybackId("0191-playback-1"), PlaybackId("0191-playback-2")
LONG = ("welcome",) * 100
"""More than a test waits for, and no more than Asterisk takes in one request: 128."""


def play(call_id: CallId, playback_id: PlaybackId, *prompts: str) -> PlayPrompts:
    return PlayPrompts(call_id=call_id, playback_id=playback_id, prompts=prompts, language=Language.CHINESE)


def played(call_id: CallId, playback_id: PlaybackId) -> Fact:
    return PromptsPlayed(call_id=call_id, playback_id=playback_id)


async def called(site: Site, ear: TelephonyEar) -> tuple[str, CallId]:
    channel = await site.call()
    return channel, (await ear.caller()).call_id


async def hears(driver: TelephonyDriver, ear: TelephonyEar, call_id: CallId, name: PlaybackId) -> None:
    """One short prompt, to its end: by then the PBX has done and told what was before it."""
    driver.carry_out(play(call_id, name, "goodbye"))
    await ear.fact(played(call_id, name))


async def test_a_prompt_is_played_and_its_end_told_once(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await called(home, ear)

    driver.carry_out(play(call_id, FIRST, "welcome", "main_menu"))
    await ear.fact(played(call_id, FIRST))
    await hears(driver, ear, call_id, SECOND)

    assert ear.facts == [played(call_id, FIRST), played(call_id, SECOND)]


async def test_keys_are_told_in_order_and_each_once(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await called(home, ear)
    await hears(driver, ear, call_id, FIRST)

    await home.press(channel, "1100*93#")
    await hears(driver, ear, call_id, SECOND)

    keys = [fact.key for fact in ear.facts if isinstance(fact, KeyPressed) and fact.call_id == call_id]
    assert "".join(keys) == "1100*93#"


async def test_a_key_is_told_while_a_prompt_is_played(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await called(home, ear)
    await hears(driver, ear, call_id, FIRST)
    driver.carry_out(play(call_id, SECOND, *LONG))

    await home.press(channel, "2")

    await ear.fact(KeyPressed(call_id=call_id, key="2"))
    assert played(call_id, SECOND) not in ear.facts


async def test_prompts_can_be_stopped_and_their_end_is_no_news(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await called(home, ear)
    driver.carry_out(play(call_id, FIRST, *LONG))

    driver.carry_out(StopPrompts(call_id=call_id, playback_id=FIRST))
    await hears(driver, ear, call_id, SECOND)

    assert ear.facts == [played(call_id, SECOND)]


async def test_stopping_what_is_over_stops_nothing_else(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await called(home, ear)
    await hears(driver, ear, call_id, FIRST)
    driver.carry_out(play(call_id, SECOND, "welcome"))

    driver.carry_out(StopPrompts(call_id=call_id, playback_id=FIRST))

    await ear.fact(played(call_id, SECOND))


async def test_a_caller_may_hang_up_in_a_prompt(home: Site) -> None:
    driver, ear, _found = await home.connect()
    channel, call_id = await called(home, ear)
    await hears(driver, ear, call_id, FIRST)
    driver.carry_out(play(call_id, SECOND, *LONG))

    await home.give_up(channel)
    await ear.fact(CallerHungUp(call_id=call_id))
    driver.carry_out(StopPrompts(call_id=call_id, playback_id=SECOND))

    assert ear.facts == [played(call_id, FIRST), CallerHungUp(call_id=call_id)]


async def test_a_caller_in_a_prompt_is_found_by_a_new_process_and_goes_on(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await called(home, ear)
    await hears(driver, ear, call_id, FIRST)

    await home.lose(driver)
    driver, ear, alive = await home.connect()
    await hears(driver, ear, call_id, SECOND)

    assert alive.callers == {call_id}
    assert ear.callers == []


async def test_a_waiting_caller_is_told_its_place_and_hears_music_again(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await queued(home, driver, ear)

    driver.carry_out(
        Announce(
            call_id=call_id, playback_id=FIRST, language=Language.ENGLISH, position=3, expected_wait_s=95
        )
    )

    await ear.fact(played(call_id, FIRST))
    assert await home.hears_music(call_id)


async def test_an_agent_is_not_talked_over_by_an_announcement(home: Site) -> None:
    driver, ear, _found = await home.connect()
    _channel, call_id = await called(home, ear)
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))
    await becomes(lambda: home.hears_music(call_id))
    driver.carry_out(ring(call_id))
    await ear.fact(LegRang(leg_id=LEG))
    driver.carry_out(play(call_id, FIRST, *LONG))

    await home.lift(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await becomes(lambda: home.talks(call_id))
    await hears(driver, ear, call_id, SECOND)

    assert played(call_id, FIRST) not in ear.facts
