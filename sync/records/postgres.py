"""What a branch's tables have on PostgreSQL alone: `xid` beside `rev`, both written by a trigger.

A sequence is not commit-ordered: a row with a smaller number may become visible after one
with a greater. So the reader orders and watermarks by (xid, rev) and reads only
`xid < pg_snapshot_xmin(pg_current_snapshot())`. The trigger runs when the row is locked,
so a row's later change always has the greater rev, whoever makes it and by whatever tool.
"""

from collections.abc import Iterable

CREATE_CAPTURE = (
    "CREATE SEQUENCE trunkline_rev",
    """
    CREATE FUNCTION trunkline_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.rev := nextval('trunkline_rev');
        NEW.xid := pg_current_xact_id();
        RETURN NEW;
    END $$
    """,
)

DROP_CAPTURE = ("DROP FUNCTION trunkline_stamp()", "DROP SEQUENCE trunkline_rev")


def capture_statements(table: str) -> Iterable[str]:
    """Give `table`, which has a `rev`, its xid, their index and the trigger that writes both."""
    yield f"ALTER TABLE {table} ADD COLUMN xid xid8 NOT NULL"
    yield f"CREATE INDEX {table}_xid_rev ON {table} (xid, rev)"
    yield (
        f"CREATE TRIGGER {table}_stamp BEFORE INSERT OR UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION trunkline_stamp()"
    )
