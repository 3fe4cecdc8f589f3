"""Revisions of rows on SQLite: a counter that is commit-ordered because writers take turns."""

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from sync.records.tables import REVISIONS


def next_revs(connection: Connection, site_id: str, count: int) -> range:
    """Take `count` revisions for rows that the same transaction writes.

    The transaction must have begun IMMEDIATE, as the store's do: then no other one can
    commit between the taking and the commit. PostgreSQL's trigger does this by itself.
    """
    counter = insert(REVISIONS).values(site_id=site_id, rev=count)
    taken = counter.on_conflict_do_update(
        index_elements=[REVISIONS.c.site_id], set_={"rev": REVISIONS.c.rev + count}
    ).returning(REVISIONS.c.rev)
    last: int = connection.execute(taken).scalar_one()
    return range(last - count + 1, last + 1)
