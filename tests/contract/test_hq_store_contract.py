"""HQ's store on both databases: one transaction a batch, and nothing that it cannot vouch for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, select, text, update

from hq.store.applying import Applied, Applier, NotTaken
from hq.store.days import Certificate, DayBook
from hq.store.opening import opened
from hq.store.proof import Proof
from hq.store.schema import NewerSchemaError, migrate
from hq.store.sites import Site, SiteBook
from hq.store.tables import METADATA, QUARANTINE, RECEIVED
from sync.journal.batch import Batch, Packing, Row, Tombstone, next_chain
from sync.journal.database import open_database, writing
from sync.journal.digest import bucket_of
from sync.journal.position import UNMARKED, Mark, Position
from sync.journal.refusals import RejectedError
from sync.records.tables import CONSOLIDATED
from tests.journals import DAY

SHAPES = {shape.name: shape for shape in CONSOLIDATED}
AGENTS = SHAPES["agents"]
NOW_US = 1


@dataclass(frozen=True, slots=True)
class Hq:
    """HQ's store, and a branch that sends it agents."""

    engine: Engine
    applier: Applier
    days: DayBook
    proof: Proof

    def send(self, batch: Batch) -> Applied | NotTaken:
        shape = SHAPES[batch.stream]
        return self.applier.apply("beijing", shape, opened("beijing", shape, batch), epoch=1, utc_us=NOW_US)

    def names(self) -> dict[str, str]:
        table = RECEIVED["agents"]
        with self.engine.connect() as connection:
            rows = connection.execute(select(table.c.agent_id, table.c.name))
            return {row.agent_id: row.name for row in rows}

    def quarantined(self) -> list[tuple[str, str]]:
        with self.engine.connect() as connection:
            found = connection.execute(select(QUARANTINE.c.row_key, QUARANTINE.c.reason))
            return sorted((row.row_key, row.reason) for row in found)


@pytest.fixture(params=["sqlite", "postgres"])
def hq(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hq]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'hq 总部.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = open_database(url)
    migrate(engine)
    SiteBook(engine).enter(
        [
            Site(
                site_id="beijing",
                address="127.0.0.1:1",
                time_zone="Asia/Shanghai",
                parent=None,
                first_business_date=DAY,
            )
        ]
    )
    yield Hq(engine, Applier(engine, quarantine_limit=3), DayBook(engine), Proof(engine))
    engine.dispose()


def agent(number: int, name: Any = "A", *, rev: int | None = None, day: str = DAY) -> Row:
    return ("beijing", f"beijing/{number}", name, "[]", day, number if rev is None else rev)


def batch(
    rows: list[Row], *, after: Mark = UNMARKED, hi: int | None = None, tombstones: tuple[Tombstone, ...] = ()
) -> Batch:
    packing = Packing()
    for row in rows:
        packing.add_row(row)
    for tombstone in tombstones:
        packing.add_tombstone(tombstone)
    last = max([row[-1] for row in rows] + [each.rev for each in tombstones]) if hi is None else hi
    return Batch(
        stream="agents",
        lo=after.position,
        hi=Position(0, last),
        payload=packing.payload(),
        previous_chain=after.chain,
    )


def taken(answer: Applied | NotTaken) -> Applied:
    assert isinstance(answer, Applied), answer
    return answer


def test_a_batch_is_there_with_its_watermark(hq: Hq) -> None:
    sent = batch([agent(1), agent(2, "欧阳\t'\\N")])

    answer = taken(hq.send(sent))

    assert hq.names() == {"beijing/1": "A", "beijing/2": "欧阳\t'\\N"}
    assert answer.mark.position == Position(0, 2)
    assert answer.mark.chain == next_chain(b"", "agents", sent.lo, sent.hi, sent.payload.digest)
    assert (answer.row_count, answer.changed_count) == (2, 2)


def test_a_batch_that_comes_twice_is_acked_twice_and_applied_once(hq: Hq) -> None:
    sent = batch([agent(1)])

    first, second = taken(hq.send(sent)), taken(hq.send(sent))

    assert second.mark == first.mark
    assert (second.row_count, second.changed_count) == (0, 0)


