"""Simulated PBXes: a process a site, which plays callers and agents itself and writes down what it saw."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.lab import files
from deploy.lab.books import PbxAccount
from deploy.lab.plan import LabPlan, LabSite
from deploy.lab.processes import trunkline

PBX_FILE = "pbx.toml"
WITNESS_FILE = "pbx-saw.json"


class SimulatedTelephony:
    """At any speed; its people are in its own files."""

    lead_s = 0.0

    def section(self, site: LabSite) -> dict[str, Any]:
        return {
            "driver": "simulated",
            "address": f"127.0.0.1:{site.control_port}",
            "password_file": files.PASSWORD_FILE,
        }

    def trunk(self, site: LabSite) -> str:
        return f"127.0.0.1:{site.trunk_port}"

    def write(self, plan: LabPlan) -> None:
        for site in plan.sites:
            files.write_toml(site.folder / PBX_FILE, _pbx(plan, site))

    async def configure(
        self, plan: LabPlan, log_of: Callable[[str], Path], tell: Callable[[str], None]
    ) -> None:
        """Its files say all."""

    def command(self, site: LabSite) -> list[str]:
        return trunkline("simpbx", "run", str(site.folder / PBX_FILE))

    async def play(self, plan: LabPlan) -> None:
        await asyncio.Event().wait()

    def account(self, site: LabSite) -> PbxAccount:
        """What the PBX saw in all its runs."""
        account = json.loads((site.folder / WITNESS_FILE).read_text(encoding="utf-8"))
        return PbxAccount(offered_count=account["offered"], stories=account["calls"])

    def close(self) -> None:
        """All lies in the lab's folder."""


def _pbx(plan: LabPlan, site: LabSite) -> dict[str, Any]:
    return {
        "site": {"id": site.site_id},
        "control": {"port": site.control_port, "password_file": files.PASSWORD_FILE},
        "trunk": {"port": site.trunk_port},
        "people": {
            "ring_s": plan.scenario.ring_ms / 1000,
            "agent": [
                {"id": shift.agent_id, "from_s": shift.from_s, "until_s": shift.until_s}
                for shift in site.shifts
            ],
        },
        "calls": {
            "scenario": f"../{files.SCENARIO_FILE}",
            "file": f"../{files.CALLS_FILE}",
            "start_utc_us": plan.day_start_utc_us,
        },
        "witness": {"journal": "pbx-saw.jsonl", "counts": WITNESS_FILE},
        "clock": files.clock_section(plan),
    }
