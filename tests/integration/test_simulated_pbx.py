"""The simulated PBX as a process: who may steer it, what its people do, what it saw."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from branch.telephony.driver.driver import PbxDriver
from branch.telephony.driver.vocabulary import Do, Kind
from branch.telephony.port import PbxRefusedError, PhoneEvent
from branch.telephony.simulated.pbx.settings import OnRedirect
from branch.telephony.simulated.wire import Play
from router.agent import RingFailure
from router.facts import (
    CallerHungUp,
    LegAnswered,
    LegFailed,
    LegHungUp,
    LegRang,
    TrunkFailed,
    VoicemailRecorded,
)
from router.ids import AgentId, CallId, HandoffId, LegId, QueueId, SiteId
from router.orders import BridgeAgent, DialSite, HoldInQueue, RecordVoicemail, RedirectCaller, RingAgent
from tests.fakes.pbx_process import PbxProcess
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import SimulatedSite
from tests.fakes.telephony_steps import becomes

SITE = SiteId("beijing")
AGENT = AgentId("beijing/1001")
SALES = QueueId("sales")
CALL = CallId("0191-call")
LEG = LegId("0191-leg")
ROBOT = f'[[people.agent]]\nid = "{AGENT}"'

Make = Callable[..., Awaitable[SimulatedSite]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Starts a site whose [people] are given as TOML."""
    async with AsyncExitStack() as stack:

        async def started(people: str = "", *, more: str = "", name: SiteId = SITE) -> SimulatedSite:
            site = SimulatedSite(tmp_path / name, name, ())
            site.pbx = PbxProcess(tmp_path / name, name, people=people, more=more)
            stack.push_async_callback(site.close)
            await site.start()
            return site

        yield started


async def connected(site: SimulatedSite) -> tuple[PbxDriver, TelephonyEar]:
    driver, ear = site.driver(), TelephonyEar()
    await driver.start(ear)
    await ear.until(lambda: ear.inventories)
    return driver, ear


def ring(leg_id: LegId = LEG, agent_id: AgentId = AGENT) -> RingAgent:
    return RingAgent(leg_id=leg_id, agent_id=agent_id, call_id=CALL, queue_id=SALES, handoff_id=None)


async def counts(site: SimulatedSite) -> dict[str, Any]:
    await site.pbx.stop()
    seen: dict[str, Any] = json.loads((site.pbx.folder / "counts.json").read_text(encoding="utf-8"))
    return seen


# --- who may steer it ----------------------------------------------------------------------


async def test_a_wrong_password_is_refused_and_steers_nothing(make: Make) -> None:
    site = await make()
    driver = site.driver(password="guess")

    with pytest.raises(PbxRefusedError, match="wrong password"):
        await driver.start(TelephonyEar())


async def test_the_last_application_to_come_is_the_only_one(make: Make) -> None:
    site = await make()
    _first, first_ear = await connected(site)

    _second, second_ear = await connected(site)
    await first_ear.until(lambda: first_ear.lost_count)
    await site.call()
    await second_ear.caller()

    assert first_ear.callers == []


GARBAGE = (
    b"\xff\x00\n",
    b"[1]\n",
    b'{"do": 5}\n',
    b'{"invite": 7}\n',
    # Half of a character: JSON can say it, and nothing that we write could say it again.
    b'{"invite": {"from": "\\ud800", "token": "t"}}\n',
    b'{"invite": {"from": "' + b"x" * 10_000 + b'", "token": "t"}}\n',
    b"x" * 100_000 + b"\n",
)


async def test_garbage_on_its_ports_harms_nobody(make: Make) -> None:
    site = await make()
    _driver, ear = await connected(site)

    for port in (site.pbx.control_port, site.pbx.trunk_port):
        for line in GARBAGE:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(line)
            async with asyncio.timeout(10):
                await reader.read()
            writer.close()
    await site.call()
    await ear.caller()

    assert ear.lost_count == 0
    assert ear.trunks == []


