"""Two real simulated PBXes with their people, two real desks: what the ledgers say, the PBXes saw."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from branch.telephony.simulated.pbx.witness import Step
from branch.telephony.simulated.wire import Play
from router.call import ABANDONED, Disposition
from router.flow.nodes import Choice, Flow, Menu, Message, ToQueue
from router.ids import NodeName, SiteId
from router.ivr import IvrPlan
from router.ledger import CallConnected, CallEnded, HandoffConfirmed, IvrChose, IvrEntered, LedgerRow
from router.world.day.busy_hour import generate
from router.world.day.callers import BusyHour
from router.world.day.calls import format_calls
from router.world.day.scenario import parse_scenario
from router.world.laws.ledgers import check_ledgers
from sync.clock import ScaledClock
from tests.fakes.pbx_process import PbxProcess
from tests.fakes.running_site import RunningSite
from tests.fakes.tcp_link import TcpLink

SPEED = 40.0
DAY_S = 240
SCENARIO = f"""
duration_s = {DAY_S}
[[site]]
id = "beijing"
agents = 4
[[site]]
id = "urumqi"
agents = 3
"""
CALLERS = BusyHour(handle_mean_s=20.0, patience_mean_s=60.0, occupancy=0.9, swing=0.9)
EPOCH_UTC_US = 1_700_000_000_000_000
LIMIT_S = 60.0


class Day:
    """Two sites through one short day."""

    def __init__(self, folder: Path, people: str, ivr: IvrPlan | None = None) -> None:
        self._ivr = ivr
        self.started_at_utc_us = time.time_ns() // 1000
        self.clock = ScaledClock(SPEED, self.started_at_utc_us, EPOCH_UTC_US)
        (folder / "scenario.toml").write_text(SCENARIO, encoding="utf-8")
        calls = generate(parse_scenario(SCENARIO), 5, CALLERS)
        (folder / "calls.csv").write_text("".join(format_calls(calls)), encoding="utf-8")
        self.call_count = len(calls)
        self.pbxes = {
            site: PbxProcess(
                folder / site, site, people=_people(site, count, people), more=self._more(folder)
            )
            for site, count in (("beijing", 4), ("urumqi", 3))
        }
        self.links: dict[str, TcpLink] = {}
        self.sites: dict[str, RunningSite] = {}

    def _more(self, folder: Path) -> str:
        return f"""
[calls]
scenario = '{folder / "scenario.toml"}'
file = '{folder / "calls.csv"}'
waits = true
[clock]
speed = {SPEED}
started_at_utc_us = {self.started_at_utc_us}
epoch_utc_us = {EPOCH_UTC_US}
"""

    @property
    def rows(self) -> list[LedgerRow]:
        return [row for site in self.sites.values() for row in site.rows]

    @asynccontextmanager
    async def played(self) -> AsyncIterator["Day"]:
        """The PBXes run and the branches are connected, each over a link that a test can cut."""
        async with AsyncExitStack() as stack:
            for pbx in self.pbxes.values():
                stack.push_async_callback(pbx.close)
            await asyncio.gather(*(pbx.start() for pbx in self.pbxes.values()))
            for name, pbx in self.pbxes.items():
                self.links[name] = await stack.enter_async_context(TcpLink(pbx.address))
                self.sites[name] = self._site(name)
            for site in self.sites.values():
                site.peers = {each.site_id: each for each in self.sites.values() if each is not site}
                await site.start()
                stack.push_async_callback(site.close)
            # However long that took: nobody calls a PBX that is not there, or whose branch is not.
            await asyncio.gather(*(pbx.do(Play.BEGIN_DAY) for pbx in self.pbxes.values()))
            yield self

    def _site(self, name: str) -> RunningSite:
        trunks = {SiteId(other): pbx.trunk_address for other, pbx in self.pbxes.items() if other != name}
        return RunningSite(
            name,
            queue_id="general",
            clock=self.clock,
            speed=SPEED,
            address=self.links[name].endpoint,
            trunks=trunks,
            ivr=self._ivr,
        )

    async def until_over(self) -> None:
        """Every caller has come and gone, by the PBXes' own account."""
        async with asyncio.timeout(LIMIT_S):
            while not await self._is_over():  # noqa: ASYNC110 - another process's state can only be asked for
                await asyncio.sleep(0.1)
            for site in self.sites.values():
                await site.desk.until_empty()

    async def _is_over(self) -> bool:
        counts = [await pbx.do(Play.COUNT) for pbx in self.pbxes.values()]
        return sum(c["offered"] for c in counts) == self.call_count and not any(
            c["in_system"] for c in counts
        )

    async def seen(self) -> dict[str, Any]:
        """Stop the PBXes; what all of them have seen of their callers, by call."""
        stories: dict[str, Any] = {}
        for pbx in self.pbxes.values():
            assert await pbx.stop() == 0
            counts = json.loads((pbx.folder / "counts.json").read_text(encoding="utf-8"))
            assert counts["connected_twice"] == 0
            stories |= counts["calls"]
            for line in map(json.loads, (pbx.folder / "witness.jsonl").read_text().splitlines()):
                if line["call_id"]:
                    stories[line["call_id"]].setdefault(line["step"], line["at_utc_us"])
        return stories


def _people(site: str, count: int, people: str) -> str:
    agents = "\n".join(f'[[people.agent]]\nid = "{site}/{1000 + n}"' for n in range(count))
    return f"ring_s = 2\n{people}\n{agents}"


def endings(rows: list[LedgerRow]) -> dict[str, CallEnded]:
    return {row.entry.call_id: row.entry for row in rows if isinstance(row.entry, CallEnded)}


