"""A running site's state, for a person at a terminal or for another program."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from branch.operating.operations import SiteStatus
from branch.store.ballast import MissingRoom
from node.terminal import Column, output, print_table
from node.words import text as _
from router.overflow.policy import OverflowPolicy

_MB = 2**20
"""As in `ballast_mb` of the settings."""


def status_tree(status: SiteStatus) -> dict[str, Any]:
    """For JSON."""
    tree = asdict(status)
    tree["queues"] = {
        queue_id: {
            "policy_version": version,
            "calls_waiting": load.calls_waiting,
            "head_wait_ms": load.head_wait_ms,
            "agents_staffed": load.agents_staffed,
            "agents_idle": load.agents_idle,
        }
        for queue_id, (version, load) in status.queues.items()
    }
    return tree


def print_status(status: SiteStatus) -> None:
    """Print the site's line, its queues, and what is round it."""
    title = (
        f"{status.identity.name} ({status.identity.site_id}), {status.identity.version}: {_taking(status)}"
    )
    print_table(_queue_columns(), _queue_rows(status), title=title)
    for line in _lines(status):
        output().print(line, markup=False)


def _taking(status: SiteStatus) -> str:
    if not status.is_accepting:
        return _("takes no new calls")
    return _("takes calls") if status.is_pbx_connected else _("gets no calls: its PBX is away")


def _view(age_ms: int | None) -> str:
    """The age, and what it means where calls are no longer sent by it."""
    age = _("never") if age_ms is None else f"{age_ms / 1_000:.1f} s"
    if age_ms is not None and age_ms <= OverflowPolicy().view_out_ms:
        return age
    return _("{age} (not used: other sites are asked in turn; is etcd named in the file, and up?)", age=age)


def _queue_columns() -> list[Column | str]:
    numbers = [_("policy"), _("waiting"), _("longest wait, s"), _("agents"), _("idle")]
    return [_("queue"), *(Column(title=each, is_number=True) for each in numbers)]


def _queue_rows(status: SiteStatus) -> list[tuple[object, ...]]:
    return [
        (
            queue_id,
            version,
            load.calls_waiting,
            load.head_wait_ms // 1_000,
            load.agents_staffed,
            load.agents_idle,
        )
        for queue_id, (version, load) in status.queues.items()
    ]


def _lines(status: SiteStatus) -> list[str]:
    peers = {site: _("connected") if up else _("away") for site, up in status.peers.items()}
    problems = sorted(status.peer_problems.items())
    return [
        _("calls: {calls}", calls=_counts(status.calls)),
        _("agents: {agents}", agents=_counts(status.agents)),
        _("hand-offs: {handoffs}", handoffs=_counts(status.handoffs)),
        _("peers: {peers}", peers=_counts(peers)),
        *(_("no TLS with {site}: {problem}", site=site, problem=problem) for site, problem in problems),
        _("PBX: {state}", state=_("connected") if status.is_pbx_connected else _("away")),
        _("age of the load board's view: {age}", age=_view(status.view_age_ms)),
        _(
            "store: {state}, row {committed} of {last} written, {waiting} orders wait for it",
            state=status.store.state,
            committed=status.store.committed_seq,
            last=status.last_seq,
            waiting=status.outbox_depth,
        ),
        *_missing_room(status.store.missing_room),
    ]


def _missing_room(room: MissingRoom | None) -> list[str]:
    if room is None:
        return []
    return [
        _(
            "the ballast file is made anew when {wanted} MB of its disk are free; {free} MB are",
            wanted=-(-room.wanted_bytes // _MB),
            free=room.free_bytes // _MB,
        )
    ]


def _counts(counts: Mapping[Any, object]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "-"