@pytest.mark.parametrize(
    ("do", "parameters", "code"),
    [
        ("channel.fly", {}, 400),
        (Do.ANSWER, {}, 400),
        (Do.ANSWER, {"channel": "nobody"}, 404),
        (Do.HANG_UP, {"channel": "nobody"}, 404),
        (Do.ADD, {"bridge": "none", "channel": "nobody"}, 404),
        (Do.CREATE_BRIDGE, {"bridge": "b", "kind": "swimming"}, 400),
        (Do.ORIGINATE, {"channel": "c", "endpoint": "phone/nobody", "kind": "phone"}, 404),
        (Do.ORIGINATE, {"channel": "c", "endpoint": "balloon/1", "kind": "phone"}, 404),
        (Play.CALL, {"queue": "sales", "handle_ms": -1}, 400),
        (Do.LIFT, {"channel": "nobody"}, 404),
    ],
)
async def test_what_cannot_be_done_is_refused(
    make: Make, do: str, parameters: dict[str, object], code: int
) -> None:
    site = await make()

    reply = await site.pbx.reply(do, **parameters)

    assert reply["code"] == code


async def test_a_leg_that_has_not_answered_cannot_be_joined_and_an_existing_id_not_made_again(
    make: Make,
) -> None:
    site = await make(f"{ROBOT}\nperson = true")
    pbx = site.pbx
    caller = await site.call()
    await pbx.do(Do.CREATE_BRIDGE, bridge="b", kind="mixing")
    await pbx.do(Do.ORIGINATE, channel=LEG, endpoint=f"phone/{AGENT}", kind=Kind.PHONE)

    too_early = await pbx.reply(Do.ADD, bridge="b", channel=LEG)
    unanswered = await pbx.reply(Do.ADD, bridge="b", channel=caller)
    bridge_again = await pbx.reply(Do.CREATE_BRIDGE, bridge="b", kind="mixing")
    channel_again = await pbx.reply(Do.ORIGINATE, channel=LEG, endpoint=f"phone/{AGENT}", kind=Kind.PHONE)

    codes = [each["code"] for each in (too_early, unanswered, bridge_again, channel_again)]
    assert codes == [422, 422, 409, 409]


async def test_a_frozen_pbx_is_lost_and_silent_until_it_is_found_again_with_its_calls(make: Make) -> None:
    site = await make()
    driver, ear = await connected(site)
    await site.call()
    call_id = (await ear.caller()).call_id
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))

    os.kill(site.pbx.pid, signal.SIGSTOP)
    await ear.until(lambda: ear.silent_count)
    os.kill(site.pbx.pid, signal.SIGCONT)
    await ear.until(lambda: len(ear.inventories) > 1)

    assert (ear.lost_count, ear.silent_count) == (1, 1)
    assert ear.inventories[-1].callers == {call_id}
    assert ear.inventories[-1].is_same_run
    assert ear.facts == []


# --- agents --------------------------------------------------------------------------------


async def test_agents_log_in_by_code_and_leave_at_the_end_of_their_shift(make: Make) -> None:
    site = await make(f"{ROBOT}\nfrom_s = 0.5\nuntil_s = 2")
    _driver, ear = await connected(site)

    await ear.phone(AGENT, PhoneEvent.LOGOUT)

    codes = [event for _agent, event in ear.phones if event is not PhoneEvent.REGISTERED]
    assert codes == [PhoneEvent.LOGIN, PhoneEvent.READY, PhoneEvent.LOGOUT]


async def test_a_code_dialled_while_the_branch_was_away_is_dialled_again(make: Make) -> None:
    site = await make(ROBOT)
    await asyncio.sleep(0.5)  # the first tries meet nobody

    _driver, ear = await connected(site)

    await ear.phone(AGENT, PhoneEvent.LOGIN)
    await ear.phone(AGENT, PhoneEvent.READY)


