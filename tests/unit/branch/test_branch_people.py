"""Names, passwords, tries, roles and sessions."""

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from branch.people import attempts, passwords, sessions, unknown_names
from branch.people.attempts import INTERVAL_MS, WRONG_AT_ONCE, LoginAttempts, Trier
from branch.people.login import CHECK_INTERVAL_MS, AgentRecord, Credential, Login
from branch.people.refusals import (
    LoginLimitedError,
    NotLoggedInError,
    RoleForbidsError,
    SessionStaleError,
    WeakPasswordError,
    WrongCredentialsError,
)
from branch.people.roles import Act, may, require
from branch.people.sessions import IDLE_LIMIT_MS, PERSON_LIMIT, SESSION_LIMIT_MS, Session, Sessions
from branch.people.unknown_names import UnknownNames
from router.ids import AgentId, Instant, SiteId, Skill
from sync.clock import ManualClock
from sync.records.tables import PersonRole

PASSWORD = "correct horse"
HERE, ELSEWHERE = "10.0.0.7", "203.0.113.9"
KIM = Trier("kim", HERE)


class Records:
    """Kim, an agent with a password, and Lee, a supervisor; as the store would tell."""

    def __init__(self) -> None:
        secret_hash = passwords.hashed(PASSWORD)
        self.people = {
            "beijing/1001": Credential(
                person_id="beijing/1001", role=PersonRole.AGENT, secret_hash=secret_hash
            ),
            "lee": Credential(person_id="lee", role=PersonRole.SUPERVISOR, secret_hash=secret_hash),
        }

    def credential(self, person_id: str) -> Credential | None:
        return self.people.get(person_id)

    def agent(self, agent_id: AgentId) -> AgentRecord | None:
        return AgentRecord(agent_id=agent_id, name="Kim", skills=frozenset({Skill("PS")}))


