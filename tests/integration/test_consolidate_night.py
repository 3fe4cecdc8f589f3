"""A branch's records at HQ, over mutual TLS on loopback, SQLite and PostgreSQL on either side."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from hq.store.tables import RECEIVED
from tests.consolidations import Keys, hq_file, running_hq, serving
from tests.journals import DAY, Branch, ledger_rows, open_branch


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "pki")


@pytest.fixture(params=["sqlite", "postgres"])
def branch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Branch]:
    url = f"sqlite:///{tmp_path / 'branch.db'}"
    branch = open_branch(url if request.param == "sqlite" else request.getfixturevalue("second_postgres_url"))
    yield branch
    branch.engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def hq_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hq.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_a_day_is_pulled_proved_and_certified(
    tmp_path: Path, keys: Keys, branch: Branch, hq_url: str
) -> None:
    branch.write("ledger", ledger_rows(1, 2_500))
    branch.write("agents", [{"agent_id": "beijing/1", "name": "欧阳", "skills": "[]", "business_date": DAY}])

    async with (
        serving(keys, branch) as nodes,
        running_hq(hq_file(tmp_path, keys, hq_url, nodes, batch_rows=400), keys) as hq,
    ):
        ended = await hq.consolidate()
        (certificate,) = await hq.client.certificates(DAY, "")

    assert ended["beijing"]["phase"] == "DONE", ended
    assert ended["beijing"]["row_count"] == 2_501
    assert certificate["row_count"] == 2_501
    assert certificate["quarantined_count"] == 0
    assert certificate["is_day_over"]
    assert count(hq_url, "ledger") == 2_500


def count(url: str, stream: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found: int = connection.execute(select(func.count()).select_from(RECEIVED[stream])).scalar_one()
    engine.dispose()
    return found
