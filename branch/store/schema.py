"""The database's schema: which version it has, and how it comes to the one this code needs.

Migrations run in one transaction and only forwards. A database that a newer version of
the program has written is refused: this one cannot know what its columns mean.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from sync.journal.database import writing

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
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    assert head is not None, "there is a first migration"
    return head


def version_of(connection: Connection) -> str | None:
    """The schema version of a database; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


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
        command.upgrade(_config(connection), "head")
    return before


def _known_versions() -> set[str]:
    return {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}


def _config(connection: Connection) -> Config:
    config = Config()
    # ConfigParser reads % as its own; a path may hold one.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
