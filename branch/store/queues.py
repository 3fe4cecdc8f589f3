"""Queue policies: seeded once from the site's file, then the database's own, a version each change."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from branch.store.site_database import SiteDatabase
from router.acd.policy import Distribution, LastResort, QueuePolicy, RecordingRule
from router.acd.queues import settings_of
from router.errors import UnknownQueueError
from router.ids import QueueId
from sync.records.codec import canonical_json
from sync.records.tables import QUEUE_POLICIES, ManagedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedPolicy:
    """A version of a queue's policy, and who may make the next."""

    policy: QueuePolicy
    managed_by: ManagedBy
    applied_utc_us: int


class QueuePolicies:
    """The one truth about a site's queues."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    def in_force(self) -> list[AppliedPolicy]:
        """Every queue's newest version, removed queues left out."""
        with self._database.reading() as connection:
            newest = self._newest(connection).values()
        return [_applied(row) for row in newest if not row.is_removed]

    def seed(self, policies: Iterable[QueuePolicy]) -> None:
        """Take over the file's policies for queues that this database has never known."""
        with self._database.writing() as connection:
            known = self._newest(connection)
            for policy in policies:
                if policy.queue_id not in known:
                    self._add(connection, replace(policy, version=1), ManagedBy.SITE)

    def apply(self, policy: QueuePolicy, managed_by: ManagedBy = ManagedBy.SITE) -> QueuePolicy:
        """Make this the newest version of its queue, new or not; return it with its version."""
        with self._database.writing() as connection:
            last = self._newest(connection).get(policy.queue_id)
            applied = replace(policy, version=1 if last is None else last.version + 1)
            self._add(connection, applied, managed_by)
        return applied

    def remove(self, queue_id: QueueId) -> None:
        """Take the queue out of force; its history stays, and the file does not bring it back.

        Raises:
            UnknownQueueError: there is no such queue in force; nothing changed.
        """
        with self._database.writing() as connection:
            last = self._newest(connection).get(queue_id)
            if last is None or last.is_removed:
                raise UnknownQueueError(queue_id)
            applied = _applied(last)
            policy = replace(applied.policy, version=last.version + 1)
            self._add(connection, policy, applied.managed_by, is_removed=True)

    def _newest(self, connection: Connection) -> dict[QueueId, Row[Any]]:
        table = QUEUE_POLICIES
        newest = (
            select(table.c.queue_id, func.max(table.c.version).label("version"))
            .where(table.c.site_id == self._database.site_id)
            .group_by(table.c.queue_id)
            .subquery()
        )
        query = (
            select(table)
            .join(newest, (table.c.queue_id == newest.c.queue_id) & (table.c.version == newest.c.version))
            .where(table.c.site_id == self._database.site_id)
            .order_by(table.c.queue_id)
        )
        return {QueueId(row.queue_id): row for row in connection.execute(query)}

    def _add(
        self, connection: Connection, policy: QueuePolicy, managed_by: ManagedBy, *, is_removed: bool = False
    ) -> None:
        values = {
            "queue_id": policy.queue_id,
            "version": policy.version,
            "settings": canonical_json(settings_of(policy)),
            "managed_by": str(managed_by),
            "is_removed": is_removed,
            "applied_utc_us": self._database.clock.utc_us(),
        }
        self._database.put(connection, QUEUE_POLICIES, values)


def _applied(row: Row[Any]) -> AppliedPolicy:
    """A setting that was added to policies later has its default in an older version."""
    settings = json.loads(row.settings)
    settings["skills"] = frozenset(settings["skills"])
    settings["distribution"] = Distribution(settings["distribution"])
    settings["last_resort"] = LastResort(settings["last_resort"])
    settings["recording"] = RecordingRule(settings.get("recording", RecordingRule.OFF))
    return AppliedPolicy(
        policy=QueuePolicy(**settings),
        managed_by=ManagedBy(row.managed_by),
        applied_utc_us=row.applied_utc_us,
    )
