"""The two sides of the comparison: one Asterisk whose app_queue serves the callers, one under a branch.

Both have the configuration that `trunkline asterisk config` writes, the same agents and the same
phones; on app_queue's side the dialplan puts callers into a queue instead of handing them over, and no
message within Asterisk is declined: app_queue and its call detail records live by them.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from deploy.asterisk.bundle import AsteriskBinaries
from deploy.phones.sip_wire import Address
from tests.bench.processor import main_thread_s, processor_s
from tests.fakes.branch_process import BranchProcess
from tests.telephony.asterisk_cluster import Branch, BranchSite
from tests.telephony.asterisk_pbx import AsteriskPbx
from tests.telephony.sipp_agents import SippAgents, register_phones

SIPP_PORT = 5_070
LOG_INS_AT_ONCE = 20

_QUEUE = """\
[general]
autofill = yes
[sales]
strategy = leastrecent
musicclass = default
timeout = 15
retry = 1
ringinuse = no
"""
"""As near to the branch's queue as app_queue comes: who has been idle for longest is rung first."""

_DIALPLAN = """\
[from-line]
exten => _X!,1,Answer(,i)
 same => n,Queue(sales)
 same => n,Hangup()
[from-site]
[from-phone]
[nowhere]
"""
"""Without the `i`, Answer() waits up to half a second for the first sound, and SIPp sends none."""


class Side(Protocol):
    """One way to serve callers."""

    @property
    def name(self) -> str: ...

    @property
    def address(self) -> Address:
        """Where its line is called."""
        ...

    @property
    def phones(self) -> SippAgents: ...

    def processor_s(self) -> dict[str, float]:
        """What its parts have used of one core since their start."""
        ...

    async def commit_count(self) -> int:
        """Transactions of its ledger since the start; 0 without one."""
        ...


class AppQueue:
    """Asterisk alone."""

    name = "app_queue"

    def __init__(self, pbx: AsteriskPbx, phones: SippAgents) -> None:
        self.address = pbx.address
        self.phones = phones
        self._pbx = pbx

    def processor_s(self) -> dict[str, float]:
        return {"Asterisk": processor_s(self._pbx.process.pid)}

    async def commit_count(self) -> int:
        return 0


class UnderBranch:
    """Asterisk and a branch process."""

    name = "branch"

    def __init__(self, site: BranchSite, phones: SippAgents) -> None:
        self.address = site.pbx.address
        self.phones = phones
        self._site = site

    def processor_s(self) -> dict[str, float]:
        branch = self._site.branch.pid
        loop_s = main_thread_s(branch)
        return {
            "Asterisk": processor_s(self._site.pbx.process.pid),
            "the branch's loop": loop_s,
            "its other threads, which commit": processor_s(branch) - loop_s,
        }

    async def commit_count(self) -> int:
        return round(await self._site.metric("trunkline_commit_duration_seconds_count"))


async def start_sides(
    folder: Path,
    pki: Path,
    binaries: AsteriskBinaries,
    agents: Sequence[int],
    talk_ms: int,
    stack: AsyncExitStack,
) -> list[Side]:
    """Both, every agent free; `stack` ends them. `pki` has certificates of the sites `alone` and `branch`."""
    alone = await _configured(
        BranchProcess(folder / "alone", pki, AsteriskPbx("alone", 1)), binaries, agents, stack
    )
    under = await _configured(
        BranchProcess(folder / "branch", pki, AsteriskPbx("branch", 2)), binaries, agents, stack
    )

    _take_over_by_app_queue(alone.pbx, agents)
    await alone.pbx.start()
    queue_phones = await _phones(alone.pbx, folder / "queue-phones", agents, talk_ms, stack)

    await under.pbx.start()
    await under.branch.start()
    branch_phones = await _phones(under.pbx, folder / "branch-phones", agents, talk_ms, stack)
    for first in range(0, len(agents), LOG_INS_AT_ONCE):
        await asyncio.gather(*(under.log_in(number) for number in agents[first : first + LOG_INS_AT_ONCE]))
    await under.until_agents(READY=len(agents))
    return [AppQueue(alone.pbx, queue_phones), UnderBranch(under, branch_phones)]


async def _configured(
    branch: Branch, binaries: AsteriskBinaries, agents: Sequence[int], stack: AsyncExitStack
) -> BranchSite:
    """A site whose files are written; nothing of it runs yet."""
    branch.add_agents(*agents)
    branch.write_file()
    await branch.pbx.configure(branch, binaries)
    site = BranchSite(branch, agents)
    stack.push_async_callback(site.close)
    return site


def _take_over_by_app_queue(pbx: AsteriskPbx, agents: Sequence[int]) -> None:
    members = "".join(f"member => PJSIP/{number}\n" for number in agents)
    (pbx.folder / "queues.conf").write_text(_QUEUE + members, encoding="utf-8")
    (pbx.folder / "extensions.conf").write_text(_DIALPLAN, encoding="utf-8")
    stasis = pbx.folder / "stasis.conf"
    kept, _declined, _types = stasis.read_text(encoding="utf-8").partition("[declined_message_types]")
    stasis.write_text(kept, encoding="utf-8")
    with (pbx.folder / "modules.conf").open("a", encoding="utf-8") as modules:
        modules.write("load = app_queue.so\n")


async def _phones(
    pbx: AsteriskPbx, folder: Path, agents: Sequence[int], talk_ms: int, stack: AsyncExitStack
) -> SippAgents:
    """All agents' phones, registered, then SIPp's."""
    at = (pbx.agents_host, SIPP_PORT)
    await register_phones(pbx, agents, at)
    phones = await SippAgents.start(at, folder, pbx=pbx.address, talk_ms=talk_ms)
    stack.push_async_callback(phones.kill)
    return phones
