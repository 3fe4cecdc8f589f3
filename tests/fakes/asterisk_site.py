"""A Site on a real Asterisk, with SIP phones in the test's hands."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uuid_utils
from pydantic import SecretStr

from branch.telephony.asterisk.config.plan import Fallback, Line, PbxPlan, PeerTrunk, Places, SipTls
from branch.telephony.asterisk.config.plan import Phone as PlannedPhone
from branch.telephony.asterisk.config.writing import write_configuration
from branch.telephony.asterisk.link import AsteriskLink
from branch.telephony.asterisk.names import KIND, PROMPTS, RECORDINGS
from branch.telephony.driver.driver import PbxDriver
from branch.telephony.driver.prompts import FORWARDED_CALL
from branch.telephony.driver.vocabulary import Kind, Variable
from branch.telephony.port import TelephonyDriver
from branch.telephony.simulated.pbx.settings import OnRedirect, OnRefer
from deploy.asterisk.bundle import default_cache, find_asterisk
from deploy.asterisk.process import AsteriskProcess
from deploy.phones.callers import OutgoingCall
from deploy.phones.phones import Behaviour, Phone, PhoneCall
from deploy.phones.sip_wire import Address
from deploy.ports import free_ports
from router.ids import AgentId, CallId, LegId, RecordingId, SiteId
from router.recovery import Inventory
from tests.fakes.loopback import loopback
from tests.fakes.sip_carrier import FOLLOWS, LOSES, MOVES, REFUSES, Carrier
from tests.fakes.sip_carrier import SILENT as SAYS_NOTHING
from tests.fakes.telephony import TelephonyEar
from tests.fakes.telephony_rig import ANSWERS, BUSY, LINE, MACHINE, SILENT

CITY = loopback(13)
"""Where callers come from: the site's line to the public network."""
LINE_NUMBER = "4001"
PASSWORD = "open sesame"
SHARD_COUNT = 2
SLOW = "+861066660202"
"""Somebody who lifts the receiver after two seconds of ringing."""
_REFER_ANSWERS = {OnRefer.MOVE: MOVES, OnRefer.REFUSE: REFUSES, OnRefer.SILENT: SAYS_NOTHING}
_REDIRECT_ANSWERS = {OnRedirect.FOLLOW: FOLLOWS, OnRedirect.REFUSE: LOSES, OnRedirect.LOSE: LOSES}
"""A PBX sees no difference between a carrier that refuses and one that loses its caller."""
PROMPT_SECONDS = {"welcome": 1.5, "main_menu": 1.5, "goodbye": 0.1, FORWARDED_CALL: 1.5}


