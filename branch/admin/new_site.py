"""Makes a new site's folder: all of it, or nothing."""

import os
import secrets
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from branch.admin.asking import new_password
from branch.admin.site_records import open_records
from branch.admin.site_text import PBX_PASSWORD_FILE, SitePlan, branch_text, pbx_text
from branch.people import passwords
from branch.people.login import Credential
from branch.settings import BranchSettings
from branch.store.ballast import Ballast
from branch.telephony.simulated.pbx.settings import PbxSettings
from node import pki
from node.ids import agent_id, refuse
from node.pki.authority import cluster_of
from node.settings import load
from node.terminal import output
from node.troubles import TroubleError
from node.words import text as _
from router.id_rules import name_fault, site_fault
from router.ids import SiteId
from sync.clock import SystemClock
from sync.records.tables import PersonRole

_PORT_LIMIT = 65_535
_PORTS_AFTER = 4
BRANCH_FILE, PBX_FILE = "branch.toml", "pbx.toml"
_RULES_NOT_TAKEN = ("peer", "address", "trunk")


class NewSiteError(TroubleError):
    """The site cannot be made like that; nothing was left behind."""

    reason = "SITE_NOT_MADE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person said."""

    folder: Path
    site_id: str
    address: str
    ca: Path | None = None
    cluster: str | None = None
    name: str | None = None
    time_zone: str | None = None
    like: Path | None = None
    etcd: Sequence[str] = ()
    queues: Sequence[str] = ()
    peers: Sequence[str] = ()
    trunk: str | None = None
    phones: Sequence[str] = ()
    admin: str = "admin"
    password_file: Path | None = None
    hq_file: str | None = None

    @property
    def has_ca_key(self) -> bool:
        return self.ca is not None and self.ca.is_dir()


def make(wishes: Wishes) -> None:
    """Make the folder and say what to do next.

    Raises:
        NewSiteError, PkiError, SettingsError, WeakPasswordError, NoPasswordError, OSError: nothing is left.
    """
    if wishes.folder.exists() and (not wishes.folder.is_dir() or any(wishes.folder.iterdir())):
        raise NewSiteError(_("{folder} is there already and is not written over", folder=wishes.folder))
    _check_cluster(wishes)
    plan = _plan(wishes)
    secret_hash = passwords.hashed(new_password(wishes.admin, wishes.password_file))
    was_there = wishes.folder.exists()
    wishes.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        settings = _write(wishes, plan)
        _fill(settings, plan, wishes.admin, secret_hash)
    except BaseException:
        _remove(wishes.folder, keeps_folder=was_there)
        raise
    _tell(wishes, plan)


# --- planning -------------------------------------------------------------------------------


def _plan(wishes: Wishes) -> SitePlan:
    _check_ids(wishes)
    like = _like(wishes.like)
    host, port = _host_port(wishes.address)
    site = {
        "id": wishes.site_id,
        "name": wishes.name or wishes.site_id,
        "time_zone": wishes.time_zone or like.get("site", {}).get("time_zone") or _machine_zone(),
    }
    if country := like.get("site", {}).get("country"):
        site["country"] = country
    etcd = {"endpoints": list(wishes.etcd)} if wishes.etcd else _etcd_of(like, wishes.like)
    if etcd is None and not wishes.peers:
        raise NewSiteError(_("give --etcd, --like or --peer: how else would the site know the others?"))
    rules = {key: value for key, value in like.get("overflow", {}).items() if key not in _RULES_NOT_TAKEN}
    return SitePlan(
        folder=wishes.folder,
        site=site,
        host=host,
        port=port,
        pbx_port=port + 3,
        trunk=wishes.trunk or f"{host}:{port + _PORTS_AFTER}",
        tls={"ca": "ca.pem", "cert": f"site-{wishes.site_id}.pem", "key": f"site-{wishes.site_id}.key"},
        etcd=etcd,
        overflow=rules,
        peers=[_peer(each) for each in wishes.peers],
        queues=[_queue(each) for each in wishes.queues] or like.get("queue") or [_queue("support")],
        clock=like.get("clock"),
        agents=[agent_id(SiteId(wishes.site_id), each) for each in wishes.phones],
    )


def _check_ids(wishes: Wishes) -> None:
    """Raises:
    BadIdError: something cannot be called that. Said before a file is made that would say it by its lines.
    """
    refuse(site_fault(wishes.site_id))
    refuse(name_fault(wishes.admin))
    for queue in map(_queue, wishes.queues):
        for name in (queue["id"], *queue.get("skills", ())):
            refuse(name_fault(name))


def _like(file: Path | None) -> dict[str, Any]:
    """Another site's file as it is written; it has to be a good one."""
    if file is None:
        return {}
    load(BranchSettings, file, os.environ)
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _etcd_of(like: dict[str, Any], file: Path | None) -> dict[str, Any] | None:
    """The other site's etcd, with paths that hold from another folder too."""
    etcd = like.get("etcd")
    if etcd is None or file is None:
        return None
    folder = file.absolute().parent
    tls = {key: str(folder / value) for key, value in etcd.get("tls", {}).items()}
    found = {**etcd, **({"tls": tls} if tls else {})}
    if "password_file" in found:
        found["password_file"] = str(folder / found["password_file"])
    return found


def _queue(text: str) -> dict[str, Any]:
    name, _colon, skills = text.partition(":")
    found: dict[str, Any] = {"id": name}
    if skills:
        found["skills"] = [each for each in skills.split(",") if each]
    return found


