"""Real Asterisks: one a site, each on a loopback address of its own, with SIP phones for everybody."""

import asyncio
import csv
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.asterisk.bundle import default_cache, find_asterisk
from deploy.asterisk.process import AsteriskProcess
from deploy.lab import files
from deploy.lab.books import PbxAccount, read_callers
from deploy.lab.plan import LabPlan, LabSite
from deploy.lab.processes import run_command, trunkline
from deploy.lab.sip_people import Exchange, SipPeople
from node.words import text as _
from router.ids import SiteId

_CITY = "127.0.0.61"
"""Where all sites' callers come from: everybody's line to the public network."""
_RTP_FIRST, _RTP_LAST = 32_768, 60_999
"""Each Asterisk has an address of its own, so all may have the same ports."""
_SILENCE_LIMIT_MS = 2_000
"""The first sound comes within some 50 ms of the bridge; a caller may go before."""
_PHONES_FILE = "phones.csv"
"""Where `trunkline asterisk config` writes the passwords of the phones."""


@dataclass(slots=True, kw_only=True)
class _Place:
    """One site's Asterisk."""

    host: str
    agents_host: str
    """Where the site's phones are."""
    config: Path
    state: Path | None = None
    """Outside of the lab's folder: a socket lies in it, and the path of one has at most 107 bytes."""
    process: AsteriskProcess | None = None


class AsteriskTelephony:
    """Asterisks as `trunkline asterisk config` configures them, and people at SIP phones in this process."""

    lead_s = 4.0
    """A phone registers, and its agent dials two codes, each for a second."""

    def __init__(self, sites: Iterable[LabSite]) -> None:
        self._places = {
            site.site_id: _Place(
                host=f"127.0.0.{60 + 2 * number}",
                agents_host=f"127.0.0.{61 + 2 * number}",
                config=site.folder / "asterisk",
            )
            for number, site in enumerate(sites, start=1)
        }
        self._people: SipPeople | None = None

    def section(self, site: LabSite) -> dict[str, Any]:
        return {
            "driver": "asterisk",
            "address": f"127.0.0.1:{site.control_port}",
            "password_file": files.PASSWORD_FILE,
            "sip": {
                "host": self._places[site.site_id].host,
                "port": site.trunk_port,
                "rtp_first": _RTP_FIRST,
                "rtp_last": _RTP_LAST,
            },
            "line": [{"name": "city", "address": f"{_CITY}:5060"}],
        }

    def trunk(self, site: LabSite) -> str:
        return f"{self._places[site.site_id].host}:{site.trunk_port}"

    def write(self, plan: LabPlan) -> None:
        """The branches' files say all; Asterisk's are made from them when the agents are known."""

    async def configure(
        self, plan: LabPlan, log_of: Callable[[str], Path], tell: Callable[[str], None]
    ) -> None:
        tell(_("looking for Asterisk; it is fetched when there is none"))
        binaries = await asyncio.to_thread(find_asterisk, default_cache())
        tell(_("configuring the Asterisks"))
        for site in plan.sites:
            place = self._places[site.site_id]
            place.state = Path(tempfile.mkdtemp(prefix="asterisk-"))
            name = f"config:{site.site_id}"
            await run_command(
                name,
                trunkline(
                    *("asterisk", "config", "--site", str(site.folder / files.BRANCH_FILE)),
                    *("--out", str(place.config), "--state", str(place.state)),
                    *("--modules", str(binaries.modules), "--data", str(binaries.data)),
                ),
                log_of(name),
            )
            place.process = AsteriskProcess(binaries, place.config, log_of(f"pbx:{site.site_id}"))

    def command(self, site: LabSite) -> list[str]:
        process = self._places[site.site_id].process
        assert process is not None, f"the Asterisk of {site.site_id} is not configured"
        return process.prepared_command()

    async def play(self, plan: LabPlan) -> None:
        exchanges = {site.site_id: self._exchange(site) for site in plan.sites}
        self._people = SipPeople(plan, exchanges, city=_CITY)
        await self._people.live()

    def account(self, site: LabSite) -> PbxAccount:
        """What the callers and the agents say: neither a branch nor an Asterisk has written it."""
        assert self._people is not None, "nobody has lived"
        callers = self._people.callers_of(site.site_id)
        names = read_callers(site)
        # A caller whom the ledger has no call for keeps the number as a name, which the law then finds.
        return PbxAccount(
            offered_count=sum(caller.has_met_pbx for caller in callers),
            silence_limit_ms=_SILENCE_LIMIT_MS,
            stories={names.get(caller.number, caller.number): caller.story for caller in callers},
        )

    def close(self) -> None:
        for place in self._places.values():
            if place.state is not None:
                shutil.rmtree(place.state, ignore_errors=True)

    def _exchange(self, site: LabSite) -> Exchange:
        place = self._places[SiteId(site.site_id)]
        with (place.config / _PHONES_FILE).open(encoding="utf-8", newline="") as lines:
            passwords = {row["endpoint"]: row["password"] for row in csv.DictReader(lines)}
        return Exchange(
            address=(place.host, site.trunk_port), agents_host=place.agents_host, passwords=passwords
        )
