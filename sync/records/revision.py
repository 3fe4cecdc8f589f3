"""Revisions of rows on SQLite: a counter that is commit-ordered because writers take turns."""

from sqlalchemy import Connection

from sync.records.plain import execute_plain

_TAKE = (
    "INSERT INTO revisions (site_id, rev) VALUES (?, ?) "
    "ON CONFLICT (site_id) DO UPDATE SET rev = rev + excluded.rev RETURNING rev"
)


def next_revs(connection: Connection, site_id: str, count: int) -> range:
    """Take `count` revisions for rows that the same transaction writes.

    The transaction must have begun IMMEDIATE, as the store's do: then no other one can
    commit between the taking and the commit. PostgreSQL's trigger does this by itself.
    """
    (last,) = execute_plain(connection, _TAKE, (site_id, count))
    return range(last - count + 1, last + 1)
