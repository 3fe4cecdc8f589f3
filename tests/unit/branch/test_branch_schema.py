from pathlib import Path

from alembic.script import ScriptDirectory

from branch.store import schema


def test_the_code_needs_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).with_name("migrations")))

    assert scripts.get_current_head() == schema.needed_version()
