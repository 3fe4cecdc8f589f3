"""The database's schema: which version it has, and how it comes to the one this code needs.

Migrations run in one transaction and only forwards. A database that a newer version of
the program has written is refused: this one cannot know what its columns mean.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, column, inspect, select, table

from sync.journal.database import writing

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic itself is imported where a database is migrated: a branch that runs has no use for its 6 MB.

NEEDED_VERSION = "0008"
"""The newest migration's revision."""

_VERSION = table("alembic_version", column("version_num"))

_MIGRATIONS = Path(__file__).with_name("migrations")


class NewerSchemaError(Exception):
    """A newer version of the program has migrated this database."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"the database has schema {version!r}, which this version of trunkline does not know; "
            "run the version that wrote it, or restore the copy made before the update"
        )
        self.version = version


def needed_version() -> str:
    """The schema version that this code reads and writes."""
    return NEEDED_VERSION


def version_of(connection: Connection) -> str | None:
    """The schema version of a database; None when it is empty."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    version: str | None = connection.execute(select(_VERSION.c.version_num)).scalar()
    return version


def migrate(engine: Engine) -> str | None:
    """Bring the schema to `needed_version`; return the version it had before.

    Raises:
        NewerSchemaError: it has a version that this code does not know; nothing changed.
        sqlalchemy.exc.OperationalError: the database cannot be reached or written.
    """
    with writing(engine) as connection:
        before = version_of(connection)
        if before == needed_version():
            return before
        if before is not None and before not in _known_versions():
            raise NewerSchemaError(before)
        _upgrade(connection)
    return before


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")


def _known_versions() -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    # ConfigParser reads % as its own; a path may hold one.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