async def test_an_agent_answers_after_its_ring_time_and_stays_until_the_caller_leaves(make: Make) -> None:
    site = await make(f"ring_s = 0.2\n{ROBOT}")
    driver, ear = await connected(site)
    await site.pbx.call(handle_s=0.5)
    call_id = (await ear.caller()).call_id
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))

    driver.carry_out(ring())
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.carry_out(BridgeAgent(call_id=call_id, leg_id=LEG))
    await ear.fact(CallerHungUp(call_id=call_id))

    seen = await counts(site)
    assert seen["calls"][call_id] == {"taken": True, "conversations": 1, "ending": "finished"}
    assert (seen["offered"], seen["answered"], seen["abandoned"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("share", "reason"),
    [("reject_share", RingFailure.REJECTED), ("busy_share", RingFailure.BUSY)],
)
async def test_an_agent_that_does_not_take_a_call_makes_itself_ready_again(
    make: Make, share: str, reason: RingFailure
) -> None:
    site = await make(f"ring_s = 0.2\nagain_ready_s = 0.3\n{share} = 1\n{ROBOT}")
    driver, ear = await connected(site)
    await ear.phone(AGENT, PhoneEvent.READY)
    ear.phones.clear()

    driver.carry_out(ring())
    await ear.fact(LegFailed(leg_id=LEG, reason=reason))

    await ear.phone(AGENT, PhoneEvent.READY)


async def test_a_person_at_a_desk_answers_and_hangs_up_by_the_driver(make: Make) -> None:
    site = await make(f"{ROBOT}\nperson = true")
    driver, ear = await connected(site)
    driver.carry_out(ring())
    await ear.fact(LegRang(leg_id=LEG))

    driver.answer_leg(LEG)
    await ear.fact(LegAnswered(leg_id=LEG))
    driver.hang_up_leg(LEG)

    await ear.fact(LegHungUp(leg_id=LEG))
    assert PhoneEvent.LOGIN not in [event for _agent, event in ear.phones]


# --- callers and what was seen of them -----------------------------------------------------


async def test_an_impatient_caller_gives_up_and_is_counted(make: Make) -> None:
    site = await make()
    driver, ear = await connected(site)
    await site.pbx.call(patience_s=0.5)
    call_id = (await ear.caller()).call_id
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))

    await ear.fact(CallerHungUp(call_id=call_id))

    seen = await counts(site)
    assert (seen["offered"], seen["taken"], seen["abandoned"]) == (1, 1, 1)


async def test_a_message_left_on_the_machine_is_told_once(make: Make) -> None:
    site = await make("voicemail_s = 0.2")
    driver, ear = await connected(site)
    await site.pbx.call(patience_s=30)
    call_id = (await ear.caller()).call_id
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))

    driver.carry_out(RecordVoicemail(call_id=call_id, queue_id=SALES))
    await ear.fact(VoicemailRecorded(call_id=call_id))
    await site.call()
    await ear.caller(1)

    assert ear.facts == [VoicemailRecorded(call_id=call_id)]


async def test_callers_of_a_killed_pbx_are_counted_as_failed_by_the_next_run(make: Make) -> None:
    site = await make()
    driver, ear = await connected(site)
    await site.call()
    call_id = (await ear.caller()).call_id
    driver.carry_out(HoldInQueue(call_id=call_id, queue_id=SALES))
    await site.call()
    await ear.caller(1)

    await site.kill()
    await site.start()

    seen = await counts(site)
    assert (seen["offered"], seen["in_system"], seen["endings"]) == (2, 0, {"failed": 2})
    assert seen["calls"][call_id]["taken"]


async def sent_on(
    make: Make, people: str, on_redirect: OnRedirect, *, patience_s: float | None = None
) -> SimulatedSite:
    """The site after its only caller was sent on to another one, where an agent answers at once."""
    home = await make(more=f'[carrier]\non_redirect = "{on_redirect}"\nredirect_delay_s = 0.05')
    peer = await make(people, name=SiteId("urumqi"))
    home.trunks[SiteId("urumqi")] = peer.pbx.trunk_address
    driver, ear = await connected(home)
    helper, helper_ear = await connected(peer)
    await home.pbx.call(patience_s=patience_s, handle_s=0.5)
    call_id = (await ear.caller()).call_id
    driver.carry_out(
        RedirectCaller(
            call_id=call_id, from_site=SITE, site_id=SiteId("urumqi"), token="redirect-" + "x" * 80
        )
    )
    if on_redirect is OnRedirect.FOLLOW:
        assert helper.accept_redirected((await helper_ear.trunk()).trunk_id, CALL)
        helper.carry_out(HoldInQueue(call_id=CALL, queue_id=SALES))
        helper.carry_out(ring())
        await helper_ear.fact(LegAnswered(leg_id=LEG))
        helper.carry_out(BridgeAgent(call_id=CALL, leg_id=LEG))
        await helper_ear.fact(CallerHungUp(call_id=CALL))
    return home


