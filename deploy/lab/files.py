"""Writes a lab's folder: certificates, one file a node, the scenario and the calls.

Everything that a person would write for a real cluster, and nothing else: the processes
are started with these files and know of no lab.
"""

import csv
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import tomli_w

from deploy.lab.plan import CLUSTER, HQ_ID, TIME_ZONE, LabPlan, LabSite
from deploy.lab.telephony import LabTelephony
from node.pki import Issued, init_ca, issue
from router.ids import QueueId
from router.world.day.calls import format_calls
from router.world.day.scenario import Scenario

SCENARIO_FILE = "scenario.toml"
CALLS_FILE = "calls.csv"
BRANCH_FILE = "branch.toml"
HQ_FILE = "hq.toml"
AGENTS_FILE = "agents.csv"
PASSWORD_FILE = "pbx-password"  # noqa: S105 - a file's name
_NIGHT_BEGINS_S = 60
"""After midnight on the lab's clock, and no more than a real second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the nodes' files refer to: servers and certificates, by the node's name."""

    etcd_endpoint: str
    hq_database_url: str
    tls: Mapping[str, dict[str, str]]


def write_ground(plan: LabPlan, etcd_endpoint: str, hq_database_url: str) -> Ground:
    """Write what stays: certificates, passwords, scenario, calls, agents.

    Raises:
        OSError: the folder cannot be written.
        PkiError: certificates stand there already.
    """
    pki = plan.folder / "pki"
    now = datetime.now(UTC)
    authority = init_ca(pki, CLUSTER, now=now)
    tls = {HQ_ID: _tls(authority, issue(pki, "hq", HQ_ID, ["127.0.0.1"], now=now))}
    write_toml(plan.folder / SCENARIO_FILE, _scenario(plan.scenario))
    with (plan.folder / CALLS_FILE).open("w", encoding="utf-8", newline="") as lines:
        lines.writelines(format_calls(plan.calls))
    for site in plan.sites:
        tls[site.site_id] = _tls(authority, issue(pki, "site", site.site_id, ["127.0.0.1"], now=now))
        site.folder.mkdir(parents=True, exist_ok=True)
        password = site.folder / PASSWORD_FILE
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
        _write_agents(site)
    return Ground(etcd_endpoint=etcd_endpoint, hq_database_url=hq_database_url, tls=tls)


def write_nodes(plan: LabPlan, ground: Ground, telephony: LabTelephony) -> None:
    """Write each node's file, with the plan's clock.

    Raises:
        OSError: the folder cannot be written.
    """
    for site in plan.sites:
        write_toml(site.folder / BRANCH_FILE, _branch(plan, site, ground, telephony))
    telephony.write(plan)
    write_toml(plan.folder / HQ_FILE, _hq(plan, ground))


def _write_agents(site: LabSite) -> None:
    with (site.folder / AGENTS_FILE).open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["id", "name", "skills"])
        rows.writerows([shift.agent_id, shift.agent_id, " ".join(site.skills)] for shift in site.shifts)


def _branch(plan: LabPlan, site: LabSite, ground: Ground, telephony: LabTelephony) -> dict[str, Any]:
    return {
        "site": {"id": site.site_id, "name": site.site_id, "time_zone": TIME_ZONE},
        "listen": {"port": site.grpc_port, "metrics_port": site.metrics_port},
        "tls": ground.tls[site.site_id],
        "database": {"url": f"sqlite:///{(site.folder / 'branch.db').absolute()}"},
        "telephony": telephony.section(site),
        "etcd": {"endpoints": [ground.etcd_endpoint]},
        "overflow": {
            "home_reserve": site.home_reserve,
            **({} if site.max_own_loss is None else {"max_own_loss": site.max_own_loss}),
            # A site that joins while the lab runs finds these on the load board.
            "address": f"127.0.0.1:{site.grpc_port}",
            "trunk": telephony.trunk(site),
            "peer": [_peer(plan, site, other, telephony) for other in plan.sites if other is not site],
        },
        "queue": [_queue(plan, queue) for queue in plan.queues],
        "clock": clock_section(plan),
    }


def _queue(plan: LabPlan, queue: QueueId) -> dict[str, Any]:
    return {
        "id": queue,
        "numbers": [plan.number_of(queue)],
        "skills": [queue],
        # Handling times of a calls file hold the wrap-up.
        "wrap_up_limit_ms": 0,
        # 15 s for people, and a real second for a busy machine, which no caller would have to wait for.
        "ring_limit_ms": round(15_000 + 1_000 * (plan.clock.speed - 1)),
    }


def _peer(plan: LabPlan, site: LabSite, other: LabSite, telephony: LabTelephony) -> dict[str, Any]:
    link = plan.scenario.link(site.site_id, other.site_id)
    return {
        "site": other.site_id,
        "address": f"127.0.0.1:{other.grpc_port}",
        "trunk": telephony.trunk(other),
        "cost_s": link.cost_s,
        "leg_limit": link.max_legs,
    }


def _hq(plan: LabPlan, ground: Ground) -> dict[str, Any]:
    return {
        "hq": {"name": "HQ 总部", "time_zone": TIME_ZONE},
        "listen": {"port": plan.hq_port, "metrics_port": plan.hq_metrics_port},
        "tls": ground.tls[HQ_ID],
        "database": {"url": ground.hq_database_url},
        "site": [
            {"id": site.site_id, "address": f"127.0.0.1:{site.grpc_port}", "time_zone": TIME_ZONE}
            for site in plan.sites
        ],
        "consolidation": {"window_start": _night_begins(plan)},
        "clock": clock_section(plan),
    }


def _night_begins(plan: LabPlan) -> str:
    seconds = min(_NIGHT_BEGINS_S, math.ceil(plan.clock.speed))
    return time(minute=seconds // 60, second=seconds % 60).isoformat()


def _tls(authority: Issued, own: Issued) -> dict[str, str]:
    return {
        "ca": str(authority.certificate.absolute()),
        "cert": str(own.certificate.absolute()),
        "key": str(own.key.absolute()),
    }


def _scenario(scenario: Scenario) -> dict[str, Any]:
    """What the PBXes read of it: names and times, since rosters are in their own files."""
    return {
        "duration_s": scenario.duration_ms / 1000,
        "ring_s": scenario.ring_ms / 1000,
        **({"queues": list(scenario.queues)} if scenario.queues else {}),
        "site": [
            {
                "id": site.site_id,
                "agents": site.agents,
                **({"skills": sorted(site.skills)} if site.skills is not None else {}),
            }
            for site in scenario.sites
        ],
    }


def clock_section(plan: LabPlan) -> dict[str, Any]:
    return {
        "speed": plan.clock.speed,
        "started_at_utc_us": plan.clock.started_at_utc_us,
        "epoch_utc_us": plan.clock.epoch_utc_us,
    }


def write_toml(file: Path, values: Mapping[str, Any]) -> None:
    # Private from its first byte: HQ's holds the database's password.
    file.touch(mode=0o600)
    with file.open("wb") as target:
        tomli_w.dump(values, target)
