"""The queues of a site: one truth, the database; a running branch is told, and writes it itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from branch.admin.running import is_running, own_address
from branch.admin.site_records import SiteRecords, open_site
from branch.settings import QueueSection
from branch.store.queues import AppliedPolicy
from node.settings.problems import describe, unknown_key
from node.terminal import Column, output, print_json, print_table
from node.troubles import TroubleError
from node.words import text as _
from router.acd.policy import QueuePolicy
from router.acd.queues import settings_of
from router.ids import QueueId
from sync.records.tables import ManagedBy

_LISTS = ("skills",)
_NOT_HERE = ("id", "numbers")
"""Keys of [[queue]] that are no part of a policy."""


class QueueTroubleError(TroubleError):
    """The queue is there already, is not there, or cannot be treated like that."""

    reason = "QUEUE_TROUBLE"


def add(file: Path, queue: str, settings: Sequence[str], *, is_offline: bool) -> None:
    """Raises:
    QueueTroubleError: the queue is there, or a setting is wrong; nothing was changed.
    RefusedError: the running branch refuses it.
    """
    with _open_queues(file) as records:
        if _find(records, queue) is not None:
            raise QueueTroubleError(_("queue {queue} is there already; use `set`", queue=queue))
        _put_in_force(records, _policy(queue, {}, settings), is_offline=is_offline)


def show(file: Path, *, as_json: bool) -> None:
    """Print the queues in force."""
    with _open_queues(file) as records:
        in_force = records.queues.in_force()
    if as_json:
        print_json([_record(each) for each in in_force])
        return
    columns = [
        Column(title=_("Queue")),
        Column(title=_("Version"), is_number=True),
        Column(title=_("Skills")),
        Column(title=_("Distribution")),
        Column(title=_("Ring (s)"), is_number=True),
        Column(title=_("Wrap-up (s)"), is_number=True),
        Column(title=_("Target (s)"), is_number=True),
        Column(title=_("Overflow")),
        Column(title=_("Managed by")),
    ]
    print_table(columns, [_cells(each) for each in in_force])


def change(file: Path, queue: str, settings: Sequence[str], *, is_offline: bool) -> None:
    """Raises:
    QueueTroubleError: no such queue, HQ's, or a setting is wrong; nothing was changed.
    RefusedError: the running branch refuses it.
    """
    with _open_queues(file) as records:
        applied = _own(records, queue)
        policy = _policy(queue, _settings(applied.policy), settings)
        if _settings(policy) == _settings(applied.policy):
            _say_unchanged(applied.policy)
            return
        _put_in_force(records, policy, is_offline=is_offline)


def remove(file: Path, queue: str, *, is_offline: bool) -> None:
    """Raises:
    QueueTroubleError: no such queue, HQ's, the last one, or the branch runs; nothing was changed.
    """
    with _open_queues(file) as records:
        _own(records, queue)
        if len(records.queues.in_force()) == 1:
            raise QueueTroubleError(_("{queue} is the site's last queue and stays", queue=queue))
        if not is_offline and is_running(records.settings):
            problem = _("the branch runs, and calls may wait in {queue}; stop it first", queue=queue)
            raise QueueTroubleError(problem)
        records.queues.remove(QueueId(queue))
    _say(_("queue {queue} removed", queue=queue))


# --- inside ---------------------------------------------------------------------------------


@contextmanager
def _open_queues(file: Path) -> Iterator[SiteRecords]:
    """The site's records; a database that the branch has never started on takes the file's queues."""
    with open_site(file) as records:
        if not records.queues.in_force():
            records.queues.seed(each.policy() for each in records.settings.queue)
        yield records


def _put_in_force(records: SiteRecords, policy: QueuePolicy, *, is_offline: bool) -> None:
    if is_offline or not is_running(records.settings):
        version = records.queues.apply(policy).version
        _say(
            _(
                "queue {queue}: version {version}, from the next start on",
                queue=policy.queue_id,
                version=version,
            )
        )
        return
    from branch import parts
    from branch.peers.operator import ask, set_policy

    host, port = own_address(records.settings)
    security = parts.security(records.settings)
    version = ask(host, port, security, records.site_id, lambda channel: set_policy(channel, policy))
    _say(_("queue {queue}: version {version}, in force now", queue=policy.queue_id, version=version))


def _say_unchanged(policy: QueuePolicy) -> None:
    _say(
        _(
            "queue {queue}: nothing was changed, version {version} stays; say what is to be different, as"
            " ring_limit_ms=20000. What it has: trunkline queue list --json",
            queue=policy.queue_id,
            version=policy.version,
        )
    )


def _find(records: SiteRecords, queue: str) -> AppliedPolicy | None:
    return next((each for each in records.queues.in_force() if each.policy.queue_id == queue), None)


def _own(records: SiteRecords, queue: str) -> AppliedPolicy:
    """Raises:
    QueueTroubleError: there is no such queue, or it is HQ's to change.
    """
    applied = _find(records, queue)
    if applied is None:
        raise QueueTroubleError(_("queue {queue} is not known at this site", queue=queue))
    if applied.managed_by is ManagedBy.HQ:
        raise QueueTroubleError(_("queue {queue} is managed by HQ; change it there", queue=queue))
    return applied


def _policy(queue: str, known: dict[str, Any], settings: Sequence[str]) -> QueuePolicy:
    """Raises:
    QueueTroubleError: every setting that is wrong is named.
    """
    values, faults = dict(known), []
    for each in settings:
        key, equals, value = each.partition("=")
        if not equals:
            faults.append(_("{text!r} is no KEY=VALUE", text=each))
        elif key in _NOT_HERE:
            faults.append(f"{key}: " + _("stands in the site's file"))
        else:
            values[key] = [name for name in value.split(",") if name] if key in _LISTS else value
    try:
        section = QueueSection.model_validate({"id": queue, **values})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            is_unknown = details["type"] == "extra_forbidden"
            problem = unknown_key(None) if is_unknown else describe(details, repr(details["input"]))
            faults.append(".".join(map(str, details["loc"])) + f": {problem}")
        raise QueueTroubleError("\n".join(faults)) from None
    if faults:
        raise QueueTroubleError("\n".join(faults))
    return section.policy()


def _settings(policy: QueuePolicy) -> dict[str, Any]:
    """What [[queue]] of the file would say."""
    return {key: value for key, value in settings_of(policy).items() if key in QueueSection.model_fields}


def _record(applied: AppliedPolicy) -> dict[str, Any]:
    policy = applied.policy
    return {
        **_settings(policy),
        "queue_id": policy.queue_id,
        "version": policy.version,
        "managed_by": str(applied.managed_by),
    }


def _cells(applied: AppliedPolicy) -> tuple[object, ...]:
    policy = applied.policy
    return (
        policy.queue_id,
        policy.version,
        ", ".join(sorted(policy.skills)),
        policy.distribution,
        f"{policy.ring_limit_ms / 1000:g}",
        f"{policy.wrap_up_limit_ms / 1000:g}",
        f"{policy.service_level_ms / 1000:g}",
        _("yes") if policy.is_overflow_allowed else _("no"),
        applied.managed_by,
    )


def _say(message: str) -> None:
    output().print(message, markup=False)
