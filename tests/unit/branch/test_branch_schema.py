from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select

from branch.store import schema
from sync.records.tables import CALLS


def test_the_code_needs_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).with_name("migrations")))

    assert scripts.get_current_head() == schema.needed_version()


def test_calls_of_before_are_kept_where_sqlite_writes_their_table_anew(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'branch.db'}")
    before = dict.fromkeys((each.name for each in CALLS.columns if not each.nullable), 0)
    call = before | {"site_id": "beijing", "call_id": "c1", "disposition": "REJECTED", "rev": 7}
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        connection.execute(CALLS.insert(), call)

    schema.migrate(engine)

    with engine.begin() as connection:
        connection.execute(CALLS.insert(), call | {"call_id": "c2", "disposition": "REDIRECTED"})
        found = connection.execute(select(CALLS).order_by(CALLS.c.call_id)).mappings().all()
        indexes = {each["name"] for each in inspect(connection).get_indexes("calls")}
    assert [(each["call_id"], each["disposition"], each["rev"]) for each in found] == [
        ("c1", "REJECTED", 7),
        ("c2", "REDIRECTED", 7),
    ]
    assert indexes == {"calls_rev", "calls_business_date", "calls_customer_id"}