class AsteriskSite:
    """One Asterisk of its own folder and address."""

    caller_hints: tuple[str | None, str | None, int] = (None, None, 0)

    def __init__(self, site: SiteId, host: str, agents: tuple[AgentId, ...]) -> None:
        self.site, self.host = site, host
        self.sip_port, self.ari_port, self.tls_port = free_ports(3)
        self.trunks: dict[SiteId, str] = {}
        self.peers: list[PeerTrunk] = []
        self.tls: SipTls | None = None
        """Set it before `open`: signalling and sound are encrypted."""
        self.fallback = Fallback(action="message", number=None, retry_s=1, limit_s=60)
        """Set it before `open`: what callers get without a branch."""
        self.notes_callers = True
        """Set it before `open`: whether those callers leave files for a branch."""
        self.first_lines: list[Line] = []
        """Set it before `open`: lines before the one to the city."""
        self.line_user: str | None = None
        """Set it before `open`: the line registers."""
        self.line_number: str | None = None
        self.line_dtmf = "rfc4733"
        # A socket's path has at most 107 characters, and a test's folder may have more.
        self.folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
        pbx, waits = (host, self.sip_port), Behaviour(ring_ms=None, sends_rtp=True)
        self.phones = {
            agent: Phone(agent.partition("/")[2], pbx, password=PASSWORD, behaviour=waits) for agent in agents
        }
        people = {
            ANSWERS: Behaviour(sends_rtp=True),
            BUSY: Behaviour(status=486),
            SILENT: Behaviour(ring_ms=None),
            MACHINE: Behaviour(sends_rtp=True),
            SLOW: Behaviour(ring_ms=2_000, sends_rtp=True),
        }
        self.city = Carrier("13800138000", pbx, host=CITY, people=people)
        self.calls: dict[str, OutgoingCall] = {}
        self._people = AsyncExitStack()
        self._drivers: list[PbxDriver] = []

    @property
    def address(self) -> Address:
        return self.host, self.sip_port

    @property
    def numbers(self) -> Mapping[str, str]:
        """What calls over the site's lines show."""
        return {} if self.line_number is None else {LINE: self.line_number}

    @property
    def customers(self) -> Sequence[PhoneCall]:
        """The calls that the site has made to the city."""
        return self.city.called

    @property
    def recordings(self) -> Path:
        """Where Asterisk keeps them."""
        return self.folder / "state" / RECORDINGS

    async def open(self) -> None:
        """Configure it, start it, register its phones."""
        binaries = await asyncio.to_thread(find_asterisk, default_cache())
        places = Places(
            config=self.folder,
            state=self.folder / "state",
            modules=binaries.modules,
            data=binaries.data,
        )
        await self._people.enter_async_context(self.city)
        write_configuration(self._plan(places))
        _record_prompts(self.folder / "data" / "sounds")
        self.process = AsteriskProcess(binaries, self.folder, self.folder / "output.log")
        await self._come_up()
        for phone in self.phones.values():
            await self._people.enter_async_context(phone)
            if self.tls is None:  # Those here speak UDP.
                await phone.register()

    def _plan(self, places: Places) -> PbxPlan:
        first = 20_000 if self.host.endswith("1") else 30_000
        return PbxPlan(
            site_id=self.site,
            host=self.host,
            port=self.sip_port,
            tls_port=self.tls_port,
            tls=self.tls,
            is_media_encrypted=self.tls is not None,
            rtp_first=first,
            rtp_last=first + 2_000,
            ari_host="127.0.0.1",
            ari_port=self.ari_port,
            ari_user="trunkline",
            ari_password=PASSWORD,
            shard_count=SHARD_COUNT,
            phones=[
                PlannedPhone(endpoint=phone.user, agent_id=agent, password=PASSWORD)
                for agent, phone in self.phones.items()
            ],
            peers=self.peers,
            lines=[
                *self.first_lines,
                Line(
                    name=LINE,
                    host=CITY,
                    port=self.city.socket.address[1],
                    user=self.line_user,
                    password=None if self.line_user is None else PASSWORD,
                    number=self.line_number,
                    dtmf=self.line_dtmf,
                ),
            ],
            emergency_numbers=("110",),
            fallback=self.fallback,
            notes_callers=self.notes_callers,
            codes={"*11": "login", "*12": "logout", "*13": "ready", "*14": "not_ready"},
            language="zh_CN",
            languages=("en", "zh_CN"),
            places=places,
        )

    async def connect(self) -> tuple[TelephonyDriver, TelephonyEar, Inventory]:
        ear = TelephonyEar()
        address = f"127.0.0.1:{self.ari_port}"
        driver = PbxDriver(
            address=address,
            open_link=partial(
                AsteriskLink.open,
                address,
                "trunkline",
                SecretStr(PASSWORD),
                self.site,
                SHARD_COUNT,
                self.numbers,
                is_encrypted=self.tls is not None,
            ),
            trunks=self.trunks,
            new_id=lambda: str(uuid_utils.uuid7()),
            start_task=asyncio.create_task,
        )
        self._drivers.append(driver)
        return driver, ear, await driver.start(ear)

    async def lose(self, driver: TelephonyDriver) -> None:
        await driver.close()

    async def call(self) -> str:
        call = await self.city.call(LINE_NUMBER, sends_rtp=True)
        self.calls[call.call_id] = call
        return call.call_id

    async def give_up(self, caller: str) -> None:
        await self.city.now(self.calls[caller]).hang_up()

    async def carrier_will(self, answer: OnRefer | OnRedirect) -> None:
        if isinstance(answer, OnRefer):
            self.city.on_refer = _REFER_ANSWERS[answer]
        else:
            self.city.on_redirect = _REDIRECT_ANSWERS[answer]

    async def customer_hangs_up(self, channel: CallId | LegId) -> None:
        await (await self._customer_on(channel)).bye()

    async def customer_presses(self, channel: CallId | LegId, digits: str) -> None:
        await (await self._customer_on(channel)).send_digits(digits)

    async def _customer_on(self, channel: CallId | LegId) -> PhoneCall:
        variable = await self.ask(f"channels/{channel}/variable?variable=CHANNEL(pjsip,call-id)")
        [call] = [each for each in self.city.called if each.call_id == variable["value"]]
        return call

    async def press(self, caller: str, digits: str) -> None:
        await self.calls[caller].send_digits(digits)

    async def is_up(self, channel: CallId | LegId) -> bool:
        return bool((await self.ask(f"channels/{channel}")).get("state") == "Up")

    async def lift(self, leg_id: LegId) -> None:
        (await self._phone_of(leg_id)).answer()

    async def put_down(self, leg_id: LegId) -> None:
        phone = await self._phone_of(leg_id)
        phone.refuse(603)
        await phone.hang_up()

    async def _phone_of(self, leg_id: LegId) -> Phone:
        channel = await self.ask(f"channels/{leg_id}")
        return self.phones[AgentId(channel["channelvars"][Variable.AGENT])]

    async def unregister(self, agent_id: AgentId) -> None:
        await self.phones[agent_id].unregister()

    async def register(self, agent_id: AgentId) -> None:
        await self.phones[agent_id].register()

    async def outsiders(self) -> Sequence[str]:
        channels = await self.ask("channels")
        came = [each for each in channels if each["channelvars"].get(KIND) in (Kind.CALLER, Kind.TRUNK_IN)]
        return [each["channelvars"].get(Variable.CALL) or each["id"] for each in came]

    async def hears_music(self, call_id: CallId) -> bool:
        return await self._is_in(call_id, "holding", 1)

    async def talks(self, call_id: CallId) -> bool:
        return await self._is_in(call_id, "mixing", 2)

    async def conversation(self, leg_id: LegId) -> frozenset[str]:
        names = {each["id"]: _name_of(each) for each in await self.ask("channels")}
        for bridge in await self.ask("bridges"):
            is_talk = bridge["bridge_type"] == "mixing" and leg_id in bridge["channels"]
            members = [names.get(each) for each in bridge["channels"]] if is_talk else []
            people = frozenset(each for each in members if each is not None)
            if len(people) > 1:
                return people
        return frozenset()

    async def overhears(self, leg_id: LegId, beside: LegId) -> bool:
        names = {each["id"]: each["name"] for each in await self.ask("channels")}
        return any(
            names.get(each, "").startswith(f"Snoop/{beside}-")
            for bridge in await self.ask("bridges")
            if leg_id in bridge["channels"]
            for each in bridge["channels"]
        )

    async def records(self, recording_id: RecordingId) -> bool:
        live = await self.ask(f"recordings/live/{recording_id}")
        return bool(live.get("state") == "recording")

    async def kill(self) -> None:
        self.process.kill()

    async def start(self) -> None:
        await self._come_up()

    async def _come_up(self) -> None:
        # From this thread: a child that must not outlive us would die with another one.
        self.process.launch()
        await asyncio.to_thread(self.process.wait_ready)

    async def close(self) -> None:
        for driver in self._drivers:
            await driver.close()
        await self._people.aclose()
        self.process.kill()
        shutil.rmtree(self.folder)

    async def _is_in(self, call_id: CallId, kind: str, at_least: int) -> bool:
        channels = await self.ask("channels")
        of_call = {
            each["id"] for each in channels if (each.get("channelvars") or {}).get(Variable.CALL) == call_id
        }
        bridges = [each for each in await self.ask("bridges") if each["bridge_type"] == kind]
        return any(
            of_call.intersection(each["channels"]) and len(each["channels"]) >= at_least for each in bridges
        )

    async def ask(self, uri: str) -> Any:
        """What Asterisk itself says of it."""
        auth = {"Authorization": aiohttp.encode_basic_auth("trunkline", PASSWORD)}
        async with (
            aiohttp.ClientSession(headers=auth) as http,
            http.get(f"http://127.0.0.1:{self.ari_port}/ari/{uri}") as answer,
        ):
            return await answer.json()


def _name_of(channel: dict[str, Any]) -> str | None:
    """A caller by the call, an agent by the leg, another site's caller by the channel; None for what is
    nobody, as a snoop channel.
    """
    variables = channel["channelvars"] or {}
    kind = variables.get(KIND)
    return channel["id"] if kind in (Kind.PHONE, Kind.TRUNK_IN) else variables.get(Variable.CALL) or None


def _record_prompts(sounds: Path) -> None:
    """What the contract's callers are played: a tone would do, so it is silence."""
    for name, seconds in PROMPT_SECONDS.items():
        file = sounds / "zh_CN" / PROMPTS / f"{name}.alaw"
        file.write_bytes(b"\xd5" * round(8_000 * seconds))


def wire_trunks(*sites: AsteriskSite) -> None:
    """Every site knows all others' addresses."""
    for site in sites:
        for other in sites:
            if other is not site:
                site.trunks[other.site] = f"{other.host}:{other.sip_port}"
                site.peers.append(
                    PeerTrunk(site_id=other.site, host=other.host, port=other.sip_port, leg_limit=30)
                )
