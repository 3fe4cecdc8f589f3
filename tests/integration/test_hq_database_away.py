"""HQ while its PostgreSQL is stopped: it says so, to machines and to people, and goes on by itself."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from deploy.postgres import PostgresServer
from hq.serving.client import Plain
from hq.store import schema
from node import words
from sync.link.refusals import RefusedError
from tests.consolidations import Keys, RunningHq, hq_file, running_hq

LIMIT_S = 20.0


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "pki")


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The server of all tests: whoever stops it leaves it running."""
    yield postgres_server
    postgres_server.restart()


def readiness(port: int) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as refused:
        found = json.load(refused)
    return found


async def until_readiness(hq: RunningHq, is_ready: bool) -> dict[str, str]:
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = await asyncio.to_thread(readiness, hq.app.metrics_port)
            if found["ready"] is is_ready:
                checks: dict[str, str] = found["checks"]
                return checks
            await asyncio.sleep(0.05)


async def test_an_hq_without_its_database_says_so_until_it_is_back(
    tmp_path: Path, keys: Keys, server: PostgresServer, postgres_url: str
) -> None:
    async with running_hq(hq_file(tmp_path, keys, postgres_url, []), keys) as hq:
        assert (await until_readiness(hq, True))["database"] == "ok"

        server.stop()
        with pytest.raises(RefusedError) as refused:
            await hq.client.sites()
        away = await until_readiness(hq, False)
        server.start()
        await until_readiness(hq, True)

        assert await hq.client.sites() == []

    assert away["database"] == "does not answer"
    assert refused.value.reason == "DATABASE_AWAY"
    told = words.refusal(refused.value.reason, **refused.value.values)
    assert told is not None
    assert told.startswith("HQ's database cannot be reached: ")


async def test_an_hq_that_starts_before_its_database_waits_for_it(
    tmp_path: Path, keys: Keys, server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def migrate(engine: Engine) -> None:
        tries.append(engine)
        schema.migrate(engine)

    monkeypatch.setattr("hq.app.migrate", migrate)
    server.stop()

    async def started() -> list[Plain]:
        file = hq_file(tmp_path, keys, postgres_url, [], database_wait_s=LIMIT_S)
        async with running_hq(file, keys) as hq:
            return await hq.client.sites()

    with capture_logs() as logs:
        starting = asyncio.create_task(started())
        async with asyncio.timeout(LIMIT_S):
            while len(tries) < 3:  # noqa: ASYNC110 - in a thread of HQ's
                await asyncio.sleep(0.01)
        server.start()

        assert await starting == []

    told = [each["problem"] for each in logs if each["event"] == "database_failed"]
    assert 1 <= len(told) == len(set(told)), "each problem once, however long it lasts"
