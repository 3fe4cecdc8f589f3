"""A Site on a real Asterisk, with SIP phones in the test's hands."""

import asyncio
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uuid_utils
from pydantic import SecretStr

from branch.telephony.asterisk.config.plan import Fallback, Line, PbxPlan, PeerTrunk, Phone, Places
from branch.telephony.asterisk.config.writing import installed, write_configuration
from branch.telephony.asterisk.link import AsteriskLink
from branch.telephony.driver.driver import PbxDriver
from branch.telephony.driver.vocabulary import Variable
from branch.telephony.port import TelephonyDriver
from deploy.asterisk.fetching import asterisk
from deploy.asterisk.process import AsteriskProcess
from deploy.children import free_ports
from router.ids import AgentId, CallId, LegId, SiteId
from router.recovery import Inventory
from tests.fakes.sip_phone import PhoneCall, SipPhone
from tests.fakes.telephony import TelephonyEar

CITY = "127.0.0.13"
"""Where callers come from: the site's line to the public network."""
LINE_NUMBER = "4001"
PASSWORD = "open sesame"
SHARD_COUNT = 2


class AsteriskSite:
    """One Asterisk of its own folder and address."""

    caller_hints: tuple[str | None, str | None, int] = (None, None, 0)

    def __init__(self, site: SiteId, host: str, agents: tuple[AgentId, ...]) -> None:
        self.site, self.host = site, host
        self.sip_port, self.ari_port = free_ports(2)
        self.trunks: dict[SiteId, str] = {}
        self.peers: list[PeerTrunk] = []
        # A socket's path has at most 107 characters, and a test's folder may have more.
        self.folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
        self.phones = {
            agent: SipPhone(agent.partition("/")[2], PASSWORD, (host, self.sip_port)) for agent in agents
        }
        self._caller = SipPhone("13800138000", "", (host, self.sip_port), host=CITY)
        self._calls: dict[str, PhoneCall] = {}
        self._drivers: list[PbxDriver] = []

    async def open(self) -> None:
        """Configure it, start it, register its phones."""
        binaries = await asyncio.to_thread(asterisk)
        modules, data = installed()
        places = Places(
            config=self.folder,
            state=self.folder / "state",
            modules=binaries.modules or modules,
            data=binaries.data or data,
        )
        write_configuration(self._plan(places))
        self.process = AsteriskProcess(binaries, self.folder, self.folder / "output")
        await self.process.start()
        await self._caller.open()
        for phone in self.phones.values():
            await phone.open()
            await phone.register()

    def _plan(self, places: Places) -> PbxPlan:
        first = 20_000 if self.host.endswith("1") else 30_000
        return PbxPlan(
            site_id=self.site,
            host=self.host,
            port=self.sip_port,
            tls_port=0,
            tls=None,
            is_media_encrypted=False,
            rtp_first=first,
            rtp_last=first + 2_000,
            ari_host="127.0.0.1",
            ari_port=self.ari_port,
            ari_user="trunkline",
            ari_password=PASSWORD,
            shard_count=SHARD_COUNT,
            phones=[
                Phone(endpoint=phone.user, agent_id=agent, password=PASSWORD)
                for agent, phone in self.phones.items()
            ],
            peers=self.peers,
            lines=[Line(name="city", host=CITY, port=5060, user=None, password=None)],
            emergency_numbers=("110",),
            fallback=Fallback(action="message", number=None, retry_s=1, limit_s=60),
            codes={"*11": "login", "*12": "logout", "*13": "ready", "*14": "not_ready"},
            languages=("en",),
            places=places,
        )

    async def connect(self) -> tuple[TelephonyDriver, TelephonyEar, Inventory]:
        ear = TelephonyEar()
        address = f"127.0.0.1:{self.ari_port}"
        driver = PbxDriver(
            address=address,
            open_link=partial(
                AsteriskLink.open, address, "trunkline", SecretStr(PASSWORD), self.site, SHARD_COUNT
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
        call = await self._caller.call(LINE_NUMBER)
        self._calls[call.call_id] = call
        return call.call_id

    async def give_up(self, caller: str) -> None:
        self._calls[caller].put_down()

    async def lift(self, leg_id: LegId) -> None:
        phone, call = await self._at_phone(leg_id)
        await phone.until(lambda: call.rtp.port)
        call.lift()

    async def put_down(self, leg_id: LegId) -> None:
        _phone, call = await self._at_phone(leg_id)
        call.put_down()

    async def _at_phone(self, leg_id: LegId) -> tuple[SipPhone, PhoneCall]:
        channels = await self._ask(f"channels/{leg_id}")
        phone = self.phones[AgentId(channels["channelvars"][Variable.AGENT])]
        return phone, next(each for each in phone.calls if not each.is_over)

    async def unregister(self, agent_id: AgentId) -> None:
        await self.phones[agent_id].register(seconds=0)

    async def register(self, agent_id: AgentId) -> None:
        await self.phones[agent_id].register()

    async def hears_music(self, call_id: CallId) -> bool:
        return await self._is_in(call_id, "holding", 1)

    async def talks(self, call_id: CallId) -> bool:
        return await self._is_in(call_id, "mixing", 2)

    async def kill(self) -> None:
        await self.process.kill()

    async def start(self) -> None:
        await self.process.start()

    async def close(self) -> None:
        for driver in self._drivers:
            await driver.close()
        for phone in (self._caller, *self.phones.values()):
            phone.close()
        await self.process.kill()
        await asyncio.sleep(0)  # A datagram transport lets go of its socket in the loop's next round.
        shutil.rmtree(self.folder)

    async def _is_in(self, call_id: CallId, kind: str, at_least: int) -> bool:
        channels = await self._ask("channels")
        of_call = {
            each["id"] for each in channels if (each.get("channelvars") or {}).get(Variable.CALL) == call_id
        }
        bridges = [each for each in await self._ask("bridges") if each["bridge_type"] == kind]
        return any(
            of_call.intersection(each["channels"]) and len(each["channels"]) >= at_least for each in bridges
        )

    async def _ask(self, uri: str) -> Any:
        auth = {"Authorization": aiohttp.encode_basic_auth("trunkline", PASSWORD)}
        async with (
            aiohttp.ClientSession(headers=auth) as http,
            http.get(f"http://127.0.0.1:{self.ari_port}/ari/{uri}") as answer,
        ):
            return await answer.json()


def wire_trunks(*sites: AsteriskSite) -> None:
    """Every site knows all others' addresses."""
    for site in sites:
        for other in sites:
            if other is not site:
                site.trunks[other.site] = f"{other.host}:{other.sip_port}"
                site.peers.append(
                    PeerTrunk(site_id=other.site, host=other.host, port=other.sip_port, leg_limit=30)
                )