class Place:
    """A way in, with a clock that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock(mono_ms=1_000)
        self.sessions = Sessions(incarnation=7, key=b"k" * 32)
        self.registry = CollectorRegistry()
        self.records = Records()
        ids = (f"s{number}" for number in range(100))
        self.login = Login(
            site_id=SiteId("beijing"),
            records=self.records,
            sessions=self.sessions,
            clock=self.clock,
            new_id=lambda: next(ids),
            registry=self.registry,
        )

    def logins(self, outcome: str) -> float:
        return self.registry.get_sample_value("trunkline_desk_logins_total", {"outcome": outcome}) or 0.0


@pytest.fixture
async def place() -> Place:
    return Place()


def session(session_id: str, *, person_id: str = "kim", at: int = 0) -> Session:
    return Session(
        session_id=session_id,
        person_id=person_id,
        role=PersonRole.AGENT,
        agent_id=AgentId(person_id),
        opened_at=Instant(at),
        used_at=Instant(at),
        checked_at=Instant(at),
    )


# --- tries ------------------------------------------------------------------------------


def test_some_wrong_passwords_are_let_through_and_then_one_a_minute() -> None:
    tries = LoginAttempts()
    for _ in range(WRONG_AT_ONCE):
        tries.charge(KIM, Instant(0))

    with pytest.raises(LoginLimitedError) as refused:
        tries.charge(KIM, Instant(0))
    assert refused.value.retry_after_s == 60

    tries.charge(KIM, Instant(INTERVAL_MS))
    with pytest.raises(LoginLimitedError):
        tries.charge(KIM, Instant(INTERVAL_MS))


def test_the_right_password_takes_its_charge_back() -> None:
    tries = LoginAttempts()

    for _ in range(3 * WRONG_AT_ONCE):
        tries.charge(KIM, Instant(0))
        tries.clear(KIM)

    assert len(tries) == 0


def test_a_flood_of_names_does_not_forgive_the_name_that_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "TRIER_LIMIT", 50)
    tries = LoginAttempts()
    for _ in range(WRONG_AT_ONCE):
        tries.charge(KIM, Instant(0))

    for number in range(500):
        tries.charge(Trier(f"nobody-{number}", ELSEWHERE), Instant(0))

    assert len(tries) == 50
    with pytest.raises(LoginLimitedError):
        tries.charge(KIM, Instant(0))


# --- passwords --------------------------------------------------------------------------


def test_a_password_is_right_for_its_own_hash_only() -> None:
    kept = passwords.hashed(PASSWORD)

    assert PASSWORD not in kept
    assert passwords.is_right(kept, PASSWORD)
    assert not passwords.is_right(kept, PASSWORD + "x")
    assert not passwords.is_right("no hash at all", PASSWORD)


def test_nobody_can_log_in_with_the_password_of_nobody() -> None:
    assert not passwords.is_right(None, "nobody has this password")


@pytest.mark.parametrize("password", ["1234567", "x" * 201])
def test_a_password_too_short_or_too_long_is_not_taken(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        passwords.hashed(password)


# --- roles ------------------------------------------------------------------------------


def test_agents_take_calls_and_supervisors_watch() -> None:
    require(PersonRole.AGENT, Act.TAKE_CALLS)
    require(PersonRole.SUPERVISOR, Act.WATCH_SITE)

    with pytest.raises(RoleForbidsError):
        require(PersonRole.AGENT, Act.WATCH_SITE)
    with pytest.raises(RoleForbidsError):
        require(PersonRole.SUPERVISOR, Act.TAKE_CALLS)
    assert not may(PersonRole.AGENT, Act.SEE_ANY_CUSTOMER)


# --- sessions ---------------------------------------------------------------------------


def test_a_token_lives_as_long_as_it_is_used_and_a_shift_at_most() -> None:
    kept = Sessions(incarnation=7, key=b"k")
    token = kept.open(session("s1"))
    now = 0
    while now + IDLE_LIMIT_MS <= SESSION_LIMIT_MS:
        now += IDLE_LIMIT_MS
        assert kept.use(token, Instant(now)).session_id == "s1"

    with pytest.raises(NotLoggedInError):
        kept.use(token, Instant(SESSION_LIMIT_MS + 1))
    assert len(kept) == 0


def test_an_unused_token_is_over() -> None:
    kept = Sessions(incarnation=7, key=b"k")
    token = kept.open(session("s1"))

    with pytest.raises(NotLoggedInError):
        kept.use(token, Instant(IDLE_LIMIT_MS + 1))


@pytest.mark.parametrize("forge", ["", "nonsense", "d1.7.s1.", "d1.7.s1.AAAA", "d1.7.s1.é"])
def test_a_forged_token_is_refused(forge: str) -> None:
    kept = Sessions(incarnation=7, key=b"k")
    kept.open(session("s1"))

    with pytest.raises(NotLoggedInError):
        kept.use(forge, Instant(0))


def test_a_token_of_an_earlier_run_is_refused() -> None:
    token = Sessions(incarnation=7, key=b"old").open(session("s1"))
    after_restart = Sessions(incarnation=8, key=b"new")

    with pytest.raises(SessionStaleError):
        after_restart.use(token, Instant(0))


def test_logging_out_ends_every_session_of_the_person_and_of_nobody_else() -> None:
    kept = Sessions(incarnation=7, key=b"k")
    kims = [kept.open(session(f"k{number}")) for number in range(2)]
    lees = kept.open(session("l", person_id="lee"))

    kept.close_all_of("kim")

    for token in kims:
        with pytest.raises(NotLoggedInError):
            kept.use(token, Instant(1))
    assert kept.use(lees, Instant(1)).person_id == "lee"


def test_a_person_with_many_sessions_loses_the_oldest() -> None:
    kept = Sessions(incarnation=7, key=b"k")
    tokens = [kept.open(session(f"k{number}")) for number in range(PERSON_LIMIT + 1)]

    with pytest.raises(NotLoggedInError):
        kept.use(tokens[0], Instant(1))
    assert [kept.use(token, Instant(1)).session_id for token in tokens[1:]]


def test_sessions_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSION_LIMIT", 5)
    kept = Sessions(incarnation=7, key=b"k")

    for number in range(20):
        kept.open(session(f"s{number}", person_id=f"p{number}", at=number))

    assert len(kept) == 5


# --- the way in -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1001", "beijing/1001"])
async def test_an_agent_logs_in_with_or_without_the_site_in_its_name(place: Place, name: str) -> None:
    person = await place.login.log_in(name, PASSWORD, address=HERE)

    assert person.agent is not None
    assert (person.session.person_id, person.name) == ("beijing/1001", "Kim")
    assert place.sessions.use(person.token, place.clock.mono_ms()) is person.session
    assert place.logins("OK") == 1


async def test_a_supervisor_is_no_agent(place: Place) -> None:
    person = await place.login.log_in("lee", PASSWORD, address=HERE)

    assert (person.agent, person.session.role) == (None, PersonRole.SUPERVISOR)


@pytest.mark.parametrize("name", ["1001", "nobody"])
async def test_a_wrong_password_and_an_unknown_name_are_refused_alike(place: Place, name: str) -> None:
    with pytest.raises(WrongCredentialsError) as refused:
        await place.login.log_in(name, "wrong password", address=HERE)

    assert str(refused.value) == "name or password is wrong"
    assert place.logins("CREDENTIALS_WRONG") == 1


async def test_an_unknown_name_costs_a_hash_as_a_known_one_does(place: Place) -> None:
    passwords._hash_of_nobody.cache_clear()
    with pytest.raises(WrongCredentialsError):
        await place.login.log_in("1001", "wrong password", address=HERE)
    assert passwords._hash_of_nobody.cache_info().misses == 0

    with pytest.raises(WrongCredentialsError):
        await place.login.log_in("nobody", "wrong password", address=HERE)

    assert passwords._hash_of_nobody.cache_info().misses == 1


async def test_a_person_who_is_removed_is_out_within_a_minute(place: Place) -> None:
    person = await place.login.log_in("1001", PASSWORD, address=HERE)
    place.records.people.clear()

    await place.login.check(person.session)
    place.clock.advance_ms(CHECK_INTERVAL_MS)
    with pytest.raises(NotLoggedInError):
        await place.login.check(person.session)

    with pytest.raises(NotLoggedInError):
        place.sessions.use(person.token, place.clock.mono_ms())


async def test_who_guesses_from_elsewhere_keeps_nobody_out(place: Place) -> None:
    for _ in range(WRONG_AT_ONCE):
        with pytest.raises(WrongCredentialsError):
            await place.login.log_in("1001", "wrong password", address=ELSEWHERE)
    with pytest.raises(LoginLimitedError):
        await place.login.log_in("1001", "wrong password", address=ELSEWHERE)

    assert (await place.login.log_in("1001", PASSWORD, address=HERE)).name == "Kim"


async def test_the_log_says_where_a_wrong_password_came_from(place: Place) -> None:
    with capture_logs() as logged, pytest.raises(WrongCredentialsError):
        await place.login.log_in("1001", "wrong password", address=ELSEWHERE)

    [line] = logged
    assert (line["event"], line["person"], line["address"]) == ("login_refused", "beijing/1001", ELSEWHERE)


async def test_a_flood_of_unknown_names_is_a_line_a_minute_with_their_count(place: Place) -> None:
    async def flood(*names: str) -> list[tuple[str | None, int]]:
        with capture_logs() as logged:
            for name in names:
                with pytest.raises(WrongCredentialsError):
                    await place.login.log_in(name, "wrong password", address=ELSEWHERE)
        return [(line["person"], line["count"]) for line in logged]

    assert await flood("hunter2", "hunter3", "hunter4") == [(None, 1)]
    place.clock.advance_ms(unknown_names.INTERVAL_MS)
    assert await flood("hunter5") == [(None, 3)]


def test_addresses_told_of_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_names, "ADDRESS_LIMIT", 2)
    names = UnknownNames()

    assert [names.tell(address, Instant(0)) for address in ("a", "b", "c")] == [1, 1, 1]
    assert [names.tell(address, Instant(0)) for address in ("c", "b", "a")] == [None, None, 1]


async def test_both_spellings_of_a_name_share_its_tries(place: Place) -> None:
    for number in range(WRONG_AT_ONCE):
        with pytest.raises(WrongCredentialsError):
            await place.login.log_in("1001" if number % 2 else "beijing/1001", "wrong password", address=HERE)

    with pytest.raises(LoginLimitedError):
        await place.login.log_in("1001", PASSWORD, address=HERE)
    assert place.logins("LOGIN_LIMITED") == 1

    place.clock.advance_ms(INTERVAL_MS)
    assert (await place.login.log_in("1001", PASSWORD, address=HERE)).name == "Kim"
