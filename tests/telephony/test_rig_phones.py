"""Our own phones and callers against an Asterisk without Trunkline: what they count is what happened."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.asterisk.bundle import AsteriskBinaries
from deploy.phones.callers import Caller
from deploy.phones.phones import Behaviour, Counts, Phone
from deploy.phones.sip_calls import Ending
from tests.telephony.bare_asterisk import CALLERS_HOST, PASSWORD, BareAsterisk


@pytest.fixture
async def caller(bare_asterisk: BareAsterisk) -> AsyncIterator[Caller]:
    async with Caller("13800000001", bare_asterisk.address, host=CALLERS_HOST) as line:
        yield line


@pytest.fixture
async def phone(bare_asterisk: BareAsterisk) -> AsyncIterator[Phone]:
    async with Phone("agent1", bare_asterisk.address, password=PASSWORD) as line:
        await line.register()
        yield line


async def test_a_phone_registers_and_takes_that_back(bare_asterisk: BareAsterisk, phone: Phone) -> None:
    registered = bare_asterisk.command("pjsip show contacts")
    await phone.unregister()

    assert f"agent1/sip:agent1@127.0.0.1:{phone.socket.address[1]}" in registered
    assert "agent1/" not in bare_asterisk.command("pjsip show contacts")


async def test_a_wrong_password_is_refused(bare_asterisk: BareAsterisk) -> None:
    async with Phone("agent1", bare_asterisk.address, password="wrong") as phone:
        with pytest.raises(ConnectionRefusedError, match=r"agent1 may not register: SIP/2\.0 401"):
            await phone.register()


async def test_a_caller_reaches_a_phone_and_sound_flows_both_ways(caller: Caller, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=200, sends_rtp=True, has_tone=True)

    call = await caller.call("agent1", sends_rtp=True)
    await call.wait_ringing()
    await call.wait_answered()
    desk = await phone.wait_talking()
    await call.wait_sound(10)
    await desk.wait_sound(10)
    await call.hang_up()

    assert await desk.wait_over() is Ending.THEY_HUNG_UP
    assert (call.sound.sounding_count > 5, desk.sound.sounding_count) == (True, 0)
    assert [each.caller for each in phone.calls_with("X-Rig-Call", "13800000001")] == ["13800000001"]
    assert phone.counts == Counts(rung=1, answered=1, talked=1, cancelled=0, refused=0, busy=0)


async def test_echo_returns_what_is_sent(caller: Caller) -> None:
    call = await caller.call("echo", sends_rtp=True)
    await call.wait_answered()
    await call.wait_sound(25)
    await call.hang_up()

    assert call.sound.received_count >= 25


async def test_a_caller_who_gives_up_leaves_a_phone_that_has_rung(caller: Caller, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=None)

    call = await caller.call("agent1")
    desk = await phone.wait_ringing()
    await call.hang_up()

    assert await desk.wait_over() is Ending.THEY_CANCELLED
    assert (call.ending, call.status) == (Ending.WE_CANCELLED, 487)
    assert phone.counts.cancelled == 1


@pytest.mark.parametrize("status", [480, 486, 603])
async def test_a_phone_may_refuse(status: int, caller: Caller, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=50, status=status)

    call = await caller.call("agent1")

    assert await call.wait_over() is Ending.THEY_REFUSED
    assert (phone.counts.rung, phone.counts.answered, phone.counts.refused) == (1, 0, 1)


async def test_a_phone_may_unregister_while_it_rings_and_still_answer(caller: Caller, phone: Phone) -> None:
    phone.behaviour = Behaviour(ring_ms=None)

    call = await caller.call("agent1")
    await phone.wait_ringing()
    await phone.unregister()
    phone.answer()
    await call.wait_answered()
    await phone.hang_up()

    assert await call.wait_over() is Ending.THEY_HUNG_UP


async def test_a_dead_phone_answers_nothing(caller: Caller, phone: Phone) -> None:
    phone.behaviour = Behaviour(is_dead=True)

    call = await caller.call("agent1")
    with pytest.raises(TimeoutError):
        await call.wait_ringing(limit_s=1)
    await call.hang_up()

    assert phone.counts.rung == 0


async def test_hold_is_agreed_upon(caller: Caller) -> None:
    call = await caller.call("echo", sends_rtp=True)
    await call.wait_answered()
    statuses = [await call.hold(is_on=True), await call.hold(is_on=False)]
    heard = call.sound.received_count
    await call.wait_sound(heard + 10)
    await call.hang_up()

    assert statuses == [200, 200]


async def test_asterisk_reads_the_keys_of_a_caller(bare_asterisk: BareAsterisk, caller: Caller) -> None:
    call = await caller.call("read", sends_rtp=True)
    await call.wait_answered()
    await call.send_digits("9*0#5")

    assert await call.wait_over() is Ending.THEY_HUNG_UP
    assert "READ=/9*0" in bare_asterisk.command("dialplan show globals")


async def test_a_caller_reads_the_keys_of_asterisk(caller: Caller) -> None:
    call = await caller.call("dial", sends_rtp=True)
    await call.wait_answered()
    await call.sound.changes.until(lambda: call.sound.digits == "42#")
    await call.hang_up()


async def test_a_killed_asterisk_is_noticed_and_registers_phones_again(
    asterisk_binaries: AsteriskBinaries, tmp_path: Path
) -> None:
    process = BareAsterisk(asterisk_binaries, tmp_path / "etc", 1)
    process.start()
    try:
        async with (
            Phone("agent1", process.address, password=PASSWORD) as phone,
            Caller("1", process.address, host=CALLERS_HOST) as caller,
        ):
            await phone.register()
            call = await caller.call("agent1")
            await call.wait_answered()
            await asyncio.to_thread(process.kill)
            process.start()
            await phone.register()
            again = await caller.call("agent1")

            with pytest.raises(ConnectionRefusedError, match="486"):
                await again.wait_answered()
            assert phone.counts.busy == 1
    finally:
        process.stop()