def _peer(text: str) -> dict[str, str]:
    site, equals, addresses = text.partition("=")
    node, comma, trunk = addresses.partition(",")
    if not (equals and comma):
        raise NewSiteError(_("--peer {text!r}: write site=host:port,host:port", text=text))
    return {"site": site, "address": node, "trunk": trunk}


def _host_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) <= _PORT_LIMIT):
        raise NewSiteError(_("{address!r} is no address; write host:port", address=address))
    if int(port) > _PORT_LIMIT - _PORTS_AFTER:
        raise NewSiteError(
            _(
                "--address {address}: the site takes the four ports after it too; write a port up to {limit}",
                address=address,
                limit=_PORT_LIMIT - _PORTS_AFTER,
            )
        )
    return host, int(port)


def _machine_zone() -> str:
    """The machine's own, by where /etc/localtime points to."""
    _before, marker, zone = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
    return zone if marker else "UTC"


def _check_cluster(wishes: Wishes) -> None:
    """Raises:
    NewSiteError: no CA, or another cluster's.
    """
    if wishes.ca is None:
        raise NewSiteError(_("give --ca: the CA's folder, or the cluster's ca.pem"))
    file = wishes.ca / "ca.pem" if wishes.has_ca_key else wishes.ca
    found = cluster_of(x509.load_pem_x509_certificate(file.read_bytes()))
    if wishes.cluster is not None and found != wishes.cluster:
        raise NewSiteError(
            _(
                "{file} is the CA of cluster {found}, not of {wanted}",
                file=file,
                found=found,
                wanted=wishes.cluster,
            )
        )


# --- writing --------------------------------------------------------------------------------


def _write(wishes: Wishes, plan: SitePlan) -> BranchSettings:
    """The files, read back as `trunkline branch check` does."""
    assert wishes.ca is not None
    folder = wishes.folder
    ca_file = wishes.ca / "ca.pem" if wishes.has_ca_key else wishes.ca
    shutil.copyfile(ca_file, folder / "ca.pem")
    _write_private(folder / PBX_PASSWORD_FILE, secrets.token_urlsafe(24) + "\n")
    _write_private(folder / PBX_FILE, pbx_text(plan))
    _write_private(folder / BRANCH_FILE, branch_text(plan))
    load(PbxSettings, folder / PBX_FILE, os.environ)
    if wishes.has_ca_key:
        hosts = [plan.host.strip("[]")]
        now = datetime.fromtimestamp(SystemClock().utc_us() / 1_000_000, UTC)
        issued = pki.issue(wishes.ca, "site", wishes.site_id, hosts, now=now)
        for file in (issued.certificate, issued.key):
            shutil.move(file, folder / file.name)
        return load(BranchSettings, folder / BRANCH_FILE, os.environ)
    return _checked_without_keys(folder)


def _checked_without_keys(folder: Path) -> BranchSettings:
    """The file before its keys have come: good but for the keys."""
    stand_in = folder / "ca.pem"
    overrides = {
        **os.environ,
        "TRUNKLINE__TLS__CERT": str(stand_in),
        "TRUNKLINE__TLS__KEY": str(stand_in),
    }

    return load(BranchSettings, folder / BRANCH_FILE, overrides)


def _fill(settings: BranchSettings, plan: SitePlan, admin: str, secret_hash: str) -> None:
    """The database with its tables, queues and first admin, and room on the disk for a bad day."""
    with open_records(settings) as records:
        records.queues.seed(each.policy() for each in settings.queue)
        records.people.set_credential(
            Credential(person_id=admin, role=PersonRole.ADMIN, secret_hash=secret_hash)
        )
    file = plan.database_file
    ballast = Ballast(file.with_name(f"{file.name}.ballast"), settings.limits.ballast_mb * 2**20)
    if not ballast.restore():
        raise NewSiteError(_("there is no room for the ballast file beside {file}", file=file))


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _remove(folder: Path, *, keeps_folder: bool) -> None:
    if not keeps_folder:
        shutil.rmtree(folder)
        return
    for each in folder.iterdir():
        each.unlink()


# --- what next ------------------------------------------------------------------------------


def _tell(wishes: Wishes, plan: SitePlan) -> None:
    file = wishes.folder / BRANCH_FILE
    lines = [_("Site {site} is made in {folder}.", site=wishes.site_id, folder=wishes.folder), _("Next:")]
    if not wishes.has_ca_key:
        host = plan.host.strip("[]")
        lines.append(
            _(
                "  where the CA is: trunkline pki issue site {site} --host {host}; "
                "bring site-{site}.pem and site-{site}.key into {folder}",
                site=wishes.site_id,
                host=host,
                folder=wishes.folder,
            )
        )
    lines += [
        _(
            "  at HQ: trunkline hq site add {hq} {site} --address {address} --time-zone {zone}",
            hq=wishes.hq_file or "hq.toml",
            site=wishes.site_id,
            address=plan.address,
            zone=plan.site["time_zone"],
        ),
        _(
            "  agents: trunkline agent add {number} --name NAME{skills} --site {file}",
            # One whose phone the PBX knows: any other would be offered calls that never ring.
            number=wishes.phones[0] if wishes.phones else "NUMBER",
            skills="".join(f" --skill {each}" for each in _skills(plan)),
            file=file,
        ),
        _("  the simulated PBX: trunkline simpbx run {file}", file=wishes.folder / PBX_FILE),
        _("  the branch: trunkline branch run {file}", file=file),
    ]
    output().print("\n".join(lines), markup=False, soft_wrap=True)


def _skills(plan: SitePlan) -> list[str]:
    """Whoever has them all is rung for every queue."""
    return sorted({skill for queue in plan.queues for skill in queue.get("skills", ())})
