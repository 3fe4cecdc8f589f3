"""A new site's files as text: what `trunkline init` writes, with a word about each section."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from node.words import text as _

PBX_PASSWORD_FILE = "pbx-password"  # noqa: S105 - a file's name
DATABASE_FILE = "branch.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlan:
    """Everything a new site's files say."""

    folder: Path
    site: Mapping[str, Any]
    host: str
    port: int
    pbx_port: int
    trunk: str
    tls: Mapping[str, Any]
    etcd: Mapping[str, Any] | None
    overflow: Mapping[str, Any]
    peers: Sequence[Mapping[str, str]]
    queues: Sequence[Mapping[str, Any]]
    clock: Mapping[str, Any] | None
    agents: Sequence[str]
    """Agents with a phone at the simulated PBX."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def database_file(self) -> Path:
        return self.folder.absolute() / DATABASE_FILE


def branch_text(plan: SitePlan) -> str:
    """The site's file."""
    overflow = {**plan.overflow, "address": plan.address, "trunk": plan.trunk}
    if plan.peers:
        overflow["peer"] = [dict(each) for each in plan.peers]
    sections: list[tuple[str, str, Any]] = [
        (_("Which site this is. The time zone says where its business day turns."), "site", plan.site),
        (
            _("Where nodes (port), desks without a certificate (desk_port) and Prometheus reach it."),
            "listen",
            {
                "host": plan.host.strip("[]"),
                "port": plan.port,
                "metrics_port": plan.port + 1,
                "desk_port": plan.port + 2,
            },
        ),
        (_("The site's certificate and key; paths count from this file's folder."), "tls", plan.tls),
        (_("The site's records."), "database", {"url": f"sqlite:///{plan.database_file}"}),
        (
            _("The PBX. This one is simulated: `trunkline simpbx run pbx.toml`."),
            "telephony",
            {
                "driver": "simulated",
                "address": f"127.0.0.1:{plan.pbx_port}",
                "password_file": PBX_PASSWORD_FILE,
            },
        ),
    ]
    if plan.etcd is not None:
        sections.append((_("Where sites see each other's load."), "etcd", plan.etcd))
    sections.append(
        (
            _("Calls between sites. address and trunk are how the others reach this one."),
            "overflow",
            overflow,
        )
    )
    sections.append(
        (
            _("Queues at the first start; afterwards `trunkline queue` changes them."),
            "queue",
            [dict(each) for each in plan.queues],
        )
    )
    if plan.clock is not None:
        sections.append((_("The lab's clock, the same at every node."), "clock", plan.clock))
    return "\n".join(_section(*each) for each in sections)


def pbx_text(plan: SitePlan) -> str:
    """The simulated PBX's file."""
    trunk_host, _colon, trunk_port = plan.trunk.rpartition(":")
    people = {"agent": [{"id": each, "person": True} for each in plan.agents]}
    sections: list[tuple[str, str, Any]] = [
        (_("Whose PBX this is."), "site", {"id": plan.site["id"]}),
        (
            _("Where the branch steers it."),
            "control",
            {"port": plan.pbx_port, "password_file": PBX_PASSWORD_FILE},
        ),
        (
            _("Where other sites' PBXes send their calls."),
            "trunk",
            {"host": trunk_host.strip("[]"), "port": int(trunk_port)},
        ),
        (_("Phones of agents who work at a desk: one for each."), "people", people if plan.agents else {}),
        (
            _("What the PBX saw of its callers."),
            "witness",
            {"journal": "pbx-saw.jsonl", "counts": "pbx-saw.json"},
        ),
    ]
    if plan.clock is not None:
        sections.append((_("The lab's clock, the same at every node."), "clock", plan.clock))
    return "\n".join(_section(*each) for each in sections)


def _section(comment: str, name: str, content: Any) -> str:
    return f"# {comment}\n{_table(name, content)}"


def _table(name: str, content: Any) -> str:
    """A table, or one [[table]] for each element: people add to those more easily than to a line."""
    if isinstance(content, list):
        return "\n".join(f"[[{name}]]\n{tomli_w.dumps(each)}" for each in content)
    lists = {key: each for key, each in content.items() if isinstance(each, list) and _are_tables(each)}
    plain = {key: each for key, each in content.items() if key not in lists}
    own = tomli_w.dumps({name: plain})
    return "\n".join([own, *(_table(f"{name}.{key}", each) for key, each in lists.items())])


def _are_tables(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(each, dict) for each in values)
