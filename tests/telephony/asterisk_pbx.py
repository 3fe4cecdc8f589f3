"""A site's Asterisk as `trunkline asterisk config` configures it, beside a branch process."""

import asyncio
import csv
import shutil
import tempfile
from pathlib import Path

from branch.telephony.asterisk.config.writing import PHONES_FILE
from deploy.asterisk.bundle import AsteriskBinaries
from deploy.asterisk.process import AsteriskProcess
from deploy.phones.sip_wire import Address
from deploy.ports import free_ports
from tests.fakes.branch_process import BranchProcess
from tests.fakes.loopback import loopback

CITY = loopback(61)
"""Where all sites' callers come from: everybody's line to the public network."""
LINE_NUMBER = "4001"
RTP_PORTS = 1_000

_CDR = """\
[general]
enable = yes
[csv]
loguniqueid = yes
"""


class AsteriskPbx:
    """One Asterisk on a loopback address of its own; `number` is the site's, from 1."""

    def __init__(self, site: str, number: int) -> None:
        self.site = site
        self.host = loopback(60 + 2 * number)
        self.agents_host = loopback(61 + 2 * number)
        """Where the site's phones are."""
        self.sip_port, self.ari_port = free_ports(2)
        self._rtp_first = 32_768 + RTP_PORTS * number
        # A socket's path has at most 107 bytes, and a test's folder may have more.
        self.folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
        self.alone = "retry_s = 1"
        """What callers get while the branch is down."""
        self.process: AsteriskProcess

    @property
    def address(self) -> Address:
        return self.host, self.sip_port

    @property
    def trunk_address(self) -> str:
        return f"{self.host}:{self.sip_port}"

    @property
    def telephony(self) -> str:
        """For the branch's file."""
        return f"""\
[telephony]
driver = "asterisk"
address = "127.0.0.1:{self.ari_port}"
password_file = "pbx.password"
shard_count = 2
[telephony.sip]
host = "{self.host}"
port = {self.sip_port}
rtp_first = {self._rtp_first}
rtp_last = {self._rtp_first + RTP_PORTS - 1}
[telephony.alone]
{self.alone}
[[telephony.line]]
name = "city"
address = "{CITY}:5060"
"""

    async def configure(self, branch: BranchProcess["AsteriskPbx"], binaries: AsteriskBinaries) -> None:
        """Write what the branch's file says, and let Asterisk count calls by itself, too."""
        places = ("--modules", str(binaries.modules), "--data", str(binaries.data))
        status, said = await branch.run(
            *("asterisk", "config", "--site", str(branch.file), "--out", str(self.folder), *places)
        )
        assert status == 0, said
        (self.folder / "cdr.conf").write_text(_CDR, encoding="utf-8")
        (self.folder / "state" / "log" / "cdr-csv").mkdir(parents=True, exist_ok=True)
        with (self.folder / "modules.conf").open("a", encoding="utf-8") as modules:
            modules.write("load = cdr_csv.so\n")
        self.process = AsteriskProcess(binaries, self.folder, self.folder / "output.log")

    async def start(self) -> None:
        # From this thread: a child that must not outlive us would die with another one.
        self.process.launch()
        await asyncio.to_thread(self.process.wait_ready)

    @property
    def recordings(self) -> Path:
        """Where it keeps what it records."""
        return self.folder / "state" / "spool" / "recording"

    def passwords(self) -> dict[str, str]:
        """By the phone's user."""
        with (self.folder / PHONES_FILE).open(encoding="utf-8", newline="") as lines:
            return {row["endpoint"]: row["password"] for row in csv.DictReader(lines)}

    def close(self) -> None:
        self.process.kill()
        shutil.rmtree(self.folder)
