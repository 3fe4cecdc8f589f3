"""SIPp against an Asterisk without Trunkline: its account and the phones' agree."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from deploy.phones.phones import Behaviour, Phone
from deploy.phones.sip_calls import Ending
from tests.telephony.bare_asterisk import CALLERS_HOST, PASSWORD, BareAsterisk
from tests.telephony.sipp import Scenario, SippBatch, SippRun, run_callers

CALLS = 20


@pytest.fixture
async def phones(bare_asterisk: BareAsterisk) -> AsyncIterator[list[Phone]]:
    """A registered phone for every caller."""
    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(Phone(f"agent{number}", bare_asterisk.address, password=PASSWORD))
            for number in range(1, CALLS + 1)
        ]
        for line in lines:
            await line.register()
        yield lines


async def test_callers_who_hang_up_are_counted_alike_by_sipp_and_by_the_phones(
    bare_asterisk: BareAsterisk, phones: list[Phone], tmp_path: Path
) -> None:
    batch = SippBatch(
        pbx=bare_asterisk.address,
        number="own",
        count=CALLS,
        rate_per_s=20,
        stays_ms=500,
        host=CALLERS_HOST,
    )

    report = await run_callers(batch, tmp_path / "batch")

    assert report.is_clean, report
    assert report.successful == CALLS
    assert 0 < report.answer_mean_ms < 5_000
    for number, phone in enumerate(phones, start=1):
        (call,) = phone.calls_with("X-Rig-Call", f"1380{number}")
        assert phone.talked_by_call_id == {call.call_id: call}
        assert await call.wait_over() is Ending.THEY_HUNG_UP


async def test_callers_stay_until_the_phones_hang_up(
    bare_asterisk: BareAsterisk, phones: list[Phone], tmp_path: Path
) -> None:
    for phone in phones:
        phone.behaviour = Behaviour(talk_ms=200)
    batch = SippBatch(
        pbx=bare_asterisk.address,
        number="own",
        count=CALLS,
        rate_per_s=20,
        stays_ms=30_000,
        host=CALLERS_HOST,
    )

    report = await run_callers(batch, tmp_path / "batch")

    assert report.is_clean, report
    assert [phone.calls[0].ending for phone in phones] == [Ending.WE_HUNG_UP] * CALLS


async def test_both_may_hang_up_at_once(bare_asterisk: BareAsterisk, tmp_path: Path) -> None:
    """The extension hangs up after a second, as the callers do."""
    batch = SippBatch(
        pbx=bare_asterisk.address,
        number="short",
        count=CALLS,
        rate_per_s=20,
        stays_ms=1_000,
        host=CALLERS_HOST,
    )

    report = await run_callers(batch, tmp_path / "batch")

    assert report.is_clean, report


async def test_callers_who_give_up_before_the_answer_are_told_from_those_answered_before(
    bare_asterisk: BareAsterisk, tmp_path: Path
) -> None:
    def batch(number: str) -> SippBatch:
        return SippBatch(
            pbx=bare_asterisk.address,
            number=number,
            count=5,
            scenario=Scenario.CANCEL,
            stays_ms=800,
            host=CALLERS_HOST,
        )

    in_vain = await run_callers(batch("ring"), tmp_path / "ring")
    answered = await run_callers(batch("echo"), tmp_path / "echo")

    assert in_vain.is_clean, in_vain
    assert answered.is_clean, answered
    assert (in_vain.responses[487], answered.responses.get(487, 0)) == (5, 0)


async def test_a_forged_token_is_refused_and_one_that_is_let_in_is_a_failure(
    bare_asterisk: BareAsterisk, tmp_path: Path
) -> None:
    batch = SippBatch(
        pbx=bare_asterisk.address,
        number="token",
        count=4,
        scenario=Scenario.FORGED,
        tokens=("forged-1", "forged-2", "good", "forged-3"),
        host=CALLERS_HOST,
    )

    report = await run_callers(batch, tmp_path / "batch")

    assert (report.successful, report.failed, report.responses[403]) == (3, 1, 3)
    assert report.failures == {"UnexpectedMessage": 1}
    assert "while expecting '403'" in report.problems


async def test_asterisk_reads_the_keys_that_sipp_presses(bare_asterisk: BareAsterisk, tmp_path: Path) -> None:
    batch = SippBatch(
        pbx=bare_asterisk.address,
        number="read",
        count=3,
        scenario=Scenario.DIAL,
        digits="4217",
        stays_ms=5_000,
        host=CALLERS_HOST,
    )

    report = await run_callers(batch, tmp_path / "batch")

    assert report.is_clean, report
    assert bare_asterisk.command("dialplan show globals").count("4217") == 3


async def test_callers_may_vanish(bare_asterisk: BareAsterisk, phones: list[Phone], tmp_path: Path) -> None:
    batch = SippBatch(pbx=bare_asterisk.address, number="own", count=1, stays_ms=30_000, host=CALLERS_HOST)

    run = await SippRun.start(batch, tmp_path / "batch")
    call = await phones[0].wait_talking()
    await run.kill()
    await phones[0].hang_up()

    assert await call.wait_over() is Ending.WE_HUNG_UP