async def test_a_redirected_caller_goes_on_in_the_account_of_the_pbx_that_it_called(make: Make) -> None:
    site = await sent_on(make, f"ring_s = 0.2\n{ROBOT}", OnRedirect.FOLLOW)

    await until_nobody_is_left(site)

    seen = await counts(site)
    [story] = seen["calls"].values()
    assert story == {"taken": True, "conversations": 1, "ending": "finished"}
    assert (seen["offered"], seen["redirected"], seen["answered"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("on_redirect", "ending"), [(OnRedirect.REFUSE, "ended"), (OnRedirect.LOSE, "gave_up")]
)
async def test_a_caller_whom_the_carrier_does_not_send_on_is_told_so_or_gives_up(
    make: Make, on_redirect: OnRedirect, ending: str
) -> None:
    site = await sent_on(make, "", on_redirect, patience_s=0.5)

    await until_nobody_is_left(site)

    seen = await counts(site)
    [story] = seen["calls"].values()
    assert story == {"taken": False, "conversations": 0, "ending": ending}
    assert seen["redirected"] == 1


async def until_nobody_is_left(site: SimulatedSite) -> None:
    await becomes(lambda: _has_nobody(site))


async def _has_nobody(site: SimulatedSite) -> bool:
    return not (await site.pbx.do(Play.COUNT))["in_system"]


async def test_cut_trunks_take_no_calls_until_they_are_mended(make: Make) -> None:
    home, peer = await make(), await make(name=SiteId("urumqi"))
    home.trunks[SiteId("urumqi")] = peer.pbx.trunk_address
    driver, ear = await connected(home)
    _peer_driver, peer_ear = await connected(peer)

    await home.pbx.do(Play.SET_TRUNKS, is_up=False)
    driver.carry_out(dial("h-1"))
    await ear.fact(TrunkFailed(handoff_id=HandoffId("h-1"), reason="UNAVAILABLE"))
    await home.pbx.do(Play.SET_TRUNKS, is_up=True)
    driver.carry_out(dial("h-2"))
    await peer_ear.trunk()
    await home.pbx.do(Play.SET_TRUNKS, is_up=False)

    await ear.fact(TrunkFailed(handoff_id=HandoffId("h-2"), reason="LINK_LOST"))


def dial(handoff_id: str) -> DialSite:
    return DialSite(handoff_id=HandoffId(handoff_id), call_id=CALL, site_id=SiteId("urumqi"), token="t")


async def test_a_day_that_waits_begins_once_when_it_is_told_to(make: Make, tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text(f'duration_s = 60\n[[site]]\nid = "{SITE}"\nagents = 1\n')
    calls = "arrive_s,site,queue,handle_s,patience_s,priority,customer\n0.0,beijing,sales,60,,0,c1\n"
    (tmp_path / "calls.csv").write_text(calls)
    files = f"scenario = '{tmp_path / 'scenario.toml'}'\nfile = '{tmp_path / 'calls.csv'}'\n"
    site = await make(f"[[people.agent]]\nid = '{AGENT}'", more=f"[calls]\n{files}waits = true\n")
    _driver, ear = await connected(site)

    offered_before = (await site.pbx.do(Play.COUNT))["offered"]
    await site.pbx.do(Play.BEGIN_DAY)
    await ear.caller()

    assert offered_before == 0
    assert (await site.pbx.reply(Play.BEGIN_DAY))["code"] == 409
    assert (await site.pbx.do(Play.COUNT))["offered"] == 1


# --- its file ------------------------------------------------------------------------------


async def test_every_fault_of_its_file_is_told_at_once(tmp_path: Path) -> None:
    pbx = PbxProcess(tmp_path, SITE, people="ring_s = -1\nbusy_share = 2\nring = 3")

    code, said = await pbx.run_to_its_end()

    assert code == 2
    assert "3 faults" in said
    assert all(key in said for key in ("people.ring_s", "people.busy_share", "people.ring:"))


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    first = PbxProcess(tmp_path / "a", SITE)
    second = PbxProcess(tmp_path / "b", SITE)
    second.use_ports_of(first)
    try:
        await first.start()
        code, said = await second.run_to_its_end()
    finally:
        await first.close()

    assert code == 2
    assert f"127.0.0.1:{first.trunk_port}: Address already in use" in said
