"""What a contract test needs of a PBX: the driver on one side, callers' and agents' hands on the other."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import uuid_utils
from pydantic import SecretStr

from branch.telephony.driver.driver import PbxDriver
from branch.telephony.driver.vocabulary import BridgeKind, ChannelState, Do, Kind, Variable
from branch.telephony.port import TelephonyDriver
from branch.telephony.simulated.link import Link
from branch.telephony.simulated.pbx.settings import OnRedirect, OnRefer
from branch.telephony.simulated.wire import Play
from router.ids import AgentId, CallId, LegId, LineId, RecordingId, SiteId
from router.recovery import Inventory
from tests.fakes.pbx_process import PASSWORD, PbxProcess
from tests.fakes.telephony import TelephonyEar

HOME, PEER = SiteId("beijing"), SiteId("urumqi")
AGENT, OTHER_AGENT = AgentId("beijing/1001"), AgentId("beijing/1002")
PEER_AGENT = AgentId("urumqi/1001")
LINE = LineId("line-1")
"""A line to the public network, at each site."""
ANSWERS, BUSY, SILENT = "+861066660200", "+861066660486", "+861066660480"
MACHINE = "+861066660600"
"""Numbers behind the line, by what their people do; a silent one rings for ever, a machine presses no key."""

PROMPT_S = 0.2
"""How long each prompt of a simulated PBX is."""


class Site(Protocol):
    """One site's PBX, with agents who do nothing by themselves."""

    caller_hints: tuple[str | None, str | None, int]
    """What this kind of PBX knows of a caller: queue, customer, priority."""

    async def connect(self) -> tuple[TelephonyDriver, TelephonyEar, Inventory]:
        """A branch process begins: a new driver and what it found."""
        ...

    async def lose(self, driver: TelephonyDriver) -> None:
        """The branch process is gone without a word."""
        ...

    async def call(self) -> str:
        """Somebody calls; returns what `give_up` takes."""
        ...

    async def give_up(self, caller: str) -> None:
        """The caller hangs up, wherever its carrier has moved or sent it to."""
        ...

    async def carrier_will(self, answer: OnRefer | OnRedirect) -> None:
        """So the callers' carrier does when it is asked, or told, to call elsewhere; untold it does so."""
        ...

    async def press(self, caller: str, digits: str) -> None:
        """The caller presses these keys, one after the other."""
        ...

    async def customer_hangs_up(self, channel: CallId | LegId) -> None:
        """Whoever was dialled over a line on this channel has enough."""
        ...

    async def customer_presses(self, channel: CallId | LegId, digits: str) -> None:
        """Whoever was dialled over a line on this channel presses these keys."""
        ...

    async def is_up(self, channel: CallId | LegId) -> bool:
        """Whoever was dialled on it has lifted the receiver."""
        ...

    async def lift(self, leg_id: LegId) -> None: ...

    async def put_down(self, leg_id: LegId) -> None:
        """Reject, or end the talk."""
        ...

    async def unregister(self, agent_id: AgentId) -> None: ...

    async def register(self, agent_id: AgentId) -> None: ...

    async def hears_music(self, call_id: CallId) -> bool: ...

    async def outsiders(self) -> Sequence[str]:
        """Whoever has called here, answered or not: by the call, where it has a name."""
        ...

    async def talks(self, call_id: CallId) -> bool:
        """The caller's channel, or the one to or from another site, is joined with somebody."""
        ...

    async def conversation(self, leg_id: LegId) -> frozenset[str]:
        """Who hears each other in this leg's talk: agents by their legs, a caller by the call.

        Empty where the leg hears nobody.
        """
        ...

    async def overhears(self, leg_id: LegId, beside: LegId) -> bool:
        """The one leg hears the other's talk from outside of it."""
        ...

    async def records(self, recording_id: RecordingId) -> bool:
        """The recording is in progress."""
        ...

    async def kill(self) -> None:
        """SIGKILL to the PBX."""
        ...

    async def start(self) -> object:
        """The PBX starts (again)."""
        ...


