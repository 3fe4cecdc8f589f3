"""What every test shares: a quiet gRPC core, patient property tests, and no skipping in CI."""

import os
from collections.abc import Generator, Iterator
from itertools import count

import pytest
from hypothesis import settings

from deploy.postgres import PostgresServer, start_postgres

# gRPC's C core prints INFO lines to stderr, where a test's own output belongs.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The promises of a telephony driver are the same for every PBX."""
    parser.addoption(
        "--pbx", choices=("simulated", "asterisk"), default="simulated", help="behind the driver"
    )


IN_CI = os.environ.get("CI") == "true"

# Time limits are pytest-timeout's: on shared cores a slow example proves nothing.
settings.register_profile("trunkline", deadline=None, derandomize=IN_CI)
settings.load_profile("trunkline")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a component that is missing fails the test that needs it, instead of skipping it."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that would skip itself."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real PostgreSQL for the whole run of tests, each of which makes its own databases."""
    server = start_postgres(tmp_path_factory.mktemp("postgres") / "data", settings={"fsync": "off"})
    yield server
    server.stop()


_database_numbers = count(1)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of the test's own."""
    yield from _empty_database(postgres_server)


@pytest.fixture
def second_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Another one: two nodes never share a database."""
    yield from _empty_database(postgres_server)


def _empty_database(server: PostgresServer) -> Iterator[str]:
    name = f"test_{next(_database_numbers)}"
    yield server.create_database(name)
    server.drop_database(name)
