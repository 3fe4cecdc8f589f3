"""People, customers and queues in a branch's database, on both that it may stand on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from branch.customers.customer_book import Profile
from branch.people.login import AgentRecord, Credential
from branch.store.customers import Customer, NumberTakenError
from branch.store.store import Store, open_store
from router.acd.policy import Distribution, LastResort, QueuePolicy, RecordingRule
from router.errors import UnknownQueueError
from router.ids import AgentId, CustomerId, QueueId, Skill
from router.records.call import CallRecord
from router.records.fold import fold
from sync.clock import ManualClock
from sync.journal.tables import TOMBSTONES
from sync.records.business_day import BusinessCalendar
from sync.records.tables import AGENTS, CUSTOMER_NUMBERS, QUEUE_POLICIES, CustomerClass, ManagedBy, PersonRole
from tests.fakes.ledger_book import BEIJING, START_UTC_US, LedgerBook, arrived
from tests.fakes.store_ear import StoreEar

WANG = AgentRecord(
    agent_id=AgentId("beijing/1001"), name="王芳", skills=frozenset({Skill("sales"), Skill("vip")})
)
ACME = Customer(
    customer_id=CustomerId("acme"),
    name="Acme",
    customer_class=CustomerClass.VIP,
    region="华北",
    numbers=("+861012345678", "+8613800138000"),
)
SALES = QueuePolicy(queue_id=QueueId("sales"), skills=frozenset({Skill("sales")}))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'branch.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(utc_us=START_UTC_US)


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[Store]:
    store = open_store(url, site_id=BEIJING, calendar=BusinessCalendar("Asia/Shanghai"), clock=clock)
    yield store
    store.close()


def tombstones(store: Store) -> list[tuple[str, str, str]]:
    with store.database.reading() as connection:
        query = select(TOMBSTONES.c.stream, TOMBSTONES.c.row_key, TOMBSTONES.c.removal)
        return sorted((row.stream, row.row_key, row.removal) for row in connection.execute(query))


# --- agents and credentials -------------------------------------------------------------


def test_an_agent_is_kept_as_it_was_set(store: Store) -> None:
    store.people.set_agent(WANG)
    changed = replace(WANG, skills=frozenset({Skill("tech")}))
    store.people.set_agent(changed)

    assert store.people.agents() == [changed]
    assert store.people.agent(WANG.agent_id) == changed
    assert store.people.skills_of(WANG.agent_id) == changed.skills


def test_an_unknown_agent_is_nobody(store: Store) -> None:
    assert store.people.agent(WANG.agent_id) is None
    assert store.people.skills_of(WANG.agent_id) is None
    assert store.people.credential("beijing/1001") is None
    assert not store.people.remove_agent(WANG.agent_id)
    assert not store.people.remove_credential("beijing/1001")
    assert tombstones(store) == []


def test_a_removed_agent_leaves_a_tombstone_and_no_credential(store: Store) -> None:
    store.people.set_agent(WANG)
    store.people.set_credential(
        Credential(person_id=WANG.agent_id, role=PersonRole.AGENT, secret_hash="$argon2id$x")
    )

    assert store.people.remove_agent(WANG.agent_id)

    assert store.people.agents() == []
    assert store.people.credentials() == []
    assert tombstones(store) == [("agents", '["beijing","beijing/1001"]', "DELETED")]


def test_a_credential_is_replaced_and_removed(store: Store) -> None:
    chen = Credential(person_id="chen", role=PersonRole.SUPERVISOR, secret_hash="$argon2id$1")
    store.people.set_credential(chen)
    newer = replace(chen, role=PersonRole.ADMIN, secret_hash="$argon2id$2")
    store.people.set_credential(newer)

    assert store.people.credential("chen") == newer
    assert store.people.credentials() == [newer]
    assert store.people.remove_credential("chen")
    assert store.people.credential("chen") is None


def test_a_change_by_a_command_has_a_greater_revision_and_the_sites_own_day(
    store: Store, clock: ManualClock
) -> None:
    def seen() -> tuple[int, str]:
        with store.database.reading() as connection:
            rev, day = connection.execute(select(AGENTS.c.rev, AGENTS.c.business_date)).one()
            return rev, day

    store.people.set_agent(WANG)
    first = seen()
    clock.step_utc(16 * 3_600_000_000)
    store.people.set_agent(WANG)
    second = seen()

    assert first[0] < second[0]
    assert (first[1], second[1]) == ("2026-01-05", "2026-01-06"), "16:00 UTC is Shanghai's next day"


async def test_commands_change_rows_while_the_branch_writes_its_ledger(store: Store) -> None:
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)

    store.people.set_agent(WANG)
    await writer.close()

    assert store.people.agents() == [WANG]


# --- customers --------------------------------------------------------------------------


def test_a_customer_is_known_by_each_of_its_numbers(store: Store) -> None:
    store.customers.put(ACME)

    assert store.customers.customer(ACME.customer_id) == ACME
    assert store.customers.numbers() == dict.fromkeys(ACME.numbers, ACME.customer_id)
    assert store.customers.customers() == [ACME]


async def test_a_customers_last_calls_are_found_newest_first(store: Store) -> None:
    writer, book = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0), LedgerBook()
    for number, customer_id in enumerate(("acme", "other", "acme", None, "acme")):
        owner = None if customer_id is None else CustomerId(customer_id)
        writer.append(book.write(number, replace(arrived(f"c{number}"), customer_id=owner)))
    await writer.close()

    calls = store.customers.calls_of(CustomerId("acme"), 2)

    assert [call.call_id for call in calls] == ["c4", "c2"]
    assert calls == [fold(book.rows)[CallRecord, call.call_id] for call in calls]


def test_a_number_that_a_customer_gave_up_is_erased_and_free_for_another(store: Store) -> None:
    store.customers.put(ACME)
    store.customers.put(replace(ACME, numbers=("+861012345678",)))
    other = Customer(customer_id=CustomerId("other"), name="Other", numbers=("+8613800138000",))
    store.customers.put(other)

    assert store.customers.numbers()["+8613800138000"] == other.customer_id
    assert tombstones(store) == [("customer_numbers", '["beijing","+8613800138000"]', "DELETED")]


def test_anothers_number_is_refused_and_nothing_changed(store: Store) -> None:
    store.customers.put(ACME)
    thief = Customer(customer_id=CustomerId("thief"), name="Thief", numbers=ACME.numbers[:1])

    with pytest.raises(NumberTakenError, match="customer 'acme'"):
        store.customers.put(thief)

    assert store.customers.customers() == [ACME]


def test_a_class_is_known_and_its_change_is_seen_as_one(store: Store) -> None:
    store.customers.put(ACME)
    mark = store.customers.change_mark()
    assert store.customers.change_mark() == mark

    store.customers.put(replace(ACME, customer_class=CustomerClass.STANDARD))

    known_as = Profile(name="Acme", customer_class="STANDARD", region="华北")
    assert store.customers.profiles() == {ACME.customer_id: known_as}
    assert store.customers.change_mark() != mark


def test_a_removed_customer_and_its_numbers_are_gone(store: Store) -> None:
    store.customers.put(ACME)

    assert store.customers.remove(ACME.customer_id)
    assert not store.customers.remove(ACME.customer_id)

    assert store.customers.customers() == []
    with store.database.reading() as connection:
        assert connection.execute(select(CUSTOMER_NUMBERS)).all() == []
    assert [stream for stream, _, _ in tombstones(store)] == [
        "customer_numbers",
        "customer_numbers",
        "customers",
    ]


# --- queues -----------------------------------------------------------------------------


def test_the_file_seeds_a_queue_once_and_the_database_owns_it_from_then_on(store: Store) -> None:
    store.queues.seed([SALES])
    changed = store.queues.apply(replace(SALES, ring_limit_ms=9_000, last_resort=LastResort.CALLBACK))

    store.queues.seed([SALES])

    (applied,) = store.queues.in_force()
    assert applied.policy == changed
    assert (changed.version, changed.ring_limit_ms) == (2, 9_000)


def test_every_field_of_a_policy_survives(store: Store) -> None:
    unusual = QueuePolicy(
        queue_id=QueueId("技术"),
        version=7,
        skills=frozenset({Skill("tech"), Skill("日本語")}),
        distribution=Distribution.RING_ALL,
        ring_limit_ms=1,
        ring_all_limit=2,
        wrap_up_limit_ms=3,
        waiting_call_limit=4,
        wait_limit_ms=5,
        last_resort=LastResort.VOICEMAIL,
        priority_head_start_ms=6,
        announce_interval_ms=7,
        short_abandon_ms=8,
        is_overflow_allowed=False,
        service_level_ms=9,
        recording=RecordingRule.ON_DEMAND,
        recording_retention_days=10,
    )

    applied = store.queues.apply(unusual, ManagedBy.HQ)

    assert applied == replace(unusual, version=1), "the store numbers the versions"
    (found,) = store.queues.in_force()
    assert (found.policy, found.managed_by) == (applied, ManagedBy.HQ)


def test_a_removed_queue_is_out_of_force_and_the_file_does_not_bring_it_back(store: Store) -> None:
    store.queues.seed([SALES])
    store.queues.remove(SALES.queue_id)
    store.queues.seed([SALES])

    assert store.queues.in_force() == []
    with pytest.raises(UnknownQueueError):
        store.queues.remove(SALES.queue_id)
    assert store.queues.apply(SALES).version == 3, "versions are never used twice"


def test_an_older_version_without_a_later_setting_reads_its_default(store: Store) -> None:
    store.queues.seed([SALES])
    with store.database.writing() as connection:
        settings = text("UPDATE queue_policies SET settings = replace(settings, :gone, '')")
        connection.execute(settings, {"gone": '"service_level_ms":20000,'})
        found = connection.execute(select(QUEUE_POLICIES.c.settings)).scalar_one()
        assert "service_level_ms" not in found

    (applied,) = store.queues.in_force()
    assert applied.policy == SALES