JOINING_LIMIT_US = 20_000_000
"""On the lab's clock: half a real second, which a link that is cut needs to be back."""


def assert_the_ledgers_say_what_the_pbxes_saw(rows: list[LedgerRow], seen: dict[str, Any]) -> None:
    ended = endings(rows)
    taken = {call_id for call_id, story in seen.items() if story["taken"]}
    assert taken <= ended.keys(), "the PBX answered a caller whom no ledger knows"
    # A caller may be gone before the branch could write the call's name on the channel.
    unnamed = ended.keys() - seen.keys()
    assert {ended[call_id].disposition for call_id in unnamed} <= ABANDONED
    connections = ((row.entry, row.at_utc_us) for row in rows if isinstance(row.entry, CallConnected))
    answered: dict[str, int] = {entry.call_id: at_utc_us for entry, at_utc_us in connections}
    stories = {call_id: story for call_id, story in seen.items() if call_id in ended}
    talked = {call_id for call_id, story in stories.items() if story["conversations"] > 0}
    for call_id, story in stories.items():
        is_answered = ended[call_id].disposition is Disposition.ANSWERED
        assert (call_id in talked) <= is_answered, (story, ended[call_id])
    joined_us = [stories[each][Step.CONNECTED] - answered[each] for each in talked]
    limit_us = max([JOINING_LIMIT_US, *joined_us])
    for call_id in (answered.keys() & stories.keys()) - talked:
        # Who gives up in the moment of the answer is gone before the two can be joined. How long that
        # moment is depends on the machine, so they are held against those who were joined on it.
        story = stories[call_id]
        assert story[story["ending"]] - answered[call_id] <= limit_us, (story, ended[call_id])


async def test_a_day_of_calls_is_told_alike_by_ledgers_and_pbxes(tmp_path: Path) -> None:
    day = Day(tmp_path, people="")

    async with day.played():
        await day.until_over()
        seen = await day.seen()

    results = check_ledgers(day.rows)
    assert {result.name: result.violations for result in results if result.violations} == {}
    assert_the_ledgers_say_what_the_pbxes_saw(day.rows, seen)
    assert len(endings(day.rows)) == day.call_count
    assert all(story["conversations"] <= 1 for story in seen.values())
    helped = {row.site_id for row in day.rows if isinstance(row.entry, HandoffConfirmed)}
    assert helped == {"beijing", "urumqi"}, "the day is to overflow both ways"


async def test_agents_who_miss_reject_and_are_busy_lose_no_call(tmp_path: Path) -> None:
    shares = "miss_share = 0.1\nreject_share = 0.1\nbusy_share = 0.1\nagain_ready_s = 10\nseed = 3"
    day = Day(tmp_path, people=shares)

    async with day.played():
        await day.until_over()
        seen = await day.seen()

    assert {r.name: r.violations for r in check_ledgers(day.rows) if r.violations} == {}
    assert_the_ledgers_say_what_the_pbxes_saw(day.rows, seen)


async def cut_again_and_again(day: Day) -> dict[str, Any]:
    """Play the day on links that last no longer than moments; what the PBXes have seen."""
    async with day.played():
        over = asyncio.create_task(day.until_over())
        while not over.done():
            for link in day.links.values():
                link.cut()
                await asyncio.sleep(0.1)
                link.mend()
                await asyncio.sleep(0.4)
        await over
        return await day.seen()
    raise AssertionError("a day swallows nothing")


async def test_a_control_link_that_is_cut_again_and_again_loses_no_call(tmp_path: Path) -> None:
    day = Day(tmp_path, people="")

    seen = await cut_again_and_again(day)

    laws = {r.name: r.violations for r in check_ledgers(day.rows) if r.violations}
    assert laws == {}
    assert_the_ledgers_say_what_the_pbxes_saw(day.rows, seen)
    dispositions = {each.disposition for each in endings(day.rows).values()}
    assert dispositions <= ABANDONED | {Disposition.ANSWERED}


MENU = Menu(
    prompts=("main_menu",),
    choices={"1": Choice(to=NodeName("person")), "2": Choice(to=NodeName("welcome"))},
    otherwise=NodeName("person"),
    wait_ms=3_000,
)
FLOW = Flow(
    start=NodeName("welcome"),
    default=NodeName("person"),
    nodes={
        NodeName("welcome"): Message(prompts=("welcome",), to=NodeName("menu")),
        NodeName("menu"): MENU,
        NodeName("person"): ToQueue(),
    },
)


async def test_callers_come_through_a_flow_whose_ends_of_prompts_are_often_lost(tmp_path: Path) -> None:
    """Some press their keys, some are cut off from being heard, and all of them come to somewhere."""
    people = 'prompt_s = 1.0\nkeys = ["9", "2", "5", "1"]'
    day = Day(tmp_path, people, IvrPlan(flow=FLOW, local_time=lambda _now: datetime(2026, 3, 4, tzinfo=UTC)))

    seen = await cut_again_and_again(day)

    assert {r.name: r.violations for r in check_ledgers(day.rows) if r.violations} == {}
    assert_the_ledgers_say_what_the_pbxes_saw(day.rows, seen)
    entered = {row.entry.call_id for row in day.rows if isinstance(row.entry, IvrEntered)}
    assert entered == endings(day.rows).keys()
    choices = {row.entry.choice for row in day.rows if isinstance(row.entry, IvrChose)}
    assert choices >= {"PLAYED", "1", "2"}
    assert {each.disposition for each in endings(day.rows).values()} <= ABANDONED | {Disposition.ANSWERED}