class SimulatedSite:
    """A Site on a simulated PBX process."""

    caller_hints: tuple[str | None, str | None, int] = ("sales", "c1", 0)

    def __init__(self, folder: Path, site: SiteId, agents: tuple[AgentId, ...]) -> None:
        people = "\n".join(f'[[people.agent]]\nid = "{agent}"\nperson = true' for agent in agents)
        keys = f"prompt_s = {PROMPT_S}\n{people}"
        lines = f'\n[[line]]\nid = "{LINE}"\nring_s = 0.05'
        self.pbx = PbxProcess(folder, site, people=keys + lines)
        self.trunks: dict[SiteId, str] = {}
        self._site = site
        self._drivers: list[PbxDriver] = []

    async def connect(self) -> tuple[TelephonyDriver, TelephonyEar, Inventory]:
        driver, ear = self.driver(), TelephonyEar()
        return driver, ear, await driver.start(ear)

    def driver(self, password: str = PASSWORD) -> PbxDriver:
        driver = PbxDriver(
            address=self.pbx.address,
            open_link=partial(Link.open, self.pbx.address, SecretStr(password), self._site),
            trunks=self.trunks,
            new_id=lambda: str(uuid_utils.uuid7()),
            start_task=_start_task,
        )
        self._drivers.append(driver)
        return driver

    async def lose(self, driver: TelephonyDriver) -> None:
        await driver.close()

    async def call(self) -> str:
        return await self.pbx.call()

    async def give_up(self, caller: str) -> None:
        await self.pbx.do(Play.GIVE_UP, channel=caller)

    async def carrier_will(self, answer: OnRefer | OnRedirect) -> None:
        key = "on_refer" if isinstance(answer, OnRefer) else "on_redirect"
        await self.pbx.do(Play.SET_CARRIER, **{key: answer})

    async def press(self, caller: str, digits: str) -> None:
        await self.pbx.do(Play.PRESS, channel=caller, keys=digits)

    async def customer_hangs_up(self, channel: CallId | LegId) -> None:
        await self.pbx.do(Play.GIVE_UP, channel=channel)

    async def customer_presses(self, channel: CallId | LegId, digits: str) -> None:
        await self.pbx.do(Play.PRESS, channel=channel, keys=digits)

    async def is_up(self, channel: CallId | LegId) -> bool:
        channels = await self.pbx.do(Do.LIST_CHANNELS)
        return any(each["channel"] == channel and each["state"] == ChannelState.UP for each in channels)

    async def lift(self, leg_id: LegId) -> None:
        await self.pbx.do(Do.LIFT, channel=leg_id)

    async def put_down(self, leg_id: LegId) -> None:
        await self.pbx.do(Do.PUT_DOWN, channel=leg_id)

    async def unregister(self, agent_id: AgentId) -> None:
        await self.pbx.do(Play.SET_PHONE, agent=agent_id, is_registered=False)

    async def register(self, agent_id: AgentId) -> None:
        await self.pbx.do(Play.SET_PHONE, agent=agent_id, is_registered=True)

    async def outsiders(self) -> Sequence[str]:
        channels = await self.pbx.do(Do.LIST_CHANNELS)
        came = [each for each in channels if each["kind"] in (Kind.CALLER, Kind.TRUNK_IN)]
        return [each["variables"].get(Variable.CALL, each["channel"]) for each in came]

    async def hears_music(self, call_id: CallId) -> bool:
        return await self._is_in(call_id, BridgeKind.HOLDING)

    async def talks(self, call_id: CallId) -> bool:
        return await self._is_in(call_id, BridgeKind.MIXING)

    async def conversation(self, leg_id: LegId) -> frozenset[str]:
        names = {
            each["channel"]: each["channel"]
            if each["kind"] == Kind.PHONE
            else each["variables"].get(Variable.CALL, each["channel"])
            for each in await self.pbx.do(Do.LIST_CHANNELS)
        }
        for bridge in await self.pbx.do(Do.LIST_BRIDGES):
            members = bridge["channels"]
            if bridge["kind"] == BridgeKind.MIXING and leg_id in members and len(members) > 1:
                return frozenset(names[each] for each in members)
        return frozenset()

    async def overhears(self, leg_id: LegId, beside: LegId) -> bool:
        channels = await self.pbx.do(Do.LIST_CHANNELS)
        return any(each["channel"] == leg_id and each["snoops_on"] == beside for each in channels)

    async def records(self, recording_id: RecordingId) -> bool:
        return "code" not in await self.pbx.reply(Do.UNPAUSE_RECORDING, recording=recording_id)

    async def kill(self) -> None:
        await self.pbx.kill()

    async def start(self) -> object:
        return await self.pbx.start()

    async def close(self) -> None:
        for driver in self._drivers:
            await driver.close()
        await self.pbx.close()

    async def _is_in(self, call_id: CallId, kind: BridgeKind) -> bool:
        channels = await self.pbx.do(Do.LIST_CHANNELS)
        of_call = {each["channel"] for each in channels if each["variables"].get(Variable.CALL) == call_id}
        bridges = [each for each in await self.pbx.do(Do.LIST_BRIDGES) if each["kind"] == kind]
        return any(
            of_call.intersection(each["channels"])
            and (each["has_music"] if kind is BridgeKind.HOLDING else len(each["channels"]) > 1)
            for each in bridges
        )


def _start_task(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(coroutine)
