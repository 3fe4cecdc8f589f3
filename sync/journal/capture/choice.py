"""Which commit order a database has."""

from sqlalchemy import Engine

from sync.journal.capture.order import CommitOrder
from sync.journal.capture.postgres import PostgresOrder
from sync.journal.capture.sqlite import SqliteOrder


def commit_order(engine: Engine) -> CommitOrder:
    """The order of the database behind `engine`."""
    return SqliteOrder() if engine.dialect.name == "sqlite" else PostgresOrder()