def test_a_gap_is_refused_and_nothing_of_it_is_taken(hq: Hq) -> None:
    first = taken(hq.send(batch([agent(1)])))
    late = replace(batch([agent(9)]), lo=Position(0, 5), previous_chain=first.mark.chain)

    assert hq.send(late) == NotTaken(expected=first.mark, reason="GAP")
    assert hq.names() == {"beijing/1": "A"}


def test_a_batch_of_another_history_is_refused(hq: Hq) -> None:
    first = taken(hq.send(batch([agent(1)])))

    answer = hq.send(replace(batch([agent(2)], after=first.mark), previous_chain=b"x" * 32))

    assert answer == NotTaken(expected=first.mark, reason="CHAIN")
    assert hq.names() == {"beijing/1": "A"}


def test_a_spoiled_batch_is_refused_and_taken_when_it_comes_whole(hq: Hq) -> None:
    sent = batch([agent(1)])
    spoiled = replace(sent, payload=replace(sent.payload, packed=sent.payload.packed[:-1] + b"\x00"))

    assert hq.send(spoiled) == NotTaken(expected=UNMARKED, reason="DIGEST")
    assert hq.names() == {}
    taken(hq.send(sent))


def test_an_older_row_never_replaces_a_newer_one(hq: Hq) -> None:
    first = taken(hq.send(batch([agent(1, "new", rev=10)])))

    answer = taken(hq.send(batch([agent(1, "old", rev=4)], after=first.mark, hi=11)))

    assert hq.names() == {"beijing/1": "new"}
    assert answer.changed_count == 0


POISON = [
    pytest.param(4, id="a number for a text"),
    pytest.param(None, id="a null"),
    pytest.param(True, id="true for a text"),
]


@pytest.mark.parametrize("poison", POISON)
def test_a_poison_row_is_put_aside_and_the_others_pass(hq: Hq, poison: object) -> None:
    rows = [agent(number) for number in range(1, 40)]
    rows[17] = agent(18, poison)

    answer = taken(hq.send(batch(rows)))

    assert answer.refused_count == 1
    assert len(hq.names()) == 38
    assert hq.quarantined() == [('["beijing","beijing/18"]', "REFUSED")]


def test_a_row_that_only_the_database_refuses_is_put_aside_too(hq: Hq) -> None:
    customers = SHAPES["customers"]
    rows: list[Row] = [
        ("beijing", f"c{number}", "A", "STANDARD", None, DAY, number) for number in range(1, 20)
    ]
    rows[5] = ("beijing", "c6", "A", "PLATINUM", None, DAY, 6)
    sent = replace(batch(rows), stream="customers")

    found = opened("beijing", customers, sent)
    answer = taken(hq.applier.apply("beijing", customers, found, epoch=1, utc_us=NOW_US))

    assert answer.refused_count == 1
    assert answer.changed_count == 18


def test_a_quarantined_row_counts_as_held_and_leaves_when_it_is_mended(hq: Hq) -> None:
    first = taken(hq.send(batch([agent(1), agent(2, 4)])))
    held = hq.proof.digests("beijing", DAY, {"agents": AGENTS})["agents"].row_count

    taken(hq.send(batch([agent(2, "mended", rev=5)], after=first.mark)))

    assert held == 2
    assert hq.quarantined() == []
    assert hq.names() == {"beijing/1": "A", "beijing/2": "mended"}
    assert hq.proof.digests("beijing", DAY, {"agents": AGENTS})["agents"].row_count == 2


def test_more_poison_than_the_limit_stops_the_site_and_takes_nothing(hq: Hq) -> None:
    with pytest.raises(RejectedError, match="4 rows") as caught:
        hq.send(batch([agent(number, None) for number in range(1, 5)]))

    assert caught.value.reason == "QUARANTINE_FULL"
    assert hq.quarantined() == []


def test_a_row_of_another_site_is_not_taken(hq: Hq) -> None:
    answer = taken(hq.send(batch([agent(1), ("lisbon", "lisbon/1", "A", "[]", DAY, 2)])))

    assert answer.refused_count == 1
    assert hq.names() == {"beijing/1": "A"}


