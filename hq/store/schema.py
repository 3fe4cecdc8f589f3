"""HQ's database schema: made and brought up to date by migrations that go forwards only."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from router.errors import RouterError
from sync.journal.database import writing

_MIGRATIONS = Path(__file__).with_name("migrations")


class NewerSchemaError(RouterError):
    """A newer version of the program has migrated this database."""

    reason = "SCHEMA_NEWER"

    def __init__(self, version: str) -> None:
        super().__init__(
            f"the database has schema {version!r}, which this version of trunkline does not know; "
            "run the version that wrote it"
        )
        self.version = version


def migrate(engine: Engine) -> None:
    """Bring the schema to what this code needs, in one transaction.

    Raises:
        NewerSchemaError: it has a version that this code does not know; nothing changed.
        sqlalchemy.exc.OperationalError: the database cannot be reached or written.
    """
    scripts = ScriptDirectory(str(_MIGRATIONS))
    with writing(engine) as connection:
        version = MigrationContext.configure(connection).get_current_revision()
        if version is not None and version not in {each.revision for each in scripts.walk_revisions()}:
            raise NewerSchemaError(version)
        config = Config()
        # ConfigParser reads % as its own; a path may hold one.
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
