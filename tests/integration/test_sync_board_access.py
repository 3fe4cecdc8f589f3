"""Who may reach the board's etcd: mutual TLS, user and token."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from deploy.etcd import EtcdCluster, EtcdServerTls, start_etcd
from node.pki.authority import init_ca, issue
from router.ids import SiteId
from sync.loadboard.etcd import wire
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.connection import EtcdConnection
from sync.loadboard.etcd.errors import EtcdCallError
from sync.loadboard.etcd.settings import EtcdSettings, EtcdTls
from tests.fakes.board import BoardEar, site_load

AUTH = "/etcdserverpb.Auth/"
TOKEN_TTL_S = 1


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("acme"))


@pytest.fixture(scope="module")
def foreign_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("other"))


def authority(folder: Path) -> Path:
    """A CA with a certificate for a server at 127.0.0.1 and one for site beijing."""
    now = datetime.now(UTC)
    init_ca(folder, "acme", now=now)
    issue(folder, "hq", "hq", ["127.0.0.1"], now=now)
    issue(folder, "site", "beijing", [], now=now)
    issue(folder, "site", "expired", [], now=now - timedelta(days=40), days=30)
    return folder


def files(folder: Path, stem: str, *, ca: Path | None = None) -> EtcdTls:
    return EtcdTls(
        ca_file=(ca or folder) / "ca.pem", cert_file=folder / f"{stem}.pem", key_file=folder / f"{stem}.key"
    )


@pytest.fixture(scope="module")
def closed_etcd(tmp_path_factory: pytest.TempPathFactory, ca: Path) -> Iterator[EtcdCluster]:
    """An etcd that talks to nobody without a certificate of our CA."""
    tls = EtcdServerTls(ca_file=ca / "ca.pem", cert_file=ca / "hq.pem", key_file=ca / "hq.key")
    cluster = start_etcd(tmp_path_factory.mktemp("closed"), tls=tls)
    yield cluster
    cluster.kill()


@pytest.fixture(scope="module")
def guarded_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdCluster]:
    """An etcd with users, whose tokens end after a second without use."""
    cluster = start_etcd(tmp_path_factory.mktemp("guarded"), extra_args=(f"--auth-token-ttl={TOKEN_TTL_S}",))
    asyncio.run(add_users(EtcdSettings(endpoints=cluster.endpoints, prefix="/acme")))
    yield cluster
    cluster.kill()


async def add_users(settings: EtcdSettings) -> None:
    """User `board` may read and write the board; `root` is what etcd demands before it checks anybody."""
    connection = EtcdConnection(settings.endpoints[0], settings)
    everything = {"permType": "READWRITE", "key": b"/acme/", "range_end": wire.prefix_end(b"/acme/")}
    steps: list[tuple[str, str, dict[str, object]]] = [
        ("UserAdd", "AuthUserAddRequest", {"name": "root", "password": "r"}),
        ("RoleAdd", "AuthRoleAddRequest", {"name": "root"}),
        ("UserGrantRole", "AuthUserGrantRoleRequest", {"user": "root", "role": "root"}),
        ("UserAdd", "AuthUserAddRequest", {"name": "board", "password": "b"}),
        ("RoleAdd", "AuthRoleAddRequest", {"name": "sites"}),
        ("RoleGrantPermission", "AuthRoleGrantPermissionRequest", {"name": "sites", "perm": everything}),
        ("UserGrantRole", "AuthUserGrantRoleRequest", {"user": "board", "role": "sites"}),
        ("AuthEnable", "AuthEnableRequest", {}),
    ]
    for method, message, fields in steps:
        await connection.call(AUTH + method, wire._serialized(message, **fields))
    await connection.close()


@asynccontextmanager
async def board_of(site: str, settings: EtcdSettings) -> AsyncIterator[tuple[EtcdLoadBoard, BoardEar]]:
    board, ear = EtcdLoadBoard(settings, SiteId(site)), BoardEar()
    await board.start(ear)
    try:
        yield board, ear
    finally:
        await board.close()


Log = list[MutableMapping[str, Any]]


async def until_refused(lines: Log, part: str) -> str:
    """Wait until that session logged a failure; return what etcd or TLS said."""

    def said() -> list[str]:
        return [
            line["detail"]
            for line in lines
            if line["event"] == "board_session_failed" and line["part"] == part
        ]

    await until(lambda: bool(said()))
    return said()[0]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a log line wakes nobody
            await asyncio.sleep(0.02)


async def test_sites_with_our_cas_certificates_share_a_board(closed_etcd: EtcdCluster, ca: Path) -> None:
    settings = EtcdSettings(endpoints=closed_etcd.endpoints, prefix="/tls", tls=files(ca, "site-beijing"))
    async with board_of("beijing", settings) as (beijing, _), board_of("urumqi", settings) as (_, urumqi):
        beijing.publish(site_load("beijing", 1))

        await urumqi.until_sees(site_load("beijing", 1))


@pytest.mark.parametrize(
    "fault", ["foreign server", "foreign client", "expired client", "plain", "no such file"]
)
async def test_whoever_lacks_our_cas_certificate_stays_outside_and_says_why(
    fault: str, closed_etcd: EtcdCluster, ca: Path, foreign_ca: Path
) -> None:
    tls = {
        "foreign server": files(ca, "site-beijing", ca=foreign_ca),
        "foreign client": files(foreign_ca, "site-beijing", ca=ca),
        "expired client": files(ca, "site-expired"),
        "plain": None,
        "no such file": files(ca, "site-nowhere"),
    }[fault]
    settings = EtcdSettings(endpoints=closed_etcd.endpoints, prefix="/outside", tls=tls)

    with structlog.testing.capture_logs() as lines:
        async with board_of("beijing", settings) as (board, ear):
            board.publish(site_load("beijing", 1))
            said = await until_refused(lines, "watch")
            await until_refused(lines, "publish")

            assert board.view_age_ms is None
            assert ear.heard == []
    if fault == "no such file":
        assert "site-nowhere" in said


async def test_a_user_with_a_password_takes_part_and_outlives_its_token(guarded_etcd: EtcdCluster) -> None:
    settings = EtcdSettings(endpoints=guarded_etcd.endpoints, prefix="/acme", user="board", password="b")
    async with board_of("beijing", settings) as (beijing, _), board_of("urumqi", settings) as (_, urumqi):
        beijing.publish(site_load("beijing", 1))
        await urumqi.until_sees(site_load("beijing", 1))
        await asyncio.sleep(TOKEN_TTL_S * 3)  # this is the unused token's end

        with structlog.testing.capture_logs() as lines:
            beijing.publish(site_load("beijing", 2))
            await urumqi.until_sees(site_load("beijing", 2))

        assert lines == []


async def test_a_token_that_etcd_forgot_is_renewed_within_the_call(guarded_etcd: EtcdCluster) -> None:
    settings = EtcdSettings(endpoints=guarded_etcd.endpoints, prefix="/acme", user="board", password="b")
    connection = EtcdConnection(settings.endpoints[0], settings)
    request = wire.range_request(b"/acme/x")
    await connection.call(wire.RANGE, request)
    first, connection._token = connection._token, "forgotten.1"

    await connection.call(wire.RANGE, request)

    assert connection._token not in {None, "forgotten.1", first}
    await connection.close()


@pytest.mark.parametrize(
    "credentials", [{}, {"user": "board", "password": "wrong"}, {"user": "nobody", "password": "b"}]
)
async def test_without_a_users_password_the_board_stays_closed(
    guarded_etcd: EtcdCluster, credentials: dict[str, Any]
) -> None:
    settings = EtcdSettings(endpoints=guarded_etcd.endpoints, prefix="/acme", **credentials)
    with structlog.testing.capture_logs() as lines:
        async with board_of("beijing", settings) as (board, _):
            board.publish(site_load("beijing", 1))
            await until_refused(lines, "watch")

            assert board.view_age_ms is None
    assert "wrong" not in str(lines)


async def test_a_user_sees_nothing_outside_its_prefix(guarded_etcd: EtcdCluster) -> None:
    settings = EtcdSettings(endpoints=guarded_etcd.endpoints, prefix="/acme", user="board", password="b")
    connection = EtcdConnection(settings.endpoints[0], settings)

    with pytest.raises(EtcdCallError, match="permission denied"):
        await connection.call(wire.RANGE, wire.range_request(b"/elsewhere"))

    await connection.close()