@pytest.mark.parametrize(
    ("removal", "left"), [("DELETED", {}), ("ERASED", {}), ("PRUNED", {"beijing/1": "A"})]
)
def test_what_a_removed_row_means_depends_on_why(hq: Hq, removal: str, left: dict[str, str]) -> None:
    first = taken(hq.send(batch([agent(1)])))
    stone = Tombstone('["beijing","beijing/1"]', removal, DAY, 2)

    taken(hq.send(batch([], after=first.mark, tombstones=(stone,))))

    assert hq.names() == left
    assert hq.proof.digests("beijing", DAY, {"agents": AGENTS})["agents"].row_count == 0


def test_a_row_that_was_written_again_survives_its_older_tombstone(hq: Hq) -> None:
    stone = Tombstone('["beijing","beijing/1"]', "DELETED", DAY, 2)

    taken(hq.send(batch([agent(1, "again", rev=3)], tombstones=(stone,))))

    assert hq.names() == {"beijing/1": "again"}


def certified(hq: Hq) -> None:
    hq.days.add([("beijing", DAY)])
    hq.days.certify(
        Certificate(
            site_id="beijing",
            business_date=DAY,
            issue=hq.days.next_issue("beijing", DAY),
            epoch=1,
            row_count=1,
            quarantined_count=0,
            folded_count=0,
            digest=b"d" * 32,
            stream_counts={"agents": 1},
            is_day_over=True,
            certified_utc_us=NOW_US,
        )
    )


def test_a_certified_day_that_changes_is_due_again_and_gets_the_next_number(hq: Hq) -> None:
    first = taken(hq.send(batch([agent(1)])))
    certified(hq)
    before = hq.days.due()

    taken(hq.send(batch([agent(1, "late", rev=2)], after=first.mark)))

    assert before == []
    assert [day.business_date for day in hq.days.due()] == [DAY]
    assert hq.days.next_issue("beijing", DAY) == 2


def test_rows_of_another_day_leave_a_certificate_alone(hq: Hq) -> None:
    first = taken(hq.send(batch([agent(1)])))
    certified(hq)

    taken(hq.send(batch([agent(2, day="2026-03-03")], after=first.mark)))

    assert hq.days.due() == []


def test_repair_makes_a_bucket_the_branchs_and_keeps_what_only_hq_had(hq: Hq) -> None:
    rows = [agent(number) for number in range(1, 60)]
    taken(hq.send(batch(rows)))
    good = hq.proof.digests("beijing", DAY, {"agents": AGENTS})
    table = RECEIVED["agents"]
    spoiled, lost = rows[3], rows[10]
    with writing(hq.engine) as connection:
        connection.execute(update(table).where(table.c.agent_id == spoiled[1]).values(name="A\\"))
        connection.execute(table.delete().where(table.c.agent_id == lost[1]))
        orphan = {"site_id": "beijing", "agent_id": "beijing/999", "name": "X", "skills": "[]"}
        connection.execute(table.insert().values(**orphan, business_date=DAY, rev=1, epoch=1))

    for bucket in {bucket_of(key) for key in (spoiled[:2], lost[:2], ("beijing", "beijing/999"))}:
        theirs = [row for row in rows if bucket_of(row[:2]) == bucket]
        hq.proof.repair("beijing", DAY, AGENTS, bucket, theirs, epoch=1, utc_us=NOW_US)

    assert hq.proof.digests("beijing", DAY, {"agents": AGENTS}) == good
    assert hq.quarantined() == [('["beijing","beijing/999"]', "ORPHANED_BY_RESTORE")]


def test_the_migrations_make_exactly_the_tables_of_the_code(hq: Hq) -> None:
    with hq.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_newer_schema_is_left_alone(hq: Hq) -> None:
    with writing(hq.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(NewerSchemaError, match="9999"):
        migrate(hq.engine)


def test_a_nul_is_put_aside_where_the_database_cannot_hold_it(postgres_url: str) -> None:
    engine = open_database(postgres_url)
    migrate(engine)
    hq = Hq(engine, Applier(engine, quarantine_limit=3), DayBook(engine), Proof(engine))

    answer = taken(hq.send(batch([agent(1), agent(2, "a\x00b"), agent(3)])))

    names, quarantined = hq.names(), hq.quarantined()
    engine.dispose()
    assert answer.refused_count == 1
    assert names == {"beijing/1": "A", "beijing/3": "A"}
    assert quarantined == [('["beijing","beijing/2"]', "REFUSED")]
